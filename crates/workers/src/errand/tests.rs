//! What the other actors hear of a job.

use super::*;
use crate::samples::{Heard, Listening, seat};
use actor::{Environment, Vacancy, vacancy};
use domain::companions::Companions;
use domain::conversation::Usage;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, LeaseId, Principal};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::secret::Secret;
use domain::settings::Settings;
use domain::time::DAY;
use machines::job::FailureCause;
use store::{LedgerEntry, SqliteStore};
use tokio::task::{LocalSet, spawn_local};

const CAUSE: Cause = Cause::origin("test");
const HOUR: Duration = Duration::from_secs(3600);

/// An errand at one o'clock, and who hears of it.
struct Story {
    errand: Errand,
    meter: Arc<Listening>,
    scheduler: Heard<Spoken<SchedulerMessage>>,
    /// The CredentialActor's place.
    seat: Vacancy<Spoken<CredentialMessage>, CredentialReply>,
}

impl Story {
    fn new(limit: Option<f64>) -> Self {
        let one_o_clock = Duration::from_millis(20_000 * DAY as u64) + HOUR;
        let clock = Clock::virtual_from(one_o_clock);
        let environment = Environment::new(clock);
        let (credentials, place) = vacancy("CredentialActor", 9, &environment);
        let (scheduler, scheduler_seat) = vacancy("IdleScheduler", 9, &environment);
        let desk = Desk::inline(SqliteStore::in_memory().unwrap());
        let meter = Arc::new(Listening::default());
        let errand = Errand {
            purpose: Purpose::Distill,
            credentials,
            scheduler,
            endings: broadcast::channel(1).0,
            purse: Purse::new(limit, desk.clone()),
            desk,
            meter: Arc::<Listening>::clone(&meter),
            clock,
            settings: Arc::new(Settings::with_data_dir("unused".into())),
        };
        Self { errand, meter, scheduler: seat(scheduler_seat, SchedulerReply::Noted), seat: place }
    }

    /// The CredentialActor takes its place; what it hears.
    fn seated(self) -> (Errand, Heard<Spoken<CredentialMessage>>) {
        (self.errand, seat(self.seat, CredentialReply::Noted))
    }
}

fn brief() -> Brief {
    Brief {
        patient: false,
        project: None,
        principal: Principal::local(),
        session: "s".into(),
        upstream: UpstreamKey::new(Provider::Anthropic, "http://h"),
        dialect: Dialect::AnthropicMessages,
        model: "m".into(),
    }
}

fn lease() -> Lease {
    let credential = Credential {
        header: "x-api-key",
        value: Secret::new("t"),
        kind: CredentialKind::ApiKey,
        fingerprint: Fingerprint::of_number(1),
        companions: Companions::default(),
        ends: None,
    };
    let owner = (Principal::local(), brief().upstream);
    #[expect(clippy::disallowed_methods, reason = "a test's own lease")]
    Lease::grant(LeaseId(1), owner, Arc::new(credential), Generation(1), false)
}

fn evidence(class: Class, status: u16) -> Evidence {
    let (fingerprint, upstream) = (Fingerprint::of_number(1), brief().upstream);
    Evidence { fingerprint, upstream, start: Moment(1), end: Moment(2), class, status }
}

async fn in_this_thread<T>(story: impl Future<Output = T>) -> T {
    LocalSet::new().run_until(story).await
}

