//! A panic is contained: the machine is rebuilt, the mail stays, and enough is enough.

use std::sync::Arc;

use actor::{AskError, Environment, Observer, Place, Row, TellError};

use crate::clerk::{Clerk, House, Order, SECOND, TEST, asked, at_home, clerk, deed, fill, notes, settle};

#[tokio::test(start_paused = true)]
async fn a_crash_costs_its_own_question_and_the_machine_but_no_mail() {
    at_home(async {
        let (clerk, vacancy) = House::new().vacancy(9);
        clerk.tell(Order::Note(1), TEST).unwrap();
        let crashing = asked(&clerk, Order::Crash);
        clerk.tell(Order::Note(2), TEST).unwrap();
        let waiting = asked(&clerk, Order::Recall);
        fill(vacancy);
        assert_eq!(crashing.await, Err(AskError::Crashed));
        assert_eq!(waiting.await, Ok(vec![2]), "the note before the crash went with the machine");
        assert!(clerk.is_alive());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_crash_raises_the_incarnation_and_is_counted() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        asked(&clerk, Order::Crash).await.unwrap_err();
        notes(&clerk).await;
        let incarnations: Vec<_> =
            house.environment.trace.last(9).iter().map(|row| (row.message, row.incarnation)).collect();
        assert_eq!(incarnations, [("Crash", 1), ("Recall", 2)]);
        assert_eq!(house.ears.heard("crashed"), ["crashed clerk"]);
        assert!(house.ears.heard("fatal").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_effect_is_a_crash_too() {
    at_home(async {
        let clerk = House::new().clerk(9);
        asked(&clerk, Order::Note(1)).await.unwrap();
        assert_eq!(asked(&clerk, deed(|_| panic!("in an effect"))).await, Err(AskError::Crashed));
        assert!(notes(&clerk).await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_factory_owns_survives_a_crash() {
    at_home(async {
        let (mailbox, vacancy) = House::new().vacancy(9);
        vacancy.fill(&Place::Here, || {
            let mut generation = 0;
            clerk(
                |_| {},
                move || {
                    generation += 1;
                    vec![generation]
                },
            )
        });
        asked(&mailbox, Order::Crash).await.unwrap_err();
        assert_eq!(notes(&mailbox).await, [2]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn five_crashes_within_a_minute_are_fatal() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        for crash in 1..=5 {
            assert!(house.ears.heard("fatal").is_empty(), "before crash {crash}");
            asked(&clerk, Order::Crash).await.unwrap_err();
            tokio::time::sleep(10 * SECOND).await;
        }
        assert_eq!(house.ears.heard("fatal"), ["fatal clerk"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn crashes_spread_out_are_not_fatal() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        for _ in 0..20 {
            asked(&clerk, Order::Crash).await.unwrap_err();
            tokio::time::sleep(15 * SECOND).await;
        }
        assert_eq!(house.ears.heard("crashed").len(), 20);
        assert!(house.ears.heard("fatal").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_cannot_be_rebuilt_is_fatal_and_ends_the_actor() {
    at_home(async {
        let house = House::new();
        let (mailbox, vacancy) = house.vacancy(9);
        vacancy.fill(&Place::Here, || {
            let mut first = Some(Vec::new());
            clerk(|_| {}, move || first.take().expect("there is no second machine"))
        });
        assert_eq!(asked(&mailbox, Order::Crash).await, Err(AskError::Crashed));
        settle().await;
        assert_eq!(house.ears.heard("fatal"), ["fatal clerk"]);
        assert_eq!(mailbox.tell(Order::Recall, TEST), Err(TellError::Stopped));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn of_a_bundle_an_actor_that_ends_reads_no_more() {
    at_home(async {
        let house = House::new();
        let (mailbox, vacancy) = house.vacancy(9);
        let mut bundle = mailbox.bundle();
        for order in [Order::Note(1), Order::Crash, Order::Note(2)] {
            bundle.tell(order, TEST).unwrap();
        }
        drop(bundle);
        vacancy.fill(&Place::Here, || {
            let mut first = Some(Vec::new());
            clerk(|_| {}, move || first.take().expect("there is no second machine"))
        });
        settle().await;
        assert_eq!(house.ears.heard("handled").len(), 2, "{:?}", house.ears.heard("handled"));
        assert_eq!(mailbox.depth(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_opening_that_always_panics_is_fatal() {
    at_home(async {
        let house = House::new();
        let (mailbox, vacancy) = house.vacancy(9);
        vacancy.fill(&Place::Here, || clerk(|_| panic!("no opening today"), Vec::new));
        assert_eq!(asked(&mailbox, Order::Recall).await, Err(AskError::Stopped));
        assert_eq!(house.ears.heard("fatal"), ["fatal clerk"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cast_that_panics_is_fatal_and_closes_the_mailbox() {
    at_home(async {
        let house = House::new();
        let (mailbox, vacancy) = house.vacancy(9);
        vacancy.fill::<Clerk>(&Place::Here, || panic!("nobody to cast"));
        assert_eq!(asked(&mailbox, Order::Recall).await, Err(AskError::Stopped));
        assert_eq!(house.ears.heard("fatal"), ["fatal clerk"]);
    })
    .await;
}

struct Fainting;

impl Observer for Fainting {
    fn handled(&self, _row: &Row) {
        panic!("the observer fainted");
    }
}

#[tokio::test(start_paused = true)]
async fn an_observer_that_panics_is_fatal_rather_than_silently_deadly() {
    at_home(async {
        let house = House::new();
        let environment = Environment { observer: Arc::new(Fainting), ..house.environment.clone() };
        let (mailbox, vacancy) = actor::vacancy("clerk", 9, &environment);
        fill(vacancy);
        mailbox.tell(Order::Note(1), TEST).unwrap();
        settle().await;
        assert_eq!(house.ears.heard("fatal"), ["fatal clerk"]);
        assert!(!mailbox.is_alive());
    })
    .await;
}
