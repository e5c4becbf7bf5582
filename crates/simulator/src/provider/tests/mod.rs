//! The provider from the outside: what it answers to whom, at what time, in which shape.

mod batches;
mod counting;
mod faults;
mod network;
mod shapes;
mod sockets;
mod workers;

use super::*;
use bytes::Bytes;
use domain::{conversation::Answered, provider::Dialect};
use serde_json::{Value, json};
use upstream::dialect::answered;

const START: Duration = Duration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

/// A provider that answers at once and accepts `good`.
fn provider() -> Provider {
    let provider = Provider::new(1);
    provider.accept("good");
    provider.speak(Pace::IMMEDIATE);
    provider
}

fn exchange(method: &str, target: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Exchange {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Exchange { method: method.into(), target: target.into(), headers, body: body.into() }
}

/// What a client in this dialect sends with `token`.
fn asking(dialect: Dialect, token: &str, body: &Value) -> Exchange {
    let bearer = format!("Bearer {token}");
    let headers = match dialect {
        Dialect::AnthropicMessages => [("x-api-key", token), ("anthropic-version", "2023-06-01")],
        _ => [("authorization", bearer.as_str()), ("accept", "*/*")],
    };
    exchange("POST", dialect.path(), &headers, body.to_string())
}

const DIALECTS: [Dialect; 3] = [Dialect::AnthropicMessages, Dialect::OpenAiChat, Dialect::OpenAiResponses];

/// One thing said by a person, and a tool on offer.
fn question(dialect: Dialect, words: &str, stream: bool) -> Value {
    let schema = json!({"type": "object", "properties": {"word": {"type": "string"}}, "required": ["word"]});
    let messages = json!([{"role": "user", "content": words}]);
    match dialect {
        Dialect::AnthropicMessages => json!({
            "model": "m", "max_tokens": 500, "messages": messages, "stream": stream,
            "tools": [{"name": "lookup", "input_schema": schema}],
        }),
        Dialect::OpenAiChat => json!({
            "model": "m", "messages": messages, "stream": stream, "stream_options": {"include_usage": true},
            "tools": [{"type": "function", "function": {"name": "lookup", "parameters": schema}}],
        }),
        Dialect::OpenAiResponses => json!({
            "model": "m", "input": words, "stream": stream,
            "tools": [{"type": "function", "name": "lookup", "parameters": schema}],
        }),
    }
}

fn hello(token: &str) -> Exchange {
    asking(Dialect::AnthropicMessages, token, &question(Dialect::AnthropicMessages, "hello", false))
}

/// The status of a greeting with `token` at `now`.
fn status(provider: &Provider, token: &str, now: Duration) -> u16 {
    provider.answer(&hello(token), now).status
}

fn heard(dialect: Dialect, plan: &Plan) -> Answered {
    answered(dialect, &plan.body())
}

fn parsed(plan: &Plan) -> Value {
    serde_json::from_slice(&plan.body()).unwrap()
}

/// The data of each event of a stream, in order; `[DONE]` left out.
fn events(plan: &Plan) -> Vec<Value> {
    let body = String::from_utf8(plan.body().to_vec()).unwrap();
    let data = body.lines().filter_map(|line| line.strip_prefix("data: ")).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).unwrap()).collect()
}

#[test]
fn a_token_lives_until_it_expires_and_again_when_it_is_accepted_anew() {
    let provider = provider();
    provider.expire_at("good", MINUTE);
    assert_eq!(status(&provider, "good", MINUTE - Duration::from_millis(1)), 200);
    let refused = provider.answer(&hello("good"), MINUTE);
    assert_eq!(refused.status, 401);
    assert_eq!(parsed(&refused)["error"]["type"], "authentication_error");
    assert!(parsed(&refused)["error"]["message"].as_str().unwrap().starts_with("OAuth token has expired"));
    assert_eq!(parsed(&refused)["request_id"].as_str(), refused.header("request-id"));
    provider.accept("good");
    assert_eq!(status(&provider, "good", MINUTE), 200);
}

#[test]
fn each_kind_of_bad_token_is_refused_in_its_own_way() {
    let provider = provider();
    provider.revoke("revoked");
    provider.forbid("forbidden");
    provider.block("blocked");
    for (token, expected) in
        [("strange", 401), ("", 401), ("revoked", 403), ("forbidden", 403), ("blocked", 402)]
    {
        assert_eq!(status(&provider, token, START), expected, "{token}");
    }
    let openais = provider.answer(&asking(Dialect::OpenAiChat, "strange", &json!({})), START);
    assert_eq!((openais.status, &parsed(&openais)["error"]["code"]), (401, &json!("invalid_api_key")));
    assert!(openais.header("x-request-id").is_some());
}

#[test]
fn an_hour_of_wrong_refusals_passes() {
    let provider = provider();
    provider.wrongly_refuse_everyone(MINUTE, MINUTE * 2);
    let statuses = [START, MINUTE, MINUTE * 2].map(|now| status(&provider, "good", now));
    assert_eq!(statuses, [200, 401, 200]);
}

