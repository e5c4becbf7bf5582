//! OpenAI's batches: calls, answers and errors stand in files, one JSON object a line.

use super::{BatchEnd, BatchStep, Offer, Taken, form};
use crate::provider::{
    answering::{Asked, State},
    endpoint,
    exchange::Plan,
    refusal::Refusal,
    shape,
};
use domain::provider::Dialect;
use serde_json::{Value, json};
use std::time::Duration;

/// A file that somebody uploaded, or that was written for him.
#[derive(Debug)]
pub(super) struct File {
    owner: String,
    lines: Vec<Value>,
}

impl State {
    pub(super) fn openai_batch(
        &mut self,
        asked: &Asked<'_>,
        step: BatchStep,
        owner: &str,
        body: &Value,
        offer: Offer,
    ) -> Plan {
        let name = endpoint::name(asked.exchange.path()).unwrap_or_default();
        let plan = match step {
            BatchStep::Upload => self.upload(asked, owner),
            BatchStep::Begin => self.begin(asked, owner, body, offer),
            BatchStep::Look | BatchStep::Cancel => self.tell(asked, step, name, owner),
            BatchStep::Fetch => self.file(name, owner).map(|file| asked.lines(&file.lines)),
            BatchStep::Delete => self.delete(asked, name, owner),
            BatchStep::List => {
                let told = |(id, taken): (&String, &Taken)| shown(id, taken, asked.now);
                Some(asked.listed(self.batches.of(owner).into_iter().map(told).collect()))
            }
            BatchStep::Submit => None,
        };
        plan.unwrap_or_else(|| {
            asked.refuse(if name.is_empty() { Refusal::Invalid } else { Refusal::NotFound })
        })
    }

    fn file(&self, name: &str, owner: &str) -> Option<&File> {
        self.batches.files.get(name).filter(|file| file.owner == owner)
    }

    fn keep(&mut self, owner: &str, lines: Vec<Value>) -> String {
        let name = self.ids.letters("file-", 22);
        self.batches.files.insert(name.clone(), File { owner: owner.to_owned(), lines });
        name
    }

    fn upload(&mut self, asked: &Asked<'_>, owner: &str) -> Option<Plan> {
        let body = std::str::from_utf8(&asked.exchange.body).ok()?;
        let fields = form::fields(asked.exchange.header("content-type")?, body)?;
        let field =
            |wanted: &str| fields.iter().find(|(name, _)| *name == wanted).map(|(_, content)| *content);
        let lines = field("file").filter(|_| field("purpose") == Some("batch"))?.lines();
        let lines: Result<Vec<_>, _> = lines.map(serde_json::from_str).collect();
        let name = self.keep(owner, lines.ok()?);
        Some(
            asked.whole(
                200,
                &json!({"id": name, "object": "file", "purpose": "batch", "status": "processed"}),
            ),
        )
    }

    fn begin(&mut self, asked: &Asked<'_>, owner: &str, order: &Value, offer: Offer) -> Option<Plan> {
        let input = order["input_file_id"].as_str()?;
        let endpoint = order["endpoint"].as_str().filter(|_| order["completion_window"] == "24h")?;
        let dialect = Dialect::of_path(endpoint).filter(|dialect| *dialect != Dialect::AnthropicMessages)?;
        let calls = self.file(input, owner)?.lines.clone();
        let results = self.results(asked, (owner, dialect), &calls, offer.end);
        let offer = if results.is_none() { Offer { end: BatchEnd::Failed, ..offer } } else { offer };
        let mut taken = Taken::new(owner, asked.now, offer, calls.len(), results.unwrap_or_default());
        taken.metadata = order["metadata"].clone();
        (taken.files[0], taken.endpoint) = (Some(input.to_owned()), endpoint.to_owned());
        let id = self.ids.hex("batch_", 32);
        let plan = asked.whole(200, &shown(&id, &taken, asked.now));
        self.batches.keep(id, taken);
        Some(plan)
    }

