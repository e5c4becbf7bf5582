//! Facts on their way to the actors, several at a time: waking an actor's thread costs more than the message does.

use crate::Spoken;
use actor::{Cause, Mailbox};
use domain::ids::SessionId;
use machines::cache_warmer::{WarmerMessage, WarmerReply};
use machines::credential::{CredentialMessage, CredentialReply};
use machines::idle_scheduler::{SchedulerMessage, SchedulerReply};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::sleep;

/// Who tells them.
const TELLER: Cause = Cause::origin("Gateway");
/// So many facts do not wait for more.
const MOST: usize = 1024;

/// What the request path has to tell.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly half of all are of the large kind, and a box would be an allocation a request"
)]
pub enum Fact {
    /// To the CredentialActor. A full mailbox sheds it, counted: the next request says the same again.
    Credential(CredentialMessage),
    /// To the IdleScheduler: somebody spoke who is in no turn. Shed likewise.
    Seen(SessionId),
    /// To the IdleScheduler and the CacheWarmer. Surely, as its end: turns under way bound how many there are.
    TurnStarted(SessionId),
    /// To the same two. Surely: a session whose request never ends is never idle, and never warmed.
    TurnEnded(SessionId),
}

/// See the module. Facts arrive in the order in which they were told.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    /// How long a fact may wait for others; not at all when zero.
    linger: Duration,
    waiting: Mutex<Vec<Fact>>,
    /// Those that are being sent off, by whoever holds it: others may tell meanwhile, but nobody's facts overtake these.
    leaving: Mutex<Vec<Fact>>,
}

impl Outbox {
    /// An outbox in which facts do not wait.
    pub(crate) fn new(
        credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    ) -> Self {
        Self(Arc::new(Inner::new(credentials, scheduler, warmer, Duration::ZERO)))
    }

    /// One to the same actors in which a fact waits so long for others.
    pub(crate) fn lingering(&self, linger: Duration) -> Self {
        let Inner { credentials, scheduler, warmer, .. } = &*self.0;
        Self(Arc::new(Inner::new(credentials.clone(), scheduler.clone(), warmer.clone(), linger)))
    }

    /// Tells a fact, now or soon. Never waits.
    pub fn tell(&self, fact: Fact) {
        if self.0.linger.is_zero() {
            return self.0.deliver([fact]);
        }
        let waiting = {
            let mut facts = self.0.waiting();
            facts.push(fact);
            facts.len()
        };
        if waiting == 1 {
            self.flush_in_time();
        } else if waiting >= MOST {
            self.flush();
        }
    }

    /// For the first that waits; all that join it rely on this.
    fn flush_in_time(&self) {
        let (due, linger) = (Due(self.clone()), self.0.linger);
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(async move {
                sleep(linger).await;
                drop(due);
            }));
        }
    }

    /// Sends off what waits: for whoever is about to ask an actor, and at the end.
    pub fn flush(&self) {
        let mut leaving = self.0.leaving.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *self.0.waiting(), &mut *leaving);
        self.0.deliver(leaving.drain(..));
    }
}

/// Sends off what waits when it is dropped: in time, at once where nothing keeps the time, or with the runtime that kept it.
struct Due(Outbox);

impl Drop for Due {
    fn drop(&mut self) {
        self.0.flush();
    }
}

