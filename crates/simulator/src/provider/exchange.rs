//! What goes to a provider, and what it plans to answer: plain data, so that a test can look at both.

use bytes::Bytes;
use std::{fmt, time::Duration};

/// One request as a provider receives it.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// In upper case.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in any case, in the order of sending, duplicates included.
    pub headers: Vec<(String, String)>,
    /// As sent, whatever its encoding.
    pub body: Bytes,
}

impl Exchange {
    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The first header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The token it authenticates with: the value of `x-api-key`, else what follows `Bearer` in `authorization`.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.header("x-api-key").or_else(|| bearer(self.header("authorization")?))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl fmt::Debug for Exchange {
    /// Names and sizes only: values carry credentials and prompts.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        write!(formatter, "{} {} {names:?} +{} bytes", self.method, self.path(), self.body.len())
    }
}

/// What the provider will do: a head, then steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The status.
    pub status: u16,
    /// Lower-case names. A `content-length` says that the body has a known length; without one it is a stream.
    pub headers: Vec<(String, String)>,
    /// What happens, in order. A wait that stands first passes before the head is sent.
    pub steps: Vec<Step>,
}

/// One thing that happens while an answer is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, for this long.
    Wait(Duration),
    /// A piece of the body.
    Bytes(Bytes),
    /// The connection ends although the answer does not.
    Cut,
    /// Nothing more ever comes, and the connection stays open.
    Stall,
}

impl Plan {
    /// All bytes of the body that will be sent.
    #[must_use]
    pub fn body(&self) -> Bytes {
        let pieces = self.steps.iter().filter_map(|step| match step {
            Step::Bytes(bytes) => Some(bytes.as_ref()),
            Step::Wait(_) | Step::Cut | Step::Stall => None,
        });
        pieces.collect::<Vec<_>>().concat().into()
    }

    /// The header of this lower-case name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// How long the head is awaited, and the steps after it.
    #[must_use]
    pub fn begin(self) -> (Duration, Vec<Step>) {
        let waits = self.steps.iter().map_while(|step| match step {
            Step::Wait(span) => Some(*span),
            Step::Bytes(_) | Step::Cut | Step::Stall => None,
        });
        let (count, before) = waits.fold((0, Duration::ZERO), |(count, sum), span| (count + 1, sum + span));
        (before, self.steps.into_iter().skip(count).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(headers: &[(&str, &str)]) -> Exchange {
        let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Exchange {
            method: "POST".into(),
            target: "/v1/messages?beta=true".into(),
            headers,
            body: Bytes::new(),
        }
    }

    #[test]
    fn a_token_is_found_in_either_header_and_never_printed() {
        assert_eq!(with(&[("X-Api-Key", "sk-1")]).token(), Some("sk-1"));
        assert_eq!(with(&[("Authorization", "bearer sk-2")]).token(), Some("sk-2"));
        assert_eq!(with(&[("authorization", "Basic sk-3")]).token(), None);
        assert!(!format!("{:?}", with(&[("x-api-key", "sk-1")])).contains("sk-1"));
    }

    #[test]
    fn waits_at_the_start_pass_before_the_head() {
        let second = Duration::from_secs(1);
        let steps = vec![Step::Wait(second), Step::Wait(second), Step::Cut, Step::Wait(second)];
        let plan = Plan { status: 200, headers: vec![], steps };
        assert_eq!(plan.begin(), (second * 2, vec![Step::Cut, Step::Wait(second)]));
    }
}
