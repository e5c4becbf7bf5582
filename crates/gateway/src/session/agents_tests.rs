//! Requests of real agents (recorded, long texts shortened), each under the headers it came with.

use super::*;
use crate::route::Route;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde_json::Value;
use std::path::Path;
use upstream::dialect;
use upstream::transport::HeaderMap;

struct Recorded {
    headers: HeaderMap,
    asked: Option<Asked>,
}

/// The recorded request `file` of an agent, read as the gateway reads it.
fn recorded(file: &str) -> Recorded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(file).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let headers = recorded["headers"].as_array().unwrap().iter().map(header).collect();
    let (method, target) = (recorded["method"].as_str().unwrap(), recorded["target"].as_str().unwrap());
    let route = Route::of(&method.parse().unwrap(), &target.parse().unwrap(), &headers).unwrap();
    let body = recorded["body"].to_string();
    let asked = route.dialect.map(|dialect| dialect::asked(dialect, body.as_bytes()).unwrap());
    Recorded { headers, asked }
}

fn header(pair: &Value) -> (HeaderName, HeaderValue) {
    let text = |at: usize| pair[at].as_str().unwrap();
    (text(0).parse().unwrap(), text(1).parse().unwrap())
}

fn identified(registry: &Registry, file: &str) -> Identified {
    let Recorded { headers, asked } = recorded(file);
    identify(registry, &Principal::local(), &Signs::of(&headers), asked.as_ref(), UnixMillis(1))
}

fn session(file: &str) -> (Kind, String, Speaker) {
    let who = identified(&Registry::from_seed(1), file);
    (who.kind, who.session.map(|session| session.to_string()).unwrap_or_default(), who.speaker)
}

#[test]
fn claude_codes_turns_stay_in_the_session_it_names_and_a_fork_has_another() {
    let (kind, first, speaker) = session("claude-code/1-turn1");
    assert_eq!((kind, speaker), (Kind::Turn, Speaker::Main));
    assert_eq!(first, "0369532a-3413-4cb0-ba3e-1926579bd098");
    for file in ["claude-code/2-turn2", "claude-code/4-resume-turn3"] {
        assert_eq!(session(file), (Kind::Turn, first.clone(), Speaker::Main), "{file}");
    }
    for file in ["claude-code/3-second-session", "claude-code/5-fork-session"] {
        assert_ne!(session(file).1, first, "{file}");
    }
    let (before, after) = (session("claude-code/11-side-compact").1, session("claude-code/12-after-compact"));
    assert_eq!(after, (Kind::Turn, before, Speaker::Main), "a compaction keeps the session");
}

#[test]
fn tool_loops_are_turns_of_their_session() {
    let (asked, told) = (session("claude-code/6-tool-turn1"), session("claude-code/7-tool-result"));
    assert_eq!(asked.0, Kind::Turn);
    assert_eq!(asked, told);
    let (asked, told) = (session("codex/4-tool-turn1"), session("codex/5-tool-result"));
    assert_eq!(asked.0, Kind::Turn);
    assert_eq!(asked, told);
}

#[test]
fn a_subagents_conversation_is_its_own() {
    let claude = session("claude-code/8-subagent");
    assert_eq!(
        claude,
        (Kind::Turn, "d0797f62-099c-43d7-b383-a118ef54cad5.ad57c4317c55b3cbd".into(), Speaker::Subagent)
    );
    assert_eq!(session("claude-code/25-hint-subagent").2, Speaker::Subagent);
    let review = session("codex/16-subagent-review");
    assert_eq!(review, (Kind::Turn, "01a20829-b85b-7be2-bade-05ed3475e1b1".into(), Speaker::Subagent));
}

#[test]
fn side_requests_are_evidence_for_the_session_they_name_and_no_turns() {
    for file in [
        "claude-code/9-side-title",
        "claude-code/10-side-quota-probe",
        "claude-code/13-side-count-tokens",
        "claude-code/26-hint-compaction",
        "claude-code/27-hint-auxiliary-title",
        "codex/13-side-compaction",
        "codex/15-side-title",
    ] {
        let (kind, session, _) = session(file);
        assert_eq!(kind, Kind::Side, "{file}");
        assert_eq!(session.len(), 36, "{file}: {session}");
    }
    assert_eq!(session("claude-code/24-hint-main").0, Kind::Turn);
    assert_eq!(session("claude-code/14-side-head-hello"), (Kind::Side, String::new(), Speaker::Main));
}

#[test]
fn codexs_threads_are_sessions_across_a_compaction() {
    let (first, second) = (session("codex/1-turn1"), session("codex/2-turn2"));
    assert_eq!(first, (Kind::Turn, "01a2081a-f2b9-76e2-bb80-f2015e0429f4".into(), Speaker::Main));
    assert_eq!(second.0, Kind::Turn);
    assert_eq!(session("codex/13-side-compaction").1, session("codex/14-after-compaction").1);
    assert_eq!(session("codex/14-after-compaction").0, Kind::Turn);
}

#[test]
fn a_bare_client_gets_a_session_by_what_it_says() {
    for file in ["sdk-py/1-anthropic-create", "sdk-py/6-openai-chat", "sdk-py/8-openai-responses"] {
        let who = identified(&Registry::from_seed(1), file);
        assert_eq!((who.kind, who.identity), (Kind::Turn, None), "{file}");
        assert!(who.claim.is_some(), "{file}");
    }
}

#[test]
fn without_their_headers_agents_are_recognised_by_their_conversations() {
    let registry = Registry::from_seed(1);
    let turn = |file: &str, answer: Option<&str>| {
        let mut asked = recorded(file).asked.unwrap();
        (asked.session, asked.cache_key) = (None, None);
        let headers = HeaderMap::new();
        let who = identify(&registry, &Principal::local(), &Signs::of(&headers), Some(&asked), UnixMillis(1));
        let answer = answer.map(|words| {
            domain::conversation::Message::text(domain::conversation::Role::Assistant, words).digest()
        });
        who.claim.unwrap().answered(answer, None);
        who.session.unwrap()
    };
    let hello = Some("Hello from the capture server. Everything is fine. ");
    let first = turn("claude-code/1-turn1", hello);
    assert_eq!(turn("claude-code/2-turn2", hello), first, "cache marks moved and texts were rewritten");
    assert_eq!(turn("claude-code/4-resume-turn3", hello), first);
    assert_ne!(turn("claude-code/3-second-session", hello), first);
}
