//! Who listens in tests: a meter and actors that remember what they hear.

use crate::{Called, Meter};
use actor::{Message, Performer, Place, Stage, Vacancy};
use domain::provider::Provider;
use domain::purpose::Purpose;
use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

/// Everything that was said, in order.
#[derive(Clone)]
pub(crate) struct Heard<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Heard<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Heard<T> {
    fn note(&self, said: T) {
        self.all().push(said);
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, Vec<T>> {
        self.0.lock().unwrap()
    }
}

/// Remembers what it is told.
#[derive(Default)]
pub(crate) struct Listening {
    pub(crate) requests: Heard<(Purpose, u16)>,
    pub(crate) calls: Heard<String>,
    /// Statuses that spoke against a token.
    pub(crate) refusals: Heard<u16>,
    /// Whether each turn was recorded.
    pub(crate) turns: Heard<bool>,
}

impl Meter for Listening {
    fn upstream_request(&self, purpose: Purpose, _provider: Provider, status: u16) {
        self.requests.note((purpose, status));
    }
    fn called(&self, call: &Called<'_>) {
        let Called { purpose, model, session, status, attempts, .. } = call;
        let session = session.unwrap_or_default();
        self.calls.note(format!("{} {model} {session} {status} {attempts}", purpose.as_str()));
    }
    fn auth_failure(&self, _provider: Provider, status: u16) {
        self.refusals.note(status);
    }
    fn alert(&self, _kind: &'static str) {}
    fn turn_recorded(&self) {
        self.turns.note(true);
    }
    fn turn_shed(&self) {
        self.turns.note(false);
    }
    fn warm_saved(&self, _usd: f64) {}
    fn warm_cost(&self, _usd: f64) {}
}

/// Seats an actor on this thread that gives this answer to everything; what it hears from then on.
pub(crate) fn seat<M, R>(seat: Vacancy<M, R>, answer: R) -> Heard<M>
where
    M: Message + Clone,
    R: Clone + Debug + Send + 'static,
{
    let heard = Heard::default();
    let hears = Heard::clone(&heard);
    seat.fill(&Place::Here, move || {
        (Ear(PhantomData), Box::new(move || (Heard::clone(&hears), answer.clone())))
    });
    heard
}

struct Ear<M, R>(PhantomData<(M, R)>);

impl<M: Message + Clone, R: Clone + Debug + Send + 'static> Performer for Ear<M, R> {
    const NAME: &'static str = "Ear";
    type Machine = (Heard<M>, R);
    type Message = M;
    type Effect = ();
    type Reply = R;

    fn step((heard, answer): &mut (Heard<M>, R), message: M, _now: Duration, _effects: &mut Vec<()>) -> R {
        heard.note(message);
        answer.clone()
    }

    fn perform(&mut self, (): (), _stage: &mut Stage<'_, M>) {}
}
