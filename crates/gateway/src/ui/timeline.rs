//! When a session's cache was warm and when it was cold, as far as the provider's own counts tell.
//!
//! A turn or a warm-up that read or wrote a cache starts its time to live anew. Which one that is shows where something was written;
//! of a provider that never counts writes nobody knows how long it keeps a cache, and nothing is drawn.

use super::figures::{Clock, clock, counted};
use domain::conversation::Usage;
use domain::time::UnixMillis;
use maud::{Markup, html};
use store::{CountedTurn, PaidCall};

/// The longest stretch that is drawn, in milliseconds: a day before the last touch.
const LONGEST: i64 = 86_400_000;
const FIVE_MINUTES: i64 = 300_000;
const HOUR: i64 = 3_600_000;
/// The width of the picture, in its own units.
const WIDTH: f64 = 1000.0;
/// The most rows of the table below it.
const MOST_ROWS: usize = 60;

/// What touched a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// A turn of the agent.
    Turn,
    /// A warm-up.
    WarmUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Touch {
    at: i64,
    by: By,
    usage: Usage,
}

/// A stretch in which the cache was in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    from: i64,
    to: i64,
    /// What made it warm; nothing when it was cold.
    by: Option<By>,
}

/// A picture of the past of one cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Timeline {
    touches: Vec<Touch>,
    spans: Vec<Span>,
}

impl Timeline {
    /// The past that these make, up to `now`; none when nothing ever showed how long the cache lives.
    pub(super) fn of(turns: &[CountedTurn], warm_ups: &[PaidCall], now: UnixMillis) -> Option<Self> {
        let turns = turns.iter().map(|turn| Touch { at: turn.at.0, by: By::Turn, usage: turn.usage });
        let calls = warm_ups.iter().map(|call| Touch { at: call.at.0, by: By::WarmUp, usage: call.usage });
        let mut touches: Vec<Touch> = turns.chain(calls).collect();
        touches.sort_by_key(|touch| touch.at);
        let last = touches.last()?.at;
        touches.retain(|touch| touch.at >= last - LONGEST);
        let spans = spans(&touches, now.0);
        (!spans.is_empty()).then_some(Self { touches, spans })
    }

    fn bounds(&self) -> (i64, i64) {
        let from = self.spans.first().map_or(0, |span| span.from);
        (from, self.spans.last().map_or(from, |span| span.to).max(from + 1))
    }

    /// How much of its time the cache was warm, in percent, and how much of it thanks to warm-ups.
    fn shares(&self) -> (u32, u32) {
        let (from, to) = self.bounds();
        let share = |counts: fn(&Span) -> bool| {
            let sum: i64 =
                self.spans.iter().filter(|span| counts(span)).map(|span| span.to - span.from).sum();
            (sum as f64 / (to - from) as f64 * 100.0).round() as u32
        };
        (share(|span| span.by.is_some()), share(|span| span.by == Some(By::WarmUp)))
    }

    fn count(&self, by: By) -> u64 {
        self.touches.iter().filter(|touch| touch.by == by).count() as u64
    }

    /// What the picture shows, in words.
    fn summary(&self) -> String {
        let (warm, held) = self.shares();
        let turns = counted(self.count(By::Turn), "turn", "turns");
        let warm_ups = counted(self.count(By::WarmUp), "warm-up", "warm-ups");
        format!(
            "Warm for {warm} % of the time shown, {held} % of it thanks to warm-ups; {turns}, {warm_ups}."
        )
    }

    /// Whether a clock without seconds would say the same at both ends.
    fn hands(&self) -> Clock {
        let (from, to) = self.bounds();
        if to - from < 2 * FIVE_MINUTES { Clock::ToTheSecond } else { Clock::ToTheMinute }
    }

    /// The picture, its axis and legend, and the same as a table.
    pub(super) fn draw(&self) -> Markup {
        let (from, to) = self.bounds();
        html! {
            figure {
                (self.strip(from, to))
                div.axis.five aria-hidden="true" {
                    @for quarter in 0..=4 { span { (clock(UnixMillis(from + (to - from) * quarter / 4), self.hands())) } }
                }
            }
            p.small.soft { (self.summary()) }
            (legend())
            (self.table())
        }
    }

    fn strip(&self, from: i64, to: i64) -> Markup {
        let place = |at: i64| (at.clamp(from, to) - from) as f64 / (to - from) as f64 * WIDTH;
        html! {
            svg.strip viewBox="0 0 1000 48" preserveAspectRatio="none" role="img" aria-label=(self.summary()) {
                @for span in &self.spans {
                    @let (x, end) = (place(span.from), place(span.to));
                    rect class=(word(span.by)) x=(short(x)) y="8" width=(short(end - x)) height="32" {}
                }
                @for touch in &self.touches {
                    @let x = short(place(touch.at) - 0.75);
                    @match touch.by {
                        By::Turn => rect.turn x=(x) y="2" width="1.5" height="44" {},
                        By::WarmUp => rect.refresh x=(x) y="16" width="3" height="16" {},
                    }
                }
            }
        }
    }

