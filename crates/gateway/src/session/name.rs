//! Sessions in the agents' own words.

use super::signs::Signs;
use domain::conversation::Asked;
use workers::Speaker;

/// What an agent calls its session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// Its own words.
    pub(crate) words: String,
    /// Who speaks in it.
    pub(crate) speaker: Speaker,
}

/// The name that a request's headers or its body give; the most exact one that there is.
pub(crate) fn name(signs: &Signs, asked: Option<&Asked>) -> Option<Name> {
    let session = words(signs, asked)?;
    Some(match signs.agent() {
        Some(agent) => Name { words: format!("{session}.{agent}"), speaker: Speaker::Subagent },
        None => Name { words: session.to_owned(), speaker: speaker(signs) },
    })
}

/// Whether there is a name.
pub(crate) fn is_named(signs: &Signs, asked: &Asked) -> bool {
    words(signs, Some(asked)).is_some()
}

fn words<'w>(signs: &'w Signs, asked: Option<&'w Asked>) -> Option<&'w str> {
    signs
        .exact()
        .or_else(|| asked?.session.as_deref())
        .or_else(|| signs.usual())
        .or_else(|| asked?.cache_key.as_deref().filter(|key| is_unique(key)))
}

fn speaker(signs: &Signs) -> Speaker {
    if signs.is_subagents { Speaker::Subagent } else { Speaker::Main }
}

/// Whether a cache key is one conversation's. A key may as well stand for all users of a prompt; then only what they say
/// tells them apart.
fn is_unique(key: &str) -> bool {
    let of_an_agent = || key.starts_with("agent:") && key.split(':').any(|word| is_uuid(word.as_bytes()));
    key.starts_with("ses_") || is_uuid(key.as_bytes()) || of_an_agent()
}

const UUID: &[u8] = b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

fn is_uuid(text: &[u8]) -> bool {
    let fits = |(byte, form): (&u8, &u8)| if *form == b'-' { byte == form } else { byte.is_ascii_hexdigit() };
    text.len() == UUID.len() && text.iter().zip(UUID).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use upstream::transport::HeaderMap;

    fn signs(pairs: &[(&'static str, &str)]) -> Signs {
        let pair = |(name, value): &(&'static str, &str)| {
            (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
        };
        Signs::of(&pairs.iter().map(pair).collect::<HeaderMap>())
    }

    fn named(pairs: &[(&'static str, &str)], asked: &Asked) -> Option<(String, Speaker)> {
        name(&signs(pairs), Some(asked)).map(|name| (name.words, name.speaker))
    }

    #[test]
    fn the_most_exact_name_wins() {
        let key = Asked { cache_key: Some("ses_key".into()), ..Asked::default() };
        let body = Asked { session: Some("of-the-body".into()), ..key.clone() };
        let all = [
            ("x-claude-code-session-id", "claude"),
            ("thread-id", "thread"),
            ("session-id", "codex"),
            ("x-session-id", "opencode"),
            ("x-opencode-session", "zen"),
            ("session_id", "pi"),
        ];
        let words = |pairs: &[_], asked: &Asked| named(pairs, asked).map(|(words, _)| words);
        assert_eq!(words(&all, &body).as_deref(), Some("claude"));
        assert_eq!(words(&all[1..], &body).as_deref(), Some("of-the-body"));
        for from in 1..all.len() {
            assert_eq!(words(&all[from..], &key).as_deref(), Some(all[from].1));
        }
        assert_eq!(words(&[], &key).as_deref(), Some("ses_key"));
        assert_eq!(words(&[], &Asked::default()), None);
        assert_eq!(words(&[("session_id", " ")], &Asked::default()), None);
    }

    #[test]
    fn a_cache_key_is_a_name_only_when_it_looks_like_one_conversations() {
        let name_of = |key: &str| named(&[], &Asked { cache_key: Some(key.into()), ..Asked::default() });
        let uuid = "01a2081a-f2b9-76e2-bb80-f2015e0429f4";
        for unique in [uuid, &format!("agent:{uuid}:main"), &uuid.to_uppercase(), "ses_4f2"] {
            assert_eq!(name_of(unique), Some((unique.into(), Speaker::Main)), "{unique}");
        }
        for shared in [
            "my-app",
            "",
            "support-bot-v2",
            &format!("user-{uuid}"),
            &format!("tenant:{uuid}"),
            &uuid[1..],
            &uuid.replace('-', ""),
            &uuid.replace('f', "g"),
        ] {
            assert_eq!(name_of(shared), None, "{shared}");
        }
    }

    #[test]
    fn a_subagent_has_a_session_of_its_own() {
        let claude = [("x-claude-code-session-id", "main-session"), ("x-claude-code-agent-id", "a1")];
        assert_eq!(named(&claude, &Asked::default()), Some(("main-session.a1".into(), Speaker::Subagent)));
        let review = [
            ("thread-id", "t"),
            ("session-id", "s"),
            ("x-codex-turn-metadata", r#"{"thread_source":"subagent"}"#),
        ];
        assert_eq!(named(&review, &Asked::default()), Some(("t".into(), Speaker::Subagent)));
        let opencode = [("x-session-id", "ses_2"), ("x-parent-session-id", "ses_1")];
        assert_eq!(named(&opencode, &Asked::default()), Some(("ses_2".into(), Speaker::Subagent)));
    }
}
