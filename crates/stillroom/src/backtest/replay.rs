//! Recorded sessions under each policy.

use super::choice::{hour as hours, is_open};
use super::recording::Session;
use super::step::{Step, steps};
use domain::price::Price;
use machines::cache_warmer::lifetime;
use machines::warming::{Book, Gap, Habits, Place, Wait, lead};
use std::ops::AddAssign;
use std::time::Duration;

/// What decides how long a cache is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Policy {
    /// Nobody: nothing is ever refreshed.
    Never,
    /// So many warm-ups in every wait.
    Always(u32),
    /// As many warm-ups in every wait as one return pays for.
    Fixed,
    /// What the gateway does.
    Ours,
    /// One that knows when the agent will return.
    Oracle,
    /// An hour's marks where the client leaves the time to live open, and no warm-ups there; elsewhere ours.
    Hour,
    /// In each session where it is open, hours or ours, whichever has earned more in the project so far.
    Leader,
    /// The same, whichever will have earned more at the end of the session.
    Foresight,
}

/// All, in the order of reports; the last ones choose the time to live.
pub(crate) const POLICIES: [Policy; 9] = [
    Policy::Never,
    Policy::Always(1),
    Policy::Always(3),
    Policy::Fixed,
    Policy::Ours,
    Policy::Oracle,
    Policy::Hour,
    Policy::Leader,
    Policy::Foresight,
];
/// So many at the end choose the time to live.
pub(crate) const CHOOSING: usize = 3;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Outcome {
    /// Dollars that warm-ups cost.
    pub(crate) spent: f64,
    /// Dollars that returns saved.
    pub(crate) saved: f64,
    /// Returns that saved something.
    pub(crate) hits: u64,
    /// Warm-ups.
    pub(crate) pings: u64,
}

impl Outcome {
    /// Saved less spent.
    pub(crate) fn net(&self) -> f64 {
        self.saved - self.spent
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.spent += other.spent;
        self.saved += other.saved;
        self.hits += other.hits;
        self.pings += other.pings;
    }
}

/// Outcomes of all policies, in the order of [`POLICIES`].
pub(crate) type Outcomes = [Outcome; POLICIES.len()];

/// The outcomes in each project, in the order in which projects first occur.
///
/// Sessions are taken one after the other, each whole, and each wait is learnt from when it is over: no decision knows what came
/// after it. `played` hears of each session that is done.
pub(crate) fn replay(
    sessions: &[Session],
    prior: Habits,
    mut played: impl FnMut(),
) -> Vec<(String, Outcomes)> {
    let mut book = Book::with_prior(prior);
    let mut projects: Vec<(String, Outcomes)> = Vec::new();
    for session in sessions {
        let known = projects.iter().position(|(name, _)| *name == session.project);
        let at = known.unwrap_or(projects.len());
        if known.is_none() {
            projects.push((session.project.clone(), Outcomes::default()));
        }
        let outcomes = play(session, &mut book, &projects[at].1);
        projects[at].1.iter_mut().zip(outcomes).for_each(|(sum, outcome)| *sum += outcome);
        played();
    }
    projects
}

/// What `sessions` teach about waits: a prior for others.
pub(crate) fn fit(sessions: &[Session]) -> Habits {
    let mut book = Book::with_prior(Habits::default());
    for session in sessions {
        let place = place(session);
        steps(session).iter().filter(|step| step.teaches).for_each(|step| {
            book.learn(&place, &step.wait, step.gap);
        });
    }
    book.everybody().clone()
}

fn place(session: &Session) -> Place {
    let name = format!("{}/{}", session.project, session.session);
    Place { session: name.into(), project: session.project.as_str().into() }
}

/// What comes of a session whose project has earned `so_far`.
fn play(session: &Session, book: &mut Book, so_far: &Outcomes) -> Outcomes {
    let place = place(session);
    let mut outcomes = Outcomes::default();
    for step in steps(session) {
        if step.is_cached {
            for (sum, policy) in outcomes.iter_mut().zip(POLICIES) {
                *sum += outcome(&step, policy, book, &place);
            }
        }
        if step.teaches {
            book.learn(&place, &step.wait, step.gap);
        }
    }
    choose(session, so_far, &mut outcomes);
    outcomes
}

