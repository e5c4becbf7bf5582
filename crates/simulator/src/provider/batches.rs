//! Batches: calls that are answered later.

use super::{
    answering::{Asked, State},
    endpoint::{BATCH, Endpoint},
    exchange::Plan,
    refusal::Refusal,
    shape,
};
use domain::provider::Dialect;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How batches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnd {
    /// With answers.
    Answered,
    /// With an error for each call.
    Errored,
    /// The provider has forgotten them.
    Forgotten,
}

/// The batches of a provider.
#[derive(Debug, Default)]
pub(super) struct Batches {
    offer: Option<(Duration, BatchEnd)>,
    taken: BTreeMap<String, Taken>,
}

#[derive(Debug)]
struct Taken {
    owner: String,
    ready: Duration,
    end: BatchEnd,
    results: Vec<Value>,
}

impl Batches {
    pub(super) fn offer(&mut self, after: Duration, end: BatchEnd) {
        self.offer = Some((after, end));
    }
}

impl State {
    pub(super) fn batch(&mut self, asked: &Asked<'_>, endpoint: Endpoint, owner: &str, body: &Value) -> Plan {
        match (self.batches.offer, endpoint) {
            (None, _) => asked.refuse(Refusal::NotFound),
            (Some(offer), Endpoint::Batches) => self.take_in(asked, owner, body, offer),
            (Some(_), _) => self.look_up(asked, endpoint, owner),
        }
    }

    fn take_in(
        &mut self,
        asked: &Asked<'_>,
        owner: &str,
        body: &Value,
        (after, end): (Duration, BatchEnd),
    ) -> Plan {
        let calls = body["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let results: Option<Vec<_>> = calls.iter().map(|call| self.result(asked, owner, call, end)).collect();
        let Some(results) = results.filter(|results| !results.is_empty()) else {
            return asked.refuse(Refusal::Invalid);
        };
        let id = self.ids.letters("msgbatch_01", 22);
        let plan = asked.whole(200, &shown(&id, false));
        let taken = Taken { owner: owner.to_owned(), ready: asked.now + after, end, results };
        self.batches.taken.insert(id, taken);
        plan
    }

    fn result(&mut self, asked: &Asked<'_>, owner: &str, call: &Value, end: BatchEnd) -> Option<Value> {
        let dialect = Dialect::AnthropicMessages;
        let id = call["custom_id"].as_str()?;
        let prompt = shape::read(dialect, &call["params"])?;
        let said = self.say(asked, dialect, owner, &prompt, false);
        let result = match end {
            BatchEnd::Errored => json!({"type": "errored", "error": {"type": "api_error"}}),
            _ => json!({"type": "succeeded", "message": shape::whole(dialect, &said)}),
        };
        Some(json!({"custom_id": id, "result": result}))
    }

    /// Whoever did not hand a batch in does not learn that there is one.
    fn look_up(&self, asked: &Asked<'_>, endpoint: Endpoint, owner: &str) -> Plan {
        let name = asked.exchange.path().trim_start_matches(BATCH).trim_end_matches("/results");
        let known = self.batches.taken.get(name).filter(|taken| taken.owner == owner);
        let ended = known.is_some_and(|taken| taken.ready <= asked.now);
        match known.filter(|taken| taken.end != BatchEnd::Forgotten) {
            Some(_) if endpoint == Endpoint::Batch => asked.whole(200, &shown(name, ended)),
            Some(taken) if ended => asked.lines(&taken.results),
            Some(_) | None => asked.refuse(Refusal::NotFound),
        }
    }
}

/// Its results' address leads astray: whoever follows it with a key has given the key away.
fn shown(id: &str, ended: bool) -> Value {
    json!({
        "id": id,
        "type": "message_batch",
        "processing_status": if ended { "ended" } else { "in_progress" },
        "results_url": "http://elsewhere.simulated/results",
    })
}
