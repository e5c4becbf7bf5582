//! What an answer says about the token that was sent: one pure, total function.
//!
//! The word "no" has many senses, and only one of them is about the token. A token that is refused although it is good stops
//! background work for nothing; one that is kept although it is dead is asked again and again. So the status alone never
//! decides: the provider's own words do, and a refusal that may come from somebody on the way counts as weak.

use crate::provider_error::ProviderError;
use domain::evidence::Class;
use domain::provider::Provider;
use domain::time::UnixMillis;
use std::time::{Duration, UNIX_EPOCH};

/// The class of an answer: its `status`, a look at its headers by lower-case name, its plain (decoded) body, or as much of
/// it as there is, and the calendar time `now`, against which a `Retry-After` date is measured.
///
/// Where the words of an error contradict its status, the words win: an account without credit is
/// [`Class::AccountBlocked`] with 400, 402, 403 and 429 alike.
#[must_use]
pub fn classify<'h>(
    provider: Provider,
    status: u16,
    header: impl Fn(&str) -> Option<&'h str>,
    body: &[u8],
    now: UnixMillis,
) -> Class {
    let answer = Head { provider, header: &header, now };
    let error = match status {
        200..=299 | 400..=499 => ProviderError::find(body),
        _ => None, // What a broken or redirecting provider writes changes nothing.
    };
    match status {
        200..=299 => error.map_or(Class::Ok, |error| answer.inside_an_accepted_one(&error)),
        _ => answer.of_status(status, error.as_ref(), body),
    }
}

/// An answer without its status and body.
struct Head<'a, 'h> {
    provider: Provider,
    header: &'a dyn Fn(&str) -> Option<&'h str>,
    now: UnixMillis,
}

const ACCOUNT: [&str; 9] = [
    "organization has been disabled",
    "organisation has been disabled",
    "organization_disabled",
    "account_deactivated",
    "account has been disabled",
    "billing_error",
    "billing_not_active",
    "credit balance is too low",
    "insufficient_quota",
];
const SCOPE: [&str; 3] = ["insufficient_scope", "missing scopes", "insufficient permissions"];
const BAD_TOKEN: [&str; 6] = [
    "authentication_error",
    "invalid_api_key",
    "api_key_invalid",
    "invalid_authentication",
    "invalid_token",
    "token_expired",
];
const BUSY: [&str; 4] = ["overloaded", "rate_limit", "too_many_requests", "slow_down"];
const REFUSED: [&str; 7] = [
    "invalid_request",
    "not_found",
    "too_large",
    "context_length",
    "invalid_prompt",
    "invalid_value",
    "content_policy",
];

impl Head<'_, '_> {
    fn of_status(&self, status: u16, error: Option<&ProviderError>, body: &[u8]) -> Class {
        let says = |words: &[&str]| error.is_some_and(|error| error.speaks_of(words));
        match status {
            400..=499 if says(&ACCOUNT) => Class::AccountBlocked,
            400 if says(&["api_key_invalid", "api key not valid"]) => Class::CredentialRejected,
            401 => self.unauthorized(error, body),
            402 => Class::AccountBlocked,
            403 => self.forbidden(error),
            429 | 503 | 529 => Class::Throttled { retry_after: self.retry_after() },
            400..=499 => Class::RequestRefused,
            _ => Class::UpstreamFault,
        }
    }

    fn unauthorized(&self, error: Option<&ProviderError>, body: &[u8]) -> Class {
        let says = |words: &[&str]| error.is_some_and(|error| error.speaks_of(words));
        if self.challenges("invalid_token") {
            Class::CredentialRejected
        } else if says(&SCOPE) || self.challenges("insufficient_scope") {
            Class::Forbidden
        } else if error.is_some() || (self.is_the_providers() && is_plain(body)) {
            Class::CredentialRejected
        } else {
            Class::WeakAuth
        }
    }

    /// A refused token says that it was revoked or ran out; all else is about what the token may do.
    fn forbidden(&self, error: Option<&ProviderError>) -> Class {
        let over = error.is_some_and(|error| {
            error.speaks_of(&["revoked", "expired"])
                && error.speaks_of(&["token", "api key", "api_key", "credential"])
        });
        if over || self.challenges("invalid_token") { Class::CredentialRejected } else { Class::Forbidden }
    }

