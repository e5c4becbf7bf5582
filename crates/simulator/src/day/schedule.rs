//! What happens in the day whatever the policy: who speaks when, with which token, and what the provider says to it. Clients
//! call the provider themselves, so their side of the day is settled before any background work begins.

use domain::fingerprint::{Fingerprint, Fingerprinter};
use domain::ids::SessionId;
use domain::time::Moment;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::ops::Range;
use std::time::Duration;

/// How many people there are.
pub const USERS: usize = 19;
/// So many of them have a gateway of their own, on their own machine; the others share one.
pub const ALONE: usize = 12;
/// The end of the day.
pub const MIDNIGHT: Moment = Moment::from_secs(24 * 3600);
/// Everybody speaks once more and falls silent: what is still undone at midnight was not undone for want of a good token.
const EVENING: Moment = Moment::from_secs(22 * 3600);
/// The hour in which the provider answers 401 to everyone.
const WRONG: Range<Moment> = Moment::from_secs(12 * 3600)..Moment::from_secs(13 * 3600);
/// How long tokens live, in minutes.
const LIFE: Range<u64> = 60..8 * 60;
/// How long a request is on its way before the provider looks at its token.
const WAY: Duration = Duration::from_millis(50);

/// A person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User(pub usize);

/// A conversation of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub usize);

impl Session {
    /// What the gateway calls it.
    #[must_use]
    pub fn id(self) -> SessionId {
        self.0.to_string().into()
    }

    /// The one that the gateway calls so.
    #[must_use]
    pub fn of(id: &SessionId) -> Option<Self> {
        id.as_str().parse().ok().map(Self)
    }
}

/// A token of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub usize);

/// A request with a token, and how it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// With what.
    pub token: Token,
    /// When it left.
    pub start: Moment,
    /// When its answer was understood.
    pub end: Moment,
    /// Whether it was accepted; else the answer was a 401.
    pub accepted: bool,
}

/// What there is to know of a token.
#[derive(Debug)]
struct Issued {
    user: User,
    dies: Moment,
    name: Fingerprint,
}

/// See the module.
#[derive(Debug)]
pub struct Day {
    /// The owner of each session.
    sessions: Vec<User>,
    tokens: Vec<Issued>,
    /// What clients sent, each with its session.
    pub requests: Vec<(Session, Exchange)>,
}

impl Day {
    /// The day that comes of `seed`.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Clients::new(StdRng::seed_from_u64(seed)).live()
    }

    /// Whose session.
    #[must_use]
    pub fn owner(&self, session: Session) -> User {
        self.sessions[session.0]
    }

    /// Whose token.
    #[must_use]
    pub fn holder(&self, token: Token) -> User {
        self.tokens[token.0].user
    }

    /// What the gateway calls the token.
    #[must_use]
    pub fn fingerprint(&self, token: Token) -> Fingerprint {
        self.tokens[token.0].name
    }

    /// The token of this name.
    #[must_use]
    pub fn named(&self, name: Fingerprint) -> Option<Token> {
        self.tokens.iter().position(|issued| issued.name == name).map(Token)
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many tokens there are.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.tokens.len()
    }

    /// What the provider says to a request with `token` that leaves at `start`.
    #[must_use]
    pub fn accepts(&self, token: Token, start: Moment) -> bool {
        let arrival = start.after(WAY);
        arrival < self.tokens[token.0].dies && !WRONG.contains(&arrival)
    }
}

/// A session as its agent sees it.
struct Agent {
    token: Token,
    speaks: Moment,
}

/// All agents, and the day as far as it has come.
struct Clients {
    day: Day,
    agents: Vec<Agent>,
    /// The token that each user's agents share through a file.
    newest: Vec<Token>,
    chance: StdRng,
}

impl Clients {
    fn new(chance: StdRng) -> Self {
        let day = Day { sessions: Vec::new(), tokens: Vec::new(), requests: Vec::new() };
        let mut clients = Self { day, agents: Vec::new(), newest: Vec::new(), chance };
        (0..USERS).for_each(|user| clients.arrive(User(user)));
        clients
    }

