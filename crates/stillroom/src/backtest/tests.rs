//! What each policy is charged and credited, what a recording may be, and what is printed.

use super::recording::{Call, Kind};
use super::replay::{Outcomes, POLICIES, Policy, fit, replay};
use super::*;
use domain::conversation::CacheTtl;
use machines::warming::prior;
use proptest::prelude::*;

/// A call of 100,000 tokens of a model whose read costs $0.50 and whose writes cost $6.25 and $10 a million.
fn call(at: f64, kind: Kind, ttl: Option<CacheTtl>) -> Call {
    let write = |wanted| if ttl == Some(wanted) { 1_000 } else { 0 };
    let (cache_write_5m, cache_write_1h) = (write(CacheTtl::FiveMinutes), write(CacheTtl::OneHour));
    Call {
        at,
        done: Some(at + 10.0),
        kind,
        model: "claude-opus-4-6".to_owned(),
        input: 0,
        cache_read: 100_000 - cache_write_5m - cache_write_1h,
        cache_write_5m,
        cache_write_1h,
        output: 300,
        stop: None,
        tools: 0,
    }
}

/// Calls at these seconds, each after a person.
fn session_at(name: &str, ttl: Option<CacheTtl>, times: &[f64]) -> Session {
    Session {
        project: "a".to_owned(),
        session: name.to_owned(),
        agent: String::new(),
        subagent: false,
        calls: times.iter().map(|at| call(*at, Kind::Human, ttl)).collect(),
    }
}

fn session(times: &[f64]) -> Session {
    session_at("s", Some(CacheTtl::FiveMinutes), times)
}

fn outcomes(session: Session) -> Outcomes {
    replay(&[session], prior(), || ())[0].1
}

fn of(outcomes: &Outcomes, policy: Policy) -> (f64, f64, u64, u64) {
    let outcome = outcomes[POLICIES.iter().position(|it| *it == policy).unwrap()];
    (outcome.spent, outcome.saved, outcome.hits, outcome.pings)
}

fn assert_is((spent, saved, hits, pings): (f64, f64, u64, u64), expected: (f64, f64, u64, u64)) {
    assert!((spent - expected.0).abs() < 1e-9, "spent {spent} instead of {}", expected.0);
    assert!((saved - expected.1).abs() < 1e-9, "saved {saved} instead of {}", expected.1);
    assert_eq!((hits, pings), (expected.2, expected.3));
}

/// A read of 100,000 tokens and one token of output.
const HOLD: f64 = 0.05 + 0.000_025;
/// Writing them for five minutes less reading them.
const LOSS: f64 = 0.625 - 0.05;

#[test]
fn a_return_after_the_expiry_and_within_the_refreshed_life_is_credited_with_write_less_read() {
    // The one wait of 400 seconds, and the one after the last call, which nobody ends.
    let outcomes = outcomes(session(&[0.0, 400.0]));
    assert_is(of(&outcomes, Policy::Never), (0.0, 0.0, 0, 0));
    assert_is(of(&outcomes, Policy::Always(1)), (2.0 * HOLD, LOSS, 1, 2));
    assert_is(of(&outcomes, Policy::Always(3)), (4.0 * HOLD, LOSS, 1, 4));
    assert_is(of(&outcomes, Policy::Fixed), (12.0 * HOLD, LOSS, 1, 12));
    assert_is(of(&outcomes, Policy::Oracle), (HOLD, LOSS, 1, 1));
}

#[test]
fn a_return_before_the_own_expiry_earns_nothing_even_when_a_warm_up_was_paid() {
    // The warm-up leaves after 270 seconds.
    let outcomes = outcomes(session(&[0.0, 280.0]));
    assert_is(of(&outcomes, Policy::Always(1)), (2.0 * HOLD, 0.0, 0, 2));
    assert_is(of(&outcomes, Policy::Oracle), (0.0, 0.0, 0, 0));
}

#[test]
fn a_return_after_the_refreshed_life_earns_nothing() {
    let outcomes = outcomes(session(&[0.0, 571.0]));
    assert_is(of(&outcomes, Policy::Always(1)), (2.0 * HOLD, 0.0, 0, 2));
    assert_is(of(&outcomes, Policy::Oracle), (2.0 * HOLD, LOSS, 1, 2));
}

#[test]
fn the_oracle_does_not_hold_what_would_cost_more_than_it_saves() {
    let outcomes = outcomes(session(&[0.0, 20_000.0]));
    assert_is(of(&outcomes, Policy::Oracle), (0.0, 0.0, 0, 0));
}

