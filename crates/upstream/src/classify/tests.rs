//! The class table, row by row, and noise.

use super::*;
use proptest::prelude::*;

type Headers = &'static [(&'static str, &'static str)];

const THROTTLED: Class = Class::Throttled { retry_after: None };
const ANTHROPIC_ID: Headers = &[("request-id", "req_1")];
const NOW: UnixMillis = UnixMillis(1_000_000_000);

fn class(provider: Provider, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Class {
    let header = |name: &str| {
        assert!(HEADERS.contains(&name), "{name} is looked at and not listed");
        headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value)
    };
    classify(provider, status, header, body.as_bytes(), NOW)
}

fn anthropic(kind: &str, message: &str) -> String {
    format!(r#"{{"type":"error","error":{{"type":"{kind}","message":"{message}"}}}}"#)
}

fn openai(kind: &str, code: &str, message: &str) -> String {
    format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#)
}

/// Each row with both providers: what an answer means never hangs on whose it is, but for the request id's name.
fn holds(rows: &[(u16, Headers, String, Class)]) {
    for (status, headers, body, expected) in rows {
        for provider in Provider::ALL {
            assert_eq!(
                class(provider, *status, headers, body),
                *expected,
                "{provider} {status} {headers:?} {body}"
            );
        }
    }
}

#[test]
fn a_token_is_rejected_only_by_the_providers_own_words() {
    let rejected = Class::CredentialRejected;
    holds(&[
        (401, &[], anthropic("authentication_error", "invalid x-api-key"), rejected),
        (401, &[], openai("invalid_request_error", "invalid_api_key", "Incorrect API key"), rejected),
        (401, &[], r#"{"detail":"Unauthorized"}"#.into(), rejected),
        (401, &[("www-authenticate", r#"Bearer error="invalid_token""#)], String::new(), rejected),
        (401, &[("request-id", "r"), ("x-request-id", "r")], "Unauthorized".into(), rejected),
        (403, &[], anthropic("permission_error", "OAuth token has been revoked"), rejected),
        (403, &[], openai("", "", "Your API key has expired"), rejected),
        (403, &[("www-authenticate", "Bearer error=invalid_token")], String::new(), rejected),
        (
            400,
            &[],
            r#"{"error":{"code":400,"status":"API_KEY_INVALID","message":"API key not valid"}}"#.into(),
            rejected,
        ),
    ]);
}

#[test]
fn a_401_that_may_come_from_somebody_on_the_way_is_weak() {
    holds(&[
        (401, &[], String::new(), Class::WeakAuth),
        (401, &[], "Unauthorized".into(), Class::WeakAuth),
        (401, &[], "<html>Log in to the wireless network</html>".into(), Class::WeakAuth),
        (401, &[("request-id", "r"), ("x-request-id", "r")], " <html></html>".into(), Class::WeakAuth),
        (401, &[("request-id", "r"), ("x-request-id", "r")], String::new(), Class::WeakAuth),
        (401, &[("www-authenticate", "Basic realm=proxy")], String::new(), Class::WeakAuth),
    ]);
}

#[test]
fn each_provider_is_known_by_its_own_request_id() {
    assert_eq!(class(Provider::Anthropic, 401, ANTHROPIC_ID, "no"), Class::CredentialRejected);
    assert_eq!(class(Provider::OpenAi, 401, ANTHROPIC_ID, "no"), Class::WeakAuth);
}

#[test]
fn what_a_token_may_not_do_says_nothing_against_it() {
    holds(&[
        (403, &[], anthropic("permission_error", "no access to this model"), Class::Forbidden),
        (
            403,
            &[],
            anthropic("permission_error", "This credential is only authorized for use with X"),
            Class::Forbidden,
        ),
        (
            403,
            &[],
            openai("", "unsupported_country_region_territory", "Country not supported"),
            Class::Forbidden,
        ),
        (403, &[], "<html>your session token has expired</html>".into(), Class::Forbidden),
        (403, &[], String::new(), Class::Forbidden),
        (
            401,
            &[],
            openai("", "", "You have insufficient permissions. Missing scopes: model.request"),
            Class::Forbidden,
        ),
        (
            401,
            &[("request-id", "r")],
            anthropic("authentication_error", "OAuth authentication is currently not supported."),
            Class::Forbidden,
        ),
        (401, &[("www-authenticate", "Bearer error=insufficient_scope")], String::new(), Class::Forbidden),
    ]);
}

#[test]
fn an_account_that_cannot_pay_or_is_disabled_is_blocked_whatever_the_status() {
    holds(&[
        (402, &[], String::new(), Class::AccountBlocked),
        (
            403,
            &[],
            anthropic("permission_error", "This organization has been disabled."),
            Class::AccountBlocked,
        ),
        (
            400,
            &[],
            anthropic("invalid_request_error", "Your credit balance is too low"),
            Class::AccountBlocked,
        ),
        (
            401,
            &[],
            openai("invalid_request_error", "account_deactivated", "deactivated"),
            Class::AccountBlocked,
        ),
        (429, &[], openai("insufficient_quota", "insufficient_quota", "quota"), Class::AccountBlocked),
        (200, &[], anthropic("billing_error", "pay"), Class::AccountBlocked),
    ]);
}

#[test]
fn a_busy_provider_and_a_broken_one_are_told_apart() {
    holds(&[
        (429, &[], String::new(), THROTTLED),
        (503, &[], "<html>".into(), THROTTLED),
        (529, &[], anthropic("overloaded_error", "Overloaded"), THROTTLED),
        (500, &[], anthropic("api_error", "m"), Class::UpstreamFault),
        (502, &[], "<html>".into(), Class::UpstreamFault),
        (504, &[], String::new(), Class::UpstreamFault),
        (302, &[("location", "x")], String::new(), Class::UpstreamFault),
        (101, &[], String::new(), Class::UpstreamFault),
        (0, &[], String::new(), Class::UpstreamFault),
    ]);
}

#[test]
fn a_refused_request_says_nothing_about_the_token() {
    let refused = Class::RequestRefused;
    for status in [400, 404, 405, 408, 409, 413, 422] {
        holds(&[
            (status, &[], anthropic("invalid_request_error", "m"), refused),
            (status, &[], String::new(), refused),
        ]);
    }
}

#[test]
fn an_error_inside_an_accepted_answer_counts_as_that_error() {
    let stream =
        |kind: &str| format!("event: ping\ndata: {{}}\n\nevent: error\ndata: {}\n\n", anthropic(kind, "m"));
    let failed = |code: &str| {
        format!(
            "data: {{\"type\":\"response.failed\",\"response\":{{\"error\":{{\"code\":\"{code}\",\"message\":\"m\"}}}}}}\n\n"
        )
    };
    holds(&[
        (200, &[], anthropic("authentication_error", "m"), Class::CredentialRejected),
        (200, &[], stream("authentication_error"), Class::CredentialRejected),
        (200, &[], stream("overloaded_error"), THROTTLED),
        (200, &[], stream("rate_limit_error"), THROTTLED),
        (200, &[], stream("permission_error"), Class::Forbidden),
        (200, &[], stream("api_error"), Class::UpstreamFault),
        (200, &[], failed("rate_limit_exceeded"), THROTTLED),
        (200, &[], failed("server_error"), Class::UpstreamFault),
        (200, &[], failed("context_length_exceeded"), Class::RequestRefused),
        (200, &[], r#"{"error":{"code":401,"message":"No auth"}}"#.into(), Class::CredentialRejected),
        (200, &[], r#"{"error":{"code":502,"message":"m"}}"#.into(), Class::UpstreamFault),
    ]);
}

/// What a dialect streams before and after an error, and how it says one of this type and code.
type Stream = (&'static str, &'static str, fn(&str, &str) -> String);

const STREAMS: [Stream; 3] = [
    (
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[],\"stop_reason\":null}}\n\n\
         event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        |kind, _| format!("event: error\ndata: {}\n\n", anthropic(kind, "m")),
    ),
    (
        "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n",
        "data: [DONE]\n\n",
        |kind, code| format!("data: {}\n\n", openai(kind, code, "m")),
    ),
    (
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n",
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"error\":null}}\n\n",
        |_, code| {
            format!(
                "event: error\ndata: {{\"type\":\"error\",\"code\":\"{code}\",\"message\":\"m\",\"param\":null}}\n\n"
            )
        },
    ),
];

#[test]
fn an_error_event_counts_in_every_dialect_wherever_it_stands_in_the_stream() {
    let meanings = [
        ("authentication_error", "invalid_api_key", Class::CredentialRejected),
        ("authentication_error", "token_revoked", Class::CredentialRejected),
        ("permission_error", "insufficient_permissions", Class::Forbidden),
        ("billing_error", "insufficient_quota", Class::AccountBlocked),
        ("overloaded_error", "server_is_overloaded", THROTTLED),
        ("rate_limit_error", "rate_limit_exceeded", THROTTLED),
        ("api_error", "server_error", Class::UpstreamFault),
        ("invalid_request_error", "context_length_exceeded", Class::RequestRefused),
    ];
    for (content, end, error) in STREAMS {
        for (kind, code, expected) in meanings {
            let error = error(kind, code);
            let places = [
                error.clone(),
                format!("{error}{content}{end}"),
                format!("{content}{error}"),
                format!("{content}{error}{content}{end}"),
                format!("{content}{end}{error}"),
                format!("{content}{error}").replace('\n', "\r\n"),
            ];
            holds(&places.map(|stream| (200, &[][..], stream, expected)));
        }
        holds(&[(200, &[], format!("{content}{end}"), Class::Ok)]);
    }
}

#[test]
fn an_error_body_counts_in_every_dialect_whatever_the_status_said() {
    let responses = |code: &str| {
        format!(r#"{{"id":"r","status":"failed","error":{{"code":"{code}","message":"m"}},"output":[]}}"#)
    };
    holds(&[
        (200, &[], anthropic("rate_limit_error", "m"), THROTTLED),
        (200, &[], openai("invalid_request_error", "invalid_api_key", "m"), Class::CredentialRejected),
        (200, &[], openai("invalid_request_error", "token_revoked", "m"), Class::CredentialRejected),
        (200, &[], openai("server_error", "server_is_overloaded", "m"), THROTTLED),
        (200, &[], responses("rate_limit_exceeded"), THROTTLED),
        (200, &[], responses("server_error"), Class::UpstreamFault),
        (200, &[], responses("invalid_prompt"), Class::RequestRefused),
        (
            201,
            &[("retry-after", "3")],
            anthropic("overloaded_error", "m"),
            Class::Throttled { retry_after: Some(Duration::from_secs(3)) },
        ),
    ]);
}

#[test]
fn an_accepted_answer_may_speak_of_errors_without_being_one() {
    let words = r#"{"type":"message","content":[{"type":"text","text":"{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\"}}"}]}"#;
    holds(&[
        (200, &[], words.into(), Class::Ok),
        (200, &[], format!("data: {{\"type\":\"content_block_delta\",\"delta\":{words}}}\n\n"), Class::Ok),
        (200, &[], r#"{"status":"completed","error":null,"output":[]}"#.into(), Class::Ok),
        (204, &[], String::new(), Class::Ok),
        (200, &[], anthropic("api_error", "the tool said authentication_error"), Class::UpstreamFault),
    ]);
}

#[test]
fn a_request_that_is_refused_for_its_texts_is_told_from_one_that_is_refused_for_anything_else() {
    for reason in [
        "invalid_request_error: prompt is too long: 210000 tokens > 200000 maximum",
        "context_length_exceeded: This model's maximum context length is 8192 tokens.",
        "exceed_context_size_error: the request exceeds the available context size",
        "The input token count (40000) exceeds the maximum number of tokens allowed (32768).",
        "invalid_request_error: Output blocked by content filtering policy",
        "content_filter: The response was filtered",
        "invalid_prompt: Your prompt was flagged",
        "string_above_max_length: Invalid 'messages[1].content': string too long.",
        "ValidationException: Input is too long for requested model.",
        "request_too_large: Request exceeds the maximum size",
    ] {
        assert!(lies_with_the_texts(400, reason), "{reason}");
    }
    for reason in [
        "not_found_error: model: claude",
        "invalid_request_error: max_tokens: Field required",
        "unsupported_parameter: Unsupported parameter: 'max_tokens' is not supported with this model.",
        "max_tokens (8192) exceeds the maximum of 4096",
        "invalid_value: max_tokens is too large",
        "the request took too long",
        "status 400 without a word",
    ] {
        assert!(!lies_with_the_texts(400, reason), "{reason}");
    }
    assert!(lies_with_the_texts(413, "status 413 without a word"));
}

#[test]
fn a_pause_is_read_in_every_form() {
    let pause = |headers| match class(Provider::OpenAi, 429, headers, "") {
        Class::Throttled { retry_after } => retry_after.map(|pause| pause.as_millis()),
        other => panic!("{other:?}"),
    };
    assert_eq!(pause(&[("retry-after", "2")]), Some(2000));
    assert_eq!(pause(&[("retry-after", " 1.5 ")]), Some(1500));
    assert_eq!(pause(&[("retry-after-ms", "250"), ("retry-after", "1")]), Some(250));
    assert_eq!(pause(&[("retry-after", "Mon, 12 Jan 1970 13:47:10 GMT")]), Some(30_000));
    assert_eq!(pause(&[("retry-after", "Mon, 12 Jan 1970 13:46:00 GMT")]), Some(0), "it lies behind us");
    for none in ["", "soon", "-1", "NaN", "1e300"] {
        assert_eq!(class(Provider::OpenAi, 429, &[("retry-after", none)], ""), THROTTLED, "{none}");
    }
}

proptest! {
    #[test]
    fn every_answer_has_a_class_and_only_the_providers_words_reject(
        status in prop_oneof![0u16..700, Just(400), Just(401), Just(403), any::<u16>()],
        wait in ".{0,30}",
        body in prop::collection::vec(any::<u8>(), 0..200),
        now in any::<i64>(),
    ) {
        let header = |name: &str| (name == "retry-after").then_some(wait.as_str());
        let class = classify(Provider::Anthropic, status, header, &body, UnixMillis(now));
        prop_assert!(class != Class::CredentialRejected, "noise rejected a token with {status}");
        prop_assert_eq!(class == Class::Ok, (200..300).contains(&status));
    }

    #[test]
    fn a_403_about_permission_a_429_and_a_5xx_never_reject_a_token(
        status in prop_oneof![Just(403u16), Just(429), 500u16..600],
        kind in "permission_error|rate_limit_error|api_error|overloaded_error|authentication_error",
        message in "[a-zA-Z0-9 ]{0,60}",
    ) {
        prop_assume!(!message.to_lowercase().contains("revoked") && !message.to_lowercase().contains("expired"));
        let class = class(Provider::Anthropic, status, ANTHROPIC_ID, &anthropic(&kind, &message));
        prop_assert!(class != Class::CredentialRejected && class != Class::WeakAuth);
    }
}
