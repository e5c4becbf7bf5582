//! A mailbox's capacity is no bound: a full mailbox is entered through a fresh clone of the handle.

use futures_util::FutureExt;

use super::{Note, Stock};
use crate::clerk::{House, Order, TEST, asked, at_home, settle};

#[tokio::test]
async fn stock_a_mailbox_of_one_takes_ten_thousand_sends() {
    at_home(async {
        let (stock, notes) = Stock::started(1);
        let mut sends: Vec<_> = (0..10_000).map(|number| Box::pin(stock.send(Note(number)))).collect();
        for send in &mut sends {
            // Polled once and never again: what is handled was in the mailbox by now.
            assert!(send.as_mut().now_or_never().is_none());
        }
        settle().await;
        assert_eq!(notes.borrow().len(), 10_000);
    })
    .await;
}

#[tokio::test]
async fn stock_every_clone_of_a_handle_has_room_of_its_own() {
    at_home(async {
        let (stock, _notes) = Stock::started(1);
        let handles: Vec<_> = (0..1000).map(|_| stock.clone()).collect();
        assert!(handles.iter().all(|handle| handle.try_send(Note(1)).is_ok()));
    })
    .await;
}

#[test]
fn ours_is_one_bound_for_all_clones_and_all_ways_in() {
    let (clerk, _vacancy) = House::new().vacancy(10);
    let told = (0..1000).filter(|_| clerk.clone().tell(Order::Recall, TEST).is_ok()).count();
    drop(asked(&clerk, Order::Recall));
    assert_eq!((told, clerk.depth()), (10, 10));
}