#[test]
fn an_hour_is_an_hour_where_the_client_marks_one() {
    let loss = 1.0 - 0.05;
    let hour = session_at("s", Some(CacheTtl::OneHour), &[0.0, 4_000.0]);
    let outcomes = outcomes(hour);
    assert_is(of(&outcomes, Policy::Always(1)), (2.0 * HOLD, loss, 1, 2));
    assert_is(of(&outcomes, Policy::Fixed), (19.0 * HOLD, loss, 1, 19));
}

#[test]
fn another_model_or_a_rewritten_conversation_finds_nothing_in_the_cache() {
    let mut switched = session(&[0.0, 400.0]);
    switched.calls[1].model = "claude-sonnet-4-5".to_owned();
    let mut rewritten = session(&[0.0, 400.0]);
    rewritten.calls[1].cache_read = 50_000;
    for session in [switched, rewritten] {
        assert_eq!(of(&outcomes(session), Policy::Always(1)).2, 0);
    }
}

#[test]
fn no_more_is_credited_than_the_return_could_read() {
    let mut shorter = session(&[0.0, 400.0]);
    shorter.calls[1].cache_read = 94_000;
    let (_, saved, ..) = of(&outcomes(shorter), Policy::Always(1));
    assert!((saved - LOSS * 0.95).abs() < 1e-9, "{saved}");
}

#[test]
fn what_is_not_cached_or_belongs_to_a_subagent_is_left_alone_by_all() {
    let bare = session_at("s", None, &[0.0, 400.0]);
    let subagent = Session { subagent: true, ..session(&[0.0, 400.0]) };
    for session in [bare, subagent] {
        assert_eq!(outcomes(session), Outcomes::default());
    }
}

#[test]
fn subagents_and_agents_that_go_on_by_themselves_teach_nothing() {
    let subagent = Session { subagent: true, ..session(&[0.0, 400.0]) };
    assert_eq!(fit(&[subagent]), Default::default());
    let mut automated = session(&[0.0, 400.0]);
    let person = fit(&[automated.clone()]);
    automated.calls[1].kind = Kind::Tool;
    assert_ne!(fit(&[automated]), person);
}

#[test]
fn the_advice_is_followed_and_paid_for() {
    // Young sessions are let go, so there are returns enough before the one that counts.
    let times: Vec<f64> = (0..12).map(|turn| f64::from(turn) * 400.0).collect();
    let (spent, saved, hits, pings) = of(&outcomes(session(&times)), Policy::Ours);
    assert!(hits >= 7, "{hits}");
    assert!((spent - pings as f64 * HOLD).abs() < 1e-9);
    assert!((saved - hits as f64 * LOSS).abs() < 1e-9);
}

fn any_session() -> impl Strategy<Value = Session> {
    let ttl = prop_oneof![
        3 => Just(Some(CacheTtl::FiveMinutes)), 2 => Just(Some(CacheTtl::OneHour)), 1 => Just(None)
    ];
    let gap = prop_oneof![0.0..100.0, 200.0..1_000.0, 1_000.0..10_000.0];
    let step = (gap, any::<bool>(), 1_000..200_000_u64, 0..3_u32);
    ("[ab]", "[a-z]{4}", ttl, prop::collection::vec(step, 1..15)).prop_map(|(project, name, ttl, calls)| {
        let mut at = 0.0;
        let calls = calls.into_iter().map(|(gap, human, tokens, tools)| {
            at += gap;
            let kind = if human { Kind::Human } else { Kind::Tool };
            Call { cache_read: tokens, tools, ..call(at, kind, ttl) }
        });
        Session { project, calls: calls.collect(), ..session_at(&name, ttl, &[]) }
    })
}

