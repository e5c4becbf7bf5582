use super::*;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A client's request, the worker that it wakes, its question, and a crash.
fn conversation() -> Vec<Row> {
    let row = |mail, cause: Option<u64>, from, actor, message| Row {
        at_unix_ms: 1_795_689_662_113 + mail,
        begun_us: 1_000 * mail,
        actor,
        from,
        message,
        mail,
        cause,
        root: 1,
        hops: u32::try_from(mail).unwrap() - 1,
        session: Some("3f2a91c0-77".to_owned()),
        queue_wait_us: 12,
        handle_us: 3,
        outcome: "Noted".into(),
        ..Row::default()
    };
    let asked = |row: Row, outcome: &str| Row { asked: true, outcome: outcome.to_owned().into(), ..row };
    let crash = row(4, Some(3), "Distiller", "Curator", "Wanted");
    vec![
        row(1, None, "Gateway", "CredentialActor", "ClientAnswered"),
        row(2, Some(1), "CredentialActor", "Distiller", "Hinted"),
        asked(row(3, Some(2), "Distiller", "CredentialActor", "ResolveCredential"), "Lease 9f3a1c22/2"),
        Row { outcome: "crashed at a.rs:1:2".into(), ..crash },
    ]
}

/// The same, recorded in the order in which it ended.
fn recorded() -> Vec<Row> {
    let mut rows = conversation();
    rows.swap(1, 2);
    rows
}

#[test]
fn lines_are_indented_by_cause_in_the_order_in_which_things_began() {
    insta::assert_snapshot!(Drawing::lines().whole(recorded()));
}

#[test]
fn a_sequence_diagram_names_who_takes_part_and_draws_replies_and_crashes() {
    insta::assert_snapshot!(Drawing::mermaid().whole(recorded()));
}

#[test]
fn json_lines_are_the_rows_themselves() {
    let lines = Drawing::json_lines().whole(recorded());
    let rows: Vec<Row<String>> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.iter().map(|row| row.mail).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_trace_file_has_a_slice_a_message_and_an_arrow_to_each() {
    let events = events(conversation());
    let of = |phase: &str| events.iter().filter(|event| event["ph"] == phase).count();
    // The first message was sent from outside, which is a slice too.
    assert_eq!((of("X"), of("s"), of("f")), (5, 4, 4));
    let third = events.iter().find(|event| event["ph"] == "s" && event["id"] == 3).unwrap();
    assert_eq!(third["ts"], 2002, "sent with the last of what caused it");
}

#[test]
fn an_arrow_without_a_beginning_is_not_drawn() {
    let orphan = conversation().split_off(3);
    assert!(events(orphan).iter().all(|event| event["ph"] == "X" || event["ph"] == "M"));
}

fn events(rows: Vec<Row>) -> Vec<Value> {
    serde_json::from_str(&Drawing::chrome().whole(rows)).unwrap()
}

const NAMES: [&str; 5] = ["Gateway", "Distiller", "end", "a;b", "CredentialActor"];

fn any_row() -> impl Strategy<Value = Row> {
    let times = (0_u64..5_000, 0_u64..50, 0_u64..50);
    (times, 0_usize..5, 0_usize..5, 1_u64..40, prop::option::of(1_u64..40), any::<bool>(), ".*").prop_map(
        |((begun_us, queue_wait_us, handle_us), from, actor, mail, cause, asked, outcome)| Row {
            begun_us,
            queue_wait_us,
            handle_us,
            from: NAMES[from],
            actor: NAMES[actor],
            message: "Wanted",
            mail,
            cause,
            asked,
            outcome: outcome.into(),
            ..Row::default()
        },
    )
}

fn number(event: &Value, field: &str) -> u64 {
    event[field].as_u64().unwrap_or_else(|| panic!("{field} of {event}"))
}

proptest! {
    #[test]
    fn a_trace_file_of_any_rows_is_sound(rows in prop::collection::vec(any_row(), 0..30)) {
        let events = events(rows);
        let named: BTreeSet<u64> =
            events.iter().filter(|event| event["name"] == "thread_name").map(|event| number(event, "tid")).collect();
        let slices: Vec<(u64, u64, u64)> = events.iter().filter(|event| event["ph"] == "X")
            .map(|event| (number(event, "tid"), number(event, "ts"), number(event, "dur"))).collect();
        prop_assert!(slices.iter().all(|(track, _, length)| named.contains(track) && *length > 0));
        let mut starts: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for event in events.iter().filter(|event| event["ph"] == "s" || event["ph"] == "f") {
            let (track, at, id) = (number(event, "tid"), number(event, "ts"), number(event, "id"));
            let lies = |(on, begin, length): &(u64, u64, u64)| *on == track && (*begin..begin + length).contains(&at);
            prop_assert!(slices.iter().any(lies), "{event} lies on no slice");
            let open = starts.entry(id).or_default();
            if event["ph"] == "s" {
                open.push(at);
            } else {
                let start = open.pop();
                prop_assert!(start.is_some(), "{event} has no start");
                prop_assert!(start.is_some_and(|start| start <= at), "{event} ends before it starts");
            }
        }
        prop_assert!(starts.values().all(Vec::is_empty), "a start without a finish");
    }

    #[test]
    fn a_sequence_diagram_of_any_rows_has_only_lines_of_the_notation(rows in prop::collection::vec(any_row(), 0..30)) {
        let diagram = Drawing::mermaid().whole(rows);
        for line in diagram.lines().skip(1) {
            let line = line.trim_start();
            let said = line.split_once(": ").or_else(|| line.split_once(" as ")).map(|(_, said)| said);
            prop_assert!(said.is_some_and(|said| !said.contains([':', '%', '$', '<', '>', '&', '\r', '"'])), "{line}");
        }
    }
}
