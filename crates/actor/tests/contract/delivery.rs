//! What is accepted, what is refused, and what becomes of it.

use actor::{AskError, Cause, TellError};

use crate::clerk::{HOUR, House, Order, SECOND, TEST, asked, at_home, deed, fill, notes};

#[tokio::test(start_paused = true)]
async fn a_question_is_answered_after_everything_told_before_it() {
    at_home(async {
        let clerk = House::new().clerk(9);
        clerk.tell(Order::Note(1), TEST).unwrap();
        clerk.tell(Order::Note(2), TEST).unwrap();
        assert_eq!(asked(&clerk, Order::Note(3)).await, Ok(vec![1, 2, 3]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_only_when_the_effects_are_performed() {
    at_home(async {
        let clerk = House::new().clerk(9);
        let (performed, seen) = std::sync::mpsc::channel();
        asked(&clerk, deed(move |_| performed.send(()).unwrap())).await.unwrap();
        assert_eq!(seen.try_recv(), Ok(()));
    })
    .await;
}

#[test]
fn a_full_mailbox_sheds_facts_and_counts_them() {
    let house = House::new();
    let (clerk, _vacancy) = house.vacancy(4);
    let told: Vec<_> = (1..=6).map(|number| clerk.tell(Order::Note(number), TEST)).collect();
    assert_eq!(told, [Ok(()), Ok(()), Ok(()), Ok(()), Err(TellError::Full), Err(TellError::Full)]);
    assert_eq!(house.ears.heard("shed"), ["shed clerk Note", "shed clerk Note"]);
    assert_eq!((clerk.depth(), house.ears.depth("clerk")), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_has_room_again_when_its_mail_is_handled() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(1);
        clerk.tell(Order::Note(1), TEST).unwrap();
        assert_eq!(clerk.tell(Order::Note(2), TEST), Err(TellError::Full));
        fill(vacancy);
        while clerk.depth() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(asked(&clerk, Order::Note(3)).await, Ok(vec![1, 3]));
        assert_eq!(house.ears.depth("clerk"), 0);
    })
    .await;
}

#[test]
fn a_bound_holds_against_many_threads_at_once() {
    let (clerk, _vacancy) = House::new().vacancy(100);
    let accepted: usize = std::thread::scope(|scope| {
        let told = || (0..1000).filter(|number| clerk.tell(Order::Note(*number), TEST).is_ok()).count();
        let tellers: Vec<_> = (0..4).map(|_| scope.spawn(told)).collect();
        tellers.into_iter().map(|teller| teller.join().unwrap()).sum()
    });
    assert_eq!((accepted, clerk.depth()), (100, 100));
}

#[tokio::test]
async fn a_full_mailbox_refuses_questions_as_overloaded() {
    let (clerk, _vacancy) = House::new().vacancy(0);
    assert_eq!(asked(&clerk, Order::Recall).await, Err(AskError::Overloaded));
}

#[tokio::test(start_paused = true)]
async fn what_must_happen_passes_a_full_mailbox_and_counts_in_its_depth() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(1);
        clerk.tell(Order::Note(1), TEST).unwrap();
        clerk.tell_surely(Order::Note(2), TEST).unwrap();
        clerk.address().tell_surely(Order::Note(3), TEST).unwrap();
        assert_eq!(clerk.depth(), 3);
        assert_eq!(clerk.address().tell(Order::Note(4), TEST), Err(TellError::Full));
        fill(vacancy);
        tokio::time::sleep(SECOND).await;
        assert_eq!(notes(&clerk).await, [1, 2, 3]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_told_together_is_let_in_at_once_arrives_together_and_in_order() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(1);
        let mut bundle = clerk.bundle();
        bundle.tell(Order::Note(1), TEST).unwrap();
        assert_eq!(bundle.tell(Order::Note(2), TEST), Err(TellError::Full));
        bundle.tell_surely(Order::Crash, TEST).unwrap();
        (3..99).for_each(|number| bundle.tell_surely(Order::Note(number), TEST).unwrap());
        assert_eq!(clerk.depth(), 98);
        clerk.tell_surely(Order::Note(99), TEST).unwrap();
        drop(bundle);
        fill(vacancy);
        tokio::time::sleep(SECOND).await;
        // The first 64 did not wait for the others, and a crash costs what was noted, but none of what follows it.
        let expected: Vec<u32> = (3..65).chain([99]).chain(65..99).collect();
        assert_eq!(notes(&clerk).await, expected);
        assert_eq!((clerk.depth(), house.ears.heard("shed")), (0, vec!["shed clerk Note".to_owned()]));
    })
    .await;
}

#[tokio::test]
async fn a_bundle_for_an_actor_that_has_ended_is_lost_and_no_longer_counted() {
    let (clerk, vacancy) = House::new().vacancy(9);
    let mut bundle = clerk.bundle();
    bundle.tell(Order::Note(1), TEST).unwrap();
    drop(vacancy);
    assert_eq!(clerk.depth(), 1);
    drop(bundle);
    assert_eq!(clerk.depth(), 0);
}

#[tokio::test]
async fn a_vacancy_dropped_unfilled_closes_its_mailbox_and_answers_who_waits() {
    let (clerk, vacancy) = House::new().vacancy(9);
    let waiting = asked(&clerk, Order::Recall);
    assert!(clerk.is_alive());
    drop(vacancy);
    assert_eq!(waiting.await, Err(AskError::Stopped));
    assert!(!clerk.is_alive());
    assert_eq!(clerk.tell(Order::Note(1), TEST), Err(TellError::Stopped));
    assert_eq!(clerk.tell_surely(Order::Note(1), TEST), Err(TellError::Stopped));
    assert_eq!(asked(&clerk, Order::Recall).await, Err(AskError::Stopped));
    assert_eq!(clerk.depth(), 0);
}

#[tokio::test(start_paused = true)]
async fn two_actors_can_know_each_other_without_setters() {
    at_home(async {
        let house = House::new();
        let ((here, here_vacancy), (there, there_vacancy)) = (house.vacancy(9), house.vacancy(9));
        let (to_there, back) = (there.clone(), here.clone());
        here.tell(
            deed(move |stage| {
                let answer = deed(move |stage| back.tell(Order::Note(7), stage.cause()).unwrap());
                to_there.tell(answer, stage.cause()).unwrap();
            }),
            TEST,
        )
        .unwrap();
        fill(here_vacancy);
        fill(there_vacancy);
        tokio::time::sleep(SECOND).await;
        assert_eq!(notes(&here).await, [7]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_times_out_at_its_time() {
    let house = House::new();
    let (clerk, _vacancy) = house.vacancy(9);
    let answer = clerk.ask(Order::Recall, Cause::origin("gateway"), HOUR).await;
    assert_eq!(answer, Err(AskError::TimedOut));
    assert_eq!(house.environment.clock.now(), HOUR);
}
