//! What is done at a provider's batch endpoint, step by step: handing calls in, looking for them and how far they are, fetching what came of
//! them, and leaving nothing behind.

#[cfg(test)]
mod tests;

use crate::caller::{Caller, unanswered};
use bytes::Bytes;
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::{BatchId, BatchMark, FileId};
use domain::provider::Dialect;
use machines::batch_queue::{Found, HandedIn, Trace};
use machines::job::Work;
use upstream::batch::{self, Batch, List, Listed, Reply, Results, Step};

/// How far a list of batches may be off: the provider's clock, and the time that handing in takes.
const ABOUT_THEN: i64 = 5 * 60 * 1000;
/// So many batches are opened to see whose they are. An account that has made more of one size at a time is not searched further.
const OPENED: usize = 8;

/// Hands calls in as one batch, known by `trace`.
pub(super) async fn hand_in(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: Trace,
    calls: Vec<Bytes>,
) -> (HandedIn, Work) {
    match dialect {
        Dialect::AnthropicMessages => {
            let reply = caller.step(lease, Step::Submit(trace.mark.clone(), calls)).await;
            understood(lease, trace, reply)
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses => by_file(caller, lease, dialect, trace, calls).await,
    }
}

/// A file of which no batch was made is not left behind; one of which there may be a batch is let go when there is none.
async fn by_file(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: Trace,
    calls: Vec<Bytes>,
) -> (HandedIn, Work) {
    let reply = caller.step(lease, Step::Upload(dialect, trace.mark.clone(), calls)).await;
    let Some(file) = batch::file(&reply.body).filter(|_| reply.class == Class::Ok) else {
        let (outcome, work) = understood(lease, trace, reply);
        // No batch is made of a file that nobody has begun with.
        let is_unknown = matches!(outcome, HandedIn::Unknown(_));
        return (if is_unknown { HandedIn::Later } else { outcome }, work);
    };
    let begun = caller.step(lease, Step::Begin(dialect, trace.mark.clone(), file.clone())).await;
    let handed_in = understood(lease, Trace { file: Some(file.clone()), ..trace }, begun);
    if !matches!(handed_in.0, HandedIn::Taken(..) | HandedIn::Unknown(_)) {
        leave_nothing(caller, lease, [file]).await;
    }
    handed_in
}

/// What a provider's answer to calls that were handed in means. An upstream that does not know the address, or answers something
/// else there, has no batches.
fn understood(lease: &Lease, trace: Trace, reply: Reply) -> (HandedIn, Work) {
    let evidence = evidence(lease, &reply);
    let taken = batch::batch(lease.upstream.provider(), &reply.body).filter(|_| reply.class == Class::Ok);
    let outcome = match (reply.class, reply.status, taken) {
        (_, _, Some(batch)) => {
            let work = Work::Queued { evidence: Some(evidence) };
            return (HandedIn::Taken(trace.mark, batch.id), work);
        }
        (Class::Ok, ..) | (Class::RequestRefused, 404 | 405, _) => {
            let why = "the upstream has no batches".to_owned();
            return (HandedIn::Lacking, Work::Failed { evidence: Some(evidence), why });
        }
        (Class::Throttled { .. }, ..) => HandedIn::Later,
        (Class::UpstreamFault, ..) => HandedIn::Unknown(trace),
        _ => HandedIn::Refused,
    };
    (outcome, unanswered(evidence, reply.why))
}

/// Looks in the provider's list whether it took calls in: one page of it. What shows no list is not asked again.
pub(super) async fn seek(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: &Trace,
    calls: usize,
) -> (Found, Work) {
    let reply = caller.step(lease, Step::List).await;
    let evidence = evidence(lease, &reply);
    match (reply.class, batch::list(dialect.provider(), &reply.body)) {
        (Class::Ok, Some(list)) => {
            let found = found(caller, lease, dialect, trace, calls, list).await;
            (found, Work::Queued { evidence: Some(evidence) })
        }
        (Class::Ok | Class::RequestRefused, _) => {
            let why = "the provider does not tell which batches there are".to_owned();
            (Found::NotThere, Work::Failed { evidence: Some(evidence), why })
        }
        _ => (Found::Unclear, unanswered(evidence, reply.why)),
    }
}

async fn found(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    trace: &Trace,
    calls: usize,
    list: List,
) -> Found {
    let reaches_back = |last: &Listed| last.made.0 < trace.at.0.saturating_sub(ABOUT_THEN);
    let is_whole = !list.more || list.batches.last().is_some_and(reaches_back);
    let none = if is_whole { Found::NotThere } else { Found::Unclear };
    let is_about_then = |listed: &Listed| listed.made.0.abs_diff(trace.at.0) <= ABOUT_THEN.unsigned_abs();
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            let mut batches = list.batches.into_iter();
            let ours = batches.find(|listed| listed.mark.as_ref() == Some(&trace.mark));
            ours.map_or(none, |listed| Found::There(listed.id))
        }
        Dialect::AnthropicMessages => {
            let is_of_so_many = |count: u64| count == calls as u64;
            let like_ours = |listed: &Listed| listed.calls.is_none_or(is_of_so_many) && is_about_then(listed);
            opened(caller, lease, trace, list.batches.into_iter().filter(like_ours).collect(), none).await
        }
    }
}