#[test]
fn the_oracle_knows_that_a_warm_up_before_the_last_already_holds_until_the_return() {
    // The second would leave at 540 seconds, but the first holds until 570.
    let outcomes = outcomes(session(&[0.0, 560.0]));
    assert_is(of(&outcomes, Policy::Oracle), (HOLD, 0.575, 1, 1));
    // Two in this wait, three after the last call.
    assert_is(of(&outcomes, Policy::Always(3)), (5.0 * HOLD, 0.575, 1, 5));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_earns_more_than_the_oracle_and_never_is_nothing(
        sessions in prop::collection::vec(any_session(), 1..8),
    ) {
        for (project, outcomes) in replay(&sessions, prior(), || ()) {
            let best = outcomes[5].net();
            let holding = &outcomes[..=5];
            prop_assert!(holding.iter().all(|outcome| outcome.net() <= best + 1e-9), "{project}");
            prop_assert_eq!(outcomes[0], Default::default());
            prop_assert!(holding.iter().all(|outcome| outcome.hits <= outcome.pings));
        }
    }

    #[test]
    fn with_foresight_of_each_session_nobody_chooses_worse(sessions in prop::collection::vec(any_session(), 1..8)) {
        for (_, outcomes) in replay(&sessions, prior(), || ()) {
            let [_, _, _, _, ours, _, hour, leader, foresight] = outcomes.map(|outcome| outcome.net());
            prop_assert!([ours, hour, leader].iter().all(|net| *net <= foresight + 1e-9));
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_of_what_was_before(
        sessions in prop::collection::vec(any_session(), 2..8), cut in 1..7_usize,
    ) {
        let cut = cut.min(sessions.len() - 1);
        let (before, _) = sessions.split_at(cut);
        let mut changed = sessions.clone();
        changed[cut..].iter_mut().for_each(|session| session.project = "later".to_owned());
        let alone = replay(before, prior(), || ());
        let with_others = replay(&changed, prior(), || ());
        prop_assert_eq!(&with_others[..alone.len()], &alone[..]);
    }

    #[test]
    fn how_a_wait_ends_is_not_known_while_it_lasts(session in any_session()) {
        // So late that nothing is held until then, and with nothing to hold afterwards.
        let mut returns = session.clone();
        let at = session.calls.last().map_or(0.0, |last| last.at) + 200_000.0;
        let empty = Call { cache_read: 0, cache_write_5m: 0, cache_write_1h: 0, ..call(at, Kind::Human, None) };
        returns.calls.push(empty);
        prop_assert_eq!(outcomes(returns)[4], outcomes(session)[4]);
    }

    #[test]
    fn the_halves_share_no_session_and_leave_none_out(session in any_session()) {
        prop_assert_ne!(Half::Even.holds(&session), Half::Odd.holds(&session));
        prop_assert_eq!(Half::Even.other(), Half::Odd);
    }

    #[test]
    fn no_text_whatever_is_more_than_refused(text in ".*") {
        let _either = (read(&text), convert(&text));
    }
}

#[test]
fn a_recording_is_read_as_it_was_written_and_blank_lines_are_none() {
    let sessions = vec![session(&[0.0, 1.5, 400.0]), session_at("t", Some(CacheTtl::OneHour), &[0.0])];
    let lines: Vec<_> = sessions.iter().map(|session| serde_json::to_string(session).unwrap()).collect();
    assert_eq!(read(&format!("\n{}\n\n{}\n", lines[0], lines[1])).unwrap(), sessions);
}

#[test]
fn a_bad_line_is_named_with_what_is_wrong() {
    let good = serde_json::to_string(&session(&[0.0])).unwrap();
    let bad = |line: &str| read(&format!("{good}\n\n{line}\n")).unwrap_err().to_string();
    let with_calls = |calls: &str| bad(&format!(r#"{{"project":"a","session":"s","calls":[{calls}]}}"#));
    let errors = [
        bad("{"),
        bad("[]"),
        bad(r#"{"project":"a","session":"s"}"#),
        with_calls(r#"{"at":0,"kind":"ghost","model":"m"}"#),
        with_calls(r#"{"at":0,"kind":"tool","model":"m","cache_read":-1}"#),
        with_calls(r#"{"at":5,"kind":"tool","model":"m"},{"at":4,"kind":"tool","model":"m"}"#),
        with_calls(r#"{"at":-1,"kind":"tool","model":"m"}"#),
        with_calls(r#"{"at":1e300,"kind":"tool","model":"m"}"#),
        with_calls(r#"{"at":5,"done":4,"kind":"tool","model":"m"}"#),
    ];
    insta::assert_snapshot!(errors.join("\n"));
}

#[test]
fn programs_read_exactly_the_promised_fields() {
    let report = Report::of(&replay(&[session(&[0.0, 400.0])], prior(), || ()), false);
    let json = serde_json::to_value(&report).unwrap();
    let keys = |value: &serde_json::Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(&json), ["policies", "projects"]);
    assert_eq!(keys(&json["projects"][0]), ["policies", "project"]);
    let line = ["fraction_of_oracle", "hits", "name", "net", "pings", "saved", "spent"];
    for policies in [&json["policies"], &json["projects"][0]["policies"]] {
        let policies = policies.as_array().unwrap();
        let names: Vec<_> = policies.iter().map(|policy| policy["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["never", "always-1", "always-3", "fixed", "ours", "oracle"]);
        assert!(policies.iter().all(|policy| keys(policy) == line));
        assert_eq!(policies[5]["fraction_of_oracle"], 1.0);
    }
}

#[test]
fn an_hours_mark_costs_three_quarters_of_the_input_price_on_all_that_is_written_and_saves_the_return() {
    // Of each prompt of 100,000 tokens, all is kept until the next call but the 4,000 that the second one says more.
    let mut returns = session(&[0.0, 400.0]);
    returns.calls[1].cache_read += 4_000;
    let premium = |tokens: f64| tokens * (10.0 - 6.25) / 1e6;
    assert_is(of(&outcomes(returns.clone()), Policy::Hour), (premium(104_000.0), LOSS, 1, 0));
    returns.calls[1].at = 200.0;
    assert_is(of(&outcomes(returns.clone()), Policy::Hour), (premium(104_000.0), 0.0, 0, 0));
    returns.calls[1].at = 4_000.0;
    assert_is(of(&outcomes(returns.clone()), Policy::Hour), (premium(204_000.0), 0.0, 0, 0));
    returns.calls[1].input = 1_000;
    assert_is(of(&outcomes(returns), Policy::Hour), (premium(204_000.0), 0.0, 0, 0));
}

#[test]
fn where_the_client_chose_an_hour_itself_or_nothing_is_cached_there_is_nothing_to_choose() {
    let times: Vec<f64> = (0..12).map(|turn| f64::from(turn) * 400.0).collect();
    let subagent = Session { subagent: true, ..session(&times) };
    let chosen = session_at("s", Some(CacheTtl::OneHour), &times);
    for session in [chosen, subagent, session_at("s", None, &times)] {
        let outcomes = outcomes(session);
        for policy in [Policy::Hour, Policy::Leader, Policy::Foresight] {
            assert_eq!(of(&outcomes, policy), of(&outcomes, Policy::Ours));
        }
    }
}

#[test]
fn the_leader_follows_what_earned_more_in_the_project_before() {
    // Returns that no few warm-ups reach: an hour's marks earn there, warm-ups do not.
    let times: Vec<f64> = (0..8).map(|turn| f64::from(turn) * 3_000.0).collect();
    let all =
        replay(&[session(&times), session_at("t", Some(CacheTtl::FiveMinutes), &times)], prior(), || ());
    let first = outcomes(session(&times));
    assert_eq!(of(&first, Policy::Leader), of(&first, Policy::Ours), "nothing is known yet");
    let net = |outcomes: &Outcomes, policy| {
        let (spent, saved, ..) = of(outcomes, policy);
        saved - spent
    };
    let expected = net(&first, Policy::Ours) + net(&all[0].1, Policy::Hour) - net(&first, Policy::Hour);
    assert!((net(&all[0].1, Policy::Leader) - expected).abs() < 1e-9);
    assert!(net(&first, Policy::Hour) > net(&first, Policy::Ours));
}

#[test]
fn programs_get_the_policies_that_choose_behind_the_others_when_they_ask() {
    let report = Report::of(&replay(&[session(&[0.0, 400.0])], prior(), || ()), true);
    let json = serde_json::to_value(&report).unwrap();
    let names: Vec<_> = json["policies"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect();
    assert_eq!(names[4..], ["ours", "oracle", "hour", "leader", "foresight"]);
}

#[test]
fn a_model_whose_price_nobody_knows_is_left_alone() {
    let times: Vec<f64> = (0..12).map(|turn| f64::from(turn) * 400.0).collect();
    let mut unknown = session(&times);
    unknown.calls.iter_mut().for_each(|call| call.model = "house-brand".to_owned());
    assert_eq!(of(&outcomes(unknown), Policy::Ours), (0.0, 0.0, 0, 0));
}

#[test]
fn where_the_oracle_earns_nothing_every_share_is_zero() {
    let report = Report::of(&replay(&[session(&[0.0, 10.0])], prior(), || ()), false);
    let json = serde_json::to_value(&report).unwrap();
    assert!(json["policies"].as_array().unwrap().iter().all(|policy| policy["fraction_of_oracle"] == 0.0));
}

#[test]
fn people_read_a_table_that_fits_the_width() {
    let times: Vec<f64> = (0..12).map(|turn| f64::from(turn) * 400.0).collect();
    let long = "/home/somebody/some/folder/with/a/long/name\u{1b}[2J";
    let elsewhere = Session { project: long.to_owned(), ..session(&[0.0, 280.0]) };
    let text = table(&Report::of(&replay(&[session(&times), elsewhere], prior(), || ()), false));
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn a_log_of_claude_code_becomes_a_recording_without_a_word_of_it() {
    let sessions = convert(include_str!("tests/claude_code.jsonl")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&sessions).unwrap());
    let text = serde_json::to_string(&sessions).unwrap();
    for word in ["secret", "hunter2", "/home", "toolu", "msg_", "req_"] {
        assert!(!text.contains(word), "{word}");
    }
    let lines: Vec<_> = sessions.iter().map(|session| serde_json::to_string(session).unwrap()).collect();
    assert_eq!(read(&lines.join("\n")).unwrap(), sessions);
}

#[test]
fn a_line_of_a_log_that_is_no_entry_is_named() {
    let error =
        convert("{\"type\":\"summary\"}\n{\"type\":\"user\",\"timestamp\":\"yesterday\"}").unwrap_err();
    assert_eq!(error.number, 2);
}
