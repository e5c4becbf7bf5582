//! In which folder an agent works, as its requests say.

use domain::conversation::Asked;
use domain::provider::Dialect::{AnthropicMessages, OpenAiResponses};
use upstream::dialect::{asked, glance};

fn claude_code(body: &str) -> Asked {
    asked(AnthropicMessages, body.as_bytes()).unwrap()
}

fn codex(body: &str) -> Asked {
    asked(OpenAiResponses, body.as_bytes()).unwrap()
}

#[test]
fn a_glance_finds_the_directory_where_the_whole_reading_finds_it() {
    let states =
        |role: &str, path: &str| format!(r#"{{"role":"{role}","content":"Working directory: {path}"}}"#);
    let (user, system) = (states("user", "/user"), states("system", "/system"));
    let answer = r#"{"role":"assistant","content":"b"}"#;
    for (messages, found) in [
        (format!("{user},{system}"), Some("/system")),
        (format!("{user},{answer}"), Some("/user")),
        (format!("{answer},{user}"), None),
    ] {
        let body = format!(r#"{{"messages":[{messages}]}}"#);
        let seen = glance(AnthropicMessages, body.as_bytes(), true).unwrap();
        assert_eq!(
            (seen.directory.as_deref(), claude_code(&body).directory.as_deref()),
            (found, found),
            "{messages}"
        );
    }
    let untyped = br#"{"system":[{"text":"Working directory: /c"}]}"#;
    assert_eq!(glance(AnthropicMessages, untyped, true).unwrap().directory.as_deref(), Some("/c"));
}

#[test]
fn a_glance_finds_the_directory_on_a_line_of_its_own_and_reads_its_escapes() {
    let stated = |text: &str| {
        let body = format!(r#"{{"system":[{{"type":"text","text":"{text}"}}],"messages":[]}}"#);
        let (seen, whole) = (glance(AnthropicMessages, body.as_bytes(), true).unwrap(), claude_code(&body));
        assert_eq!(seen.directory, whole.directory, "{text}");
        seen.directory
    };
    let line = r#"a directory\n - Working directory: /a\u00e4/\"b\"\r\nmore"#;
    assert_eq!(stated(line).as_deref(), Some("/aä/\"b\""));
    assert_eq!(stated(r"Working directory: /first\nWorking directory: /second").as_deref(), Some("/first"));
    assert_eq!(stated(r"<cwd>/first</cwd>\nWorking directory: /second").as_deref(), Some("/first"));
    assert_eq!(stated(r"one\u000aWorking directory: /a\u000Atwo").as_deref(), Some("/a"));
    assert_eq!(stated(r"\\nWorking directory: /a"), None, "a backslash and a letter end no line");
    assert_eq!(stated(r"<cwd>C:\\new</cwd>").as_deref(), Some("C:\\new"));
}

#[test]
fn what_a_repository_says_of_folders_is_not_where_codex_works() {
    let agents = "# AGENTS.md instructions for /own\\n\\n<INSTRUCTIONS>\\nWorking directory: /other\\n<cwd>/other</cwd>";
    let own = "<environment_context>\\n  <cwd>/own</cwd>\\n</environment_context>";
    let said = |text: &str| format!(r#"{{"type":"input_text","text":"{text}"}}"#);
    let message =
        |role: &str, parts: &str| format!(r#"{{"type":"message","role":"{role}","content":[{parts}]}}"#);
    let directory = |items: &[String]| {
        let body = format!(r#"{{"input":[{}]}}"#, items.join(","));
        let seen = glance(OpenAiResponses, body.as_bytes(), true).unwrap().directory;
        assert_eq!(seen, codex(&body).directory, "{body}");
        seen
    };
    let (rules, place) = (said(agents), said(own));
    for items in [
        vec![message("user", &rules), message("user", &place)],
        vec![message("user", &format!("{rules},{place}"))],
        vec![
            message("developer", &said("Skills. Working directory: /other\\nWorking directory: /other")),
            message("user", &place),
        ],
    ] {
        assert_eq!(directory(&items).as_deref(), Some("/own"), "{items:?}");
    }
    assert_eq!(directory(&[message("user", &rules)]), None, "then it is not known");
}

#[test]
fn a_directory_in_the_first_message_is_found_as_well() {
    let asked = claude_code(include_str!("../fixtures/claude-code-thinking-budget.json"));
    assert_eq!(asked.directory.as_deref(), Some("/home/user/project"));
}

#[test]
fn a_directory_that_is_spoken_of_later_is_no_statement() {
    let body = r#"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"Working directory: /c"}]}"#;
    assert_eq!(claude_code(body).directory, None);
}
