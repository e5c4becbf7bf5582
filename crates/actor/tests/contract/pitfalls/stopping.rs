//! A stop loses whatever waits in the mailbox.

use actix::ActorContext;

use super::{Do, Note, Stock};
use crate::clerk::{House, Order, SECOND, TEST, at_home, fill, settle};

#[tokio::test]
async fn stock_what_was_told_before_the_stop_took_effect_vanishes() {
    at_home(async {
        let (stock, notes) = Stock::started(16);
        stock.do_send(Do::it(|_, context| context.stop()));
        stock.do_send(Note(1));
        settle().await;
        assert!(notes.borrow().is_empty() && !stock.connected());
    })
    .await;
}

#[tokio::test]
async fn ours_handles_what_was_told_before_it_ends() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(9);
        clerk.tell(Order::Note(1), TEST).unwrap();
        fill(vacancy);
        clerk.drain(SECOND).await;
        assert_eq!(house.environment.trace.last(1)[0].outcome, "[1]");
    })
    .await;
}
