//! Timers: one per key, exact in virtual time.

use std::sync::Arc;
use std::time::Duration;

use actor::{Place, Stage};

use crate::clerk::{HOUR, House, Order, SECOND, accepted, asked, at_home, clerk, deed, fill, notes, settle};

#[tokio::test(start_paused = true)]
async fn a_timer_rings_once_at_its_time_and_not_before() {
    at_home(async {
        let clerk = House::new().clerk(9);
        asked(&clerk, deed(|stage| stage.after("bell", HOUR, Order::Note(1)))).await.unwrap();
        tokio::time::sleep(HOUR - SECOND).await;
        assert!(notes(&clerk).await.is_empty());
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(notes(&clerk).await, [1]);
        tokio::time::sleep(2 * HOUR).await;
        assert_eq!(notes(&clerk).await, [1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn arming_again_replaces_a_timer_of_the_same_key_only() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let arm = deed(|stage| {
            stage.after("bell", SECOND, Order::Note(1));
            stage.after("gong", SECOND, Order::Note(2));
            stage.after("bell", 3 * SECOND, Order::Note(3));
        });
        asked(&clerk, arm).await.unwrap();
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(notes(&clerk).await, [2]);
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(notes(&clerk).await, [2, 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_never_rings() {
    at_home(async {
        let clerk = House::new().clerk(9);
        asked(&clerk, deed(|stage| stage.after("bell", SECOND, Order::Note(1)))).await.unwrap();
        asked(&clerk, deed(|stage| stage.cancel("bell"))).await.unwrap();
        tokio::time::sleep(HOUR).await;
        assert!(notes(&clerk).await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_timer_lets_go_of_its_message_at_once() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let held = Arc::new(());
        let hold = Arc::clone(&held);
        asked(&clerk, deed(|stage| stage.after("bell", HOUR, deed(move |_| drop(hold))))).await.unwrap();
        assert_eq!(Arc::strong_count(&held), 2);
        asked(&clerk, deed(|stage| stage.cancel("bell"))).await.unwrap();
        settle().await;
        assert_eq!(Arc::strong_count(&held), 1);
    })
    .await;
}

/// The bell rings while the clerk, busy with a hundred notes, lets others have a turn; the order to
/// cancel it was told before, but is handled after that.
#[tokio::test(start_paused = true)]
async fn a_timer_can_be_cancelled_while_its_message_lies_in_the_mailbox() {
    at_home(async {
        let clerk = House::new().clerk(200);
        let (clerk_too, (see, seen)) = (clerk.clone(), std::sync::mpsc::channel());
        let flood = deed(move |stage| {
            let (me, cause) = (stage.me().clone(), stage.cause());
            (0..100).for_each(|_| me.tell(Order::Recall, cause).unwrap());
            let cancel = deed(move |stage| {
                see.send(clerk_too.depth()).unwrap();
                stage.cancel("bell");
            });
            me.tell(cancel, cause).unwrap();
            stage.after("bell", Duration::ZERO, Order::Note(1));
        });
        asked(&clerk, flood).await.unwrap();
        settle().await;
        assert_eq!(seen.try_recv(), Ok(1), "the bell's message lay in the mailbox");
        assert!(notes(&clerk).await.is_empty());
    })
    .await;
}

fn tick(stage: &mut Stage<'_, Order>) {
    let again = deed(|stage| {
        stage.me().tell(Order::Note(1), stage.cause()).unwrap();
        tick(stage);
    });
    stage.after("tick", 30 * SECOND, again);
}

#[tokio::test(start_paused = true)]
async fn a_day_of_half_minute_ticks_is_2880_ticks_without_drift() {
    at_home(async {
        let house = House::new();
        let (clerk_mailbox, vacancy) = house.vacancy(9);
        vacancy.fill(&Place::Here, || clerk(tick, Vec::new));
        tokio::time::sleep(24 * HOUR + SECOND).await;
        assert_eq!(notes(&clerk_mailbox).await.len(), 2880);
        assert_eq!(house.environment.clock.unix(), 25 * HOUR + SECOND);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_cancels_the_timers_and_the_opening_arms_them_anew() {
    at_home(async {
        let (mailbox, vacancy) = House::new().vacancy(9);
        let opening = |stage: &mut Stage<'_, Order>| stage.after("bell", 10 * SECOND, Order::Note(1));
        vacancy.fill(&Place::Here, move || clerk(opening, Vec::new));
        asked(&mailbox, deed(|stage| stage.after("gong", 2 * SECOND, Order::Note(2)))).await.unwrap();
        tokio::time::sleep(SECOND).await;
        asked(&mailbox, Order::Crash).await.unwrap_err();
        tokio::time::sleep(Duration::from_millis(9_500)).await;
        assert!(notes(&mailbox).await.is_empty(), "both timers of the first incarnation are gone");
        tokio::time::sleep(SECOND).await;
        assert_eq!(notes(&mailbox).await, [1]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_set_before_the_mailbox_filled_up_still_rings() {
    at_home(async {
        let (mailbox, vacancy) = House::new().vacancy(2);
        fill(vacancy);
        let flood = deed(|stage| {
            stage.after("bell", Duration::ZERO, Order::Note(9));
            assert_eq!(accepted(1..=3, stage), 2);
        });
        asked(&mailbox, flood).await.unwrap();
        settle().await;
        assert_eq!(notes(&mailbox).await, [1, 2, 9]);
    })
    .await;
}
