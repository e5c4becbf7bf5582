//! The same actors on real arbiters, in a real actix system and in real time.

use std::rc::Rc;
use std::thread::ThreadId;

use actix_rt::{Arbiter, System};
use actor::{Place, TellError};

use crate::clerk::{HOUR, House, Order, TEST, asked, clerk, deed};

/// Runs a test in an actix system, with an arbiter that is stopped and joined at the end.
fn with_arbiter<T>(test: impl AsyncFnOnce(&Arbiter) -> T) -> T {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let result = test(&arbiter).await;
        arbiter.stop();
        arbiter.join().unwrap();
        result
    })
}

#[test]
fn an_actor_lives_on_the_thread_of_its_arbiter_and_may_hold_what_cannot_travel() {
    with_arbiter(async |arbiter| {
        let (mailbox, vacancy) = House::new().vacancy(9);
        vacancy.fill(&Place::On(arbiter.handle()), || {
            let homebound = Rc::new(5);
            clerk(|_| {}, move || vec![*homebound])
        });
        let (tell, told) = std::sync::mpsc::channel::<ThreadId>();
        let noted = asked(&mailbox, deed(move |_| tell.send(std::thread::current().id()).unwrap())).await;
        assert_eq!(noted, Ok(vec![5]));
        assert_ne!(told.recv(), Ok(std::thread::current().id()));
        mailbox.drain(HOUR).await;
        assert!(!mailbox.is_alive());
    });
}

#[test]
fn actors_on_two_threads_talk_and_timers_and_performances_work_there() {
    with_arbiter(async |arbiter| {
        let house = House::new();
        let (mailbox, vacancy) = house.vacancy(9);
        vacancy.fill(&Place::On(arbiter.handle()), || clerk(|_| {}, Vec::new));
        let local = house.clerk(9);
        let (reply, replied) = tokio::sync::oneshot::channel();
        let chain = deed(move |stage| {
            let work = async move {
                let back = deed(move |_| reply.send(()).unwrap());
                local.tell(back, TEST).unwrap();
                Order::Note(1)
            };
            stage.run(work, Order::Note(2));
        });
        mailbox.tell(deed(move |stage| stage.after("bell", std::time::Duration::ZERO, chain)), TEST).unwrap();
        replied.await.unwrap();
        mailbox.drain(HOUR).await;
        let rows = house.environment.trace.last(9);
        let note = rows.iter().find(|row| row.message == "Note").unwrap();
        assert_eq!((&*note.outcome, note.root), ("[1]", rows[0].root));
    });
}

#[test]
fn an_arbiter_that_has_stopped_leaves_the_mailbox_closed() {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let handle = arbiter.handle();
        arbiter.stop();
        arbiter.join().unwrap();
        let (mailbox, vacancy) = House::new().vacancy(9);
        vacancy.fill(&Place::On(handle), || clerk(|_| {}, Vec::new));
        assert_eq!(mailbox.tell(Order::Note(1), TEST), Err(TellError::Stopped));
    });
}

#[test]
fn an_arbiter_that_stops_takes_its_actors_with_it_and_their_mailboxes_say_so() {
    System::new().block_on(async {
        let arbiter = Arbiter::new();
        let (mailbox, vacancy) = House::new().vacancy(9);
        vacancy.fill(&Place::On(arbiter.handle()), || clerk(|_| {}, Vec::new));
        asked(&mailbox, Order::Recall).await.unwrap();
        arbiter.stop();
        arbiter.join().unwrap();
        assert!(!mailbox.is_alive());
        assert_eq!(mailbox.tell_surely(Order::Note(1), TEST), Err(TellError::Stopped));
    });
}
