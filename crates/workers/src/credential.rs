//! The CredentialActor: owns what is known of credentials, and spreads the news.

use crate::{Alarm, Meter, Spoken};
use actor::{Mailbox, Performer, Stage};
use domain::time::Moment;
use machines::cache_warmer::WarmerMessage;
use machines::credential::{
    Counters, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, Hint,
};
use machines::job::JobMessage;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// The machine, and the counters that go on rising when it is rebuilt.
pub(crate) struct Book {
    pub(crate) machine: CredentialMachine,
    pub(crate) counters: Rc<Cell<Counters>>,
}

/// See the module.
pub(crate) struct CredentialPerformer {
    pub(crate) distiller: Mailbox<Spoken<JobMessage>>,
    pub(crate) curator: Mailbox<Spoken<JobMessage>>,
    pub(crate) warmer: Mailbox<Spoken<WarmerMessage>>,
    pub(crate) alarm: Arc<dyn Alarm>,
    pub(crate) meter: Arc<dyn Meter>,
}

impl Performer for CredentialPerformer {
    const NAME: &'static str = "CredentialActor";
    type Machine = Book;
    type Message = Spoken<CredentialMessage>;
    type Effect = CredentialEffect;
    type Reply = CredentialReply;

    fn step(
        book: &mut Book,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<CredentialEffect>,
    ) -> CredentialReply {
        let reply = book.machine.on(message.0, Moment::from(now), effects);
        book.counters.set(book.machine.counters());
        reply
    }

    fn perform(&mut self, effect: CredentialEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            CredentialEffect::Alert(alert) => {
                self.meter.alert("worker-auth-error");
                self.alarm.raise(&alert);
            }
            CredentialEffect::Broadcast(hint) => self.broadcast(&hint, stage),
        }
    }
}

impl CredentialPerformer {
    /// Hints may be refused by a full mailbox: whoever misses one asks again with the next sweep.
    fn broadcast(&self, hint: &Hint, stage: &Stage<'_, Spoken<CredentialMessage>>) {
        let cause = stage.cause();
        for worker in [&self.distiller, &self.curator] {
            worker.tell(Spoken(JobMessage::Hinted(hint.clone())), cause).unwrap_or_default();
        }
        let hinted = WarmerMessage::Job(JobMessage::Hinted(hint.clone()));
        self.warmer.tell(Spoken(hinted), cause).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::credential::{Credential, CredentialKind};
    use domain::fingerprint::Fingerprint;
    use domain::ids::Principal;
    use domain::provider::{Provider, UpstreamKey};
    use domain::secret::Secret;
    use domain::settings::{ClientCredentials, GlobalFallback};
    use machines::credential::{CredentialRules, SlotKey};

    fn book(counters: &Rc<Cell<Counters>>) -> Book {
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules =
            CredentialRules { client_credentials, fallback: GlobalFallback::Off, own_keys: Vec::new() };
        Book { machine: CredentialMachine::new(rules, counters.get()), counters: Rc::clone(counters) }
    }

    fn observed(token: u8) -> Spoken<CredentialMessage> {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (value, fingerprint) = (Secret::new("t"), Fingerprint::of_number(token));
        let (header, kind, companions) = ("authorization", CredentialKind::Bearer, Vec::new());
        let credential = Arc::new(Credential { header, value, kind, fingerprint, companions });
        let slot = SlotKey { principal: Principal::local(), upstream, session: "a".into() };
        Spoken(CredentialMessage::CredentialObserved { slot, credential, project: None })
    }

    fn generation(book: &mut Book, token: u8) -> u64 {
        CredentialPerformer::step(book, observed(token), Duration::ZERO, &mut Vec::new());
        let list = Spoken(CredentialMessage::ListSlots);
        match CredentialPerformer::step(book, list, Duration::ZERO, &mut Vec::new()) {
            CredentialReply::Slots(slots) => slots[0].generation.0,
            other => panic!("not slots: {other:?}"),
        }
    }

    #[test]
    fn generations_go_on_rising_when_the_machine_is_rebuilt() {
        let counters = Rc::new(Cell::default());
        let before = generation(&mut book(&counters), 1);
        assert!(generation(&mut book(&counters), 2) > before);
    }
}
