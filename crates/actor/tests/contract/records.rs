//! The message trace: what a row says, and that rows can be linked into conversations.

use actor::{Cause, Environment, Place, Row, Trace};
use std::time::Duration;

use crate::clerk::{
    ClerkMailbox, House, Order, SECOND, TEST, asked, at_home, clerk, deed, fill, notes, settle,
};

/// Sender, message, its number, its cause, its root, and how many messages led to it.
type Link = (&'static str, &'static str, u64, Option<u64>, u64, u32);

fn links(rows: &[Row]) -> Vec<Link> {
    rows.iter().map(|row| (row.from, row.message, row.mail, row.cause, row.root, row.hops)).collect()
}

/// An order to pass a note on to another clerk, and to note something when that is done.
fn pass_on(to: &ClerkMailbox) -> Order {
    let to = to.clone();
    deed(move |stage| {
        to.tell(Order::Note(1), stage.cause()).unwrap();
        stage.run(async { Order::Note(2) }, Order::Note(3));
    })
}

#[tokio::test(start_paused = true)]
async fn every_message_names_its_sender_its_cause_and_its_root() {
    at_home(async {
        let house = House::new();
        let (clerk, colleague) = (house.clerk(9), house.clerk(9));
        clerk.tell(pass_on(&colleague), Cause::origin("gateway")).unwrap();
        settle().await;
        clerk.tell(Order::Recall, Cause::origin("dashboard")).unwrap();
        settle().await;
        let expected = [
            ("gateway", "Do", 1, None, 1, 0),
            ("clerk", "Note", 2, Some(1), 1, 1),
            ("clerk", "Note", 3, Some(1), 1, 1),
            ("dashboard", "Recall", 4, None, 4, 0),
        ];
        assert_eq!(links(&house.environment.trace.last(9)), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_timer_stays_in_its_conversation_but_one_that_rearms_itself_starts_a_new_one() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        let once_more = deed(|stage| stage.after("tick", SECOND, Order::Recall));
        clerk.tell(deed(|stage| stage.after("tick", SECOND, once_more)), TEST).unwrap();
        tokio::time::sleep(3 * SECOND).await;
        let expected = [
            ("test", "Do", 1, None, 1, 0),
            ("clerk", "Do", 2, Some(1), 1, 1),
            ("clerk", "Recall", 3, Some(2), 3, 0),
        ];
        assert_eq!(links(&house.environment.trace.last(9)), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_row_says_how_long_a_message_waited_and_what_came_of_it() {
    at_home(async {
        let house = House::new();
        let (clerk, vacancy) = house.vacancy(9);
        clerk.tell(Order::Note(8), Cause::origin("gateway")).unwrap();
        clerk.tell(deed(|_| {}), Cause::origin("gateway")).unwrap();
        tokio::time::sleep(2 * SECOND).await;
        fill(vacancy);
        settle().await;
        let expected = Row {
            at_unix_ms: 3_602_000,
            begun_us: 2_000_000,
            actor: "clerk",
            incarnation: 1,
            message: "Note",
            detail: "Note(8)".to_owned(),
            session: Some("session-1".to_owned()),
            from: "gateway",
            mail: 1,
            cause: None,
            root: 1,
            hops: 0,
            asked: false,
            queue_wait_us: 2_000_000,
            handle_us: 0,
            depth: 1,
            effects: 0,
            outcome: "[8]".into(),
        };
        let rows = house.environment.trace.last(9);
        assert_eq!(rows[0], expected);
        assert_eq!((rows[1].effects, rows[1].depth, rows[1].session.as_deref()), (1, 0, None));
        asked(&clerk, Order::Note(9)).await.unwrap();
        assert!(house.environment.trace.last(1)[0].asked, "somebody waits for this reply");
    })
    .await;
}

#[tokio::test]
async fn a_row_says_how_long_a_message_took() {
    at_home(async {
        let house = House::new();
        let clerk = house.clerk(9);
        clerk.tell(deed(|_| std::thread::sleep(Duration::from_millis(3))), TEST).unwrap();
        asked(&clerk, Order::Note(1)).await.unwrap();
        assert!(house.environment.trace.last(9)[0].handle_us >= 3000);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_row_that_was_written_down_can_be_read_again() {
    at_home(async {
        let house = House::new();
        notes(&house.clerk(9)).await;
        let row = house.environment.trace.last(1).remove(0);
        let json = serde_json::to_value(&row).unwrap();
        let read: Row<String> = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((read.actor.as_str(), read.message.as_str()), (row.actor, row.message));
        assert_eq!(serde_json::to_value(&read).unwrap(), json);
    })
    .await;
}

#[test]
fn a_row_is_written_as_plain_json() {
    let row = Row { message: "Note", cause: Some(3), ..Row::default() };
    let json = serde_json::to_value(&row).unwrap();
    assert_eq!((&json["message"], &json["cause"]), (&"Note".into(), &3.into()));
}

#[tokio::test(start_paused = true)]
async fn a_trace_that_is_off_records_nothing_and_the_observer_hears_all_the_same() {
    at_home(async {
        let house = House::new();
        let trace = &house.environment.trace;
        let clerk = house.clerk(9);
        trace.switch(false);
        asked(&clerk, Order::Note(1)).await.unwrap();
        assert!(trace.last(9).is_empty());
        trace.switch(true);
        asked(&clerk, Order::Note(2)).await.unwrap();
        assert_eq!(trace.last(9).len(), 1);
        assert_eq!(
            house.ears.heard("handled"),
            ["handled clerk Note [handled]", "handled clerk Note [[1, 2]Note(2)]"]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trace_is_shared_by_all_clones_of_its_environment() {
    at_home(async {
        let environment = Environment { trace: Trace::on(), ..House::new().environment };
        let (clerk_mailbox, vacancy) = actor::vacancy("other", 9, &environment.clone());
        vacancy.fill(&Place::Here, || clerk(|_| {}, Vec::new));
        notes(&clerk_mailbox).await;
        assert_eq!(environment.trace.last(1)[0].actor, "other");
    })
    .await;
}
