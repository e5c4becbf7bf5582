//! Performances: they run beside the actor, and their message always comes back.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::clerk::{House, Order, SECOND, TEST, accepted, asked, at_home, deed, fill, notes, settle};

/// An order to wait for a signal and then note 1, or 2 if that is lost.
fn wait_for(signal: &Arc<Notify>) -> Order {
    let signal = Arc::clone(signal);
    deed(move |stage| {
        let work = async move {
            signal.notified().await;
            Order::Note(1)
        };
        stage.run(work, Order::Note(2));
    })
}

#[tokio::test(start_paused = true)]
async fn a_performance_returns_its_outcome_while_the_actor_goes_on() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let signal = Arc::new(Notify::new());
        asked(&clerk, wait_for(&signal)).await.unwrap();
        assert_eq!(asked(&clerk, Order::Note(7)).await, Ok(vec![7]));
        assert_eq!(clerk.running(), 1);
        signal.notify_one();
        settle().await;
        assert_eq!(notes(&clerk).await, [7, 1]);
        assert_eq!(clerk.running(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_performance_that_panics_yields_what_was_agreed_on_if_lost() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        let fail = deed(|stage| {
            let work = async {
                tokio::time::sleep(SECOND).await;
                panic!("the token is hunter2")
            };
            stage.run(work, Order::Note(2));
        });
        asked(&clerk, fail).await.unwrap();
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(notes(&clerk).await, [2]);
        assert_eq!(clerk.running(), 0);
        assert!(house.ears.heard("crashed").is_empty(), "the machine itself is unharmed");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_passes_a_full_mailbox() {
    at_home(async {
        let (clerk, vacancy) = House::new().vacancy(2);
        fill(vacancy);
        let flood = deed(|stage| {
            stage.run(async { Order::Note(9) }, Order::Note(0));
            assert_eq!(accepted(1..=3, stage), 2);
        });
        asked(&clerk, flood).await.unwrap();
        settle().await;
        assert_eq!(notes(&clerk).await, [1, 2, 9]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_performance_outlives_a_crash_and_reports_to_the_rebuilt_machine() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let signal = Arc::new(Notify::new());
        asked(&clerk, wait_for(&signal)).await.unwrap();
        asked(&clerk, Order::Crash).await.unwrap_err();
        assert_eq!(clerk.running(), 1);
        signal.notify_one();
        settle().await;
        assert_eq!(notes(&clerk).await, [1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_performance_is_dropped_when_its_actor_is_ended() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let held = Arc::new(());
        let hold = Arc::clone(&held);
        let hang = deed(move |stage| {
            let work = async move {
                std::future::pending::<()>().await;
                drop(hold);
                Order::Note(1)
            };
            stage.run(work, Order::Note(2));
        });
        clerk.tell(hang, TEST).unwrap();
        clerk.drain(SECOND).await;
        settle().await;
        assert_eq!((Arc::strong_count(&held), clerk.running(), clerk.is_alive()), (1, 0, false));
    })
    .await;
}
