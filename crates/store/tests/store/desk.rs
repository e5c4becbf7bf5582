//! The desk: order, containment, a bound, and an orderly end.

use crate::fixture::{id, model, turn, user};
use crate::ledger::call;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;
use store::{Desk, Pace, QueueFull, SqliteStore, Store, StoreError};
use tempfile::TempDir;
use tokio::time::Instant;

fn both(home: &Path) -> [Desk; 2] {
    [Desk::threads(home).unwrap(), Desk::inline(SqliteStore::in_memory().unwrap())]
}

async fn spent(desk: &Desk) -> f64 {
    desk.read(|store| store.spent_since(Purpose::Warm, UnixMillis(0))).await.unwrap()
}

#[tokio::test]
async fn a_read_sees_every_write_that_was_answered() {
    let home = TempDir::new().unwrap();
    for desk in both(home.path()) {
        for count in 1..=20 {
            desk.write(|store| store.charge(&call(Purpose::Warm, 1, 1.0))).await.unwrap();
            assert_eq!(spent(&desk).await, f64::from(count), "{desk:?}");
        }
    }
}

#[tokio::test]
async fn a_job_that_panics_is_contained_and_the_store_goes_on() {
    let home = TempDir::new().unwrap();
    for desk in both(home.path()) {
        let crashed = desk.write(|_| -> Result<(), StoreError> { panic!("a fault in a job") }).await;
        assert!(matches!(crashed, Err(StoreError::Crashed)), "{desk:?}");
        desk.try_write(|_| panic!("a fault in a fact")).unwrap();
        let crashed = desk.read(|_| -> Result<(), StoreError> { panic!("a fault in a question") }).await;
        assert!(matches!(crashed, Err(StoreError::Crashed)));
        desk.write(|store| store.charge(&call(Purpose::Warm, 1, 0.5))).await.unwrap();
        assert_eq!(spent(&desk).await, 0.5);
        // A fact that is left goes behind the jobs that somebody waits for.
        desk.close().await;
        assert_eq!(desk.faults(), 3, "{desk:?}");
    }
}

#[tokio::test]
async fn what_the_store_could_not_do_is_counted_and_what_it_refused_is_not() {
    let home = TempDir::new().unwrap();
    for desk in both(home.path()) {
        let full = || StoreError::Database("the disk is full".into());
        desk.write(move |_| -> Result<(), StoreError> { Err(full()) }).await.unwrap_err();
        desk.try_write(move |_| Err(full())).unwrap();
        let damaged = || StoreError::Corrupt { file: "stillroom.db".into(), reason: "a torn page".into() };
        desk.read(move |_| -> Result<(), StoreError> { Err(damaged()) }).await.unwrap_err();
        desk.write(|_| -> Result<(), StoreError> { Err(StoreError::Refused("no".into())) })
            .await
            .unwrap_err();
        desk.close().await;
        assert_eq!(desk.faults(), 3, "{desk:?}");
    }
}

#[tokio::test]
async fn facts_are_taken_until_the_queue_is_full_and_those_taken_are_all_done() {
    let home = TempDir::new().unwrap();
    let desk = Desk::threads(home.path()).unwrap();
    let (started, has_started) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let stuck = move |_: &mut dyn Store| {
        started.send(()).expect("the test waits");
        released.recv().expect("the test lets go");
        Ok(Pace::Calm)
    };
    desk.try_write(stuck).unwrap();
    has_started.recv().unwrap();
    let fact = |store: &mut dyn Store| store.charge(&call(Purpose::Warm, 1, 1.0)).map(|()| Pace::Calm);
    let taken = (0..2000).take_while(|_| desk.try_write(fact).is_ok()).count();
    assert_eq!(taken, 1024);
    assert_eq!(desk.try_write(fact), Err(QueueFull));
    release.send(()).unwrap();
    desk.close().await;
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store.spent_since(Purpose::Warm, UnixMillis(0)).unwrap(), 1024.0);
}

