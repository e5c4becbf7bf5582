//! Telling turns from side requests: what an agent asks for its own purposes and does not go on from.

use super::signs::Signs;
use domain::conversation::{Asked, Role};

/// What a request is to its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A step of the conversation: recorded.
    Turn,
    /// Anything else: relayed, and evidence about its credential, but not recorded.
    Side,
}

/// The kind of a request with these signs that says this; a body that nobody can read is no turn.
///
/// The absence of tools alone proves nothing: simple clients have none. A schema for the answer, or room for a single token,
/// without any tool, is how agents ask for titles and try a credential; but who goes on from such an answer converses.
pub(crate) fn kind(signs: &Signs, asked: Option<&Asked>) -> Kind {
    let Some(asked) = asked.filter(|asked| asked.says_something()) else { return Kind::Side };
    let goes_on = asked.messages.iter().any(|message| message.role == Role::Assistant);
    let wants_form = asked.structured && !goes_on;
    let machinery = asked.tools == 0 && (wants_form || asked.output_limit.is_some_and(|limit| limit <= 1));
    if machinery || signs.is_aside { Kind::Side } else { Kind::Turn }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};
    use domain::conversation::Message;
    use upstream::transport::HeaderMap;

    fn asked() -> Asked {
        Asked { messages: vec![Message::text(Role::User, "hello")], ..Asked::default() }
    }

    fn with(name: &'static str, value: &'static str) -> Signs {
        let header = (HeaderName::from_static(name), HeaderValue::from_static(value));
        Signs::of(&[header].into_iter().collect::<HeaderMap>())
    }

    fn hinted(name: &'static str, value: &'static str) -> Kind {
        kind(&with(name, value), Some(&Asked { tools: 3, ..asked() }))
    }

    #[test]
    fn a_plain_request_without_tools_is_a_turn() {
        assert_eq!(kind(&Signs::default(), Some(&asked())), Kind::Turn);
    }

    #[test]
    fn a_schema_or_a_single_token_without_tools_is_no_turn() {
        let title = Asked { structured: true, ..asked() };
        let probe = Asked { output_limit: Some(1), ..asked() };
        for side in [&title, &probe] {
            assert_eq!(kind(&Signs::default(), Some(side)), Kind::Side);
            assert_eq!(kind(&Signs::default(), Some(&Asked { tools: 1, ..side.clone() })), Kind::Turn);
        }
    }

    #[test]
    fn a_conversation_whose_answers_have_a_schema_is_one() {
        let answered = [("hello", Role::User), ("{}", Role::Assistant), ("go on", Role::User)];
        let messages = answered.map(|(text, role)| Message::text(role, text)).to_vec();
        let second = Asked { messages, structured: true, ..asked() };
        assert_eq!(kind(&Signs::default(), Some(&second)), Kind::Turn);
    }

    #[test]
    fn what_cannot_be_read_or_says_nothing_is_no_turn() {
        assert_eq!(kind(&Signs::default(), None), Kind::Side);
        assert_eq!(kind(&Signs::default(), Some(&Asked::default())), Kind::Side);
    }

    #[test]
    fn what_goes_on_from_a_kept_conversation_without_words_is_a_turn() {
        let approval = Asked { follows: Some("resp_1".into()), ..Asked::default() };
        assert_eq!(kind(&Signs::default(), Some(&approval)), Kind::Turn);
    }

    #[test]
    fn an_agents_own_word_is_taken() {
        let class = "x-claude-code-request-class";
        assert_eq!(hinted(class, "main"), Kind::Turn);
        assert_eq!(hinted(class, "subagent"), Kind::Turn);
        assert_eq!(hinted(class, "auxiliary"), Kind::Side);
        assert_eq!(hinted(class, "compaction"), Kind::Side);
        let codex = "x-codex-turn-metadata";
        assert_eq!(hinted(codex, r#"{"thread_source":"user","request_kind":"turn"}"#), Kind::Turn);
        assert_eq!(hinted(codex, r#"{"thread_source":"thread_title","request_kind":"turn"}"#), Kind::Side);
        assert_eq!(hinted(codex, r#"{"request_kind":"compaction"}"#), Kind::Side);
        assert_eq!(hinted(codex, r#"{"request_kind":"prewarm"}"#), Kind::Side);
        assert_eq!(hinted(codex, "not json"), Kind::Turn);
    }
}