impl Inner {
    fn new(
        credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
        linger: Duration,
    ) -> Self {
        Self { credentials, scheduler, warmer, linger, waiting: Mutex::default(), leaving: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Fact>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn deliver(&self, facts: impl IntoIterator<Item = Fact>) {
        let (mut credentials, mut scheduler) = (self.credentials.bundle(), self.scheduler.bundle());
        let mut warmer = self.warmer.bundle();
        for fact in facts {
            match fact {
                Fact::Credential(message) => credentials.tell(Spoken(message), TELLER),
                Fact::Seen(session) => scheduler.tell(Spoken(SchedulerMessage::SessionSeen(session)), TELLER),
                Fact::TurnStarted(session) => {
                    let started = Spoken(WarmerMessage::TurnStarted(session.clone()));
                    warmer.tell_surely(started, TELLER).unwrap_or_default();
                    scheduler.tell_surely(Spoken(SchedulerMessage::TurnStarted(session)), TELLER)
                }
                Fact::TurnEnded(session) => {
                    let ended = Spoken(WarmerMessage::TurnEnded(session.clone()));
                    warmer.tell_surely(ended, TELLER).unwrap_or_default();
                    scheduler.tell_surely(Spoken(SchedulerMessage::TurnEnded(session)), TELLER)
                }
            }
            .unwrap_or_default();
        }
        // Who the token is of comes before who used it.
        drop(credentials);
        drop(scheduler);
        drop(warmer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actor::{Clock, Environment, vacancy};
    use std::any::Any;

    struct House {
        outbox: Outbox,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
        _seats: Box<dyn Any>,
    }

    fn house(linger: Duration) -> House {
        let environment = Environment::new(Clock::system());
        let (credentials, credential_seat) = vacancy("CredentialActor", 9, &environment);
        let (scheduler, scheduler_seat) = vacancy("IdleScheduler", 9, &environment);
        let (warmer, warmer_seat) = vacancy("CacheWarmer", 9, &environment);
        let outbox = Outbox::new(credentials, scheduler.clone(), warmer.clone()).lingering(linger);
        House { outbox, scheduler, warmer, _seats: Box::new((credential_seat, scheduler_seat, warmer_seat)) }
    }

    fn started() -> Fact {
        Fact::TurnStarted("s".into())
    }

    #[tokio::test]
    async fn facts_wait_for_one_another_until_somebody_wants_them_sent() {
        let house = house(Duration::from_secs(3600));
        house.outbox.tell(started());
        house.outbox.tell(started());
        assert_eq!(house.scheduler.depth(), 0);
        house.outbox.flush();
        assert_eq!(house.scheduler.depth(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn facts_go_by_themselves_in_time() {
        let house = house(Duration::from_secs(2));
        house.outbox.tell(started());
        sleep(Duration::from_secs(1)).await;
        assert_eq!(house.scheduler.depth(), 0);
        sleep(Duration::from_secs(2)).await;
        assert_eq!(house.scheduler.depth(), 1);
    }

    #[tokio::test]
    async fn a_full_outbox_waits_no_longer_and_one_without_linger_never() {
        let lingering = house(Duration::from_secs(3600));
        (0..MOST).for_each(|_| lingering.outbox.tell(started()));
        assert_eq!(lingering.scheduler.depth(), MOST);
        let prompt = house(Duration::ZERO);
        prompt.outbox.tell(started());
        assert_eq!(prompt.scheduler.depth(), 1);
    }

    #[test]
    fn where_no_runtime_could_send_them_facts_go_at_once() {
        let house = house(Duration::from_secs(3600));
        house.outbox.tell(started());
        assert_eq!(house.scheduler.depth(), 1);
    }

    #[test]
    fn facts_do_not_go_down_with_the_runtime_that_kept_their_time() {
        let house = house(Duration::from_secs(3600));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async { house.outbox.tell(started()) });
        house.outbox.tell(started());
        assert_eq!(house.scheduler.depth(), 0);
        drop(runtime);
        assert_eq!(house.scheduler.depth(), 2);
    }

    #[tokio::test]
    async fn of_a_turn_the_scheduler_hears_and_so_does_the_warmer() {
        let house = house(Duration::ZERO);
        house.outbox.tell(started());
        house.outbox.tell(Fact::TurnEnded("s".into()));
        assert_eq!((house.scheduler.depth(), house.warmer.depth()), (2, 2));
        house.outbox.tell(Fact::Seen("s".into()));
        assert_eq!((house.scheduler.depth(), house.warmer.depth()), (3, 2), "no turn");
    }
}
