//! What is done at a provider's batch endpoint, step by step: handing calls in, looking how far they are, fetching what came of
//! them, and leaving nothing behind.

use crate::caller::{Caller, unanswered};
use bytes::Bytes;
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::{BatchId, FileId};
use domain::provider::{Dialect, Provider};
use machines::job::Work;
use upstream::batch::{self, Batch, Reply, Results, Step};

/// What a provider said to calls that were handed in.
pub(super) struct HandedIn {
    pub(super) reply: Reply,
    /// The batch that it made of them.
    pub(super) taken: Option<BatchId>,
}

impl HandedIn {
    fn heard(provider: Provider, reply: Reply) -> Self {
        let batch = batch::batch(provider, &reply.body).filter(|_| reply.class == Class::Ok);
        Self { taken: batch.map(|batch| batch.id), reply }
    }

    /// Whether the upstream has no batches: it does not know the address, or answers something else there.
    pub(super) fn is_lacking(&self) -> bool {
        self.taken.is_none() && (self.reply.class == Class::Ok || matches!(self.reply.status, 404 | 405))
    }
}

/// Hands calls in as one batch.
pub(super) async fn hand_in(caller: &Caller, lease: &Lease, dialect: Dialect, calls: Vec<Bytes>) -> HandedIn {
    match dialect {
        Dialect::AnthropicMessages => {
            HandedIn::heard(dialect.provider(), caller.step(lease, Step::Submit(calls)).await)
        }
        Dialect::OpenAiChat | Dialect::OpenAiResponses => by_file(caller, lease, dialect, calls).await,
    }
}

/// A file of which no batch was made is not left behind.
async fn by_file(caller: &Caller, lease: &Lease, dialect: Dialect, calls: Vec<Bytes>) -> HandedIn {
    let reply = caller.step(lease, Step::Upload(dialect, calls)).await;
    let Some(file) = batch::file(&reply.body).filter(|_| reply.class == Class::Ok) else {
        return HandedIn { reply, taken: None };
    };
    let begun = caller.step(lease, Step::Begin(dialect, file.clone())).await;
    let handed_in = HandedIn::heard(dialect.provider(), begun);
    if handed_in.taken.is_none() {
        leave_nothing(caller, lease, [file]).await;
    }
    handed_in
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
pub(super) async fn look(caller: &Caller, lease: &Lease, dialect: Dialect, id: &BatchId) -> Sight {
    let reply = caller.step(lease, Step::Look(id.clone())).await;
    let evidence = evidence(lease, &reply);
    if reply.class != Class::Ok {
        return Sight::Nothing(unanswered(evidence, reply.why));
    }
    match batch::batch(dialect.provider(), &reply.body).filter(|batch| batch.id == *id) {
        Some(batch) if batch.ended => fetch(caller, lease, dialect, batch, evidence).await,
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
        results.extend(batch::results(dialect, &reply.body));
    }
    let files = batch.calls.into_iter().chain(batch.results).collect();
    Sight::Ended { evidence, results, why: batch.why, files }
}

/// Tells the provider that nobody wants a batch any more, and lets go of the files that there are of it now.
pub(super) async fn cancel(caller: &Caller, lease: &Lease, dialect: Dialect, id: BatchId) -> Work {
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
