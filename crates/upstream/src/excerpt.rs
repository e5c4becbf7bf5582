//! A provider's error message as it may be logged: short, on one line, and without anything that looks like a secret.
//! Providers quote the keys they refuse.

use crate::authorize::without_secret;
use crate::provider_error::ProviderError;
use domain::credential::Lease;

/// The longest excerpt, in characters.
const LONGEST: usize = 200;
/// What a secret becomes.
pub(crate) const MASK: &str = "[masked]";
/// Longer runs of letters, digits and the signs of base64 are no words.
const LONGEST_WORD: usize = 32;
/// Longer runs of hexadecimal digits are no words either.
const LONGEST_NUMBER: usize = 20;
/// How the secrets of the providers begin.
const SECRETS: [&str; 6] = ["sk-", "eyJ", "AIza", "sess-", "ghp_", "xox"];

/// At most 200 characters of the provider's error message, or of the body when it has none, safe to log.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    short(&message(body))
}

/// The same of an answer to a request with `lease`, whose secret is masked whatever it looks like: keys of proxies and of local
/// models have no shape of their own.
pub(crate) fn excerpt_for(lease: &Lease, body: &[u8]) -> String {
    short(&without_secret(lease, &message(body)))
}

fn message(body: &[u8]) -> String {
    let message = ProviderError::find(body).map(said).filter(|message| !message.is_empty());
    message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned())
}

fn short(message: &str) -> String {
    masked(message).chars().take(LONGEST).collect()
}

fn said(error: ProviderError) -> String {
    let word = error.word();
    if word.is_empty() { error.message } else { format!("{word}: {}", error.message) }
}

/// The text on one line, with each run of characters that may be a secret replaced.
pub(crate) fn masked(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(4 * LONGEST));
    let mut after_bearer = false;
    for run in text.split_inclusive(|c| !may_be_in_a_secret(c)) {
        let word = run.trim_end_matches(|c| !may_be_in_a_secret(c));
        let secret = is_secret(word) || (after_bearer && word.len() > 6);
        line.push_str(if secret { MASK } else { word });
        push_flat(&mut line, &run[word.len()..]);
        after_bearer = word.eq_ignore_ascii_case("bearer") || (after_bearer && word.is_empty());
    }
    line.trim_end().to_owned()
}

/// Blanks and control characters become one blank: a log line stays a line.
fn push_flat(line: &mut String, separator: &str) {
    for c in separator.chars() {
        if !c.is_whitespace() && !c.is_control() {
            line.push(c);
        } else if !line.is_empty() && !line.ends_with(' ') {
            line.push(' ');
        }
    }
}

fn may_be_in_a_secret(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '*' | '+' | '/' | '~' | '%')
}

fn is_secret(word: &str) -> bool {
    let begins =
        |at: usize| word[..at].chars().next_back().is_none_or(|before| !before.is_ascii_alphanumeric());
    let known = SECRETS.iter().any(|secret| word.match_indices(secret).any(|(at, _)| begins(at)));
    let mut runs = word.split(['-', '.', '_', '/']);
    let is_number = |run: &str| run.len() > LONGEST_NUMBER && run.chars().all(|c| c.is_ascii_hexdigit());
    known || word.len() > LONGEST_WORD || runs.any(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_message_of_each_shape_is_told_with_its_word() {
        assert_eq!(
            excerpt(br#"{"type":"error","error":{"type":"api_error","message":"Internal"}}"#),
            "api_error: Internal"
        );
        assert_eq!(excerpt(br#"{"error":"no such model"}"#), "no such model");
        assert_eq!(excerpt(b"<html>\n <b>502</b>\n\n</html>"), "<html> <b>502</b> </html>");
        assert_eq!(excerpt(b""), "");
    }

    #[test]
    fn an_echoed_key_is_masked_in_whatever_dress() {
        for (message, told) in [
            ("Incorrect API key provided: sk-proj-****abcd.", "Incorrect API key provided: [masked]"),
            ("bad 'sk-ant-oat01-x' here", "bad '[masked]' here"),
            ("token eyJhbGciOi.eyJzdWIi.c2ln expired", "token [masked] expired"),
            ("GET /v1?key=AIzaSyA-1", "GET /v1?key=[masked]"),
            ("Authorization: Bearer opaque-1", "Authorization: Bearer [masked]"),
            ("hash 0123456789abcdef0123456789 bad", "hash [masked] bad"),
            ("claude-sonnet-4-5-20250929 is a model", "claude-sonnet-4-5-20250929 is a model"),
            ("a task-force without risk-free disk-space", "a task-force without risk-free disk-space"),
        ] {
            assert_eq!(masked(message), told);
        }
    }

    #[test]
    fn a_log_line_stays_a_line_and_is_short() {
        let told = excerpt("ä\r\n\u{1b}[31m ".repeat(300).as_bytes());
        assert!(told.chars().count() <= 200 && told.starts_with("ä [31m ä"), "{told}");
        assert!(!told.contains(char::is_control));
    }

    proptest! {
        #[test]
        fn a_secret_never_gets_through(
            before in "([a-z :\"'=(]{0,39}[ :\"'=(])?",
            secret in "sk-ant-[a-zA-Z0-9_-]{10,90}|[A-Za-z0-9+/]{40,90}|[0-9a-f]{32}|eyJ[a-zA-Z0-9]{8,20}\\.eyJ[a-zA-Z0-9]{8,20}\\.[a-zA-Z0-9_-]{8}",
            after in "[ ,.\"')][a-z ]{0,40}",
            quoted in any::<bool>(),
        ) {
            let message = format!("{before}{secret}{after}");
            let json = serde_json::json!({ "error": { "type": "x", "message": message } }).to_string();
            let told = excerpt(if quoted { json.as_bytes() } else { message.as_bytes() });
            prop_assert!(!told.contains(&secret[3..12]), "{told}");
        }

        #[test]
        fn any_body_has_an_excerpt(body in prop::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(excerpt(&body).chars().count() <= 200);
        }
    }
}