/// Lets everybody hear what was said.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_fresh_worker_is_known_to_all_who_counted_on_the_one_before() {
    in_this_thread(async {
        let story = Story::new(None);
        let scheduler = story.scheduler.clone();
        let (errand, credentials) = story.seated();
        errand.begin(CAUSE);
        settle().await;
        assert!(matches!(
            credentials.all()[..],
            [Spoken(CredentialMessage::WorkerRestarted(Purpose::Distill))]
        ));
        assert!(matches!(scheduler.all()[..], [Spoken(SchedulerMessage::WorkerRestarted(Purpose::Distill))]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_budget_holds_back_asks_nobody_and_again_at_midnight() {
    in_this_thread(async {
        let (errand, credentials) = Story::new(Some(1.0)).seated();
        let spent = LedgerEntry {
            at: UnixMillis::from(errand.clock.unix()),
            session: None,
            purpose: Purpose::Distill,
            provider: Provider::Anthropic,
            model: "m".into(),
            status: Some(200),
            usage: Usage::default(),
            usd: 1.0,
            attempts: 1,
        };
        errand.desk.write(move |store| store.charge(&spent)).await.unwrap();
        let midnight = Moment::from(errand.clock.now()).after(23 * HOUR);
        let held = Access::Wait { reason: WaitReason::Budget, ask_again_at: Some(midnight) };
        let answered = JobMessage::Answered { session: "s".into(), access: held };
        assert_eq!(errand.ask(brief(), CAUSE).await, answered);
        assert!(credentials.all().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_report_that_nobody_took_in_is_told_again() {
    in_this_thread(async {
        let Story { errand, seat: place, .. } = Story::new(None);
        spawn_local(async move {
            tokio::time::sleep(2 * PATIENCE).await;
            seat(place, CredentialReply::Noted);
        });
        let report = errand.report(brief(), lease(), Work::Nothing, CAUSE).await;
        assert_eq!(report, JobMessage::Settled { session: "s".into(), access: None });
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn how_the_work_went_says_what_is_told_of_the_token() {
    in_this_thread(async {
        let story = Story::new(None);
        let meter = Arc::clone(&story.meter);
        let (errand, heard) = story.seated();
        let why = String::new;
        let (good, bad) = (evidence(Class::Ok, 200), evidence(Class::UpstreamFault, 500));
        let refused = |class, status| Work::Refused { evidence: evidence(class, status) };
        for (work, expected) in [
            (Work::Accepted { evidence: good.clone(), kept: 1 }, "AuthAccepted 200"),
            (Work::Queued { evidence: Some(good.clone()) }, "AuthAccepted 200"),
            (Work::Unusable { evidence: good.clone(), why: why() }, "AuthAccepted 200"),
            (Work::Unkept { evidence: good, why: why() }, "AuthAccepted 200"),
            (refused(Class::CredentialRejected, 401), "AuthFailed 401"),
            (refused(Class::Forbidden, 403), "AuthFailed 403"),
            (refused(Class::AccountBlocked, 402), "AuthFailed 402"),
            (refused(Class::WeakAuth, 401), "AuthFailed 401"),
            (Work::Failed { evidence: Some(bad), why: why() }, "CallEnded 500"),
            (Work::Failed { evidence: None, why: why() }, "CallEnded 0"),
            (Work::Queued { evidence: None }, "CallEnded 0"),
            (Work::Nothing, "CallEnded 0"),
        ] {
            errand.clone().report(brief(), lease(), work, CAUSE).await;
            let Spoken(said) = heard.all().pop().expect("a report");
            let status = said.evidence().map_or(0, |evidence| evidence.status);
            assert_eq!(format!("{} {status}", actor::Message::name(&Spoken(said))), expected);
        }
        assert_eq!(*meter.refusals.all(), [401, 401], "of an account or a scope nobody is warned");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_job_is_told_even_when_the_store_cannot_say_what_is_left() {
    in_this_thread(async {
        for ending in
            [Ending::Done { kept: 1 }, Ending::Failed { cause: FailureCause::House, why: String::new() }]
        {
            let Story { errand, scheduler, .. } = Story::new(None);
            errand.desk.close().await;
            errand.over(brief(), ending.clone(), CAUSE).await;
            settle().await;
            let (session, purpose) = ("s".into(), Purpose::Distill);
            let told = SchedulerMessage::JobEnded { session, purpose, ending, backlog: None };
            assert_eq!(scheduler.all().iter().map(|it| &it.0).collect::<Vec<_>>(), [&told]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_failed_tells_what_is_left_too_since_it_may_have_been_given_up() {
    in_this_thread(async {
        let Story { errand, scheduler, .. } = Story::new(None);
        crate::samples::said(&errand.desk, "s", &["a", "b"]).await;
        let cause = FailureCause::Answer;
        errand.over(brief(), Ending::Failed { cause, why: String::new() }, CAUSE).await;
        settle().await;
        let left: Vec<_> = scheduler
            .all()
            .iter()
            .map(|it| match &it.0 {
                SchedulerMessage::JobEnded { backlog, .. } => backlog.map(|left| left.pending_messages),
                _ => None,
            })
            .collect();
        assert_eq!(left, [Some(2)]);
    })
    .await;
}