/// What those make of the session that choose the time to live, once it is known what comes of ours.
fn choose(session: &Session, so_far: &Outcomes, outcomes: &mut Outcomes) {
    let [.., ours, _, hour, leader, foresight] = outcomes;
    *hour = if is_open(session) { hours(session) } else { *ours };
    let [.., ours_so_far, _, hour_so_far, _, _] = so_far;
    *leader = if hour_so_far.net() > ours_so_far.net() { *hour } else { *ours };
    *foresight = if hour.net() > ours.net() { *hour } else { *ours };
}

fn outcome(step: &Step, policy: Policy, book: &mut Book, place: &Place) -> Outcome {
    match policy {
        Policy::Never | Policy::Hour | Policy::Leader | Policy::Foresight => Outcome::default(),
        Policy::Always(most) => held(step, most),
        Policy::Fixed => held(step, break_even(&step.wait)),
        Policy::Ours => ours(step, book, place),
        Policy::Oracle => oracle(step),
    }
}

/// How many warm-ups cost what one return saves.
fn break_even(wait: &Wait) -> u32 {
    (wait.loss() / wait.hold()).max(0.0) as u32
}

/// What comes of at most `most` warm-ups, each as late as it may be.
fn held(step: &Step, most: u32) -> Outcome {
    let pings = (1..=most).take_while(|ping| is_away(step, leaves(&step.wait, *ping))).count();
    let pings = u32::try_from(pings).unwrap_or(u32::MAX);
    Outcome { spent: f64::from(pings) * step.wait.hold(), pings: u64::from(pings), ..credited(step, pings) }
}

/// Asks for advice before each warm-up, as the gateway does, and keeps its books as it does.
fn ours(step: &Step, book: &mut Book, place: &Place) -> Outcome {
    let mut pings = 0;
    while is_away(step, leaves(&step.wait, pings + 1)) {
        let (waited, expiry) = (leaves(&step.wait, pings + 1), expiry(&step.wait, pings));
        if !book.advise(place, &step.wait, waited, expiry).is_to_warm() {
            break;
        }
        book.spend(place, step.wait.hold());
        pings += 1;
    }
    let outcome = held(step, pings);
    book.save(place, outcome.saved);
    outcome
}

/// As many warm-ups as earn most, or none: it also knows when the last but one already holds on until the return.
fn oracle(step: &Step) -> Outcome {
    let each = (1..=break_even(&step.wait)).map(|pings| held(step, pings));
    each.fold(Outcome::default(), |best, other| if other.net() > best.net() { other } else { best })
}

/// What the return saves after `pings` warm-ups: only when it came after the cache would have expired and before the refreshed
/// one did.
fn credited(step: &Step, pings: u32) -> Outcome {
    let Gap::Returned(after) = step.gap else { return Outcome::default() };
    let is_hit = pings > 0
        && lifetime(step.wait.ttl) < after
        && after < expiry(&step.wait, pings)
        && step.regained > 0;
    let saving = |price: Price| price.saving(step.regained, step.wait.ttl);
    let saved = step.wait.price.filter(|_| is_hit).map_or(0.0, saving);
    Outcome { saved, hits: u64::from(is_hit), ..Outcome::default() }
}

fn is_away(step: &Step, at: Duration) -> bool {
    match step.gap {
        Gap::Returned(after) => at < after,
        Gap::Away(_) | Gap::Gone => true,
    }
}

/// When warm-up number `ping` leaves, from 1, after the agent's last call.
fn leaves(wait: &Wait, ping: u32) -> Duration {
    (lifetime(wait.ttl) - lead(wait.tokens)) * ping
}

/// When the cache ends after `pings` warm-ups, since the agent's last call.
fn expiry(wait: &Wait, pings: u32) -> Duration {
    let last = if pings == 0 { Duration::ZERO } else { leaves(wait, pings) };
    last + lifetime(wait.ttl)
}