    fn table(&self) -> Markup {
        let left_out = self.spans.len().saturating_sub(MOST_ROWS);
        html! {
            details {
                summary { "The same as a table" }
                div.scroll tabindex="0" role="region" aria-label="Cache spans" {
                    table {
                        caption { "Spans of the cache, the oldest first" @if left_out > 0 { ", without the first " (left_out) } }
                        thead { tr { th scope="col" { "From" } th scope="col" { "To" } th scope="col" { "State" } } }
                        tbody {
                            @for span in &self.spans[left_out..] {
                                tr { td { (clock(UnixMillis(span.from), Clock::ToTheSecond)) } td { (clock(UnixMillis(span.to), Clock::ToTheSecond)) } td { (told(span.by)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A number for the picture; more digits than these nobody sees.
fn short(number: f64) -> String {
    format!("{number:.1}")
}

const fn word(by: Option<By>) -> &'static str {
    match by {
        Some(By::Turn) => "warm",
        Some(By::WarmUp) => "held",
        None => "cold",
    }
}

const fn told(by: Option<By>) -> &'static str {
    match by {
        Some(By::Turn) => "warm from a turn",
        Some(By::WarmUp) => "held warm by a warm-up",
        None => "cold",
    }
}

fn legend() -> Markup {
    super::legend::legend(&[
        ("warm", "warm from a turn"),
        ("held", "held warm by a warm-up"),
        ("cold", "cold"),
        ("turn", "a turn"),
        ("refresh", "a warm-up"),
    ])
}

/// How the cache stood from its first touch to `now`, or to a tenth of the whole after it went cold for good.
fn spans(touches: &[Touch], now: i64) -> Vec<Span> {
    let (mut spans, mut lives, mut before): (Vec<Span>, Option<i64>, Option<(Touch, i64)>) =
        (Vec::new(), None, None);
    for touch in touches {
        let cached = touch.usage.cache_read + touch.usage.cache_write_5m + touch.usage.cache_write_1h;
        lives = time_to_live(&touch.usage).or(lives);
        let Some(lives) = lives.filter(|_| cached > 0) else { continue };
        if let Some((last, until)) = before {
            lay(&mut spans, last, until, touch.at);
        }
        let until = before.map_or(0, |(_, until)| until).max(touch.at + lives);
        before = Some((*touch, until));
    }
    if let Some((last, until)) = before {
        let first = spans.first().map_or(last.at, |span| span.from);
        let end = now.min(until + (until - first) / 10).max(last.at);
        lay(&mut spans, last, until, end);
    }
    spans
}

/// Warm from `last` until `until`, and cold from there to `end`, if that comes later.
fn lay(spans: &mut Vec<Span>, last: Touch, until: i64, end: i64) {
    let warm = Span { from: last.at, to: until.min(end), by: Some(last.by) };
    let cold = Span { from: until, to: end, by: None };
    spans.extend([warm, cold].into_iter().filter(|span| span.from < span.to));
}

const fn time_to_live(usage: &Usage) -> Option<i64> {
    match (usage.cache_write_1h, usage.cache_write_5m) {
        (1.., _) => Some(HOUR),
        (0, 1..) => Some(FIVE_MINUTES),
        (0, 0) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;

    fn turn(minute: i64, read: u64, written: u64) -> Touch {
        let usage = Usage { cache_read: read, cache_write_5m: written, ..Usage::default() };
        Touch { at: minute * MINUTE, by: By::Turn, usage }
    }

    fn minutes(touches: &[Touch], now: i64) -> Vec<(i64, i64, &'static str)> {
        let spans = spans(touches, now * MINUTE);
        spans.iter().map(|span| (span.from / MINUTE, span.to / MINUTE, word(span.by))).collect()
    }

    #[test]
    fn a_touch_keeps_the_cache_warm_for_its_time_to_live_and_the_next_one_starts_it_anew() {
        let warm_up = Touch { by: By::WarmUp, ..turn(4, 9, 0) };
        let told = minutes(&[turn(0, 0, 9), warm_up, turn(30, 0, 9)], 32);
        assert_eq!(told, [(0, 4, "warm"), (4, 9, "held"), (9, 30, "cold"), (30, 32, "warm")]);
    }

    #[test]
    fn an_hours_cache_is_warm_for_an_hour_and_what_cached_nothing_changes_nothing() {
        let mut hourly = turn(0, 0, 0);
        hourly.usage.cache_write_1h = 1;
        assert_eq!(minutes(&[hourly, turn(10, 0, 0)], 500), [(0, 60, "warm"), (60, 66, "cold")]);
    }

    #[test]
    fn of_a_provider_that_counts_no_writes_nothing_is_drawn() {
        assert_eq!(minutes(&[turn(0, 9, 0), turn(1, 9, 0)], 9), []);
        assert_eq!(Timeline::of(&[], &[], UnixMillis(9)), None);
    }

    proptest! {
        #[test]
        fn spans_follow_each_other_without_a_gap_and_end_by_now(
            mut steps in proptest::collection::vec((0i64..500, 0u64..2, 0u64..2, 0u64..2, any::<bool>()), 1..40),
            ahead in 0i64..900,
        ) {
            steps.sort_by_key(|step| step.0);
            let touch = |&(minute, read, five, hour, by)| {
                let usage = Usage { cache_read: read, cache_write_5m: five, cache_write_1h: hour, ..Usage::default() };
                Touch { at: minute * MINUTE, by: if by { By::Turn } else { By::WarmUp }, usage }
            };
            let touches: Vec<Touch> = steps.iter().map(touch).collect();
            let now = touches[touches.len() - 1].at + ahead * MINUTE;
            let spans = spans(&touches, now);
            for pair in spans.windows(2) {
                prop_assert_eq!(pair[0].to, pair[1].from);
            }
            for span in &spans {
                prop_assert!(span.from < span.to && span.to <= now, "{:?}", span);
            }
        }
    }
}
