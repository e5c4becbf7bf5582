//! A supervisor restarts an actor that stops, but not one that panics.

use std::rc::Rc;

use actix::Supervisor;
use actor::{AskError, TellError};

use super::{Do, Note, Stock};
use crate::clerk::{House, Order, SECOND, TEST, asked, at_home, settle};

#[tokio::test]
async fn stock_a_supervised_actor_is_dead_after_a_panic_and_silently_loses_what_it_is_told() {
    at_home(async {
        let notes = Rc::default();
        let stock = Stock(Rc::clone(&notes));
        let stock = Supervisor::start(|_| stock);
        stock.send(Note(1)).await.unwrap();
        let crashed = stock.send(Do::it(|_, _| panic!("a supervised panic"))).await;
        assert_eq!(crashed, Err(actix::MailboxError::Closed));
        settle().await;
        assert!(!stock.connected());
        stock.do_send(Note(2));
        settle().await;
        assert_eq!(*notes.borrow(), [1]);
    })
    .await;
}

#[tokio::test]
async fn ours_is_rebuilt_and_goes_on() {
    at_home(async {
        let clerk = House::new().clerk(9);
        assert_eq!(asked(&clerk, Order::Crash).await, Err(AskError::Crashed));
        assert_eq!(asked(&clerk, Order::Note(2)).await, Ok(vec![2]));
    })
    .await;
}

#[tokio::test]
async fn ours_says_so_when_it_has_ended() {
    at_home(async {
        let clerk = House::new().clerk(9);
        clerk.drain(SECOND).await;
        assert_eq!(clerk.tell_surely(Order::Note(2), TEST), Err(TellError::Stopped));
    })
    .await;
}
