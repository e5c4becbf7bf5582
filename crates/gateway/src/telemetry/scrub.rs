//! Takes secrets out of text that leaves the house.
//!
//! Nothing that reaches an alert should hold a secret in the first place. This is the net below: it knows what a secret
//! looks like (a token's beginning, a long opaque word) and where one stands (behind the name of a header that carries one,
//! behind `Bearer`, in the query of an address), and rather takes too much than too little.

use serde_json::Value;
use std::borrow::Cow;

/// What stands where a secret stood.
pub(crate) const REMOVED: &str = "[removed]";

/// How the names of headers end whose value is a secret or says whose account it is; every `x-stillroom-…` header counts as
/// one too. So do the same names as other programs write them: `HTTP_X_API_KEY`, `ANTHROPIC_API_KEY`, `cookies`.
const SECRET_NAMES: [&str; 8] = [
    "authorization",
    "api-key",
    "apikey",
    "cookie",
    "cookies",
    "chatgpt-account-id",
    "openai-organization",
    "openai-project",
];
/// How tokens begin, wherever in a word that is.
const BEGINNINGS: [&str; 8] = ["sk-ant-", "sk-proj-", "eyJ", "AIza", "ghp_", "gho_", "github_pat_", "xox"];
/// A word of this length that mixes lower case, upper case and digits says nothing to a person.
const OPAQUE: usize = 32;
/// A shorter word behind `Bearer` is prose.
const SHORTEST_BEARER: usize = 6;

/// `text` without anything that may be a secret.
pub(crate) fn scrubbed(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| scrubbed_line(&without_addresses(line))).collect();
    lines.join("\n")
}

/// Scrubs every text in `value`, and takes away whole what lies under the name of a secret header.
pub(crate) fn scrub_value(value: &mut Value) {
    match value {
        Value::String(text) => *text = scrubbed(text),
        Value::Array(items) => scrub_items(items),
        Value::Object(fields) => {
            let taken = std::mem::take(fields);
            fields.extend(taken.into_iter().map(scrubbed_field));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A header may also stand as a pair of its name and its value.
fn scrub_items(items: &mut [Value]) {
    if let [Value::String(name), value] = items
        && names_secret(name)
    {
        *value = Value::from(REMOVED);
    }
    items.iter_mut().for_each(scrub_value);
}

fn scrubbed_field((name, mut value): (String, Value)) -> (String, Value) {
    if names_secret(&name) {
        value = Value::from(REMOVED);
    }
    scrub_value(&mut value);
    (scrubbed(&name), value)
}

/// Whether a header of this name carries a secret.
pub(crate) fn names_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "-");
    SECRET_NAMES.iter().any(|secret| name.ends_with(secret)) || name.contains("x-stillroom-")
}

/// Cuts the query, the fragment and the user of every address in `line`.
fn without_addresses(line: &str) -> String {
    line.split_inclusive(is_fence).map(without_address).collect()
}

/// Characters that end an address in prose, in code and in JSON.
fn is_fence(character: char) -> bool {
    character.is_whitespace() || "\"'`<>()[]{}|\\".contains(character)
}

fn without_address(word: &str) -> Cow<'_, str> {
    let end = word.trim_end_matches(is_fence).len();
    let (word, fence) = word.split_at(end);
    let path = &word[..query_start(word).unwrap_or(word.len())];
    let host = without_user(path);
    let cut = if path.len() == word.len() { "" } else { REMOVED };
    Cow::Owned(format!("{host}{cut}{fence}"))
}

/// Just behind the mark where `word` begins to be a query or fragment: one that assigns something.
fn query_start(word: &str) -> Option<usize> {
    let mark = word.find(['?', '#'])?;
    let names_address = word.contains("://") || word.starts_with('/');
    (names_address || word[mark..].contains('=')).then_some(mark + 1)
}

