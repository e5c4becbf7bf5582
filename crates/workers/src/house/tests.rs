//! What is forgotten is gone from the minds of all, and what is remembered is there from the start.

use super::*;
use crate::samples::{Heard, Listening, answer, said, seat};
use crate::{RequestShelf, Standing, Turn};
use actor::vacancy;
use domain::ids::ProjectId;
use domain::warming::Whose;
use machines::cache_warmer::{WarmerMessage, WarmerReply};
use store::{Extent, SqliteStore};
use tempfile::TempDir;
use tokio::task::LocalSet;

/// A house in which actors only listen.
struct Story {
    house: House,
    scheduler: Heard<Spoken<SchedulerMessage>>,
    warmer: Heard<Spoken<WarmerMessage>>,
    batches: Heard<Spoken<BatchMessage>>,
}

impl Story {
    fn at(desk: Desk) -> Self {
        let environment = Environment::new(actor::Clock::system());
        let (credentials, _) = vacancy("CredentialActor", 9, &environment);
        let (scheduler, scheduler_seat) = vacancy("IdleScheduler", 9, &environment);
        let (distiller, _) = vacancy("Distiller", 9, &environment);
        let (curator, _) = vacancy("Curator", 9, &environment);
        let (warmer, warmer_seat) = vacancy("CacheWarmer", 9, &environment);
        let (batches, batch_seat) = vacancy("BatchQueue", 9, &environment);
        let (projects, notebook) = (Projects::default(), Notebook::new(true));
        let recorder = Recorder::new(
            desk.clone(),
            scheduler.clone(),
            warmer.clone(),
            Arc::new(RequestShelf::default()),
            (projects.clone(), notebook.clone()),
            Arc::new(Listening::default()),
        );
        let outbox = Outbox::new(credentials.clone(), scheduler.clone(), warmer.clone());
        let house = House {
            outbox,
            credentials,
            scheduler,
            distiller,
            curator,
            warmer,
            batches,
            embedder: None,
            embeddings: Embeddings::default(),
            recorder,
            projects,
            notebook,
            upstreams: Upstreams::of(&Settings::with_data_dir("unused".into())),
            purse: Purse::new(None, desk.clone()),
            desk,
            environment,
            endings: broadcast::channel(1).0,
        };
        Self {
            house,
            scheduler: seat(scheduler_seat, SchedulerReply::Noted),
            warmer: seat(warmer_seat, WarmerReply::Noted),
            batches: seat(batch_seat, BatchReply::Noted),
        }
    }

    async fn forget(&self, what: Extent) -> store::Forgotten {
        let forgotten = self.house.forget(&Principal::local(), what).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        forgotten
    }
}

fn inline() -> Desk {
    Desk::inline(SqliteStore::in_memory().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_a_person_forgets_all_hear_of_who_had_it_in_mind() {
    let story = async {
        let story = Story::at(inline());
        said(&story.house.desk, "s", &["The limit is 100."]).await;
        story.house.notebook.decide(&"s".into(), false);
        story.forget(Extent::Session("s".into())).await;
        let gone = || SessionId::from("s");
        assert!(story.scheduler.all().iter().any(|it| it.0 == SchedulerMessage::Forgotten(gone())));
        assert!(story.batches.all().iter().any(|it| it.0 == BatchMessage::Forgotten(vec![gone()])));
        let habits = |it: &Spoken<WarmerMessage>| match &it.0 {
            WarmerMessage::Forgotten(whose) => whose.contains(&Whose::Session(gone())),
            _ => false,
        };
        assert!(story.warmer.all().iter().any(habits));
        assert_eq!(story.house.notebook.standing(&gone()), Standing::New);
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn much_that_is_forgotten_is_erased_when_that_is_answered() {
    let story = async {
        let story = Story::at(inline());
        let words: Vec<String> = (0..1_300).map(|number| format!("quince {number}")).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        said(&story.house.desk, "s", &words).await;
        assert!(story.forget(Extent::Everything).await.left.erased);
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn turns_that_wait_to_be_recorded_are_forgotten_with_all_that_was_said_before() {
    let story = async {
        let folder = TempDir::new().unwrap();
        let story = Story::at(Desk::threads(folder.path()).unwrap());
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let busy = story.house.desk.write(move |_| {
            may_go_on.recv().unwrap_or_default();
            Ok(())
        });
        let asked = async {
            let request = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
            let answered = answer("done", "end_turn").to_string();
            story.house.recorder.record(Turn { answer: vec![answered.into()], ..Turn::of("s", request) });
            let forgotten = story.forget(Extent::Everything);
            let (forgotten, ()) = futures_util::future::join(forgotten, async { drop(go_on) }).await;
            forgotten
        };
        let (_, forgotten) = futures_util::future::join(busy, asked).await;
        assert_eq!(forgotten.sessions, ["s".into()]);
        assert!(story.house.desk.read(|store| store.sessions(None)).await.unwrap().is_empty());
    };
    LocalSet::new().run_until(story).await;
}

#[tokio::test]
async fn a_house_that_starts_knows_of_which_projects_folders_are_parts() {
    let story = async {
        let story = Story::at(inline());
        crate::samples::said_in(&story.house.desk, "s", Some("/srv/oven"), &["hi"]).await;
        assert_eq!(story.house.projects.known(&Principal::local(), "/srv/oven"), None);
        story.house.resume().await.unwrap();
        let known = story.house.projects.known(&Principal::local(), "/srv/oven");
        assert_eq!(known, Some(ProjectId::from("oven")));
    };
    LocalSet::new().run_until(story).await;
}
