//! One state of a run: the machines, what is under way between them, what is true, and what the invariants must remember.

use crate::seed::Seed;
use crate::world::{Limits, Token, Variant, World};
use domain::credential::Lease;
use domain::evidence::Evidence;
use domain::time::Moment;
use machines::credential::{Counters, CredentialMachine, Hint};
use machines::job::{Bench, Brief, Work};
use std::collections::{BTreeMap, BTreeSet};

/// Who keeps the credentials.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Keeper {
    Ours(CredentialMachine),
    Seed(Seed),
}

/// A request that the provider has not answered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Call {
    pub(crate) session: usize,
    pub(crate) token: Token,
    pub(crate) start: Moment,
    /// A worker's; none for a client's own.
    pub(crate) lease: Option<Lease>,
}

/// On its way to the keeper. What never arrives is lost, so losses need no step of their own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Mail {
    /// What a client was answered.
    Fact { session: usize, evidence: Evidence },
    /// What a worker was answered: it waits until this is taken in.
    Report { brief: Brief, lease: Lease, work: Work },
}

/// What no machine knows, for invariants over more than one step. All but `tries` is about what the keeper was told since it
/// was built.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Ghosts {
    /// Dead tokens whose refusal the keeper was told of, and whether a pause has passed since.
    pub(crate) told: BTreeMap<Token, bool>,
    /// Dead tokens whose refusal a session's own job met, while the keeper has not taken its report in.
    pub(crate) met: BTreeSet<(usize, Token)>,
    /// When the last known failure of each token ended.
    pub(crate) fails: BTreeMap<Token, Moment>,
    /// Tokens whose present episode was alerted.
    pub(crate) alerted: BTreeSet<Token>,
    /// What the present job of each session saw refused.
    pub(crate) tries: BTreeMap<usize, Vec<Token>>,
}

/// A session's client, and the work that its turns left.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Client {
    /// Sent since the keeper was built, the newest last.
    pub(crate) sent: Vec<Token>,
    /// There is background work to be done for it.
    pub(crate) pending: bool,
    /// Without pull: it waits for a hint.
    pub(crate) asleep: bool,
    /// It was told to wait because such work is refused with a token that is accepted for all else.
    pub(crate) contradicted: bool,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub(crate) now: Moment,
    pub(crate) keeper: Keeper,
    pub(crate) bench: Bench,
    pub(crate) calls: Vec<Call>,
    pub(crate) mail: Vec<Mail>,
    /// The newest hint that has not arrived; the ones before it are lost.
    pub(crate) hint: Option<Hint>,
    pub(crate) died: BTreeMap<Token, Moment>,
    pub(crate) clients: Vec<Client>,
    pub(crate) left: Limits,
    pub(crate) ghosts: Ghosts,
    /// The rule that the last step broke.
    pub broken: Option<&'static str>,
}

impl State {
    /// Nothing has happened.
    #[must_use]
    pub fn new(world: &World) -> Self {
        let keeper = match world.variant {
            Variant::Seed(policy) => Keeper::Seed(Seed::new(policy)),
            _ => Keeper::Ours(CredentialMachine::new(world.rules(), Counters::default())),
        };
        let mut state = Self {
            now: Moment(1),
            keeper,
            bench: Bench::default(),
            calls: Vec::new(),
            mail: Vec::new(),
            hint: None,
            died: BTreeMap::new(),
            clients: vec![Client::default(); world.sessions.len()],
            left: world.limits,
            ghosts: Ghosts::default(),
            broken: None,
        };
        state.normalise();
        state
    }

    /// Whether the provider accepts the token.
    pub(crate) fn is_alive(&self, token: Token) -> bool {
        !self.died.contains_key(&token)
    }

    pub(crate) fn is_calling(&self, session: usize) -> bool {
        self.calls.iter().any(|call| call.session == session && call.lease.is_none())
    }
}
