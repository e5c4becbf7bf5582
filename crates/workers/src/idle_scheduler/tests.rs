//! Who hears that a session has left, and what becomes of work for which a worker had no room.

use super::*;
use crate::KeptRequest;
use crate::samples::{Heard, brief, seat};
use actor::{Cause, Clock, Environment, Place, vacancy};
use domain::conversation::Stop;
use domain::credential::CredentialKind;
use domain::fingerprint::Fingerprint;
use domain::ids::Generation;
use domain::provider::{Dialect, Provider};
use domain::settings::Settings;
use machines::credential::{SlotView, TokenState};
use machines::idle_scheduler::Backlog;
use store::SqliteStore;
use tokio::task::LocalSet;
use tokio::time::sleep;

const TICK: Duration = Duration::from_secs(30);

/// A scheduler, what the others hear, and the way to a distiller with room for one message, which has it.
struct Story {
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    credentials: Heard<Spoken<CredentialMessage>>,
    warmer: Heard<Spoken<WarmerMessage>>,
    distiller: actor::Vacancy<Spoken<JobMessage>>,
    curator: actor::Vacancy<Spoken<JobMessage>>,
    shelf: Arc<RequestShelf>,
}

impl Story {
    fn new() -> Self {
        Self::where_credentials_answer(CredentialReply::Noted)
    }

    fn where_credentials_answer(answer: CredentialReply) -> Self {
        let environment = Environment::new(Clock::virtual_from(Duration::from_secs(1_767_225_600)));
        let (credentials, credential_seat) = vacancy("CredentialActor", 9, &environment);
        let (warmer, warmer_seat) = vacancy("CacheWarmer", 9, &environment);
        let (distiller, place) = vacancy("Distiller", 1, &environment);
        let (curator, curator_place) = vacancy("Curator", 1, &environment);
        let (scheduler, scheduler_seat) = vacancy("IdleScheduler", 9, &environment);
        let other = JobMessage::Invited { session: "other".into() };
        distiller.tell(Spoken(other), Cause::origin("test")).unwrap();
        let desk = Desk::inline(SqliteStore::in_memory().unwrap());
        let shelf = Arc::new(RequestShelf::default());
        let performer = SchedulerPerformer {
            tick: TICK,
            credentials,
            distiller,
            curator,
            warmer,
            shelf: Arc::clone(&shelf),
            upstreams: Upstreams::of(&Settings::with_data_dir("unused".into())),
            erasing: Erasing::new(desk.clone()),
            desk,
            retention: None,
        };
        let machine = || {
            let settings = Settings::with_data_dir("unused".into());
            SchedulerMachine::new(settings.idle, settings.distiller, settings.curator)
        };
        scheduler_seat.fill(&Place::Here, move || (performer, Box::new(machine)));
        Self {
            scheduler,
            credentials: seat(credential_seat, answer),
            warmer: seat(warmer_seat, WarmerReply::Noted),
            distiller: place,
            curator: curator_place,
            shelf,
        }
    }

    fn say(&self, message: SchedulerMessage) {
        self.scheduler.tell(Spoken(message), Cause::origin("test")).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_scheduler_leaves_all_minds() {
    let story = async {
        let story = Story::new();
        let Brief { session, model, upstream, .. } = brief(Dialect::AnthropicMessages, "m");
        let (target, body) = ("/v1/messages".to_owned(), "{}".into());
        story.shelf.put(&session, KeptRequest { model, upstream, target, body });
        story.say(SchedulerMessage::Forgotten(session.clone()));
        sleep(Duration::from_millis(1)).await;
        assert!(matches!(&story.credentials.all()[..],
            [.., Spoken(CredentialMessage::SessionEvicted { session: gone })] if *gone == session));
        assert!(matches!(&story.warmer.all()[..],
            [Spoken(WarmerMessage::SessionEvicted(gone))] if *gone == session));
        assert_eq!(story.shelf.get(&session), None);
        for worker in [seat(story.distiller, ()), seat(story.curator, ())] {
            sleep(Duration::from_millis(1)).await;
            assert!(matches!(&worker.all()[..],
                [.., Spoken(JobMessage::SessionEvicted { session: gone })] if *gone == session));
        }
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test(start_paused = true)]
async fn work_for_which_a_worker_had_no_room_is_handed_out_again_soon() {
    let story = async {
        let story = Story::new();
        let backlog = Backlog { pending_messages: 9, ..Backlog::default() };
        let (brief, held_for) = (brief(Dialect::AnthropicMessages, "m"), Duration::ZERO);
        story.say(SchedulerMessage::TurnRecorded { brief, backlog, stop: Some(Stop::End), held_for });
        sleep(4 * TICK).await;
        let heard = seat(story.distiller, ());
        sleep(4 * TICK).await;
        let wanted = |it: &&Spoken<JobMessage>| matches!(it.0, JobMessage::Wanted(_));
        assert_eq!(heard.all().iter().filter(wanted).count(), 1);
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test(start_paused = true)]
async fn who_was_there_before_a_crash_leaves_in_the_end_though_its_agent_never_comes_back() {
    let story = async {
        let slot = SlotView {
            session: Some("left behind".into()),
            provider: Provider::Anthropic,
            kind: CredentialKind::Bearer,
            fingerprint: Fingerprint::of_number(1),
            generation: Generation(1),
            state: TokenState::Proven,
            status: 200,
            since: Moment::default(),
        };
        let everybodys = SlotView { session: None, ..slot.clone() };
        let story = Story::where_credentials_answer(CredentialReply::Slots(vec![slot, everybodys]));
        let gone = |it: &Spoken<CredentialMessage>| match &it.0 {
            CredentialMessage::SessionEvicted { session } => Some(session.clone()),
            _ => None,
        };
        let idle = Settings::with_data_dir("unused".into()).idle;
        sleep(idle.evict_after - TICK).await;
        assert_eq!(story.credentials.all().iter().filter_map(gone).count(), 0);
        sleep(3 * TICK).await;
        assert_eq!(
            story.credentials.all().iter().filter_map(gone).collect::<Vec<_>>(),
            ["left behind".into()]
        );
    };
    LocalSet::new().run_until(story).await;
}
