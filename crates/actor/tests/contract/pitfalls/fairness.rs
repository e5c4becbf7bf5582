//! A busy actor starves its thread: the mailbox is emptied in one go, however long that takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use actix::{AsyncContext, Context};

use super::{Do, Stock};
use crate::clerk::{House, Order, TEST, at_home, deed, notes, settle};

const FLOOD: u32 = 2_000;

/// Turns a neighbour on the same thread has had so far.
fn neighbour() -> Arc<AtomicUsize> {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    tokio::task::spawn_local(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    turns
}

/// Notes down from `left`, each note telling the next, so that the mailbox is never empty.
fn flood_stock(left: u32, stock: &mut Stock, context: &mut Context<Stock>) {
    stock.0.borrow_mut().push(left);
    if left > 0 {
        context.address().do_send(Do::it(move |stock, context| flood_stock(left - 1, stock, context)));
    }
}

#[tokio::test(start_paused = true)]
async fn stock_neighbours_and_timers_wait_until_the_mailbox_is_empty() {
    at_home(async {
        let (stock, notes) = Stock::started(16);
        let turns = neighbour();
        stock.do_send(Do::it(move |stock, context| {
            let before = turns.load(Ordering::Relaxed);
            context.run_later(Duration::ZERO, move |stock, _| {
                assert_eq!(turns.load(Ordering::Relaxed), before);
                stock.0.borrow_mut().push(u32::MAX);
            });
            flood_stock(FLOOD, stock, context);
        }));
        settle().await;
        let bell = notes.borrow().iter().position(|note| *note == u32::MAX);
        assert_eq!(bell, Some(FLOOD as usize + 1), "the timer was due at once, and rang last");
    })
    .await;
}

fn flood(left: u32) -> Order {
    deed(move |stage| {
        let next = if left > 0 { flood(left - 1) } else { Order::Recall };
        stage.me().tell(Order::Note(left), stage.cause()).unwrap();
        stage.me().tell(next, stage.cause()).unwrap();
    })
}

#[tokio::test(start_paused = true)]
async fn ours_lets_neighbours_and_timers_have_a_turn_every_64_messages() {
    at_home(async {
        let house = House::new();
        house.environment.trace.switch(false);
        let clerk = house.clerk(16);
        let turns = neighbour();
        let start = deed(|stage| {
            stage.after("bell", Duration::ZERO, Order::Note(u32::MAX));
            stage.me().tell(flood(FLOOD), stage.cause()).unwrap();
        });
        clerk.tell(start, TEST).unwrap();
        while clerk.depth() > 0 {
            tokio::task::yield_now().await;
        }
        let noted = notes(&clerk).await;
        let bell = noted.iter().position(|note| *note == u32::MAX).unwrap();
        assert!(bell <= 64, "the bell rang after {bell} notes");
        let least = noted.len() / 64;
        assert!(turns.load(Ordering::Relaxed) >= least, "fewer than {least} turns");
    })
    .await;
}
