//! Futures held in an actor's context are all polled again at every message.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use actix::AsyncContext;
use actix::fut::wrap_future;

use super::{Do, Note, Stock};
use crate::clerk::{House, Order, asked, at_home, deed, settle};

const HELD: usize = 100;
const MESSAGES: usize = 50;

/// Never ready; counts how often somebody looks.
fn watched(polls: &Arc<AtomicUsize>) -> impl Future<Output = Order> + use<> {
    let polls = Arc::clone(polls);
    std::future::poll_fn(move |_| {
        polls.fetch_add(1, Ordering::Relaxed);
        Poll::Pending
    })
}

#[tokio::test]
async fn stock_every_message_polls_every_future_the_actor_holds() {
    at_home(async {
        let (stock, _notes) = Stock::started(16);
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&polls);
        let hold = Do::it(move |_, context| {
            (0..HELD).for_each(|_| {
                let held = watched(&counted);
                context.spawn(wrap_future(async move { drop(held.await) }));
            });
        });
        stock.send(hold).await.unwrap();
        for _ in 0..MESSAGES {
            stock.send(Note(1)).await.unwrap();
        }
        settle().await;
        assert!(polls.load(Ordering::Relaxed) >= HELD * MESSAGES);
    })
    .await;
}

#[tokio::test]
async fn ours_are_polled_once_until_they_are_woken() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let polls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&polls);
        let hold = deed(move |stage| {
            (0..HELD).for_each(|_| stage.run(watched(&counted), Order::Recall));
        });
        asked(&clerk, hold).await.unwrap();
        for _ in 0..MESSAGES {
            asked(&clerk, Order::Note(1)).await.unwrap();
        }
        settle().await;
        assert_eq!(polls.load(Ordering::Relaxed), HELD);
    })
    .await;
}
