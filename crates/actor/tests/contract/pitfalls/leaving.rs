//! Whoever leaves takes the message back, even when it already lies in the mailbox.

use actix::AsyncContext;
use actix::fut::wrap_future;
use actor::AskError;
use futures_util::FutureExt;

use super::{Do, Note, Stock};
use crate::clerk::{House, Order, SECOND, TEST, asked, at_home, fill, notes};

#[tokio::test]
async fn stock_a_dropped_request_is_never_handled() {
    at_home(async {
        let (stock, notes) = Stock::started(16);
        let mut request = Box::pin(stock.send(Note(1)));
        assert!(request.as_mut().now_or_never().is_none());
        drop(request);
        stock.send(Note(2)).await.unwrap();
        assert_eq!(*notes.borrow(), [2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn stock_a_request_that_timed_out_is_never_handled() {
    at_home(async {
        let (stock, notes) = Stock::started(16);
        stock.do_send(Do::it(|_, context| context.wait(wrap_future(tokio::time::sleep(2 * SECOND)))));
        let timed_out = stock.send(Note(1)).timeout(SECOND).await;
        assert_eq!(timed_out, Err(actix::MailboxError::Timeout));
        stock.send(Note(2)).await.unwrap();
        assert_eq!(*notes.borrow(), [2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ours_is_handled_even_if_the_caller_left_or_lost_patience() {
    at_home(async {
        let (clerk, vacancy) = House::new().vacancy(9);
        drop(asked(&clerk, Order::Note(1)));
        assert_eq!(clerk.ask(Order::Note(2), TEST, SECOND).await, Err(AskError::TimedOut));
        fill(vacancy);
        assert_eq!(notes(&clerk).await, [1, 2]);
    })
    .await;
}
