//! Where credentials lie: one slot a session, and one global slot for each principal and upstream.

use super::token::Verdict;
use domain::credential::Credential;
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, Principal, SessionId};
use domain::provider::UpstreamKey;
use smallvec::SmallVec;
use std::sync::Arc;

/// How many proven tokens a session is remembered to have held.
const LINEAGE: usize = 8;
/// How many tokens lie in a slot at most: the one in use, and newer ones that wait for their proof. It is one more than a
/// client that refreshes needs, for a straggler that still sends an old one.
const PLACES: usize = 3;

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
    /// The credential's own, once more: a slot looks for tokens far more often than it uses one, and each credential lies
    /// somewhere else in memory.
    token: Fingerprint,
}

impl Held {
    /// A credential that came with this filling.
    #[must_use]
    pub fn new(credential: Arc<Credential>, generation: Generation) -> Self {
        Self { token: credential.fingerprint, credential, generation }
    }

    /// The token's name.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.token
    }
}

/// A session's slot. What nearly every slot has, one token that is also the only one it ever had, lies in the slot itself: there
/// are many slots, and each look elsewhere waits for memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Slot {
    /// At most [`PLACES`], the one that was sent last at the end.
    held: SmallVec<[Held; 1]>,
    /// The project its session works in, if known.
    pub project: Option<Box<str>>,
    /// Proven tokens this session has held, newest last.
    lineage: SmallVec<[Fingerprint; 1]>,
}

impl Slot {
    /// The filling with this token, if it is here; its credential is brought up to date, since the headers beside a token may
    /// change while the token stays. It is the one sent last from now on.
    pub fn refresh(&mut self, credential: &Arc<Credential>) -> bool {
        let Some(place) = self.place(credential.fingerprint) else { return false };
        if !self.held[place].credential.is_sent_like(credential) {
            self.held[place].credential = Arc::clone(credential);
        }
        self.held[place..].rotate_left(1);
        true
    }

    /// Its session works in this project.
    pub fn works_in(&mut self, project: &str) {
        if self.project.as_deref() != Some(project) {
            self.project = Some(project.into());
        }
    }

    /// Takes a token in. Of too many, the one of least use leaves, but never the new one: its request is under way, and if it
    /// is accepted the session's work must go on with it (L1). So a straggler with a dead token does not throw the fresh one
    /// out (R4), and an unproven one never takes a proven one's place (S10). Returns who left.
    pub fn fill(&mut self, held: Held, verdict: impl Fn(Fingerprint) -> Verdict) -> Option<Held> {
        let least = || (0..self.held.len()).min_by_key(|place| verdict(self.held[*place].fingerprint()));
        let full = self.held.len() >= PLACES;
        let left = full.then(least).flatten().map(|least| self.held.remove(least));
        self.held.reserve_exact(1); // There are many slots: none takes memory for tokens that it does not hold.
        self.held.push(held);
        left
    }

    /// The token that background work would use: proven before unproven before rejected, and then the one sent last.
    #[must_use]
    pub fn best(&self, verdict: impl Fn(Fingerprint) -> Verdict) -> Option<&Held> {
        self.held.iter().max_by_key(|held| verdict(held.fingerprint()))
    }

    /// This token of the slot is proven: what was sent before it leaves, and with it the secret; so does what is dead.
    /// Returns who left.
    pub fn settle(&mut self, token: Fingerprint, verdict: impl Fn(Fingerprint) -> Verdict) -> Vec<Held> {
        let Some(proven) = self.place(token) else { return Vec::new() };
        self.remember(token);
        let mut left = Vec::new();
        for (place, held) in std::mem::take(&mut self.held).into_iter().enumerate() {
            let is_alive = || verdict(held.fingerprint()) != Verdict::Rejected;
            let stays = place == proven || (place > proven && is_alive());
            if stays { self.held.push(held) } else { left.push(held) }
        }
        left
    }

    /// Whether nothing would change if this token were said to be proven once more.
    #[must_use]
    pub fn is_settled(&self, token: Fingerprint) -> bool {
        let alone = self.held.len() == 1 && self.generation(token).is_some();
        alone && self.lineage.contains(&token)
    }

    fn place(&self, token: Fingerprint) -> Option<usize> {
        self.held.iter().position(|held| held.fingerprint() == token)
    }

    /// The filling that brought this token, if it lies here.
    #[must_use]
    pub fn generation(&self, token: Fingerprint) -> Option<Generation> {
        self.held.iter().find(|held| held.fingerprint() == token).map(|held| held.generation)
    }

    /// All that lies here, the one that was sent last at the end.
    pub fn all(&self) -> impl Iterator<Item = &Held> {
        self.held.iter()
    }

    fn remember(&mut self, token: Fingerprint) {
        if !self.lineage.contains(&token) {
            self.lineage.reserve_exact(1);
            self.lineage.push(token);
        }
        if self.lineage.len() > LINEAGE {
            self.lineage.remove(0);
        }
    }

    /// Whether its session works in this project.
    #[must_use]
    pub fn is_of(&self, project: &str) -> bool {
        self.project.as_deref() == Some(project)
    }

    /// Whether both sessions once held the same proven token.
    #[must_use]
    pub fn is_related(&self, other: &Self) -> bool {
        self.lineage.iter().any(|token| other.lineage.contains(token))
    }
}
