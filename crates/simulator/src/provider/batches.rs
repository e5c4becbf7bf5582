//! Batches: calls that are answered later. Anthropic takes them in the request, OpenAI in a file ([`openai`]).

mod form;
mod openai;

use super::{
    answering::{Asked, State},
    endpoint,
    exchange::Plan,
    fault::Fault,
    refusal::Refusal,
    shape,
};
use domain::provider::{Dialect, Provider as Vendor};
use openai::File;
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// How batches end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchEnd {
    /// With answers.
    Answered,
    /// With answers, save for the first call, of which nothing is said.
    OneMissing,
    /// With an error for each call.
    Errored,
    /// With the news, for each call, that there was no time for it.
    Expired,
    /// As a whole, when the calls are looked at. Anthropic has no such end: as [`Errored`](Self::Errored).
    Failed,
    /// The provider has forgotten them.
    Forgotten,
}

/// A kind of request to the batch endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchStep {
    /// Anthropic: hand calls in.
    Submit,
    /// OpenAI: upload a file of calls.
    Upload,
    /// OpenAI: have them done.
    Begin,
    /// How far a batch is.
    Look,
    /// What came of it: results at Anthropic, a file at OpenAI.
    Fetch,
    /// No more of it.
    Cancel,
    /// OpenAI: let a file go.
    Delete,
}

/// The batches of a provider.
#[derive(Debug, Default)]
pub(super) struct Batches {
    offer: Option<Offer>,
    taken: BTreeMap<String, Taken>,
    files: BTreeMap<String, File>,
    faults: Vec<(BatchStep, Fault)>,
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    after: Duration,
    end: BatchEnd,
}

#[derive(Debug)]
struct Taken {
    owner: String,
    ready: Duration,
    end: BatchEnd,
    cancelled: bool,
    /// One a call, in whatever order. OpenAI's stand in files.
    results: Vec<Value>,
    /// OpenAI's names for the files of calls, answers and errors.
    files: [Option<String>; 3],
    endpoint: String,
}

impl Taken {
    fn has_ended(&self, now: Duration) -> bool {
        self.cancelled || self.ready <= now
    }
}

impl Batches {
    pub(super) fn offer(&mut self, after: Duration, end: BatchEnd) {
        self.offer = Some(Offer { after, end });
    }

    pub(super) fn meets(&mut self, step: BatchStep, fault: Fault) {
        self.faults.push((step, fault));
    }

    /// The fault for a request of this kind.
    pub(super) fn fault(&mut self, step: BatchStep) -> Option<Fault> {
        let at = self.faults.iter().position(|(whose, _)| *whose == step)?;
        Some(self.faults.remove(at).1)
    }

    pub(super) fn files(&self) -> usize {
        self.files.len()
    }
}

impl State {
    /// Whoever did not hand a batch in does not learn that there is one.
    pub(super) fn batch(&mut self, asked: &Asked<'_>, step: BatchStep, owner: &str, body: &Value) -> Plan {
        let Some(offer) = self.batches.offer else { return asked.refuse(Refusal::NotFound) };
        match (asked.vendor, step) {
            (Vendor::OpenAi, _) => self.openai_batch(asked, step, owner, body, offer),
            (Vendor::Anthropic, BatchStep::Submit) => self.take_in(asked, owner, body, offer),
            (Vendor::Anthropic, _) => self.look_up(asked, step, owner),
        }
    }

    fn take_in(&mut self, asked: &Asked<'_>, owner: &str, body: &Value, offer: Offer) -> Plan {
        let calls = body["requests"].as_array().map(Vec::as_slice).unwrap_or_default();
        let results: Option<Vec<_>> =
            calls.iter().map(|call| self.result(asked, owner, call, offer.end)).collect();
        let Some(mut results) = results.filter(|results| !results.is_empty()) else {
            return asked.refuse(Refusal::Invalid);
        };
        results.drain(..usize::from(offer.end == BatchEnd::OneMissing));
        results.reverse();
        let id = self.ids.letters("msgbatch_01", 22);
        let plan = asked.whole(200, &shown(&id, false));
        self.batches.taken.insert(id, Taken::new(owner, asked.now, offer, results));
        plan
    }

    fn result(&mut self, asked: &Asked<'_>, owner: &str, call: &Value, end: BatchEnd) -> Option<Value> {
        let dialect = Dialect::AnthropicMessages;
        let id = call["custom_id"].as_str()?;
        let prompt = shape::read(dialect, &call["params"])?;
        let said = self.say(asked, dialect, owner, &prompt, false);
        let result = match end {
            BatchEnd::Errored | BatchEnd::Failed => {
                json!({"type": "errored", "error": {"type": "api_error"}})
            }
            BatchEnd::Expired => json!({"type": "expired"}),
            _ => json!({"type": "succeeded", "message": shape::whole(dialect, &said)}),
        };
        Some(json!({"custom_id": id, "result": result}))
    }

    fn look_up(&mut self, asked: &Asked<'_>, step: BatchStep, owner: &str) -> Plan {
        let name = endpoint::name(asked.exchange.path()).unwrap_or_default();
        let Some(taken) = self.batches.known(name, owner) else { return asked.refuse(Refusal::NotFound) };
        taken.cancelled |= step == BatchStep::Cancel;
        let ended = taken.has_ended(asked.now);
        match step {
            BatchStep::Look | BatchStep::Cancel => asked.whole(200, &shown(name, ended)),
            BatchStep::Fetch if ended => asked.lines(&taken.results),
            _ => asked.refuse(Refusal::NotFound),
        }
    }
}

impl Taken {
    fn new(owner: &str, now: Duration, offer: Offer, results: Vec<Value>) -> Self {
        Self {
            owner: owner.to_owned(),
            ready: now + offer.after,
            end: offer.end,
            cancelled: false,
            results,
            files: [const { None }; 3],
            endpoint: String::new(),
        }
    }
}

impl Batches {
    fn known(&mut self, name: &str, owner: &str) -> Option<&mut Taken> {
        let taken = self.taken.get_mut(name)?;
        (taken.owner == owner && taken.end != BatchEnd::Forgotten).then_some(taken)
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
