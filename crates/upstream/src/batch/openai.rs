//! OpenAI's batches: the calls are uploaded as a file of one JSON object a line, and the results are files of that kind, too:
//! one of answers, one of errors.

use super::{Batch, List, Listed, PAGE, Shape, Step, named, no_json, not_offered, page};
use crate::dialect;
use crate::excerpt::excerpt;
use crate::transport::Method;
use bytes::Bytes;
use domain::conversation::Answered;
use domain::ids::{BatchId, BatchMark, FileId};
use domain::provider::Dialect;
use domain::time::UnixMillis;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

const BATCHES: &str = "/v1/batches";
const FILES: &str = "/v1/files";

/// Where a batch has its mark, among what its owner may attach to it.
const MARK: &str = "stillroom";

/// Parts the fields of an upload. Each line of the file begins with a brace, so none can be taken for it.
const BOUNDARY: &str = "stillroom-batch";
const FORM: &str = "multipart/form-data; boundary=stillroom-batch";

pub(super) fn shape(step: &Step) -> Result<Shape, String> {
    let of_batch = |id: &BatchId, rest: &str| format!("{BATCHES}/{}{rest}", id.as_str());
    let of_file = |id: &FileId, rest: &str| format!("{FILES}/{}{rest}", id.as_str());
    Ok(match step {
        Step::Upload(dialect, mark, calls) => upload(*dialect, mark, calls)?,
        Step::Begin(dialect, mark, file) => {
            Shape::json(Method::POST, BATCHES.to_owned(), order(*dialect, mark, file))
        }
        Step::List => Shape::bare(Method::GET, format!("{BATCHES}?limit={PAGE}")),
        Step::Look(id) => Shape::bare(Method::GET, of_batch(id, "")),
        Step::Read(id) => Shape::bare(Method::GET, of_file(id, "/content")),
        Step::Cancel(id) => Shape::bare(Method::POST, of_batch(id, "/cancel")),
        Step::Delete(id) => Shape::bare(Method::DELETE, of_file(id, "")),
        Step::Submit(..) | Step::Results(_) => return Err(not_offered()),
    })
}

fn upload(dialect: Dialect, mark: &BatchMark, calls: &[Bytes]) -> Result<Shape, String> {
    let lines: Result<String, String> =
        calls.iter().enumerate().map(|(place, call)| line(dialect, &named(mark, place), call)).collect();
    let body = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n\
         --{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"batch.jsonl\"\r\n\
         Content-Type: application/jsonl\r\n\r\n{}\r\n--{BOUNDARY}--\r\n",
        lines?
    );
    Ok(Shape { method: Method::POST, target: FILES.to_owned(), content_type: FORM, body: body.into() })
}

/// One call, written anew so that it is one line whatever it looked like.
fn line(dialect: Dialect, name: &str, call: &[u8]) -> Result<String, String> {
    let call: Value = serde_json::from_slice(call).map_err(no_json)?;
    let line = json!({"custom_id": name, "method": "POST", "url": dialect.path(), "body": call});
    Ok(format!("{line}\n"))
}

fn order(dialect: Dialect, mark: &BatchMark, file: &FileId) -> String {
    let order = json!({
        "input_file_id": file.as_str(),
        "endpoint": dialect.path(),
        "completion_window": "24h",
        "metadata": {MARK: mark.as_str()},
    });
    order.to_string()
}

/// Reads what an uploaded file is called; none when the answer is about no file.
#[must_use]
pub fn file(body: &[u8]) -> Option<FileId> {
    #[derive(Deserialize)]
    struct Told {
        id: String,
        object: String,
    }
    let told: Told = serde_json::from_slice(body).ok()?;
    FileId::read(&told.id).filter(|_| told.object == "file")
}

pub(super) fn batch(body: &[u8]) -> Option<Batch> {
    #[derive(Deserialize)]
    struct Told {
        id: String,
        object: String,
        status: String,
        input_file_id: Option<String>,
        output_file_id: Option<String>,
        error_file_id: Option<String>,
        errors: Option<Value>,
    }
    let told: Told = serde_json::from_slice(body).ok()?;
    if told.object != "batch" {
        return None;
    }
    let file = |name: Option<String>| name.as_deref().and_then(FileId::read);
    Some(Batch {
        id: BatchId::read(&told.id)?,
        ended: has_ended(&told.status),
        calls: file(told.input_file_id),
        results: [file(told.output_file_id), file(told.error_file_id)].into_iter().flatten().collect(),
        why: told.errors.and_then(|errors| first_of(&errors)),
    })
}

pub(super) fn list(body: &[u8]) -> Option<List> {
    #[derive(Deserialize)]
    struct One {
        id: String,
        status: String,
        created_at: i64,
        metadata: Option<Value>,
    }
    let listed = |one: One| {
        Some(Listed {
            id: BatchId::read(&one.id)?,
            made: UnixMillis(one.created_at.saturating_mul(1000)),
            mark: one.metadata.as_ref().and_then(|held| held[MARK].as_str()).map(BatchMark::from),
            calls: None,
            ended: has_ended(&one.status),
        })
    };
    page(body, listed)
}

fn has_ended(status: &str) -> bool {
    matches!(status, "completed" | "failed" | "expired" | "cancelled")
}

/// The first of the errors that were found in the file of the calls.
fn first_of(errors: &Value) -> Option<String> {
    let message = errors["data"][0]["message"].as_str()?;
    Some(format!("the batch failed: {}", excerpt(message.as_bytes())))
}

/// One line of the results: the call's name, and what became of it.
pub(super) fn result(dialect: Dialect, line: &[u8]) -> Option<(String, Result<Answered, String>)> {
    #[derive(Deserialize)]
    struct Line<'b> {
        custom_id: String,
        #[serde(borrow)]
        response: Option<Response<'b>>,
        error: Option<Value>,
    }
    #[derive(Deserialize)]
    struct Response<'b> {
        status_code: u16,
        #[serde(borrow)]
        body: &'b RawValue,
    }
    let Line { custom_id, response, error } = serde_json::from_slice(line).ok()?;
    let outcome = match response {
        Some(Response { status_code: 200..=299, body }) => {
            Ok(dialect::answered(dialect, body.get().as_bytes()))
        }
        Some(Response { status_code, body }) => {
            Err(format!("the batch answered {status_code}: {}", excerpt(body.get().as_bytes())))
        }
        None => {
            let code = error.as_ref().and_then(|error| error["code"].as_str()).unwrap_or("no answer");
            Err(format!("the batch answered nothing: {}", excerpt(code.as_bytes())))
        }
    };
    Some((custom_id, outcome))
}
