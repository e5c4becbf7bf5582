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

/// The headers, by lower-case name, that [`classify`] looks at.
pub const HEADERS: [&str; 5] =
    ["www-authenticate", "request-id", "x-request-id", "retry-after-ms", "retry-after"];

/// The class of an answer: its `status`, a look at its [`HEADERS`], its plain (decoded) body, or as much of
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

/// Whether a request was refused for the texts in it: they are too much for the model, or there is something in them that is not let
/// through. Less of them, or others, may pass. `reason` is what the provider said of [`Class::RequestRefused`], its code and its message.
#[must_use]
pub fn lies_with_the_texts(status: u16, reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    status == 413 || TEXTS.iter().any(|words| reason.contains(words))
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
/// A 401 about what was sent with the token: the same token is accepted with the right headers beside it.
const SENT_WRONGLY: [&str; 2] =
    ["oauth authentication is currently not supported", "oauth authentication is not supported"];
const BAD_TOKEN: [&str; 7] = [
    "authentication_error",
    "invalid_api_key",
    "api_key_invalid",
    "invalid_authentication",
    "invalid_token",
    "token_expired",
    "token_revoked",
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

/// What providers and servers of local models call texts that are too long, then such as are not let through. A parameter may be too large or
/// exceed a maximum, too, and a request take too long: that lies with no text.
const TEXTS: [&str; 13] = [
    "prompt is too long",
    "input is too long",
    "request_too_large",
    "context length",
    "context_length",
    "context size",
    "context_size",
    "string_above_max_length",
    "input token count",
    "content_policy",
    "content_filter",
    "content filtering",
    "invalid_prompt",
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
        } else if says(&SCOPE) || says(&SENT_WRONGLY) || self.challenges("insufficient_scope") {
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
mod tests;
