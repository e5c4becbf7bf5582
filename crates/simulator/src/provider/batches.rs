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
    /// Which batches there are.
    List,
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
    cancelling: Cancelling,
    /// The calendar's time at the beginning of the clock.
    pub(super) calendar: Duration,
    made: u64,
}

#[derive(Debug, Clone, Copy)]
struct Offer {
    after: Duration,
    end: BatchEnd,
}

/// What becomes of batches that are cancelled.
#[derive(Debug, Clone, Copy, Default)]
struct Cancelling {
    /// How long it takes.
    within: Duration,
    /// How many calls are answered all the same.
    answered: usize,
}

#[derive(Debug)]
struct Taken {
    owner: String,
    ready: Duration,
    end: BatchEnd,
    /// Once it is cancelled, when that is over.
    cancelled: Option<Duration>,
    /// The calendar's time when it was made, and which of all it was.
    made: (Duration, u64),
    /// How many calls it has.
    calls: usize,
    /// What its owner attached to it. OpenAI's have that.
    metadata: Value,
    /// One a call, in whatever order. OpenAI's stand in files.
    results: Vec<Value>,
    /// OpenAI's names for the files of calls, answers and errors.
    files: [Option<String>; 3],
    endpoint: String,
}

impl Taken {
    fn has_ended(&self, now: Duration) -> bool {
        self.cancelled.unwrap_or(self.ready) <= now
    }

    /// Cancels it unless it has ended; `undone` tells what becomes of a call that was not answered by then, if anything.
    fn cancel(&mut self, now: Duration, how: Cancelling, undone: impl Fn(&Value) -> Option<Value>) {
        if self.cancelled.is_some() || self.ready <= now {
            return;
        }
        self.cancelled = Some(now + how.within);
        // The last line is that of the first call.
        let first_undone = self.results.len().saturating_sub(how.answered);
        let mut results: Vec<Value> = self.results[..first_undone].iter().filter_map(undone).collect();
        results.extend_from_slice(&self.results[first_undone..]);
        self.results = results;
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

    pub(super) fn cancels(&mut self, within: Duration, answered: usize) {
        self.cancelling = Cancelling { within, answered };
    }

    /// Takes a batch in under this name.
    fn keep(&mut self, id: String, mut taken: Taken) {
        self.made += 1;
        taken.made = (self.calendar + taken.made.0, self.made);
        self.taken.insert(id, taken);
    }

    /// Those of `owner`, the newest first.
    fn of(&self, owner: &str) -> Vec<(&String, &Taken)> {
        let own =
            self.taken.iter().filter(|(_, taken)| taken.owner == owner && taken.end != BatchEnd::Forgotten);
        let mut own: Vec<_> = own.collect();
        own.sort_by_key(|(_, taken)| std::cmp::Reverse(taken.made.1));
        own
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
            (Vendor::Anthropic, BatchStep::List) => {
                let told = |(id, taken): (&String, &Taken)| shown(id, taken, asked.now);
                asked.listed(self.batches.of(owner).into_iter().map(told).collect())
            }
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
        let taken = Taken::new(owner, asked.now, offer, calls.len(), results);
        let plan = asked.whole(200, &shown(&id, &taken, asked.now));
        self.batches.keep(id, taken);
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
        let cancelling = self.batches.cancelling;
        let Some(taken) = self.batches.known(name, owner) else { return asked.refuse(Refusal::NotFound) };
        if step == BatchStep::Cancel {
            let canceled =
                |line: &Value| Some(json!({"custom_id": line["custom_id"], "result": {"type": "canceled"}}));
            taken.cancel(asked.now, cancelling, canceled);
        }
        let ended = taken.has_ended(asked.now);
        match step {
            BatchStep::Look | BatchStep::Cancel => asked.whole(200, &shown(name, taken, asked.now)),
            BatchStep::Fetch if ended => asked.lines(&taken.results),
            _ => asked.refuse(Refusal::NotFound),
        }
    }
}

impl Taken {
    fn new(owner: &str, now: Duration, offer: Offer, calls: usize, results: Vec<Value>) -> Self {
        Self {
            owner: owner.to_owned(),
            ready: now + offer.after,
            end: offer.end,
            cancelled: None,
            made: (now, 0),
            calls,
            metadata: Value::Null,
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

impl Asked<'_> {
    /// All of a list, in one page.
    fn listed(&self, data: Vec<Value>) -> Plan {
        self.whole(200, &json!({"object": "list", "data": data, "has_more": false}))
    }
}

/// Its results' address leads astray: whoever follows it with a key has given the key away. Nothing tells its calls' names.
fn shown(id: &str, taken: &Taken, now: Duration) -> Value {
    let ended = taken.has_ended(now);
    let open = if taken.cancelled.is_some() { "canceling" } else { "in_progress" };
    let (processing, succeeded) = if ended { (0, taken.calls) } else { (taken.calls, 0) };
    json!({
        "id": id,
        "type": "message_batch",
        "processing_status": if ended { "ended" } else { open },
        "request_counts": {
            "processing": processing, "succeeded": succeeded, "errored": 0, "canceled": 0, "expired": 0,
        },
        "created_at": rfc_3339(taken.made.0),
        "results_url": "http://elsewhere.simulated/results",
    })
}

fn rfc_3339(since_1970: Duration) -> String {
    let millis = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}
