use super::*;
use crate::provider::{Pace, Provider};
use domain::conversation::{CacheTtl, Stop, chain};
use domain::provider::Provider as Vendor;
use serde_json::Value;
use std::time::Duration;
use upstream::dialect::asked;

const NOW: Duration = Duration::ZERO;
const SESSION: &str = "0369532a-3413-4cb0-ba3e-1926579bd098";

fn provider() -> Provider {
    let provider = Provider::new(1);
    provider.accept_any(true);
    provider.speak(Pace::IMMEDIATE);
    provider
}

fn token(kind: Kind) -> &'static str {
    match kind.dialect().provider() {
        Vendor::Anthropic => "sk-ant-api03-alice",
        Vendor::OpenAi => "sk-proj-alice",
    }
}

/// The agent says it, and hears what the provider answers.
fn talk(agent: &mut Agent, provider: &Provider, text: &str) -> Answered {
    let exchange = agent.next_turn(text);
    let plan = provider.answer(&exchange, NOW);
    assert_eq!(plan.status, 200, "{:?}: {}", agent.kind, String::from_utf8_lossy(&plan.body()));
    agent.hear(&plan.body())
}

fn body(exchange: &Exchange) -> Value {
    serde_json::from_slice(&exchange.body).unwrap()
}

#[test]
fn every_agent_converses_and_sends_its_whole_history_each_time() {
    for kind in Kind::ALL {
        let (provider, mut agent) = (provider(), Agent::new(kind, SESSION, token(kind)));
        for text in ["the port is 4141", "the host is Hetzner", "what is the port?"] {
            let heard = talk(&mut agent, &provider, text);
            assert_eq!(heard.stop, Some(Stop::End), "{kind:?}");
        }
        assert_eq!(agent.conversation().len(), 6, "{kind:?}");
        let sent = asked(kind.dialect(), &agent.next_turn("goodbye").body).unwrap();
        let said: Vec<_> = sent.messages.iter().map(|message| message.readable()).collect::<Vec<_>>();
        for text in ["the port is 4141", "down to \"the host is Hetzner\"", "goodbye"] {
            assert!(said.iter().any(|line| line.contains(text)), "{kind:?} forgot {text}: {said:?}");
        }
    }
}

#[test]
fn what_was_sent_before_is_a_prefix_of_what_is_sent_next() {
    for kind in Kind::ALL {
        let (provider, mut agent) = (provider(), Agent::new(kind, SESSION, token(kind)));
        talk(&mut agent, &provider, "one");
        let before = asked(kind.dialect(), &agent.next_turn("two").body).unwrap();
        agent.hear(&provider.answer(&agent.again(), NOW).body());
        let after = asked(kind.dialect(), &agent.next_turn("three").body).unwrap();
        let (short, long) = (chain(&before.messages), chain(&after.messages));
        assert!(short.len() < long.len() && long.contains(short.last().unwrap()), "{kind:?}");
    }
}

#[test]
fn coding_agents_name_session_and_directory_where_the_real_ones_do() {
    for kind in [Kind::ClaudeCode, Kind::Codex] {
        let mut agent = Agent::new(kind, SESSION, token(kind)).in_directory("/home/alice/mill");
        let exchange = agent.next_turn("hello");
        let header = if kind == Kind::Codex { "thread-id" } else { "x-claude-code-session-id" };
        assert_eq!(exchange.header(header), Some(SESSION));
        let sent = asked(kind.dialect(), &exchange.body).unwrap();
        assert_eq!(sent.session.as_deref(), Some(SESSION), "{kind:?}");
        assert_eq!(sent.directory.as_deref(), Some("/home/alice/mill"), "{kind:?}");
        assert!(sent.stream && sent.tools > 0, "{kind:?}");
    }
}

#[test]
fn a_subscriber_marks_for_an_hour_and_sends_the_betas_for_it() {
    let sent = |token| {
        let exchange = Agent::new(Kind::ClaudeCode, SESSION, token).next_turn("hello");
        let cache = asked(Dialect::AnthropicMessages, &exchange.body).unwrap().cache;
        let oauth = exchange.header("anthropic-beta").unwrap().contains("oauth-2025-04-20");
        (cache, oauth, exchange.header("x-api-key").is_some())
    };
    assert_eq!(sent("sk-ant-oat01-alice"), (Some(CacheTtl::OneHour), true, false));
    assert_eq!(sent("sk-ant-api03-alice"), (Some(CacheTtl::FiveMinutes), false, true));
}

#[test]
fn the_mark_moves_on_and_leaves_a_plain_string_behind() {
    let (provider, mut agent) = (provider(), Agent::new(Kind::ClaudeCode, SESSION, "sk-ant-api03-alice"));
    let first = body(&agent.next_turn("one"));
    assert!(first["messages"][1]["content"][0]["cache_control"].is_object(), "on the environment at first");
    agent.hear(&provider.answer(&agent.again(), NOW).body());
    let second = body(&agent.next_turn("two"));
    assert!(second["messages"][1]["content"].is_string());
    assert!(second["messages"][3]["content"][0]["cache_control"].is_object());
    assert_eq!(second.to_string().matches("cache_control").count(), 3);
}

#[test]
fn claude_codes_second_turn_reads_what_its_first_wrote() {
    let (provider, mut agent) = (provider(), Agent::new(Kind::ClaudeCode, SESSION, "sk-ant-api03-alice"));
    let first = talk(&mut agent, &provider, "one").usage;
    assert!(first.cache_write_5m > 1024 && first.cache_read == 0 && first.input == 0, "{first:?}");
    let second = talk(&mut agent, &provider, "two").usage;
    assert_eq!(second.cache_read, first.cache_write_5m);
    assert!(second.cache_write_5m > 0 && second.cache_write_5m < 50, "{second:?}");
}

#[test]
fn a_wanted_tool_answers_in_the_next_request() {
    for (kind, tool) in [(Kind::ClaudeCode, "Bash"), (Kind::Codex, "exec_command")] {
        let (provider, mut agent) = (provider(), Agent::new(kind, SESSION, token(kind)));
        assert!(agent.tools_answer("nobody asked").is_none());
        let heard = talk(&mut agent, &provider, &format!("use the tool {tool}"));
        assert_eq!(heard.stop, Some(Stop::ToolUse), "{kind:?}");
        let exchange = agent.tools_answer("42 files").unwrap();
        let heard = agent.hear(&provider.answer(&exchange, NOW).body());
        assert_eq!(heard.message.unwrap().readable(), "The tool answered: 42 files", "{kind:?}");
    }
}

#[test]
fn a_cut_answer_is_not_part_of_the_conversation_and_a_fresh_token_is_used_at_once() {
    let (provider, mut agent) = (provider(), Agent::new(Kind::ClaudeCode, SESSION, "sk-ant-oat01-old"));
    let answer = provider.answer(&agent.next_turn("one"), NOW).body();
    assert_eq!(agent.hear(&answer[..answer.len() / 2]).stop, None);
    assert_eq!(agent.conversation().len(), 1);
    agent.refresh("sk-ant-oat01-new");
    let again = agent.again();
    assert_eq!(again.token(), Some("sk-ant-oat01-new"));
    assert_eq!(again.body, provider.received()[0].exchange.body, "the same words under another token");
    assert!(!format!("{agent:?}").contains("sk-ant"));
}
