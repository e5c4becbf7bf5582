//! What the store says is left to do.

use machines::idle_scheduler::{Backlog, Found};
use machines::job::Brief;
use store::Desk;

/// See the module.
#[derive(Clone)]
pub(crate) struct LeftWork {
    pub(crate) desk: Desk,
}

impl LeftWork {
    /// Every session with something left to do, the one used last first. None where the store cannot say: it is asked again.
    pub(crate) async fn find(&self) -> Vec<Found> {
        match self.desk.read(|store| store.backlog()).await {
            Ok(left) => left.into_iter().map(found).collect(),
            Err(error) => {
                tracing::warn!(%error, "the store could not say which sessions have work left; it is asked again in an hour");
                Vec::new()
            }
        }
    }
}

/// The scheduler decides who can wait when it hands the work out.
fn found(work: store::Backlog) -> Found {
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
    };
    Found { brief, backlog }
}
