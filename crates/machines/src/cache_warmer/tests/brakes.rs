//! What holds warming back, and what lets it go on.

use super::*;
use domain::price::Price;

const HOUR: u64 = 3600;

fn evicted_and_back(machine: &mut WarmerMachine, seconds: u64) {
    say(machine, seconds, WarmerMessage::SessionEvicted("a".into()));
    say(machine, seconds, turn(50_000));
}

/// Turns and warm-ups of session "a", each of which brings this, from `at` on; how many went out, and the pauses that began.
fn warm_ups(machine: &mut WarmerMachine, from: u64, count: u64, usage: Usage) -> (u64, Vec<PauseCause>) {
    let (mut sent, mut pauses) = (0, Vec::new());
    for at in (0..count).map(|number| from + number * 1000) {
        say(machine, at, turn(50_000));
        if is_warmed(machine, at + 275) {
            sent += 1;
            let effects = brought(machine, at + 275, usage);
            pauses.extend(effects.iter().filter_map(|effect| match effect {
                WarmerEffect::Paused { pause, .. } => Some(pause.cause),
                _ => None,
            }));
        }
    }
    (sent, pauses)
}

#[test]
fn nothing_is_warmed_before_the_store_said_whether_it_may() {
    let mut machine = fresh(true);
    say(&mut machine, 0, turn(50_000));
    assert!(!is_warmed(&mut machine, 275));
    let recalled = say(&mut machine, 276, WarmerMessage::Recalled(memory()));
    assert_eq!(armed(&recalled), Some(4), "a breath after the last look");
    assert!(is_warmed(&mut machine, 280));
}

#[test]
fn a_switch_that_is_off_stops_all_at_once_and_on_lets_them_go_on() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    assert_eq!(armed(&say(&mut machine, 100, WarmerMessage::Switched(false))), None);
    assert!(!is_warmed(&mut machine, 275));
    say(&mut machine, 276, WarmerMessage::Switched(true));
    assert!(is_warmed(&mut machine, 280));
}

#[test]
fn what_a_person_says_is_newer_than_what_the_store_remembers() {
    let mut machine = fresh(true);
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 0, WarmerMessage::Switched(false));
    say(&mut machine, 1, WarmerMessage::Recalled(memory()));
    assert!(!is_warmed(&mut machine, 275));
    let mut machine = fresh(true);
    say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), WarmingMode::Auto));
    let modes = vec![("a".into(), WarmingMode::Stop)];
    say(&mut machine, 0, WarmerMessage::Recalled(Memory { modes, ..memory() }));
    say(&mut machine, 0, turn(50_000));
    assert!(is_warmed(&mut machine, 275));
}

#[test]
fn what_was_decided_holds_over_a_restart() {
    let modes = vec![("a".into(), WarmingMode::Stop)];
    let pause = Pause { cause: PauseCause::Refused, said: String::new(), until: Moment::from_secs(HOUR) };
    let pauses = |bucket| vec![(bucket, pause.clone())];
    let one = bucket(&brief("a"));
    for kept in [
        Memory { on: false, ..memory() },
        Memory { modes, ..memory() },
        Memory { pauses: pauses(Some(one)), ..memory() },
        Memory { pauses: pauses(None), ..memory() },
    ] {
        let mut machine = fresh(true);
        say(&mut machine, 0, WarmerMessage::Recalled(kept.clone()));
        say(&mut machine, 0, turn(50_000));
        assert!(!is_warmed(&mut machine, 275), "{kept:?}");
    }
}

#[test]
fn a_warmer_that_is_off_only_does_what_a_person_asks() {
    let mut machine = fresh(false);
    say(&mut machine, 0, WarmerMessage::Recalled(memory()));
    say(&mut machine, 0, WarmerMessage::Switched(true));
    say(&mut machine, 0, turn(50_000));
    assert!(!is_warmed(&mut machine, 275), "the switch is a brake: it does not overrule the settings");
    assert!(starts(&say(&mut machine, 276, WarmerMessage::WarmNow(brief("a")))));
}

#[test]
fn a_stopped_session_is_left_alone_and_the_others_are_not() {
    let mut machine = machine();
    say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), WarmingMode::Stop));
    say(&mut machine, 0, turn(50_000));
    say(&mut machine, 0, turn_of(brief("b"), read(50_000)));
    let effects = say(&mut machine, 275, WarmerMessage::WarmupDue);
    assert!(effects.contains(&WarmerEffect::Job(JobEffect::Ask(brief("b")))));
    assert!(!effects.contains(&WarmerEffect::Job(JobEffect::Ask(brief("a")))));
    say(&mut machine, 276, WarmerMessage::ModeSet("a".into(), WarmingMode::Auto));
    assert!(is_warmed(&mut machine, 280));
}

