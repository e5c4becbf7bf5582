//! What is known against batches. All of it was heard from providers, and a restart forgets it.

use crate::job::Brief;
use domain::ids::SessionId;
use domain::provider::UpstreamKey;
use std::collections::{BTreeSet, VecDeque};

/// Sessions that are remembered; the oldest are forgotten first, and it is found out again.
const REMEMBERED: usize = 4096;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Welcome {
    /// Sessions whose work goes the direct way from now on.
    unwelcome: VecDeque<SessionId>,
    /// Upstreams without such an endpoint.
    lacking: BTreeSet<UpstreamKey>,
}

impl Welcome {
    pub(super) fn extends_to(&self, brief: &Brief) -> bool {
        !self.unwelcome.contains(&brief.session) && !self.lacking.contains(&brief.upstream)
    }

    pub(super) fn end_at(&mut self, upstream: UpstreamKey) {
        self.lacking.insert(upstream);
    }

    pub(super) fn end_for(&mut self, session: &SessionId) {
        if self.unwelcome.contains(session) {
            return;
        }
        self.unwelcome.push_back(session.clone());
        if self.unwelcome.len() > REMEMBERED {
            self.unwelcome.pop_front();
        }
    }
}