#[test]
fn it_is_as_strict_about_what_stands_beside_a_token_as_the_real_one() {
    let provider = provider();
    provider.accept("sk-ant-oat01-x");
    let body = question(Dialect::AnthropicMessages, "hi", false).to_string();
    let send = |headers: &[(&str, &str)]| {
        provider.answer(&exchange("POST", "/v1/messages?beta=true", headers, body.clone()), START).status
    };
    let (oauth, version) = (("authorization", "Bearer sk-ant-oat01-x"), ("anthropic-version", "2023-06-01"));
    assert_eq!(send(&[("x-api-key", "good")]), 400, "no version");
    assert_eq!(send(&[oauth, version]), 401, "an OAuth token without its beta");
    assert_eq!(send(&[oauth, version, ("anthropic-beta", "a,oauth-2025-04-20")]), 200);
}

#[test]
fn what_cannot_be_read_is_refused_and_what_is_not_there_is_not_found() {
    let provider = provider();
    let headers = [("x-api-key", "good"), ("anthropic-version", "2023-06-01")];
    let send = |method, target, body: &'static str| {
        let plan = provider.answer(&exchange(method, target, &headers, body), START);
        (plan.status, parsed_or_null(&plan)["error"]["type"].clone())
    };
    assert_eq!(send("POST", "/v1/messages", "{"), (400, json!("invalid_request_error")));
    assert_eq!(send("POST", "/v1/messages", r#"{"model":"m","max_tokens":5,"messages":[]}"#).0, 400);
    assert_eq!(
        send("POST", "/v1/messages", r#"{"model":"m","messages":[{"role":"user","content":"x"}]}"#).0,
        400
    );
    assert_eq!(send("GET", "/v1/messages", "").0, 405);
    assert_eq!(send("POST", "/v1/messages/batches", "{}"), (404, json!("not_found_error")));
    assert_eq!(send("HEAD", "/api/hello", ""), (404, Value::Null), "a HEAD has no body");
}

fn parsed_or_null(plan: &Plan) -> Value {
    serde_json::from_slice(&plan.body()).unwrap_or_default()
}

#[test]
fn models_are_listed_in_the_shape_of_whoever_is_asked() {
    let provider = provider();
    let anthropics =
        exchange("GET", "/v1/models?limit=1000", &[("x-api-key", "good"), ("anthropic-version", "1")], "");
    let openais = exchange("GET", "/v1/models", &[("authorization", "Bearer good")], "");
    assert_eq!(parsed(&provider.answer(&anthropics, START))["data"][0]["type"], "model");
    assert_eq!(parsed(&provider.answer(&openais, START))["object"], "list");
}

#[test]
fn a_compressed_body_is_read_as_what_it_holds() {
    let provider = provider();
    let mut zipped = asking(Dialect::OpenAiChat, "good", &Value::Null);
    let plain = question(Dialect::OpenAiChat, "squeezed words", false).to_string();
    zipped.body = stored_gzip(plain.as_bytes()).into();
    zipped.headers.push(("content-encoding".into(), "gzip".into()));
    let said = heard(Dialect::OpenAiChat, &provider.answer(&zipped, START));
    assert!(said.message.unwrap().readable().contains("squeezed words"));
}

/// A gzip member with one stored block, written by hand: RFC 1952 and 1951.
fn stored_gzip(plain: &[u8]) -> Vec<u8> {
    let length = u16::try_from(plain.len()).unwrap();
    let mut zipped = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    zipped.extend(length.to_le_bytes());
    zipped.extend((!length).to_le_bytes());
    zipped.extend(plain);
    zipped.extend(crc32(plain).to_le_bytes());
    zipped.extend(u32::from(length).to_le_bytes());
    zipped
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)))
}

#[test]
fn everything_received_is_remembered_with_token_status_and_purpose() {
    let provider = provider();
    status(&provider, "good", START);
    status(&provider, "dead", MINUTE);
    status(&provider, "dead", MINUTE * 2);
    let dead = provider.calls_with("dead");
    assert_eq!(dead.iter().map(|call| call.at).collect::<Vec<_>>(), [MINUTE, MINUTE * 2]);
    assert!(dead.iter().all(Received::is_refused));
    assert!(!provider.calls_with("good")[0].is_refused());
    assert!(provider.received().iter().all(|call| call.purpose == domain::purpose::Purpose::Client));
    assert!(!format!("{provider:?} {dead:?}").contains("x-api-key: dead"));
    provider.forget_received();
    assert!(provider.received().is_empty());
}

#[test]
fn one_seed_gives_one_run() {
    let run = || {
        let provider = provider();
        (0..3).map(|_| provider.answer(&hello("good"), START)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
    assert_ne!(run()[0], run()[1], "ids differ within a run");
}