#[test]
fn a_session_to_keep_is_held_as_long_as_one_return_still_pays() {
    let mut machine = machine();
    say(&mut machine, 0, WarmerMessage::ModeSet("a".into(), WarmingMode::Keep));
    say(&mut machine, 0, turn(50_000));
    let mut sent = 0;
    for at in (1..30).map(|cycle| cycle * 275) {
        if is_warmed(&mut machine, at) {
            sent += 1;
            brought(&mut machine, at, read(50_000));
        }
    }
    assert_eq!(sent, 11);
    let price = credit::price(&brief("a"));
    let longest =
        |ttl| [WarmingMode::Keep, WarmingMode::Auto].map(|mode| longest_hold(price, ttl, mode).as_secs());
    assert_eq!(longest(CacheTtl::FiveMinutes), [HOUR, HOUR]);
    assert_eq!(longest(CacheTtl::OneHour), [20 * HOUR, 4 * HOUR]);
}

#[test]
fn three_warm_ups_that_came_back_uncached_pause_that_cache_for_six_hours_whatever_its_agent_does() {
    let mut machine = machine();
    let (sent, pauses) = warm_ups(&mut machine, 0, 10, written(50_000));
    assert_eq!((sent, pauses), (3, vec![PauseCause::Uncached]));
    evicted_and_back(&mut machine, 5 * HOUR);
    assert!(!is_warmed(&mut machine, 5 * HOUR + 275));
    say(&mut machine, 9 * HOUR, turn(50_000));
    assert!(is_warmed(&mut machine, 9 * HOUR + 275));
}

#[test]
fn input_that_was_neither_read_nor_written_is_uncached_too_and_keeps_nothing_alive() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    brought(&mut machine, 275, Usage { input: 50_000, ..Usage::default() });
    assert!(!is_warmed(&mut machine, 551), "the cache expired as if nobody had asked");
    let (sent, pauses) = warm_ups(&mut machine, 1000, 10, Usage { input: 50_000, ..Usage::default() });
    assert_eq!((sent, pauses), (2, vec![PauseCause::Uncached]));
}

#[test]
fn a_clean_warm_up_between_two_misses_starts_the_count_anew() {
    let mut machine = machine();
    for round in 0..5 {
        let (sent, pauses) = warm_ups(&mut machine, round * 10_000, 2, written(50_000));
        assert_eq!((sent, pauses), (2, vec![]), "{round}");
        warm_ups(&mut machine, round * 10_000 + 5_000, 1, read(50_000));
    }
}

#[test]
fn a_breaker_is_one_of_a_session_a_model_and_an_upstream() {
    let mut machine = machine();
    warm_ups(&mut machine, 0, 3, written(50_000));
    let others = [Brief { model: "claude-opus-4-5".into(), ..brief("a") }, brief("b")];
    for other in others {
        say(&mut machine, 5_000, turn_of(other.clone(), read(50_000)));
        let effects = say(&mut machine, 5_275, WarmerMessage::WarmupDue);
        assert!(effects.contains(&WarmerEffect::Job(JobEffect::Ask(other))), "{effects:?}");
        end(&mut machine, 5_276);
    }
}

fn refuse(machine: &mut WarmerMachine, seconds: u64) -> Vec<WarmerEffect> {
    let why = "thinking.budget_tokens: too large".to_owned();
    let effects = say(machine, seconds, WarmerMessage::Unwarmable { brief: brief("a"), why });
    end(machine, seconds);
    effects
}

#[test]
fn a_refused_replay_disables_the_session_at_once_whatever_its_agent_does_and_is_let_go() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    let effects = refuse(&mut machine, 276);
    assert!(effects.contains(&WarmerEffect::Forget("a".into())));
    assert!(matches!(&effects[..], [.., WarmerEffect::Paused { bucket: Some(_), pause }, _]
        if pause.cause == PauseCause::Refused && pause.said.contains("budget_tokens")));
    assert!(!is_warmed(&mut machine, 280));
    say(&mut machine, 300, turn(50_000));
    assert!(!is_warmed(&mut machine, 575), "the next turn would be refused alike");
    say(&mut machine, 7 * HOUR, turn(50_000));
    assert!(is_warmed(&mut machine, 7 * HOUR + 275));
}

#[test]
fn a_person_who_sets_a_sessions_mode_has_its_paused_caches_tried_again() {
    for (mode, warmed) in [(WarmingMode::Auto, true), (WarmingMode::Keep, true), (WarmingMode::Stop, false)] {
        let mut machine = machine();
        say(&mut machine, 0, turn(50_000));
        refuse(&mut machine, 1);
        say(&mut machine, 2, WarmerMessage::ModeSet("a".into(), mode));
        assert_eq!(is_warmed(&mut machine, 275), warmed, "{mode}");
    }
}

