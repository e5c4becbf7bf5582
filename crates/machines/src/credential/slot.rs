//! Where credentials lie: one slot a session, and one global slot for each principal and upstream.

use domain::credential::Credential;
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, Principal, SessionId};
use domain::provider::UpstreamKey;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many proven tokens a session is remembered to have held.
const LINEAGE: usize = 8;

/// Which slot: whose session, talking where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotKey {
    /// Who owns it.
    pub principal: Principal,
    /// Where its credential may go.
    pub upstream: UpstreamKey,
    /// The session.
    pub session: SessionId,
}

/// A credential in its slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Held {
    /// The credential.
    pub credential: Arc<Credential>,
    /// The filling it came with.
    pub generation: Generation,
}

impl Held {
    /// The token's name.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.credential.fingerprint
    }
}

/// A session's slot.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slot {
    /// What background work would use.
    pub current: Option<Held>,
    /// A newer token that nobody has accepted yet, while the current one is proven (S10).
    pub candidate: Option<Held>,
    /// The project its session works in, if known.
    pub project: Option<String>,
    /// Proven tokens this session has held, newest last.
    held: VecDeque<Fingerprint>,
}

impl Slot {
    /// The filling with this token, if it is here; its credential is brought up to date, since the headers beside a token may
    /// change while the token stays.
    pub fn refresh(&mut self, credential: &Arc<Credential>) -> bool {
        let fitting = [&mut self.current, &mut self.candidate].into_iter().flatten();
        let mut found = false;
        for held in fitting.filter(|held| held.fingerprint() == credential.fingerprint) {
            held.credential = Arc::clone(credential);
            found = true;
        }
        found
    }

    /// Whether this token lies here, as current or as candidate.
    #[must_use]
    pub fn holds(&self, token: Fingerprint) -> bool {
        [&self.current, &self.candidate].into_iter().flatten().any(|held| held.fingerprint() == token)
    }

    /// The candidate takes the current one's place, which is thereby retired: its secret goes with the last lease.
    pub fn promote(&mut self) {
        if let Some(candidate) = self.candidate.take() {
            self.current = Some(candidate);
        }
    }

    /// Remembers that the session held this proven token.
    pub fn remember(&mut self, token: Fingerprint) {
        if !self.held.contains(&token) {
            self.held.push_back(token);
        }
        if self.held.len() > LINEAGE {
            self.held.pop_front();
        }
    }

    /// Whether both sessions work in one project.
    #[must_use]
    pub fn is_neighbour(&self, other: &Self) -> bool {
        self.project.is_some() && self.project == other.project
    }

    /// Whether both sessions once held the same proven token.
    #[must_use]
    pub fn related(&self, other: &Self) -> bool {
        self.held.iter().any(|token| other.held.contains(token))
    }
}

/// The global slot: the newest proven token of a principal at an upstream, and the session that proved it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Global {
    /// The credential.
    pub held: Held,
    /// Where it was proven.
    pub session: SessionId,
}
