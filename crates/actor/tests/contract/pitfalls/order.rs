//! A request to a full mailbox is put into it only when somebody polls it.

use super::{Note, Stock};
use crate::clerk::{House, Order, TEST, asked, at_home, notes};

#[tokio::test]
async fn stock_a_request_to_a_full_mailbox_is_overtaken_while_nobody_polls_it() {
    at_home(async {
        let (stock, notes) = Stock::started(1);
        let first = stock.send(Note(1));
        let second = stock.send(Note(2));
        stock.do_send(Note(3));
        first.await.unwrap();
        second.await.unwrap();
        assert_eq!(*notes.borrow(), [1, 3, 2]);
    })
    .await;
}

#[tokio::test]
async fn ours_arrive_in_the_order_they_were_asked_whoever_is_polled_first() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let (first, second) = (asked(&clerk, Order::Note(1)), asked(&clerk, Order::Note(2)));
        clerk.tell(Order::Note(3), TEST).unwrap();
        assert_eq!(second.await, Ok(vec![1, 2]));
        assert_eq!(first.await, Ok(vec![1]));
        assert_eq!(notes(&clerk).await, [1, 2, 3]);
    })
    .await;
}