fn without_user(address: &str) -> Cow<'_, str> {
    let Some((scheme, rest)) = address.split_once("://") else { return Cow::Borrowed(address) };
    let authority = rest.split('/').next().unwrap_or(rest);
    match authority.rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{REMOVED}{}", &rest[at..])),
        None => Cow::Borrowed(address),
    }
}

/// Goes through the words of a line. What stands behind a secret header's name goes with the rest of the line, since a value
/// may hold blanks; so does the one word behind `Bearer`.
fn scrubbed_line(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    let mut before = "";
    while !rest.is_empty() {
        let (gap, word, after) = next_word(rest);
        out.push_str(gap);
        if names_secret(before) && assigns(gap) {
            out.truncate(out.trim_end_matches('[').len()); // Of what was removed before.
            out.push_str(REMOVED);
            return out;
        }
        let gone = gap.ends_with('[') && after.starts_with(']') && word == "removed";
        let behind_scheme = is_scheme(before) && word.len() >= SHORTEST_BEARER && !gone;
        let hidden = is_token(word) || behind_scheme;
        out.push_str(if hidden { REMOVED } else { word });
        (before, rest) = (word, after);
    }
    out
}

/// Whether what stands in the `gap` behind a name says that a value follows: `name: value`, `name=value`, `("name", "value")`.
fn assigns(gap: &str) -> bool {
    gap.contains([':', '=']) || gap.contains("\",")
}

/// What stands before the first word of `text`, that word, and what is behind it.
fn next_word(text: &str) -> (&str, &str, &str) {
    let start = text.find(is_token_character).unwrap_or(text.len());
    let (gap, word) = text.split_at(start);
    let end = word.find(|character| !is_token_character(character)).unwrap_or(word.len());
    let (word, after) = word.split_at(end);
    (gap, word, after)
}

fn is_token_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-_.~+".contains(character)
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic"].iter().any(|scheme| word.eq_ignore_ascii_case(scheme))
}

fn is_token(word: &str) -> bool {
    let begins = word.starts_with("sk-") || BEGINNINGS.iter().any(|beginning| word.contains(beginning));
    (begins && word.len() > 8) || is_opaque(word)
}