    /// One in three users talks in several sessions.
    fn arrive(&mut self, user: User) {
        let token = self.issue(user, Moment::default());
        self.newest.push(token);
        let several = self.chance.random_bool(1.0 / 3.0);
        for _ in 0..if several { self.chance.random_range(2..=4) } else { 1 } {
            let speaks = Moment::from_secs(self.chance.random_range(0..3600));
            self.day.sessions.push(user);
            self.agents.push(Agent { token, speaks });
        }
    }

    fn live(mut self) -> Day {
        while let Some(session) = self.next_before(EVENING) {
            self.speak(session);
        }
        (0..self.agents.len()).for_each(|session| self.say_good_night(Session(session)));
        self.day.requests.sort_by_key(|(_, request)| request.start);
        self.day
    }

    fn next_before(&self, limit: Moment) -> Option<Session> {
        let (session, agent) = self.agents.iter().enumerate().min_by_key(|(_, agent)| agent.speaks)?;
        (agent.speaks < limit).then_some(Session(session))
    }

    /// One turn. The agent sees that its token is dead only now, when it speaks, and renews it.
    fn speak(&mut self, session: Session) {
        let mut accepted = self.request(session);
        if !accepted {
            self.renew(session);
            accepted = self.request(session);
        }
        let pause = match accepted {
            false => 300..1200,
            true if self.chance.random_bool(0.8) => 20..180,
            true => 1800..3 * 3600,
        };
        self.wait(session, pause.start * 1000..pause.end * 1000);
    }

    /// The last turn, with a token that lasts.
    fn say_good_night(&mut self, session: Session) {
        let speaks = EVENING.after(Duration::from_millis(self.chance.random_range(0..600_000)));
        let agent = &mut self.agents[session.0];
        agent.speaks = agent.speaks.min(speaks).max(EVENING);
        let user = self.day.owner(session);
        if self.day.tokens[self.newest[user.0].0].dies < MIDNIGHT {
            self.newest[user.0] = self.issue_until(user, MIDNIGHT.after(Duration::from_secs(3600)));
        }
        self.agents[session.0].token = self.newest[user.0];
        self.request(session);
    }

    fn request(&mut self, session: Session) -> bool {
        let Agent { token, speaks: start } = self.agents[session.0];
        let accepted = self.day.accepts(token, start);
        self.wait(session, if accepted { 2_000..20_000 } else { 100..300 });
        let end = self.agents[session.0].speaks;
        self.day.requests.push((session, Exchange { token, start, end, accepted }));
        accepted
    }

    /// Another session may have renewed the user's token already; else this one does.
    fn renew(&mut self, session: Session) {
        let (user, now) = (self.day.owner(session), self.agents[session.0].speaks);
        let shared = self.newest[user.0];
        if shared == self.agents[session.0].token || self.day.tokens[shared.0].dies <= now {
            self.newest[user.0] = self.issue(user, now);
        }
        self.agents[session.0].token = self.newest[user.0];
        self.wait(session, 200..800);
    }

    fn issue(&mut self, user: User, now: Moment) -> Token {
        let life = Duration::from_secs(60 * self.chance.random_range(LIFE));
        self.issue_until(user, now.after(life))
    }

    fn issue_until(&mut self, user: User, dies: Moment) -> Token {
        let number = self.day.tokens.len();
        let name = Fingerprinter::new([0; 32]).fingerprint("authorization", &number.to_string());
        self.day.tokens.push(Issued { user, dies, name });
        Token(number)
    }

    fn wait(&mut self, session: Session, milliseconds: Range<u64>) {
        let pause = Duration::from_millis(self.chance.random_range(milliseconds));
        let agent = &mut self.agents[session.0];
        agent.speaks = agent.speaks.after(pause);
    }
}