#[test]
fn too_few_returns_after_many_warm_ups_pause_all_warming_for_six_hours() {
    let mut machine = machine();
    let (sent, pauses) = warm_ups(&mut machine, 0, 60, read(50_000));
    assert_eq!((sent, pauses), (WATCHED as u64, vec![PauseCause::Unused]));
    let after = 40_000 + 6 * HOUR;
    say(&mut machine, after, turn_of(brief("b"), read(50_000)));
    assert!(is_warmed(&mut machine, after + 275), "and then it is tried again");
    let (sent, _) = warm_ups(&mut machine, after + 1000, 60, read(50_000));
    assert_eq!(sent, WATCHED as u64, "with a fresh record");
}

#[test]
fn warming_goes_on_as_long_as_one_in_fifteen_warm_ups_is_used() {
    let mut machine = machine();
    for round in 0..20 {
        let from = round * 16_000;
        let (sent, pauses) = warm_ups(&mut machine, from, 14, read(50_000));
        assert_eq!((sent, pauses), (14, vec![]), "{round}");
        say(&mut machine, from + 14_000, turn(50_000));
        is_warmed(&mut machine, from + 14_275);
        brought(&mut machine, from + 14_275, read(50_000));
        say(&mut machine, from + 14_400, turn(50_000));
    }
}

#[test]
fn a_person_who_switches_warming_on_ends_its_pause() {
    let mut machine = machine();
    warm_ups(&mut machine, 0, WATCHED as u64, read(50_000));
    say(&mut machine, 41_000, turn(50_000));
    assert!(!is_warmed(&mut machine, 41_275));
    say(&mut machine, 41_276, WarmerMessage::Switched(true));
    assert!(is_warmed(&mut machine, 41_280));
}

#[test]
fn what_was_counted_before_a_restart_counts_on() {
    let mut machine = fresh(true);
    let counted = Memory { refreshes: 39, returns: 1, ..memory() };
    say(&mut machine, 0, WarmerMessage::Recalled(counted));
    let (sent, pauses) = warm_ups(&mut machine, 0, 5, read(50_000));
    assert_eq!((sent, pauses), (1, vec![PauseCause::Unused]));
}

#[test]
fn a_reached_limit_leaves_the_session_alone_until_its_next_turn() {
    let mut machine = machine();
    say(&mut machine, 0, turn(50_000));
    is_warmed(&mut machine, 275);
    let limit = WarmerMessage::LimitReached { session: "a".into(), spent: 101, limit: 100 };
    say(&mut machine, 276, limit);
    end(&mut machine, 276);
    assert!(!is_warmed(&mut machine, 282));
    say(&mut machine, 290, turn(50_000));
    assert!(is_warmed(&mut machine, 565));
}

#[test]
fn a_text_of_a_provider_is_kept_only_so_far() {
    let pause = Pause::begin(PauseCause::Refused, &"x".repeat(10_000), Moment::default());
    assert_eq!(pause.said.len(), 200);
}

#[test]
fn whatever_a_price_list_says_nobody_is_waited_for_without_end() {
    let hour = Duration::from_secs(3600);
    let held = |read, write| {
        longest_hold(Price::from([1.0, 1.0, read, write, write]), CacheTtl::OneHour, WarmingMode::Keep)
    };
    for (read, write) in [(0.0, 1e6), (1e-12, 1e6), (1e6, 0.0), (0.0, 0.0)] {
        assert!(held(read, write) <= 101 * hour, "{read} {write}");
    }
    assert_eq!(held(0.1, 2.0), 20 * hour);
}

#[test]
fn a_cache_that_is_paused_lets_its_request_go() {
    let mut machine = machine();
    let lets_go = |effects: &[WarmerEffect]| effects.contains(&WarmerEffect::Forget("a".into()));
    warm_ups(&mut machine, 0, 2, written(50_000));
    say(&mut machine, 5_000, turn(50_000));
    assert!(is_warmed(&mut machine, 5_275));
    assert!(lets_go(&brought(&mut machine, 5_275, written(50_000))));
}

#[test]
fn misses_of_before_a_session_left_memory_are_past() {
    let mut machine = machine();
    for from in [0, 10_000, 20_000] {
        assert_eq!(warm_ups(&mut machine, from, 2, written(50_000)), (2, vec![]));
        say(&mut machine, from + 2_500, WarmerMessage::SessionEvicted("a".into()));
    }
}

#[test]
fn a_pause_is_over_at_its_end() {
    let pause = Pause::begin(PauseCause::Unused, "", Moment::default());
    let (end, last) = (pause.until, Moment(pause.until.0 - 1));
    let record = Record::remembered(0, 0, Some(pause.clone()));
    assert_eq!((record.pause(last), record.pause(end)), (Some(&pause), None));
    let (mut breakers, bucket) = (Breakers::default(), bucket(&brief("a")));
    breakers.open(&bucket, pause.clone());
    assert_eq!((breakers.pause(&bucket, last), breakers.pause(&bucket, end)), (Some(&pause), None));
}
