//! An interval makes up for every tick it missed, in one burst.

use actix::{AsyncContext, Context};

use super::{Do, Stock};
use crate::clerk::{ClerkMailbox, House, Order, SECOND, asked, at_home, deed, notes, settle};

#[tokio::test(start_paused = true)]
async fn stock_every_missed_tick_is_made_up_for() {
    at_home(async {
        let (stock, notes) = Stock::started(16);
        let tick = |stock: &mut Stock, _: &mut Context<Stock>| stock.0.borrow_mut().push(1);
        let start = Do::it(move |_, context| {
            context.run_interval(SECOND, tick);
        });
        stock.send(start).await.unwrap();
        // Time passes without anybody having a turn, as when something blocks the thread.
        tokio::time::advance(10 * SECOND).await;
        settle().await;
        assert!(notes.borrow().len() >= 9, "{} ticks", notes.borrow().len());
    })
    .await;
}

fn tick() -> Order {
    deed(|stage| {
        stage.me().tell(Order::Note(1), stage.cause()).unwrap();
        stage.after("tick", SECOND, tick());
    })
}

async fn noted_after_a_stall(clerk: &ClerkMailbox) -> usize {
    asked(clerk, deed(|stage| stage.after("tick", SECOND, tick()))).await.unwrap();
    settle().await;
    tokio::time::advance(10 * SECOND).await;
    settle().await;
    notes(clerk).await.len()
}

#[tokio::test(start_paused = true)]
async fn ours_ticks_once_and_then_goes_on_at_its_pace() {
    at_home(async {
        let clerk = House::new().clerk(9);
        assert_eq!(noted_after_a_stall(&clerk).await, 1);
        tokio::time::sleep(SECOND + SECOND / 2).await;
        assert_eq!(notes(&clerk).await.len(), 2);
    })
    .await;
}
