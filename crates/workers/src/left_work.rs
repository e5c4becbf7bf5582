//! What the store says is left to do.

use machines::idle_scheduler::{Backlog, LeftWork};
use machines::job::Brief;
use store::Desk;

/// Every session with something left to do, the one used last first. None where the store cannot say: it is asked again.
pub(crate) async fn left_work(desk: &Desk) -> Vec<LeftWork> {
    match desk.read(|store| store.backlog()).await {
        Ok(left) => left.into_iter().map(of_session).collect(),
        Err(error) => {
            tracing::warn!(%error, "the store could not say which sessions have work left; it is asked again in an hour");
            Vec::new()
        }
    }
}

/// The scheduler decides who can wait when it hands the work out.
fn of_session(work: store::Backlog) -> LeftWork {
    let backlog = Backlog {
        pending_messages: work.pending_messages,
        pending_tokens: work.pending_tokens,
        turns_since_curation: work.turns_since_curation,
        unmerged: work.unmerged,
        entries: work.entries,
    };
    let brief = Brief {
        patient: false,
        upstream: work.session.upstream(),
        principal: work.session.principal,
        session: work.session.id,
        dialect: work.session.dialect,
        model: work.session.model,
        project: work.session.project,
    };
    LeftWork { brief, backlog }
}
