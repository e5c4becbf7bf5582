//! The actor under test: a clerk who notes numbers, and does to the stage whatever it is told.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actor::{
    AskError, Cause, Clock, Depth, Environment, Factory, Mailbox, Message, Observer, Performer, Place, Row,
    Stage, Trace, Vacancy, vacancy,
};
use tokio::task::LocalSet;

use crate::logs::install_log;

pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const TEST: Cause = Cause::origin("test");

/// What the clerk can be told.
#[derive(Debug)]
pub(crate) enum Order {
    /// Notes a number.
    Note(u32),
    /// Answers what is noted, and nothing else.
    Recall,
    /// Panics in the step, quoting a secret.
    Crash,
    /// Does something to the stage, in `perform`.
    Do(Deed),
}

pub(crate) struct Deed(OnStage);

type OnStage = Box<dyn FnOnce(&mut Stage<'_, Order>) + Send>;

impl fmt::Debug for Deed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Deed")
    }
}

/// An order to do `deed` to the stage.
pub(crate) fn deed(deed: impl FnOnce(&mut Stage<'_, Order>) + Send + 'static) -> Order {
    Order::Do(Deed(Box::new(deed)))
}

impl Message for Order {
    fn name(&self) -> &'static str {
        match self {
            Self::Note(_) => "Note",
            Self::Recall => "Recall",
            Self::Crash => "Crash",
            Self::Do(_) => "Do",
        }
    }

    fn session(&self) -> Option<&str> {
        matches!(self, Self::Note(_)).then_some("session-1")
    }
}

/// The performer. Its machine is the list of what was noted.
pub(crate) struct Clerk {
    opening: Opening,
}

type Opening = Box<dyn FnMut(&mut Stage<'_, Order>)>;

impl Performer for Clerk {
    const NAME: &'static str = "clerk";
    type Machine = Vec<u32>;
    type Message = Order;
    type Effect = Deed;
    type Reply = Vec<u32>;

    fn step(notes: &mut Vec<u32>, order: Order, _now: Duration, effects: &mut Vec<Deed>) -> Vec<u32> {
        match order {
            Order::Note(number) => notes.push(number),
            Order::Recall => {}
            Order::Crash => panic!("the token is hunter2"),
            Order::Do(deed) => effects.push(deed),
        }
        notes.clone()
    }

    fn perform(&mut self, Deed(deed): Deed, stage: &mut Stage<'_, Order>) {
        deed(stage);
    }

    fn opening(&mut self, stage: &mut Stage<'_, Order>) {
        (self.opening)(stage);
    }
}

/// What an observer heard, as sentences.
#[derive(Default)]
pub(crate) struct Ears {
    sentences: Mutex<Vec<String>>,
    depths: Mutex<BTreeMap<&'static str, Depth>>,
}

impl Ears {
    fn hear(&self, what: String) {
        self.sentences.lock().unwrap().push(what);
    }

    /// How many messages wait for `actor` now.
    pub(crate) fn depth(&self, actor: &str) -> usize {
        self.depths.lock().unwrap()[actor]()
    }

    /// Everything heard that begins with `word`.
    pub(crate) fn heard(&self, word: &str) -> Vec<String> {
        self.sentences.lock().unwrap().iter().filter(|what| what.starts_with(word)).cloned().collect()
    }
}

impl Observer for Ears {
    fn handled(&self, row: &Row) {
        self.hear(format!("handled {} {} [{}{}]", row.actor, row.message, row.outcome, row.detail));
    }

    fn shed(&self, actor: &'static str, message: &'static str) {
        self.hear(format!("shed {actor} {message}"));
    }

    fn crashed(&self, actor: &'static str) {
        self.hear(format!("crashed {actor}"));
    }

    fn opened(&self, actor: &'static str, depth: Depth) {
        self.depths.lock().unwrap().insert(actor, depth);
    }
}

pub(crate) type ClerkMailbox = Mailbox<Order, Vec<u32>>;
pub(crate) type ClerkVacancy = Vacancy<Order, Vec<u32>>;

/// An environment with ears, and what it takes to put clerks into it.
pub(crate) struct House {
    pub(crate) environment: Environment,
    pub(crate) ears: Arc<Ears>,
}

impl House {
    pub(crate) fn new() -> Self {
        install_log();
        let ears = Arc::new(Ears::default());
        let mourner = Arc::clone(&ears);
        let environment = Environment {
            clock: Clock::virtual_from(HOUR),
            trace: Trace::on(),
            observer: Arc::clone(&ears) as Arc<dyn Observer>,
            fatal: Arc::new(move |actor| mourner.hear(format!("fatal {actor}"))),
        };
        Self { environment, ears }
    }

    pub(crate) fn vacancy(&self, capacity: usize) -> (ClerkMailbox, ClerkVacancy) {
        vacancy(Clerk::NAME, capacity, &self.environment)
    }

    /// A clerk who is already there.
    pub(crate) fn clerk(&self, capacity: usize) -> ClerkMailbox {
        let (mailbox, vacancy) = self.vacancy(capacity);
        fill(vacancy);
        mailbox
    }
}

/// Fills a vacancy with a clerk on this thread.
pub(crate) fn fill(vacancy: ClerkVacancy) {
    vacancy.fill(&Place::Here, || clerk(|_| {}, Vec::new));
}

/// A clerk with an opening of his own, and the factory of his notes.
pub(crate) fn clerk(
    opening: impl FnMut(&mut Stage<'_, Order>) + 'static,
    notes: impl FnMut() -> Vec<u32> + 'static,
) -> (Clerk, Factory<Vec<u32>>) {
    (Clerk { opening: Box::new(opening) }, Box::new(notes))
}

/// Tells the clerk on the stage to note numbers, and counts how many he accepts.
pub(crate) fn accepted(numbers: RangeInclusive<u32>, stage: &Stage<'_, Order>) -> usize {
    numbers.filter(|number| stage.me().tell(Order::Note(*number), stage.cause()).is_ok()).count()
}

/// Asks what the clerk has noted, after everything told before.
pub(crate) async fn notes(clerk: &ClerkMailbox) -> Vec<u32> {
    asked(clerk, Order::Recall).await.unwrap()
}

/// Asks, with an hour to answer.
pub(crate) fn asked(
    clerk: &ClerkMailbox,
    order: Order,
) -> impl Future<Output = Result<Vec<u32>, AskError>> + use<> {
    clerk.ask(order, TEST, HOUR)
}

/// Runs a test where actors can live: a `LocalSet`, and no actix system at all.
pub(crate) async fn at_home<T>(test: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(test).await
}

/// Gives every actor and timer that is ready more turns than it needs, without time passing.
pub(crate) async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
