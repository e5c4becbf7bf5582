//! The people of the mix: what their agents say, and with which token.

use crate::HOUR;
use domain::ids::Principal;
use domain::provider::Provider as Vendor;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use simulator::agent::{Agent, Kind};
use simulator::ownership::{Register, mark};
use simulator::provider::Exchange;
use simulator::world::{Door, World};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Turns of a conversation, then the client begins another.
const TURNS: u32 = 6;
const MINUTE: Duration = Duration::from_secs(60);
/// What everybody says first.
const GREETING: &str = "Good morning. Let us go on with the mill.";

/// How the tokens begin that an agent of this kind has, and for whom they are.
fn make(kind: Kind) -> (&'static str, Vendor) {
    match kind {
        Kind::ClaudeCode => ("sk-ant-oat01", Vendor::Anthropic),
        Kind::AnthropicSdk => ("sk-ant-api03", Vendor::Anthropic),
        Kind::Codex => ("codex-login", Vendor::OpenAi),
        Kind::OpenAiSdk => ("sk-proj", Vendor::OpenAi),
    }
}

/// A principal's logins, which all its agents of a kind share: every token of each make, the newest last.
pub(crate) struct Logins {
    owner: Principal,
    tokens: BTreeMap<&'static str, Vec<String>>,
    register: Rc<RefCell<Register>>,
}

impl Logins {
    /// One login for each kind of agent; none of them lasts longer than an hour.
    pub(crate) fn of(
        owner: Principal,
        register: &Rc<RefCell<Register>>,
        world: &World,
        chance: &mut StdRng,
    ) -> Self {
        let mut logins = Self { owner, tokens: BTreeMap::new(), register: Rc::clone(register) };
        for kind in Kind::ALL {
            logins.refresh(world, kind, chance.random_range(MINUTE..HOUR));
        }
        logins
    }

    fn all(&self, kind: Kind) -> &[String] {
        self.tokens.get(make(kind).0).map_or(&[], Vec::as_slice)
    }

    fn newest(&self, kind: Kind) -> String {
        self.all(kind).last().cloned().unwrap_or_default()
    }

    /// A new token, accepted for so long.
    fn refresh(&mut self, world: &World, kind: Kind, lives: Duration) {
        let (make, vendor) = make(kind);
        let mut register = self.register.borrow_mut();
        let token = format!("{make}-{:06}", register.issued());
        register.issue(&token, &self.owner, vendor);
        world.provider.accept(&token);
        world.provider.expire_at(&token, world.now() + lives);
        self.tokens.entry(make).or_default().push(token);
    }
}

/// One of a principal's agents, one conversation after the other.
pub(crate) struct Client {
    number: usize,
    agent: Agent,
    pub(crate) owner: Principal,
    logins: Rc<RefCell<Logins>>,
    door: Rc<Door>,
    chance: StdRng,
    /// Turns of the present conversation.
    turns: u32,
    token: String,
    /// Conversations that were begun.
    begun: u32,
    /// Whether nothing of the present conversation was answered yet.
    is_unheard: bool,
    /// Conversations of which something was answered. Of one that only ever met dead tokens there is nothing to remember.
    pub(crate) conversations: u32,
    /// Requests that were sent.
    pub(crate) requests: u32,
    /// Those that were answered.
    pub(crate) answered: u32,
    /// Those that met a dead token.
    pub(crate) refused: u32,
}

impl Client {
    /// The agent of this number comes in by `door`.
    pub(crate) fn new(
        number: usize,
        kind: Kind,
        logins: &Rc<RefCell<Logins>>,
        door: &Rc<Door>,
        seed: u64,
    ) -> Self {
        Self {
            number,
            agent: Agent::new(kind, "", ""),
            owner: logins.borrow().owner.clone(),
            logins: Rc::clone(logins),
            door: Rc::clone(door),
            chance: StdRng::seed_from_u64(seed),
            begun: 0,
            is_unheard: true,
            conversations: 0,
            turns: TURNS,
            token: logins.borrow().newest(kind),
            requests: 0,
            answered: 0,
            refused: 0,
        }
    }

    /// Says something, and refreshes the token if that is refused, as agents do. A straggler sends an old one first.
    pub(crate) async fn speak(&mut self, world: &World) {
        let line = self.next_line();
        if self.chance.random_bool(0.03) {
            let old = self.logins.borrow().all(self.agent.kind()).choose(&mut self.chance).cloned();
            self.token = old.unwrap_or_default();
            self.agent.refresh(&self.token);
        }
        let request = self.agent.next_turn(&line);
        if self.send(&request).await == 401 {
            self.renew(world);
            self.send(&self.agent.again()).await;
        }
        self.turns += 1;
    }

    /// What comes next: of a new conversation what everybody says, sometimes at such length that it is worth keeping cached.
    fn next_line(&mut self) -> String {
        let mark = mark(&self.owner);
        if self.turns == TURNS {
            (self.turns, self.begun, self.is_unheard) = (0, self.begun + 1, true);
            let name = format!("one-and-the-same-{}-{}", self.number, self.begun);
            self.agent = Agent::new(self.agent.kind(), &name, &self.token);
            let length = if self.chance.random_bool(0.05) { 400 } else { 1 };
            return GREETING.repeat(length);
        }
        let value = self.chance.random::<u16>();
        format!("{mark} decided that sluice {} is opened to {value}.", self.turns)
    }

    /// The token that another of the principal's agents has fetched meanwhile, else a new one.
    fn renew(&mut self, world: &World) {
        let (mut logins, kind) = (self.logins.borrow_mut(), self.agent.kind());
        if logins.newest(kind) == self.token {
            logins.refresh(world, kind, self.chance.random_range(HOUR..8 * HOUR));
        }
        self.token = logins.newest(kind);
        self.agent.refresh(&self.token);
    }

    async fn send(&mut self, request: &Exchange) -> u16 {
        let reply = self.door.send(request).await;
        self.requests += 1;
        match reply.status {
            200 => {
                self.answered += 1;
                self.conversations += u32::from(std::mem::take(&mut self.is_unheard));
                self.agent.hear(&reply.body);
            }
            401 => self.refused += 1,
            status => panic!("{status}: {}", reply.text()),
        }
        reply.status
    }
}
