//! The CredentialActor: owns what is known of credentials, and spreads the news.

use crate::{Alarm, Meter, Spoken, Witness};
use actor::{Mailbox, Performer, Stage};
use domain::access::Access;
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::cache_warmer::{WarmerMessage, WarmerReply};
use machines::credential::{
    Counters, CredentialEffect, CredentialMachine, CredentialMessage, CredentialReply, CredentialRules, Hint,
    StandIn,
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
    witness: Option<Arc<dyn Witness>>,
}

impl Book {
    /// A machine that knows nothing, counting on from where the one before had come to.
    pub(crate) fn open(
        rules: CredentialRules,
        counters: &Rc<Cell<Counters>>,
        witness: Option<Arc<dyn Witness>>,
    ) -> Self {
        let machine = CredentialMachine::new(rules, counters.get());
        witness.iter().for_each(|witness| witness.built(&machine));
        Self { machine, counters: Rc::clone(counters), witness }
    }
}

/// See the module.
pub(crate) struct CredentialPerformer {
    pub(crate) distiller: Mailbox<Spoken<JobMessage>>,
    pub(crate) curator: Mailbox<Spoken<JobMessage>>,
    pub(crate) warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
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
        let now = Moment::from(now);
        let heard = book.witness.as_ref().map(|_| message.0.clone());
        let reply = book.machine.on(message.0, now, effects);
        book.counters.set(book.machine.counters());
        if let Some((witness, heard)) = book.witness.as_ref().zip(heard) {
            witness.stepped(now, &heard, &reply, effects);
        }
        reply
    }

    fn outcome(reply: &CredentialReply) -> String {
        match reply {
            CredentialReply::Noted => "Noted".to_owned(),
            CredentialReply::Access(Access::Go(lease)) => {
                let probe = if lease.probe { " as a probe" } else { "" };
                format!("Lease {}/{}{probe}", lease.fingerprint(), lease.generation.0)
            }
            CredentialReply::Access(Access::Wait { reason, .. }) => format!("Wait {reason:?}"),
            CredentialReply::Slots(slots) => format!("{} slots", slots.len()),
            CredentialReply::Standing(sessions) => format!("{} sessions", sessions.len()),
        }
    }

    fn perform(&mut self, effect: CredentialEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            CredentialEffect::Alert(alert) => {
                self.meter.alert("worker-auth-error");
                self.alarm.raise(&alert);
            }
            CredentialEffect::StandIn(stand_in) => self.tell(&stand_in),
            CredentialEffect::Broadcast(hint) => self.broadcast(&hint, stage),
            CredentialEffect::Invite(purpose, session) => {
                self.invite(purpose, JobMessage::Invited { session }, stage);
            }
        }
    }
}

impl CredentialPerformer {
    fn tell(&self, stand_in: &StandIn) {
        let StandIn { provider, session, purpose, own, token } = stand_in;
        self.meter.stand_in(*provider);
        let (session, purpose, own) = (session.prefix(), purpose.as_str(), own.map(tracing::field::display));
        tracing::info!(session, purpose, %provider, own, %token, "another session's token stands in for a session's own");
    }

    /// An invitation may be lost like any hint: the job is pending, and asks again with the next sweep.
    fn invite(&self, purpose: Purpose, invited: JobMessage, stage: &Stage<'_, Spoken<CredentialMessage>>) {
        let told = match purpose {
            Purpose::Distill => self.distiller.tell(Spoken(invited), stage.cause()),
            Purpose::Curate => self.curator.tell(Spoken(invited), stage.cause()),
            // A warm-up waits for nobody, a batch is looked at every minute, and there is no worker for the rest.
            Purpose::Client | Purpose::Consolidate | Purpose::Warm | Purpose::Batch => Ok(()),
        };
        told.unwrap_or_default();
    }

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
    use crate::samples::{Heard, Listening, seat};
    use actor::{Cause, Clock, Environment, Place, vacancy};
    use domain::access::{AccessRequest, WaitReason};
    use domain::companions::Companions;
    use domain::credential::Lease;
    use domain::credential::{Credential, CredentialKind};
    use domain::evidence::{Class, Evidence};
    use domain::fingerprint::Fingerprint;
    use domain::ids::Principal;
    use domain::provider::{Provider, UpstreamKey};
    use domain::secret::Secret;
    use domain::settings::{ClientCredentials, GlobalFallback};
    use machines::credential::SlotKey;
    use tokio::task::LocalSet;

    fn book(counters: &Rc<Cell<Counters>>) -> Book {
        let client_credentials = ClientCredentials { api_key: true, bearer: true };
        let rules =
            CredentialRules { client_credentials, fallback: GlobalFallback::Off, own_keys: Vec::new() };
        Book::open(rules, counters, None)
    }

