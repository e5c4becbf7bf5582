//! A provider's error message as it may be logged: short, on one line, and without anything that looks like a secret.
//! Providers quote the keys they refuse.

use crate::provider_error::ProviderError;

/// The longest excerpt, in characters.
const LONGEST: usize = 200;
/// What a secret becomes.
const MASK: &str = "[masked]";
/// Longer runs of letters, digits and the signs of base64 are no words.
const LONGEST_WORD: usize = 32;
/// Longer runs of hexadecimal digits are no words either.
const LONGEST_NUMBER: usize = 20;
/// How the secrets of the providers begin.
const SECRETS: [&str; 6] = ["sk-", "eyJ", "AIza", "sess-", "ghp_", "xox"];

/// At most 200 characters of the provider's error message, or of the body when it has none, safe to log.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    let message = ProviderError::find(body).map(said).filter(|message| !message.is_empty());
    let message = message.unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
    masked(&message).chars().take(LONGEST).collect()
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
