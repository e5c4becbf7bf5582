//! Each pitfall of actix 0.13, shown on its stock API, beside what the shell does in its place.
//!
//! Should one of the `stock_…` tests ever fail after an update of actix, the pitfall is gone and the
//! part of the shell that stands against it can be looked at again.
#![expect(clippy::disallowed_methods, reason = "the stock API is what is shown here")]

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message, Supervised, Supervisor};
use actor::{AskError, TellError};
use futures_util::FutureExt;

use crate::clerk::{ClerkMailbox, House, Order, SECOND, TEST, asked, at_home, deed, fill, notes, settle};

/// A stock actor that notes numbers where the test can see them.
#[derive(Default)]
struct Stock(Rc<RefCell<Vec<u32>>>);

impl Stock {
    /// A stock actor with its notes, in a mailbox with room for `capacity`.
    fn started(capacity: usize) -> (actix::Addr<Self>, Rc<RefCell<Vec<u32>>>) {
        let notes = Rc::default();
        let stock = Self(Rc::clone(&notes));
        let create = |context: &mut Context<Self>| {
            context.set_mailbox_capacity(capacity);
            stock
        };
        (Self::create(create), notes)
    }
}

impl Actor for Stock {
    type Context = Context<Self>;
}

impl Supervised for Stock {}

struct Note(u32);

impl Message for Note {
    type Result = ();
}

impl Handler<Note> for Stock {
    type Result = ();

    fn handle(&mut self, Note(number): Note, _: &mut Context<Self>) {
        self.0.borrow_mut().push(number);
    }
}

/// Something to do in the handler.
struct Do(InHandler);

type InHandler = Box<dyn FnOnce(&mut Stock, &mut Context<Stock>) + Send>;

impl Do {
    fn it(deed: impl FnOnce(&mut Stock, &mut Context<Stock>) + Send + 'static) -> Self {
        Self(Box::new(deed))
    }
}

impl Message for Do {
    type Result = ();
}

impl Handler<Do> for Stock {
    type Result = ();

    fn handle(&mut self, Do(deed): Do, context: &mut Context<Self>) {
        deed(self, context);
    }
}

mod capacity_is_no_bound {
    use super::*;

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
}

mod a_busy_actor_starves_its_thread {
    use super::*;

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
}

mod a_supervisor_does_not_survive_a_panic {
    use super::*;

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
}

mod whoever_leaves_takes_the_message_back {
    use super::*;

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
}

mod requests_are_reordered {
    use super::*;

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
}

mod futures_in_a_context_are_polled_again_and_again {
    use super::*;

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
}

mod intervals_come_in_bursts_after_a_stall {
    use super::*;

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
}

mod a_stop_loses_what_waits {
    use super::*;

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
}