    fn observed(token: u8) -> Spoken<CredentialMessage> {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (value, fingerprint) = (Secret::new("t"), Fingerprint::of_number(token));
        let (header, kind, companions) = ("authorization", CredentialKind::Bearer, Companions::default());
        let credential = Arc::new(Credential { header, value, kind, fingerprint, companions, ends: None });
        let slot = SlotKey { principal: Principal::local(), upstream, session: "a".into() };
        Spoken(CredentialMessage::CredentialObserved { slot, credential, project: None, ends: None })
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
    fn the_trace_shows_a_lease_by_its_tokens_fingerprint_and_generation() {
        let mut book = book(&Rc::default());
        CredentialPerformer::step(&mut book, observed(0x9f), Duration::ZERO, &mut Vec::new());
        let request = AccessRequest {
            principal: Principal::local(),
            session: "a".into(),
            upstream: UpstreamKey::new(Provider::Anthropic, "http://h"),
            model: "m".to_owned(),
            purpose: Purpose::Distill,
            project: None,
        };
        let asked = Spoken(CredentialMessage::ResolveCredential(request));
        let reply = CredentialPerformer::step(&mut book, asked, Duration::ZERO, &mut Vec::new());
        assert_eq!(CredentialPerformer::outcome(&reply), "Lease 9f000000/1 as a probe");
        let wait = Access::Wait { reason: WaitReason::Rejected, ask_again_at: None };
        assert_eq!(CredentialPerformer::outcome(&CredentialReply::Access(wait)), "Wait Rejected");
    }

    #[test]
    fn generations_go_on_rising_when_the_machine_is_rebuilt() {
        let counters = Rc::new(Cell::default());
        let before = generation(&mut book(&counters), 1);
        assert!(generation(&mut book(&counters), 2) > before);
    }

    struct Silent;

    impl Alarm for Silent {
        fn raise(&self, _alert: &machines::credential::Alert) {}
    }

    /// A CredentialActor that knows a proven token of session "a", and who hears of it.
    struct Story {
        credentials: Mailbox<Spoken<CredentialMessage>, CredentialReply>,
        distiller: Heard<Spoken<JobMessage>>,
        curator: Heard<Spoken<JobMessage>>,
        warmer: Heard<Spoken<WarmerMessage>>,
        meter: Arc<Listening>,
    }

    impl Story {
        async fn new() -> Self {
            let environment = Environment::new(Clock::virtual_from(Duration::from_secs(1_767_225_600)));
            let (distiller, distiller_seat) = vacancy("Distiller", 9, &environment);
            let (curator, curator_seat) = vacancy("Curator", 9, &environment);
            let (warmer, warmer_seat) = vacancy("CacheWarmer", 9, &environment);
            let (credentials, place) = vacancy("CredentialActor", 99, &environment);
            let meter = Arc::new(Listening::default());
            let hears = Arc::<Listening>::clone(&meter);
            place.fill(&Place::Here, move || {
                let performer =
                    CredentialPerformer { distiller, curator, warmer, alarm: Arc::new(Silent), meter: hears };
                let counters = Rc::default();
                (performer, Box::new(move || book(&counters)))
            });
            let story = Self {
                credentials,
                distiller: seat(distiller_seat, ()),
                curator: seat(curator_seat, ()),
                warmer: seat(warmer_seat, machines::cache_warmer::WarmerReply::Noted),
                meter,
            };
            story.hear(observed(1).0).await;
            story.hear(answered(evidence(1, Class::Ok, 1))).await;
            story
        }

        async fn hear(&self, message: CredentialMessage) -> CredentialReply {
            let asked = self.credentials.ask(Spoken(message), Cause::origin("test"), Duration::from_secs(1));
            let reply = asked.await.expect("an answer");
            tokio::time::sleep(Duration::from_millis(1)).await;
            reply
        }

        async fn lease(&self, purpose: Purpose) -> Option<Lease> {
            match self.hear(CredentialMessage::ResolveCredential(request(purpose))).await {
                CredentialReply::Access(Access::Go(lease)) => Some(lease),
                _ => None,
            }
        }
    }

    fn request(purpose: Purpose) -> AccessRequest {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (principal, session, model) = (Principal::local(), "a".into(), "m".to_owned());
        AccessRequest { principal, session, upstream, model, purpose, project: None }
    }

    fn answered(evidence: Evidence) -> CredentialMessage {
        CredentialMessage::ClientAnswered { evidence, model: Some("m".to_owned()) }
    }

    fn evidence(token: u8, class: Class, at: u64) -> Evidence {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (start, end) = (Moment(at), Moment(at));
        Evidence { fingerprint: Fingerprint::of_number(token), upstream, start, end, class, status: 401 }
    }

    #[tokio::test(start_paused = true)]
    async fn who_found_no_room_is_invited_when_there_is_some() {
        let story = async {
            for late in [Purpose::Distill, Purpose::Curate] {
                let story = Story::new().await;
                let early = if late == Purpose::Distill { Purpose::Curate } else { Purpose::Distill };
                let lease = story.lease(early).await.expect("room for two");
                story.lease(Purpose::Warm).await.expect("room for two");
                assert!(story.lease(late).await.is_none());
                let request = request(early);
                story.hear(CredentialMessage::CallEnded { request, lease, evidence: None }).await;
                let invited = |heard: &Heard<Spoken<JobMessage>>| {
                    heard.all().iter().filter(|it| matches!(it.0, JobMessage::Invited { .. })).count()
                };
                let expected = if late == Purpose::Distill { [1, 0] } else { [0, 1] };
                assert_eq!([invited(&story.distiller), invited(&story.curator)], expected);
            }
        };
        LocalSet::new().run_until(story).await;
    }

    #[tokio::test(start_paused = true)]
    async fn that_a_token_is_dead_all_workers_hear_and_one_alert_is_counted() {
        let story = async {
            let story = Story::new().await;
            let lease = story.lease(Purpose::Distill).await.expect("a lease");
            let (request, evidence) = (request(Purpose::Distill), evidence(1, Class::CredentialRejected, 2));
            story.hear(CredentialMessage::AuthFailed { request, lease, evidence }).await;
            let hints = |it: &Spoken<JobMessage>| matches!(it.0, JobMessage::Hinted(_));
            let warned =
                |it: &Spoken<WarmerMessage>| matches!(it.0, WarmerMessage::Job(JobMessage::Hinted(_)));
            assert!(story.distiller.all().iter().any(hints) && story.curator.all().iter().any(hints));
            assert!(story.warmer.all().iter().any(warned));
            assert_eq!(*story.meter.alerts.all(), ["worker-auth-error"]);
        };
        LocalSet::new().run_until(story).await;
    }
}