    /// An error where the status said that all was well. Its number, if it has one, is taken for the status it should have had.
    fn inside_an_accepted_one(&self, error: &ProviderError) -> Class {
        let says = |words: &[&str]| speaks_by_name(error, words);
        match error.code.parse() {
            Ok(status @ 400..=599) => self.of_status(status, Some(error), &[]),
            _ if error.speaks_of(&ACCOUNT) => Class::AccountBlocked,
            _ if says(&BAD_TOKEN) => Class::CredentialRejected,
            _ if says(&["permission"]) => self.forbidden(Some(error)),
            _ if says(&BUSY) => Class::Throttled { retry_after: self.retry_after() },
            _ if says(&REFUSED) => Class::RequestRefused,
            _ => Class::UpstreamFault,
        }
    }

    fn challenges(&self, error: &str) -> bool {
        (self.header)("www-authenticate").is_some_and(|challenge| challenge.contains(error))
    }

    /// Somebody on the way (a proxy, a hotel's login page) does not give the provider's request ids.
    fn is_the_providers(&self) -> bool {
        let name = match self.provider {
            Provider::Anthropic => "request-id",
            Provider::OpenAi => "x-request-id",
        };
        (self.header)(name).is_some()
    }

    fn retry_after(&self) -> Option<Duration> {
        let milliseconds = (self.header)("retry-after-ms").and_then(|value| value.trim().parse().ok());
        milliseconds.map(Duration::from_millis).or_else(|| {
            let value = (self.header)("retry-after")?.trim();
            seconds(value).or_else(|| self.until(value))
        })
    }

    fn until(&self, date: &str) -> Option<Duration> {
        let date = httpdate::parse_http_date(date).ok()?.duration_since(UNIX_EPOCH).ok()?;
        let now = Duration::from_millis(u64::try_from(self.now.0).unwrap_or_default());
        Some(date.saturating_sub(now))
    }
}

fn seconds(value: &str) -> Option<Duration> {
    let seconds: f64 = value.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// By type or code alone: in an accepted answer the message is free text, which may quote anything.
fn speaks_by_name(error: &ProviderError, words: &[&str]) -> bool {
    let name = format!("{} {}", error.kind, error.code).to_ascii_lowercase();
    words.iter().any(|word| name.contains(word))
}

/// Something, and not a page.
fn is_plain(body: &[u8]) -> bool {
    body.trim_ascii_start().first().is_some_and(|first| *first != b'<')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Headers = &'static [(&'static str, &'static str)];

    const THROTTLED: Class = Class::Throttled { retry_after: None };
    const ANTHROPIC_ID: Headers = &[("request-id", "req_1")];
    const NOW: UnixMillis = UnixMillis(1_000_000_000);

    fn class(provider: Provider, status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Class {
        let header = |name: &str| headers.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
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
                &[("www-authenticate", "Bearer error=insufficient_scope")],
                String::new(),
                Class::Forbidden,
            ),
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
        let stream = |kind: &str| {
            format!("event: ping\ndata: {{}}\n\nevent: error\ndata: {}\n\n", anthropic(kind, "m"))
        };
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

    #[test]
    fn an_accepted_answer_may_speak_of_errors_without_being_one() {
        let words = r#"{"type":"message","content":[{"type":"text","text":"{\"type\":\"error\",\"error\":{\"type\":\"authentication_error\"}}"}]}"#;
        holds(&[
            (200, &[], words.into(), Class::Ok),
            (
                200,
                &[],
                format!("data: {{\"type\":\"content_block_delta\",\"delta\":{words}}}\n\n"),
                Class::Ok,
            ),
            (200, &[], r#"{"status":"completed","error":null,"output":[]}"#.into(), Class::Ok),
            (204, &[], String::new(), Class::Ok),
            (200, &[], anthropic("api_error", "the tool said authentication_error"), Class::UpstreamFault),
        ]);
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
}
