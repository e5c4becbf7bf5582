//! The error inside an answer, in whatever of the known shapes: an object or a text under `error`, a `detail`, a failed
//! response, or an event of a stream.

use crate::dialect::json::{Text, first_is_json, read};
use crate::events;
use memchr::memmem::Finder;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::sync::LazyLock;

/// What a provider says went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ProviderError {
    /// Its type, `authentication_error` for instance; empty when it has none.
    pub(crate) kind: String,
    /// Its code, `invalid_api_key` for instance; empty when it has none.
    pub(crate) code: String,
    /// Its words.
    pub(crate) message: String,
    /// The parameter it is about, `max_tokens` for instance; empty when it states none.
    pub(crate) param: String,
}

/// Every shape has one of these words for a name or a type; most answers have neither, and a look for them is cheap. Where an
/// answer only speaks of errors, as those of coding agents do all the time, no quotes stand around the word, or escaped ones.
fn may_hold_one(body: &[u8]) -> bool {
    WORDS.iter().any(|word| word.find(body).is_some())
}

static WORDS: LazyLock<[Finder<'_>; 2]> = LazyLock::new(|| [r#""error""#, r#""detail""#].map(Finder::new));

impl ProviderError {
    /// The error in a whole body, JSON or a stream of events; none when there is none, or the body is neither.
    pub(crate) fn find(body: &[u8]) -> Option<Self> {
        if !may_hold_one(body) {
            return None;
        }
        if first_is_json(body) {
            std::str::from_utf8(body).ok().and_then(Self::in_object)
        } else {
            let events = events::all(body);
            let mut suspects = events.iter().filter(|event| may_hold_one(event.data.as_bytes()));
            suspects.find_map(|event| Self::in_object(&event.data))
        }
    }

    /// The error in one JSON value: a whole answer, or the data of an event.
    pub(crate) fn in_object(json: &str) -> Option<Self> {
        let envelope: Envelope<'_> =
            read(json).or_else(|| read::<[Envelope<'_>; 1]>(json).map(|[one]| one))?;
        let nested = || envelope.response.and_then(|response| read::<Envelope<'_>>(response.get())?.error);
        match envelope.error.or_else(nested) {
            Some(error) => Self::in_value(error),
            None if envelope.kind.as_ref().is_some_and(|kind| &**kind == "error") => Self::in_fields(json),
            None => envelope.detail.and_then(Self::in_value),
        }
    }

    /// The error in the value under `error`.
    pub(crate) fn in_value(error: &RawValue) -> Option<Self> {
        if let Some(message) = read::<Text<'_>>(error.get()) {
            return Some(Self { message: message.0.into_owned(), ..Self::default() });
        }
        Self::in_fields(error.get())
    }

    fn in_fields(json: &str) -> Option<Self> {
        let fields: Fields<'_> = read(json)?;
        let text = |value: Option<&RawValue>| value.map_or_else(String::new, plain);
        let kind = text(fields.kind);
        let code =
            Some(text(fields.code)).filter(|code| !code.is_empty()).unwrap_or_else(|| text(fields.status));
        Some(Self { kind, code, message: text(fields.message), param: text(fields.param) })
    }

    /// The one word that says most: the code, else the type.
    pub(crate) fn word(&self) -> &str {
        if self.code.is_empty() { &self.kind } else { &self.code }
    }

    /// Whether the type, the code or the message holds one of `words`, which are in lower case.
    pub(crate) fn speaks_of(&self, words: &[&str]) -> bool {
        let all = format!("{} {} {}", self.kind, self.code, self.message).to_ascii_lowercase();
        words.iter().any(|word| all.contains(word))
    }
}

#[derive(Deserialize)]
struct Envelope<'b> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'b>>,
    #[serde(borrow)]
    error: Option<&'b RawValue>,
    #[serde(borrow)]
    detail: Option<&'b RawValue>,
    #[serde(borrow)]
    response: Option<&'b RawValue>,
}

/// Every field may be text, a number or anything else: an error that we read badly is still an error.
#[derive(Deserialize)]
struct Fields<'b> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'b RawValue>,
    #[serde(borrow)]
    code: Option<&'b RawValue>,
    #[serde(borrow)]
    status: Option<&'b RawValue>,
    #[serde(borrow)]
    message: Option<&'b RawValue>,
    #[serde(borrow)]
    param: Option<&'b RawValue>,
}

fn plain(value: &RawValue) -> String {
    read::<Text<'_>>(value.get()).map_or_else(|| value.get().to_owned(), |text| text.0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(body: &str) -> (String, String, String) {
        let error = ProviderError::find(body.as_bytes()).unwrap();
        (error.kind, error.code, error.message)
    }

    fn of(kind: &str, code: &str, message: &str) -> (String, String, String) {
        (kind.into(), code.into(), message.into())
    }

    #[test]
    fn each_known_shape_is_found() {
        assert_eq!(
            found(
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"r"}"#
            ),
            of("overloaded_error", "", "Overloaded")
        );
        assert_eq!(
            found(
                r#" {"error":{"message":"no","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}"#
            ),
            of("invalid_request_error", "invalid_api_key", "no")
        );
        assert_eq!(found(r#"{"error":{"code":429,"message":"slow"}}"#), of("", "429", "slow"));
        assert_eq!(found(r#"{"error":"no such model"}"#), of("", "", "no such model"));
        assert_eq!(found(r#"{"detail":"Unauthorized"}"#), of("", "", "Unauthorized"));
        assert_eq!(
            found(r#"[{"error":{"code":400,"message":"key","status":"INVALID_ARGUMENT"}}]"#),
            of("", "400", "key")
        );
    }

    #[test]
    fn an_error_in_a_stream_is_found_wherever_it_stands() {
        assert_eq!(
            found(
                "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"authentication_error\",\"message\":\"m\"}}\n\n"
            ),
            of("authentication_error", "", "m")
        );
        assert_eq!(
            found(
                "data: {\"type\":\"response.failed\",\"response\":{\"error\":{\"code\":\"server_error\",\"message\":\"m\"}}}\n\n"
            ),
            of("", "server_error", "m")
        );
        assert_eq!(
            found("data: {\"type\":\"error\",\"code\":\"c\",\"message\":\"m\"}\n\n"),
            of("error", "c", "m")
        );
    }

    #[test]
    fn what_holds_no_error_has_none() {
        for body in [
            "",
            "<html>error</html>",
            "{",
            r#"{"error":null}"#,
            r#"{"type":"message","content":[]}"#,
            "data: [DONE]\n\n",
        ] {
            assert_eq!(ProviderError::find(body.as_bytes()), None, "{body}");
        }
    }
}
