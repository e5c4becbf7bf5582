//! What holds of every tally, curve and decision, and what the built-in prior leads to.

use super::*;
use domain::conversation::CacheTtl;
use domain::price::Price;
use proptest::prelude::*;
use std::time::Duration;

fn wait(awaited: Awaited, ttl: CacheTtl) -> Wait {
    let price = Price::listed("claude-opus-4-6");
    Wait { awaited, answered_in: Some(Duration::from_secs(10)), ttl, tokens: 100_000, turns: 20, price }
}

fn human() -> Wait {
    wait(Awaited::Human, CacheTtl::FiveMinutes)
}

fn place(session: &str) -> Place {
    Place { session: session.into(), project: "a project".into() }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What is advised just before the cache of the agent's own call would expire.
fn first(book: &Book, wait: &Wait) -> Advice {
    book.advise(&place("a"), wait, seconds(300) - lead(wait.tokens), seconds(300))
}

fn returning(after: u64, times: usize) -> Book {
    let mut book = Book::with_prior(Habits::default());
    (0..times).for_each(|_| book.learn(&place("a"), &human(), Gap::Returned(seconds(after))));
    book
}

fn any_gap() -> impl Strategy<Value = Gap> {
    prop_oneof![
        (0..400_000_u64).prop_map(|after| Gap::Returned(seconds(after))),
        (0..400_000_u64).prop_map(|after| Gap::Away(seconds(after))),
        Just(Gap::Gone),
    ]
}

fn any_price() -> impl Strategy<Value = Price> {
    prop::array::uniform5(0.01..20.0).prop_map(Price::from)
}

fn any_wait() -> impl Strategy<Value = Wait> {
    let awaited = prop_oneof![Just(Awaited::Human), Just(Awaited::Tool)];
    let ttl = prop_oneof![Just(CacheTtl::FiveMinutes), Just(CacheTtl::OneHour)];
    let answered_in = prop::option::of((0..10_000_u64).prop_map(Duration::from_millis));
    let tokens = prop_oneof![0..10_000_u64, 0..2_000_000_u64];
    (awaited, ttl, answered_in, tokens, 0..10_u32, any_price()).prop_map(
        |(awaited, ttl, answered_in, tokens, turns, price)| Wait {
            answered_in,
            tokens,
            turns,
            price: Some(price),
            ..wait(awaited, ttl)
        },
    )
}

fn taught(lessons: &[(Wait, Gap)]) -> Book {
    let mut book = Book::default();
    lessons.iter().for_each(|(wait, gap)| book.learn(&place("a"), wait, *gap));
    book
}

proptest! {
    #[test]
    fn the_chance_to_be_away_starts_at_one_and_only_falls(
        lessons in prop::collection::vec((any_wait(), any_gap()), 0..40),
        wait in any_wait(),
        mut times in prop::collection::vec(0.0..500_000.0, 2..20),
    ) {
        let curve = taught(&lessons).curve(&place("a"), &wait);
        times.sort_by(f64::total_cmp);
        prop_assert!((curve.away(0.0) - 1.0).abs() < 1e-12);
        for pair in times.windows(2) {
            prop_assert!(curve.away(pair[1]) <= curve.away(pair[0]) + 1e-12);
            prop_assert!(curve.away(pair[1]) > 0.0);
        }
    }

    #[test]
    fn advice_never_pays_more_for_holding_than_a_loss_could_ever_cost(
        lessons in prop::collection::vec((any_wait(), any_gap()), 0..40),
        wait in any_wait(),
        waited in 0..100_000_u64,
    ) {
        let expiry = seconds(waited) + lead(wait.tokens);
        let advice = taught(&lessons).advise(&place("a"), &wait, seconds(waited), expiry);
        prop_assert!(advice.chance <= 1000);
        prop_assert!(!advice.is_to_warm() || advice.hold < advice.loss);
        prop_assert!(!advice.is_to_warm() || (wait.turns >= 5 && wait.tokens >= 4_096));
    }

    #[test]
    fn habits_survive_being_written_down(lessons in prop::collection::vec((any_wait(), any_gap()), 0..40)) {
        let habits = taught(&lessons).everybody().clone();
        let text = serde_json::to_string(&habits).unwrap();
        prop_assert!(text.len() < 2_000, "{} bytes", text.len());
        prop_assert_eq!(serde_json::from_str::<Habits>(&text).unwrap(), habits);
    }

    #[test]
    fn the_longer_the_prefix_the_earlier_the_warm_up_but_never_before_half_the_shortest_life(
        tokens in 0..u64::MAX, more in 0..u64::MAX,
    ) {
        prop_assert!(lead(tokens) <= lead(tokens.saturating_add(more)));
        prop_assert!(lead(tokens) < seconds(150));
    }
}

#[test]
fn a_session_whose_agent_comes_back_within_the_refreshed_life_is_held() {
    let advice = first(&returning(420, 40), &human());
    assert_eq!(advice.ground, Ground::Pays);
    assert!(advice.chance > 300, "{advice:?}");
}

#[test]
fn one_whose_agent_never_comes_back_after_the_expiry_is_let_go() {
    let mut book = returning(30, 40);
    (0..40).for_each(|_| book.learn(&place("a"), &human(), Gap::Gone));
    assert_eq!(first(&book, &human()).ground, Ground::DoesNotPay);
}

#[test]
fn several_cycles_are_held_for_a_return_that_none_of_them_alone_would_reach() {
    let book = returning(1_100, 40);
    let advice = first(&book, &human());
    assert!(advice.chance < 100, "the first cycle alone does not pay: {advice:?}");
    assert_eq!(advice.ground, Ground::Pays);
}

#[test]
fn what_was_waited_already_counts() {
    let mut book = returning(400, 30);
    (0..30).for_each(|_| book.learn(&place("a"), &human(), Gap::Gone));
    assert!(first(&book, &human()).is_to_warm());
    let later = book.advise(&place("a"), &human(), seconds(3_000), seconds(3_030));
    assert_eq!(later.ground, Ground::DoesNotPay, "whoever is away that long does not return");
}

#[test]
fn the_own_session_counts_most_the_project_less_and_others_least() {
    let mut book = Book::with_prior(Habits::default());
    (0..60).for_each(|_| book.learn(&place("a"), &human(), Gap::Returned(seconds(400))));
    let elsewhere = Place { session: "c".into(), project: "another".into() };
    let away = |place: &Place| book.curve(place, &human()).away(600.0);
    assert!(away(&place("a")) < away(&place("b")), "same project");
    assert!(away(&place("b")) < away(&elsewhere), "another project");
    assert!(away(&elsewhere) < Book::with_prior(Habits::default()).curve(&elsewhere, &human()).away(600.0));
}

#[test]
fn people_and_tools_are_told_apart() {
    let mut book = Book::with_prior(Habits::default());
    let tool = wait(Awaited::Tool, CacheTtl::FiveMinutes);
    (0..60).for_each(|_| book.learn(&place("a"), &tool, Gap::Returned(seconds(400))));
    let untaught = Book::with_prior(Habits::default());
    let away = |book: &Book, wait: &Wait| book.curve(&place("a"), wait).away(600.0);
    assert_eq!(away(&book, &human()), away(&untaught, &human()));
    assert!(away(&book, &tool) < away(&untaught, &tool));
}

#[test]
fn a_wait_that_was_lost_sight_of_says_nothing_about_later() {
    let mut book = returning(1_000, 20);
    let before = book.curve(&place("a"), &human());
    (0..20).for_each(|_| book.learn(&place("a"), &human(), Gap::Away(seconds(610))));
    let after = book.curve(&place("a"), &human());
    let later = |curve: &Curve| curve.away(1_200.0) / curve.away(600.0);
    assert!((later(&before) - later(&after)).abs() < 1e-9);
    assert!(after.away(600.0) >= before.away(600.0));
}

#[test]
fn after_a_long_answer_a_person_is_likelier_to_return_and_a_tool_is_not() {
    let answered =
        |awaited, after| Wait { answered_in: Some(seconds(after)), ..wait(awaited, CacheTtl::FiveMinutes) };
    assert!(answered(Awaited::Human, 40).haste() > 2 * answered(Awaited::Human, 4).haste());
    assert_eq!(answered(Awaited::Tool, 40).haste(), answered(Awaited::Tool, 4).haste());
    let book = Book::default();
    assert!(
        first(&book, &answered(Awaited::Human, 40)).chance
            > first(&book, &answered(Awaited::Human, 4)).chance
    );
}

#[test]
fn young_sessions_and_small_prefixes_are_left_alone_whatever_their_chance() {
    let book = returning(420, 40);
    assert_eq!(first(&book, &Wait { turns: 4, ..human() }).ground, Ground::TooFewTurns);
    assert_eq!(first(&book, &Wait { tokens: 4_095, ..human() }).ground, Ground::TooSmall);
    assert!(first(&book, &Wait { turns: 5, tokens: 4_096, ..human() }).is_to_warm());
}

#[test]
fn an_hour_is_only_held_with_money_that_was_earned_in_the_project() {
    let hour = wait(Awaited::Human, CacheTtl::OneHour);
    let mut book = returning(4_000, 40);
    let late = |book: &Book| book.advise(&place("b"), &hour, seconds(3_500), seconds(3_600)).ground;
    assert_eq!(late(&book), Ground::NotEarned);
    book.save(&place("a"), hour.hold() * 1.5);
    assert_eq!(late(&book), Ground::Pays);
    book.spend(&place("a"), hour.hold());
    assert_eq!(late(&book), Ground::NotEarned, "half a warm-up is left");
}

#[test]
fn five_minutes_have_a_credit_of_twenty_warm_ups_and_one_for_each_wait_that_outlived_a_cache() {
    let mut book = returning(420, 40);
    (0..40).for_each(|_| book.learn(&place("a"), &human(), Gap::Returned(seconds(200))));
    for _ in 0..60 {
        assert_eq!(first(&book, &human()).ground, Ground::Pays);
        book.spend(&place("a"), human().hold());
    }
    assert_eq!(first(&book, &human()).ground, Ground::NotEarned);
}

#[test]
fn the_built_in_prior_holds_a_pause_of_a_person_and_of_a_tool_and_gives_up_in_time() {
    let book = Book::default();
    for awaited in [Awaited::Human, Awaited::Tool] {
        let wait = wait(awaited, CacheTtl::FiveMinutes);
        let step = seconds(300) - lead(wait.tokens);
        let held = (1..100_u32).take_while(|cycle| {
            let expiry = step * (cycle - 1) + seconds(300);
            book.advise(&place("a"), &wait, step * *cycle, expiry).is_to_warm()
        });
        let held = held.count();
        assert!((1..=11).contains(&held), "{awaited:?}: {held}");
    }
}

#[test]
fn a_model_whose_reads_are_cheap_is_held_longer() {
    let book = Book::default();
    let cheap = Wait { price: Price::listed("claude-opus-5-5"), ..human() };
    let held = |wait: &Wait| {
        let step = seconds(300) - lead(wait.tokens);
        (1..100_u32)
            .take_while(|cycle| {
                let expiry = step * (cycle - 1) + seconds(300);
                book.advise(&place("a"), wait, step * *cycle, expiry).is_to_warm()
            })
            .count()
    };
    assert!(held(&cheap) > held(&human()));
}
