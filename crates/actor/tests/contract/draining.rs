//! Closing the house: what waits is handled, what runs is finished, and then the actor ends.

use actor::{AskError, TellError};
use futures_util::future::join;

use crate::clerk::{HOUR, House, Order, SECOND, TEST, asked, at_home, deed, fill};

/// An order to think for so many seconds and then note it.
fn think(seconds: u32) -> Order {
    deed(move |stage| {
        let work = async move {
            tokio::time::sleep(seconds * SECOND).await;
            Order::Note(seconds)
        };
        stage.run(work, Order::Note(0));
    })
}

#[tokio::test(start_paused = true)]
async fn a_drained_actor_handles_what_waits_and_finishes_what_runs() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(9);
        clerk.tell(think(5), TEST).unwrap();
        clerk.tell(Order::Note(1), TEST).unwrap();
        let waiting = asked(&clerk, Order::Recall);
        fill(vacancy);
        clerk.drain(HOUR).await;
        assert_eq!(house.environment.clock.now(), 5 * SECOND);
        assert_eq!(waiting.await, Ok(vec![1]));
        assert_eq!(house.environment.trace.last(1)[0].outcome, "[1, 5]");
        assert!(!clerk.is_alive());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_draining_actor_refuses_facts_and_questions_but_takes_what_must_happen() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        asked(&clerk, think(5)).await.unwrap();
        let meanwhile = async {
            tokio::time::sleep(SECOND).await;
            assert_eq!(clerk.tell(Order::Note(1), TEST), Err(TellError::Stopped));
            assert_eq!(asked(&clerk, Order::Recall).await, Err(AskError::Stopped));
            assert_eq!(clerk.tell_surely(Order::Note(2), TEST), Ok(()));
        };
        join(clerk.drain(HOUR), meanwhile).await;
        assert_eq!(house.environment.trace.last(1)[0].outcome, "[2, 5]");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_actor_that_does_not_finish_in_time_is_ended() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        asked(&clerk, think(7200)).await.unwrap();
        clerk.drain(HOUR).await;
        assert_eq!(house.environment.clock.now(), HOUR);
        tokio::time::sleep(SECOND).await;
        assert!(!clerk.is_alive());
        assert_eq!(clerk.tell_surely(Order::Note(1), TEST), Err(TellError::Stopped));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_pending_timer_does_not_hold_up_the_end() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        asked(&clerk, deed(|stage| stage.after("bell", HOUR, Order::Note(1)))).await.unwrap();
        clerk.drain(HOUR).await;
        assert_eq!(house.environment.clock.now().as_secs(), 0);
        assert!(!clerk.is_alive());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn everyone_who_drains_is_told_of_the_end_also_after_it() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        asked(&clerk, think(5)).await.unwrap();
        join(clerk.drain(HOUR), clerk.drain(HOUR)).await;
        clerk.drain(HOUR).await;
        assert_eq!(house.environment.clock.now(), 5 * SECOND);
    })
    .await;
}