    /// What becomes of the calls; none when the batch fails as a whole. The last call is answered first.
    fn results(
        &mut self,
        asked: &Asked<'_>,
        (owner, dialect): (&str, Dialect),
        calls: &[Value],
        end: BatchEnd,
    ) -> Option<Vec<Value>> {
        let model = &calls.first()?["body"]["model"];
        let sound = |call: &Value| {
            call["method"] == "POST" && call["url"] == dialect.path() && call["body"]["model"] == *model
        };
        let named =
            |call: &Value| calls.iter().filter(|other| other["custom_id"] == call["custom_id"]).count();
        if end == BatchEnd::Failed || !calls.iter().all(|call| sound(call) && named(call) == 1) {
            return None;
        }
        let asked_for = calls.iter().skip(usize::from(end == BatchEnd::OneMissing)).rev();
        asked_for.map(|call| self.line(asked, (owner, dialect), call, end)).collect()
    }

    fn line(
        &mut self,
        asked: &Asked<'_>,
        (owner, dialect): (&str, Dialect),
        call: &Value,
        end: BatchEnd,
    ) -> Option<Value> {
        let prompt = shape::read(dialect, &call["body"])?;
        let said = self.say(asked, dialect, owner, &prompt, false);
        let response =
            |status: u16, body: Value| json!({"status_code": status, "request_id": "req_1", "body": body});
        let (response, error) = match end {
            BatchEnd::Errored => (response(500, json!({"error": {"message": "It broke."}})), Value::Null),
            BatchEnd::Expired => (Value::Null, json!({"code": "batch_expired", "message": "Too late."})),
            _ => (response(200, shape::whole(dialect, &said)), Value::Null),
        };
        Some(
            json!({"id": "batch_req_1", "custom_id": call["custom_id"], "response": response, "error": error}),
        )
    }

    /// Its files are written once it has ended.
    fn tell(&mut self, asked: &Asked<'_>, step: BatchStep, name: &str, owner: &str) -> Option<Plan> {
        let cancelling = self.batches.cancelling;
        let taken = self.batches.known(name, owner)?;
        if step == BatchStep::Cancel {
            taken.cancel(asked.now, cancelling, |_| None);
        }
        if taken.has_ended(asked.now) && !taken.results.is_empty() {
            let at = if matches!(taken.end, BatchEnd::Errored | BatchEnd::Expired) { 2 } else { 1 };
            let lines = std::mem::take(&mut taken.results);
            let written = Some(self.keep(owner, lines));
            self.batches.known(name, owner)?.files[at] = written;
        }
        let taken = self.batches.known(name, owner)?;
        Some(asked.whole(200, &shown(name, taken, asked.now)))
    }

    fn delete(&mut self, asked: &Asked<'_>, name: &str, owner: &str) -> Option<Plan> {
        self.file(name, owner)?;
        self.batches.files.remove(name);
        Some(asked.whole(200, &json!({"id": name, "object": "file", "deleted": true})))
    }
}

fn shown(id: &str, taken: &Taken, now: Duration) -> Value {
    let status = match taken.end {
        _ if taken.cancelled.is_some() && taken.has_ended(now) => "cancelled",
        _ if taken.cancelled.is_some() => "cancelling",
        _ if !taken.has_ended(now) => "in_progress",
        BatchEnd::Failed => "failed",
        BatchEnd::Expired => "expired",
        _ => "completed",
    };
    let errors =
        json!({"object": "list", "data": [{"code": "invalid_json_line", "message": "It is no line."}]});
    let [input, output, error] = &taken.files;
    json!({
        "id": id,
        "object": "batch",
        "endpoint": taken.endpoint,
        "status": status,
        "completion_window": "24h",
        "created_at": taken.made.0.as_secs(),
        "metadata": taken.metadata,
        "input_file_id": input,
        "output_file_id": output,
        "error_file_id": error,
        "errors": if status == "failed" { errors } else { Value::Null },
    })
}