/// Anthropic tells the mark with the results only, so whose a batch is shows when it has ended.
async fn opened(caller: &Caller, lease: &Lease, trace: &Trace, listed: Vec<Listed>, none: Found) -> Found {
    let is_open = listed.len() > OPENED || listed.iter().any(|batch| !batch.ended);
    let mut could_be_read = true;
    for batch in listed.into_iter().filter(|batch| batch.ended).take(OPENED) {
        let reply = caller.step(lease, Step::Results(batch.id.clone())).await;
        if batch::is_marked(Dialect::AnthropicMessages, &reply.body, &trace.mark) {
            return Found::There(batch.id);
        }
        could_be_read &= matches!(reply.class, Class::Ok | Class::RequestRefused);
    }
    if is_open || !could_be_read { Found::Unclear } else { none }
}

/// What a look at a batch shows.
pub(super) enum Sight {
    /// It is not done yet.
    Open(Evidence),
    /// It is done: what became of its calls, and the files that are left of it.
    Ended { evidence: Evidence, results: Results, why: Option<String>, files: Vec<FileId> },
    /// Nothing could be seen.
    Nothing(Work),
}

/// Looks how far a batch is, and fetches its results once there are some.
pub(super) async fn look(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    (mark, id): (&BatchMark, &BatchId),
) -> Sight {
    let reply = caller.step(lease, Step::Look(id.clone())).await;
    let evidence = evidence(lease, &reply);
    if reply.class != Class::Ok {
        return Sight::Nothing(unanswered(evidence, reply.why));
    }
    match batch::batch(dialect.provider(), &reply.body).filter(|batch| batch.id == *id) {
        Some(batch) if batch.ended => fetch(caller, lease, dialect, mark, batch, evidence).await,
        Some(_) => Sight::Open(evidence),
        None => {
            let why = "the provider does not know the batch".to_owned();
            Sight::Nothing(Work::Unusable { evidence, why })
        }
    }
}

async fn fetch(
    caller: &Caller,
    lease: &Lease,
    dialect: Dialect,
    mark: &BatchMark,
    batch: Batch,
    mut evidence: Evidence,
) -> Sight {
    let steps = match dialect {
        Dialect::AnthropicMessages => vec![Step::Results(batch.id)],
        Dialect::OpenAiChat | Dialect::OpenAiResponses => {
            batch.results.iter().cloned().map(Step::Read).collect()
        }
    };
    let mut results = Results::new();
    for step in steps {
        let reply = caller.step(lease, step).await;
        evidence = self::evidence(lease, &reply);
        if reply.class != Class::Ok {
            return Sight::Nothing(unanswered(evidence, reply.why));
        }
        for (place, result) in batch::results(dialect, &reply.body, mark) {
            results.entry(place).or_insert(result);
        }
    }
    let files = batch.calls.into_iter().chain(batch.results).collect();
    Sight::Ended { evidence, results, why: batch.why, files }
}

/// Has the provider do no more of a batch. What it has done is fetched later.
pub(super) async fn cancel(caller: &Caller, lease: &Lease, id: BatchId) -> Work {
    let reply = caller.step(lease, Step::Cancel(id)).await;
    let evidence = evidence(lease, &reply);
    match reply.class {
        Class::Ok => Work::Queued { evidence: Some(evidence) },
        _ => unanswered(evidence, reply.why),
    }
}

/// Tells the provider that nobody wants a batch any more, and lets go of the files that there are of it now.
pub(super) async fn abandon(caller: &Caller, lease: &Lease, dialect: Dialect, id: BatchId) -> Work {
    let reply = caller.step(lease, Step::Cancel(id)).await;
    let evidence = evidence(lease, &reply);
    if reply.class != Class::Ok {
        return unanswered(evidence, reply.why);
    }
    let files = batch::batch(dialect.provider(), &reply.body).into_iter();
    leave_nothing(caller, lease, files.flat_map(|batch| batch.calls.into_iter().chain(batch.results))).await;
    Work::Queued { evidence: Some(evidence) }
}

/// Lets go of files that hold what was said. What the provider says to it changes nothing.
pub(super) async fn leave_nothing(caller: &Caller, lease: &Lease, files: impl IntoIterator<Item = FileId>) {
    for file in files {
        caller.step(lease, Step::Delete(file)).await;
    }
}

/// What an answer says about the token it was asked with.
pub(super) fn evidence(lease: &Lease, reply: &Reply) -> Evidence {
    Evidence {
        fingerprint: lease.fingerprint(),
        upstream: lease.upstream.clone(),
        start: reply.start,
        end: reply.finish,
        class: reply.class,
        status: reply.status,
    }
}
