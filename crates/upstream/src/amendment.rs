//! What a model no longer takes: read from the provider's refusal of one of our own requests, and left out from then on.
//!
//! Models come and go, and with them the parameters that they take: one knows `max_tokens` only as `max_completion_tokens`,
//! the next takes no `temperature`. A refusal that names such a parameter is worth one more request without it, and every
//! later request should know. Only our own optional parameters are ever changed: without a model, a prompt, or a limit that
//! the dialect demands, there is no request.

#[cfg(test)]
mod tests;

use crate::provider_error::ProviderError;
use bytes::Bytes;
use domain::provider::{Dialect, UpstreamKey};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};

/// One change of a request: this parameter goes, or bears another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Amendment {
    parameter: String,
    substitute: Option<&'static str>,
}

/// The parameters of a request, without which there is none.
const ESSENTIAL: [&str; 5] = ["model", "messages", "input", "system", "instructions"];
/// Two names of one parameter: whoever refuses one may ask for the other.
const SYNONYMS: [(&str, &str); 2] =
    [("max_tokens", "max_completion_tokens"), ("max_completion_tokens", "max_tokens")];
/// How providers say, in lower case, that a parameter as such is not taken. That its value is wrong is another matter.
const NOT_TAKEN: [&str; 7] = [
    "unsupported parameter",
    "unsupported_parameter",
    "unknown parameter",
    "unrecognized request argument",
    "not supported with this model",
    "deprecated",
    "not permitted",
];
const QUOTES: [char; 3] = ['\'', '"', '`'];

/// The outer members of a request, as they stand.
type Members = BTreeMap<String, Box<RawValue>>;

impl Amendment {
    /// What the refusal `answer` asks to change in our `request`; none when it is about anything but one of our optional
    /// parameters.
    pub(crate) fn asked_for(dialect: Dialect, request: &[u8], answer: &[u8]) -> Option<Self> {
        let error = ProviderError::find(answer).filter(|error| error.speaks_of(&NOT_TAKEN))?;
        let members: Members = serde_json::from_slice(request).ok()?;
        let parameter = named(&error, &members)?;
        let substitute = SYNONYMS.iter().find(|(from, to)| *from == parameter && quotes(&error.message, to));
        is_optional(dialect, &parameter)
            .then(|| Self { substitute: substitute.map(|(_, to)| *to), parameter })
    }

    /// The request with this change; as it was where there is nothing to change. A parameter that is there under its other
    /// name already keeps the value it has there.
    #[must_use]
    pub fn applied(&self, request: &Bytes) -> Bytes {
        self.edited(request).unwrap_or_else(|| request.clone())
    }

    fn edited(&self, request: &[u8]) -> Option<Bytes> {
        let mut members: Members = serde_json::from_slice(request).ok()?;
        let value = members.remove(&self.parameter)?;
        if let Some(substitute) = self.substitute {
            members.entry(substitute.to_owned()).or_insert(value);
        }
        Some(serde_json::to_vec(&members).ok()?.into())
    }
}

fn is_optional(dialect: Dialect, parameter: &str) -> bool {
    let demanded = dialect == Dialect::AnthropicMessages && parameter == "max_tokens";
    !demanded && !ESSENTIAL.contains(&parameter)
}

/// The parameter of ours that the error is about: the one that its `param` states, else the first that its message names.
fn named(error: &ProviderError, members: &Members) -> Option<String> {
    let named = if error.param.is_empty() {
        let places = members.keys().filter_map(|key| Some((place(&error.message, key)?, key)));
        places.min()?.1
    } else {
        members.keys().find(|key| **key == error.param)?
    };
    Some(named.clone())
}

/// Where a message names a parameter: in quotes, before a colon at its very beginning, or after one at its end. A word that
/// merely reads the same is none, and neither is a path that goes on below it.
fn place(message: &str, parameter: &str) -> Option<usize> {
    let is_named = |at: usize| {
        let (before, after) = (&message[..at], &message[at + parameter.len()..]);
        let quoted = before.ends_with(QUOTES) && after.starts_with(QUOTES);
        let leads = before.is_empty() && after.starts_with(':');
        let ends = before.ends_with(": ") && after.trim_end_matches('.').is_empty();
        quoted || leads || ends
    };
    message.match_indices(parameter).map(|(at, _)| at).find(|at| is_named(*at))
}

fn quotes(message: &str, parameter: &str) -> bool {
    QUOTES.iter().any(|quote| message.contains(&format!("{quote}{parameter}{quote}")))
}

/// Models of which is remembered what they do not take; what was learned first is forgotten first, and learned again.
const MODELS: usize = 64;
/// Changes that are remembered of one model.
const CHANGES: usize = 8;

/// What was learned of models, for as long as the process lives.
#[derive(Debug, Default)]
pub struct Lessons(VecDeque<Lesson>);

#[derive(Debug)]
struct Lesson {
    upstream: UpstreamKey,
    model: String,
    /// In the order of learning: a name that was given up and came back ends as it was last learned.
    changes: Vec<Amendment>,
}

impl Lessons {
    /// The request with everything that is known of the model.
    #[must_use]
    pub fn applied(&self, upstream: &UpstreamKey, model: &str, request: Bytes) -> Bytes {
        let known = self.0.iter().find(|lesson| lesson.is_of(upstream, model));
        let changes = known.map_or(&[][..], |lesson| &lesson.changes);
        changes.iter().fold(request, |request, change| change.applied(&request))
    }

    /// Remembers what a model asked for.
    pub fn learn(&mut self, upstream: &UpstreamKey, model: &str, change: Amendment) {
        let at = self.0.iter().position(|lesson| lesson.is_of(upstream, model));
        let mut lesson = at.and_then(|at| self.0.remove(at)).unwrap_or_else(|| Lesson {
            upstream: upstream.clone(),
            model: model.to_owned(),
            changes: Vec::new(),
        });
        lesson.changes.retain(|known| *known != change);
        lesson.changes.push(change);
        forget_first(&mut lesson.changes);
        self.0.push_back(lesson);
        if self.0.len() > MODELS {
            self.0.pop_front();
        }
    }
}

fn forget_first(changes: &mut Vec<Amendment>) {
    let surplus = changes.len().saturating_sub(CHANGES);
    changes.drain(..surplus);
}

impl Lesson {
    fn is_of(&self, upstream: &UpstreamKey, model: &str) -> bool {
        self.upstream == *upstream && self.model == model
    }
}