#[tokio::test]
async fn a_job_does_not_wait_until_the_thread_has_rested_and_goes_before_the_facts_that_do() {
    let home = TempDir::new().unwrap();
    let desk = Desk::threads(home.path()).unwrap();
    let (release, released) = mpsc::channel::<()>();
    desk.try_write(move |_| {
        released.recv().expect("the test lets go");
        Ok(Pace::Calm)
    })
    .unwrap();
    for _ in 0..3 {
        desk.try_write(|store| store.charge(&call(Purpose::Warm, 1, 1.0)).map(|()| Pace::Calm)).unwrap();
    }
    let job = desk.write(|store| store.spent_since(Purpose::Warm, UnixMillis(0)));
    let (seen, ()) = tokio::join!(job, async { release.send(()).unwrap() });
    assert_eq!(seen.unwrap(), 0.0);
    desk.close().await;
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store.spent_since(Purpose::Warm, UnixMillis(0)).unwrap(), 3.0, "and none of them is lost");
}

#[tokio::test]
async fn after_a_fact_the_thread_rests_many_times_as_long_as_it_took() {
    const TOOK: Duration = Duration::from_millis(5);
    for (pace, times) in [(Pace::Calm, 31), (Pace::Pressed, 7)] {
        let home = TempDir::new().unwrap();
        let desk = Desk::threads(home.path()).unwrap();
        let (tell, told) = mpsc::channel();
        let begun = tell.clone();
        desk.try_write(move |_| {
            std::thread::sleep(TOOK);
            begun.send(Instant::now()).expect("the test waits");
            Ok(pace)
        })
        .unwrap();
        desk.try_write(move |_| {
            tell.send(Instant::now()).expect("the test waits");
            Ok(pace)
        })
        .unwrap();
        let (first, second) = (told.recv().unwrap(), told.recv().unwrap());
        assert!(second - first >= times * TOOK, "{pace:?}: {:?}", second - first);
        desk.close().await;
    }
}

#[tokio::test]
async fn a_queued_write_is_done_even_when_its_caller_has_left() {
    let home = TempDir::new().unwrap();
    let desk = Desk::threads(home.path()).unwrap();
    let write = desk.write(|store| store.record_turn(&turn("s", &[user("a")], Some(model("b")))));
    tokio::select! {
        biased;
        _ = write => unreachable!("a single poll cannot see the thread's answer and be second to it"),
        () = async {} => {}
    }
    desk.close().await;
    let mut store = SqliteStore::open(home.path()).unwrap();
    assert_eq!(store.messages(&id("s")).unwrap().len(), 2);
}

#[tokio::test]
async fn closing_empties_the_log_lets_the_folder_go_and_refuses_what_comes_later() {
    let home = TempDir::new().unwrap();
    for desk in both(home.path()) {
        desk.write(|store| store.charge(&call(Purpose::Warm, 1, 1.0))).await.unwrap();
        let clone = desk.clone();
        desk.close().await;
        desk.close().await;
        let late = clone.write(|store| store.charge(&call(Purpose::Warm, 1, 1.0))).await;
        assert!(matches!(late, Err(StoreError::Closed)));
        assert!(matches!(clone.read(|store| store.heads()).await, Err(StoreError::Closed)));
        assert_eq!(clone.try_write(|_| Ok(Pace::Calm)), Err(QueueFull));
    }
    assert!(!home.path().join("stillroom.db-wal").exists());
    assert!(SqliteStore::open(home.path()).is_ok());
}

#[tokio::test]
async fn nothing_can_be_written_where_one_reads() {
    let home = TempDir::new().unwrap();
    let desk = Desk::threads(home.path()).unwrap();
    let written = desk.read(|store| store.charge(&call(Purpose::Warm, 1, 1.0))).await;
    assert!(matches!(written, Err(StoreError::Database(_))), "{written:?}");
    assert_eq!(spent(&desk).await, 0.0);
}
