//! Anthropic's Message Batches: the calls stand in the request, the results below the batch.

use super::{Batch, List, Listed, PAGE, Shape, Step, named, no_json, not_offered, page};
use crate::dialect;
use crate::transport::Method;
use bytes::Bytes;
use domain::conversation::Answered;
use domain::ids::{BatchId, BatchMark};
use domain::provider::Dialect;
use domain::time::UnixMillis;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

const PATH: &str = "/v1/messages/batches";

pub(super) fn shape(step: &Step) -> Result<Shape, String> {
    let below = |id: &BatchId, rest: &str| format!("{PATH}/{}{rest}", id.as_str());
    Ok(match step {
        Step::Submit(mark, calls) => Shape::json(Method::POST, PATH.to_owned(), submission(mark, calls)?),
        Step::List => Shape::bare(Method::GET, format!("{PATH}?limit={PAGE}")),
        Step::Look(id) => Shape::bare(Method::GET, below(id, "")),
        Step::Results(id) => Shape::bare(Method::GET, below(id, "/results")),
        Step::Cancel(id) => Shape::bare(Method::POST, below(id, "/cancel")),
        Step::Upload(..) | Step::Begin(..) | Step::Read(_) | Step::Delete(_) => return Err(not_offered()),
    })
}

fn submission(mark: &BatchMark, calls: &[Bytes]) -> Result<String, String> {
    let request = |(place, call): (usize, &Bytes)| {
        let params: &RawValue = serde_json::from_slice(call).map_err(no_json)?;
        Ok(format!(r#"{{"custom_id":"{}","params":{params}}}"#, named(mark, place)))
    };
    let requests: Result<Vec<_>, String> = calls.iter().enumerate().map(request).collect();
    Ok(format!(r#"{{"requests":[{}]}}"#, requests?.join(",")))
}

pub(super) fn batch(body: &[u8]) -> Option<Batch> {
    #[derive(Deserialize)]
    struct Told {
        id: String,
        processing_status: String,
    }
    let told: Told = serde_json::from_slice(body).ok()?;
    let ended = told.processing_status == "ended";
    Some(Batch { id: BatchId::read(&told.id)?, ended, calls: None, results: Vec::new(), why: None })
}

/// Every call of a batch is counted somewhere, from the beginning on (the reference of the list endpoint). Where the counts cannot be
/// read, it is not known how many there are.
pub(super) fn list(body: &[u8]) -> Option<List> {
    #[derive(Deserialize)]
    struct One {
        id: String,
        processing_status: String,
        created_at: String,
        request_counts: Value,
    }
    let counted = |counts: Value| {
        let counts: BTreeMap<String, u64> = serde_json::from_value(counts).ok()?;
        Some(counts.values().fold(0, |sum: u64, count| sum.saturating_add(*count)))
    };
    let listed = |one: One| {
        Some(Listed {
            id: BatchId::read(&one.id)?,
            made: UnixMillis(one.created_at.parse::<Timestamp>().ok()?.as_millisecond()),
            mark: None,
            calls: counted(one.request_counts),
            ended: one.processing_status == "ended",
        })
    };
    page(body, listed)
}

/// One line of the results: the call's name, and what became of it.
pub(super) fn result(line: &[u8]) -> Option<(String, Result<Answered, String>)> {
    #[derive(Deserialize)]
    struct Line<'b> {
        custom_id: String,
        #[serde(borrow)]
        result: Outcome<'b>,
    }
    #[derive(Deserialize)]
    struct Outcome<'b> {
        #[serde(rename = "type")]
        kind: String,
        #[serde(borrow)]
        message: Option<&'b RawValue>,
    }
    let Line { custom_id, result } = serde_json::from_slice(line).ok()?;
    let outcome = match (result.kind.as_str(), result.message) {
        ("succeeded", Some(message)) => {
            Ok(dialect::answered(Dialect::AnthropicMessages, message.get().as_bytes()))
        }
        ("errored" | "canceled" | "expired", _) => Err(format!("the batch {}", result.kind)),
        _ => Err("the result of the batch cannot be read".to_owned()),
    };
    Some((custom_id, outcome))
}
