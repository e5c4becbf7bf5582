//! What a prompt costs, over time, as it is told to whoever asked.

use super::*;
use domain::conversation::Usage;

/// `tokens` tokens of `letter`.
fn text(letter: &str, tokens: usize) -> String {
    letter.repeat(tokens * 4)
}

fn marked(ttl: &str) -> Value {
    let mark = json!({"type": "ephemeral", "ttl": ttl});
    json!({
        "model": "m", "max_tokens": 100,
        "system": [{"type": "text", "text": text("s", 1500), "cache_control": mark}],
        "messages": [{"role": "user", "content": text("u", 10)}],
    })
}

fn usage(provider: &Provider, token: &str, body: &Value, now: Duration) -> Usage {
    let plan = provider.answer(&asking(Dialect::AnthropicMessages, token, body), now);
    assert_eq!(plan.status, 200, "{}", parsed(&plan));
    Usage { output: 0, ..heard(Dialect::AnthropicMessages, &plan).usage }
}

#[test]
fn a_marked_prompt_is_written_once_and_read_while_it_lives() {
    let (provider, prompt) = (provider(), marked("5m"));
    let (written, read) = (
        Usage { input: 10, cache_write_5m: 1500, ..Usage::default() },
        Usage { input: 10, cache_read: 1500, ..Usage::default() },
    );
    assert_eq!(usage(&provider, "good", &prompt, START), written);
    assert_eq!(usage(&provider, "good", &prompt, MINUTE * 4), read);
    assert_eq!(usage(&provider, "good", &prompt, MINUTE * 8), read);
    assert_eq!(usage(&provider, "good", &prompt, MINUTE * 14), written);
}

#[test]
fn the_cache_belongs_to_the_owner_and_survives_a_fresh_token() {
    let (provider, prompt) = (provider(), marked("1h"));
    provider.accept_as("old", "alice");
    provider.accept_as("new", "alice");
    assert_eq!(usage(&provider, "old", &prompt, START).cache_write_1h, 1500);
    assert_eq!(usage(&provider, "new", &prompt, MINUTE * 50).cache_read, 1500);
    assert_eq!(usage(&provider, "good", &prompt, MINUTE * 50).cache_read, 0);
}

#[test]
fn a_warm_up_says_nothing_reads_the_prompt_and_keeps_it() {
    let (provider, prompt) = (provider(), marked("5m"));
    usage(&provider, "good", &prompt, START);
    let mut warm = prompt.clone();
    warm["max_tokens"] = json!(1);
    let plan = provider.answer(&asking(Dialect::AnthropicMessages, "good", &warm), MINUTE * 4);
    let said = heard(Dialect::AnthropicMessages, &plan);
    assert_eq!((said.message, said.usage.cache_read, said.usage.output), (None, 1500, 1));
    assert_eq!(parsed(&plan)["content"], json!([]));
    assert_eq!(provider.received()[1].purpose, domain::purpose::Purpose::Warm);
    assert_eq!(usage(&provider, "good", &prompt, MINUTE * 8).cache_read, 1500);
}

#[test]
fn a_provider_without_a_cache_counts_everything_as_input() {
    let (provider, prompt) = (provider(), marked("5m"));
    provider.keep_cache(false);
    for _ in 0..2 {
        assert_eq!(usage(&provider, "good", &prompt, START), Usage { input: 1510, ..Usage::default() });
    }
}

#[test]
fn marks_beyond_four_or_in_the_wrong_order_are_refused() {
    let provider = provider();
    let with = |ttls: &[&str]| {
        let block =
            |ttl| json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": ttl}});
        let content: Vec<_> = ttls.iter().map(block).collect();
        let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]});
        provider.answer(&asking(Dialect::AnthropicMessages, "good", &body), START).status
    };
    assert_eq!(with(&["1h", "1h", "5m", "5m"]), 200);
    assert_eq!(with(&["5m"; 5]), 400);
    assert_eq!(with(&["5m", "1h"]), 400);
}

#[test]
fn counting_tokens_gives_what_the_turn_would_cost() {
    let provider = provider();
    let mut body = marked("5m");
    body.as_object_mut().unwrap().remove("max_tokens");
    let headers = [("x-api-key", "good"), ("anthropic-version", "2023-06-01")];
    let count = exchange("POST", "/v1/messages/count_tokens?beta=true", &headers, body.to_string());
    assert_eq!(parsed(&provider.answer(&count, START)), json!({"input_tokens": 1510}));
    assert_eq!(usage(&provider, "good", &marked("5m"), START).cache_read, 0, "counting writes no cache");
}

#[test]
fn openais_cache_works_without_being_asked() {
    for dialect in [Dialect::OpenAiChat, Dialect::OpenAiResponses] {
        let provider = provider();
        let body = question(dialect, &text("u", 2000), false);
        let ask = |now| heard(dialect, &provider.answer(&asking(dialect, "good", &body), now)).usage;
        let (first, second) = (ask(START), ask(MINUTE));
        assert_eq!(first.cache_read, 0);
        assert!(second.cache_read >= 1920 && second.cache_read % 128 == 0, "{second:?}");
        assert_eq!(second.prompt(), first.prompt());
        assert_eq!(ask(MINUTE * 10).cache_read, 0);
    }
}