fn is_opaque(word: &str) -> bool {
    let has = |kind: fn(&u8) -> bool| word.bytes().any(|byte| kind(&byte));
    word.len() >= OPAQUE
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tokens_are_known_by_their_beginning() {
        assert_eq!(scrubbed("got sk-ant-oat01-abcdef, gone"), "got [removed], gone");
        assert_eq!(scrubbed("sk-proj-abcdef"), REMOVED);
        assert_eq!(scrubbed("sk-1234567890"), REMOVED);
        assert_eq!(scrubbed("{\"t\":\"eyJhbGciOi.eyJzdWIiOi.c2ln\"}"), "{\"t\":\"[removed]\"}");
        assert_eq!(scrubbed("AIzaSyAbcdefgh/AIzaSyAbcdefgh"), "[removed]/[removed]");
    }

    #[test]
    fn long_opaque_words_go_and_readable_ones_stay() {
        assert_eq!(scrubbed("t0kenT0kenT0kenT0kenT0kenT0kenT0k"), REMOVED);
        for readable in [
            "claude-sonnet-4-5-20250929",
            "0198f2a4-7b1c-7def-8a90-0123456789ab",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "ContinuousIntegrationEnvironmentVariables",
            "a task-force and a risk-free desk-top",
            "is it so? yes: 3 of 4 (75 %)",
        ] {
            assert_eq!(scrubbed(readable), readable);
        }
    }

    #[test]
    fn what_stands_behind_a_secret_headers_name_goes_with_its_line() {
        assert_eq!(scrubbed("Authorization: Bearer abc def\nnext"), "Authorization: [removed]\nnext");
        assert_eq!(scrubbed("x-goog-api-key=short"), "x-goog-api-key=[removed]");
        assert_eq!(scrubbed("{\"api-key\":\"short\"}"), "{\"api-key\":\"[removed]");
        assert_eq!(scrubbed("X-Stillroom-Access: hunter2"), "X-Stillroom-Access: [removed]");
        assert_eq!(scrubbed("the authorization header is missing"), "the authorization header is missing");
    }

    #[test]
    fn every_header_that_tells_a_secret_or_an_account_is_known_by_its_name_however_it_is_written() {
        for name in [
            "authorization",
            "Proxy-Authorization",
            "x-api-key",
            "X-Goog-Api-Key",
            "api-key",
            "apikey",
            "cookie",
            "Set-Cookie",
            "ChatGPT-Account-ID",
            "OpenAI-Organization",
            "openai-project",
            "x-stillroom-access",
            "X-Stillroom-Anything",
            "x_api_key",
            "HTTP_X_STILLROOM_ACCESS",
            "ANTHROPIC_API_KEY",
        ] {
            for text in ["{}: canary 1", "{}=canary", "{\"{}\":\"canary\"}", "(\"{}\", \"canary\")"] {
                let text = text.replace("{}", name);
                assert!(!scrubbed(&text).contains("canary"), "{text}");
            }
            let mut tree = json!({"deep": [{name: "canary"}, [[name, "canary"]]]});
            scrub_value(&mut tree);
            assert_eq!(tree, json!({"deep": [{name: REMOVED}, [[name, REMOVED]]]}));
        }
    }

    #[test]
    fn names_that_tell_nothing_keep_their_value() {
        for text in ["content-type: text/html", "x-request-id=12", "(\"accept\", \"text/html\")", "key: 12"] {
            assert_eq!(scrubbed(text), text);
        }
        let mut tree = json!({"headers": [["accept", "text/html"], ["authorization", "a", "b"]]});
        scrub_value(&mut tree);
        assert_eq!(tree, json!({"headers": [["accept", "text/html"], ["authorization", "a", "b"]]}));
    }

    #[test]
    fn the_word_behind_bearer_goes_and_a_short_one_is_prose() {
        assert_eq!(scrubbed("sent Bearer opaque-thing once"), "sent Bearer [removed] once");
        assert_eq!(scrubbed("a bearer token"), "a bearer token");
    }

    #[test]
    fn addresses_lose_query_fragment_and_user() {
        assert_eq!(scrubbed("GET /v1/models?key=abc HTTP/1.1"), "GET /v1/models?[removed] HTTP/1.1");
        assert_eq!(scrubbed("v1beta/models/m?key=AIzaShort"), "v1beta/models/m?[removed]");
        assert_eq!(scrubbed("'https://h/p?key=abc&b=c'"), "'https://h/p?[removed]'");
        assert_eq!(scrubbed("https://h/p#access_token=abc"), "https://h/p#[removed]");
        assert_eq!(scrubbed("https://me:pass@h:1/p"), "https://[removed]@h:1/p");
        assert_eq!(scrubbed("https://h/p/@scope"), "https://h/p/@scope");
    }

    #[test]
    fn scrubbing_twice_is_scrubbing_once() {
        for text in [
            "Authorization: Bearer abcdef",
            "sent Bearer opaque-thing once",
            "x-api-key: [a, b]",
            "(\"x-api-key\", \"k\")",
            "GET /v1/models?key=abc and sk-ant-oat01-abc",
            "https://me:pass@h/p#t",
        ] {
            let once = scrubbed(text);
            assert_ne!(once, text);
            assert_eq!(scrubbed(&once), once);
        }
    }

    #[test]
    fn names_and_values_of_a_tree_are_scrubbed_alike() {
        let mut tree = json!({
            "X-Api-Key": ["a"], "ok": [1, {"deep": "sk-ant-api03-abc"}], "sk-ant-api03-abc": null,
        });
        scrub_value(&mut tree);
        assert_eq!(tree, json!({"X-Api-Key": REMOVED, "ok": [1, {"deep": REMOVED}], REMOVED: null}));
    }
}
