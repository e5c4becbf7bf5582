//! "Why not warm?": every answer, word for word.

use super::*;
use std::fmt::Write as _;

/// What a person is told of session "a" at `seconds`, and whether it is kept warm.
fn told(machine: &mut WarmerMachine, seconds: u64, paused: Option<WaitReason>) -> Explanation {
    let question = WarmerMessage::Explain(vec![("a".into(), paused)]);
    match machine.on(question, Moment::from_secs(seconds), &mut Vec::new()) {
        WarmerReply::Explained(mut all) => all.pop().expect("one for each"),
        other => panic!("{other:?}"),
    }
}

/// A machine, as this build brings it along, in which session "a", of a model with a price, spoke at second 0.
fn spoken() -> WarmerMachine {
    spoken_in(20, CacheTtl::FiveMinutes)
}

fn spoken_in(turns: u32, ttl: CacheTtl) -> WarmerMachine {
    let mut machine = WarmerMachine::new(true);
    say(&mut machine, 0, WarmerMessage::Recalled(memory()));
    let brief = Brief { model: "claude-sonnet-4-5".into(), ..brief("a") };
    let warmth = Warmth { turns, ttl, ..warmth(read(48_231), Duration::from_secs(15)) };
    say(&mut machine, 0, WarmerMessage::TurnSeen { brief, warmth: Ok(warmth) });
    machine
}

fn after(messages: impl IntoIterator<Item = WarmerMessage>) -> Explanation {
    let mut machine = spoken();
    for message in messages {
        say(&mut machine, 55, message);
    }
    told(&mut machine, 55, None)
}

fn unwarmable() -> WarmerMessage {
    let brief = Brief { model: "claude-sonnet-4-5".into(), ..brief("a") };
    WarmerMessage::Unwarmable { brief, why: "thinking.budget_tokens: too large".into() }
}

fn uncached() -> WarmerMessage {
    let brief = Brief { model: "claude-sonnet-4-5".into(), ..brief("a") };
    WarmerMessage::Refreshed { brief, start: Moment::from_secs(50), usage: written(48_231) }
}

fn cold(cold: Cold) -> WarmerMessage {
    WarmerMessage::TurnSeen { brief: brief("a"), warmth: Err(cold) }
}

fn of_others(count: usize) -> impl Iterator<Item = WarmerMessage> {
    let refreshed =
        WarmerMessage::Refreshed { brief: brief("b"), start: Moment::default(), usage: read(9_999) };
    std::iter::repeat_n(refreshed, count)
}

#[test]
fn each_answer_says_why_with_its_numbers() {
    let limit = WarmerMessage::LimitReached { session: "a".into(), spent: 104, limit: 100 };
    let mode = |mode| WarmerMessage::ModeSet("a".into(), mode);
    let refreshed = || {
        let brief = Brief { model: "claude-sonnet-4-5".into(), ..brief("a") };
        WarmerMessage::Refreshed { brief, start: Moment::from_secs(50), usage: read(48_231) }
    };
    let mut off = fresh(false);
    let mut silent = fresh(true);
    let mut answers = vec![
        ("warm", after([])),
        ("warm, refreshed twice", after([refreshed(), refreshed()])),
        ("to keep", after([mode(WarmingMode::Keep)])),
        ("refreshed three times", after([refreshed(), refreshed(), refreshed()])),
        ("young", told(&mut spoken_in(4, CacheTtl::FiveMinutes), 55, None)),
        ("an hour", told(&mut spoken_in(20, CacheTtl::OneHour), 55, None)),
        ("off in the settings", told(&mut off, 55, None)),
        ("not recalled", told(&mut silent, 55, None)),
        ("switched off", after([WarmerMessage::Switched(false)])),
        ("stopped", after([mode(WarmingMode::Stop)])),
        ("uncached", after([uncached(), uncached(), uncached()])),
        ("nothing cached", after([turn_of(brief("a"), super::uncached(48_231))])),
        ("refused", after([unwarmable()])),
        ("unused", after(of_others(WATCHED))),
        ("unknown", after([WarmerMessage::SessionEvicted("a".into())])),
        ("small", after([turn(812)])),
        ("small, and asked for", after([turn(812), WarmerMessage::Displaced("a".into())])),
        ("no price", after([turn_of(Brief { model: "house-brand".into(), ..brief("a") }, read(48_231))])),
        ("under way", after([WarmerMessage::TurnStarted("a".into())])),
        ("limit", after([limit])),
        ("expired", told(&mut spoken(), 1000, None)),
        ("refused token", told(&mut spoken(), 55, Some(WaitReason::Rejected))),
        ("stopped, refused token", {
            let mut machine = spoken();
            say(&mut machine, 55, mode(WarmingMode::Stop));
            told(&mut machine, 55, Some(WaitReason::Rejected))
        }),
    ];
    let why =
        [Cold::Dialect, Cold::Subagent, Cold::Unmarked, Cold::Thinking, Cold::Unfinished, Cold::Displaced];
    answers.extend(why.map(|why| ("cold", after([cold(why)]))));
    let mut text = String::new();
    for (case, Explanation { mode, is_warm, why }) in answers {
        assert_eq!(is_warm, why.starts_with("Kept warm: "), "{why}");
        writeln!(text, "{case} ({mode})\n  {why}").expect("room");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn warming_as_a_whole_says_how_it_stands() {
    let mut text = String::new();
    for messages in [vec![], vec![WarmerMessage::Switched(false)], of_others(WATCHED).collect()] {
        let mut machine = spoken();
        for message in messages {
            say(&mut machine, 55, message);
        }
        let reply = machine.on(WarmerMessage::Describe, Moment::from_secs(55), &mut Vec::new());
        let WarmerReply::Described(Overview { is_on, why, held }) = reply else { panic!("{reply:?}") };
        writeln!(text, "{is_on} {held} {why}").expect("room");
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_is_told_is_what_is_done() {
    for seconds in [275, 276, 299, 300] {
        let mut machine = spoken();
        let warm = told(&mut machine, seconds, None).is_warm;
        assert_eq!(is_warmed(&mut machine, seconds), warm && seconds >= 276, "{seconds}");
    }
}
