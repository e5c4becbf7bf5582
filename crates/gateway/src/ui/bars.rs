//! Charts of costs: what was saved goes up, what was spent goes down, and what is left of it stands in the table beside.

use super::figures::dollars;
use super::text::text;
use crate::admin::shown::time;
use domain::time::{DAY, UnixMillis};
use maud::{Markup, html};
use store::Costs;

/// The width and the height of the chart, in its own units, and what stays free at its edges.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 160.0;
const EDGE: f64 = 6.0;
/// The most rows of a table, and lines of a chart.
pub(super) const MOST_LINES: usize = 31;

/// How many rows stand beside a chart before its table scrolls.
const FIT: usize = 7;

/// Everything that was spent.
pub(super) fn spent(costs: &Costs) -> f64 {
    costs.other_usd + costs.warm_cost_usd
}

/// What was saved, less everything that was spent.
pub(super) fn net(costs: &Costs) -> f64 {
    costs.warm_saved_usd - spent(costs)
}

/// A column a day from `since` to `now`.
pub(super) fn days(costs: &[Costs], since: UnixMillis, now: UnixMillis) -> Markup {
    let days: Vec<String> = (since.0 / DAY + 1..=now.0 / DAY).map(|day| date(day * DAY)).collect();
    let most = |sum: fn(&Costs) -> f64| costs.iter().map(sum).fold(f64::MIN_POSITIVE, f64::max);
    let (saved, spent) = (most(|day| day.warm_saved_usd), most(spent));
    let (step, scale) = (WIDTH / days.len().max(1) as f64, (HEIGHT - 2.0 * EDGE) / (saved + spent));
    let zero = EDGE + saved * scale;
    let first = days.first().cloned().unwrap_or_default();
    let label = format!("By day: saved at most {}, spent at most {}", dollars(saved), dollars(spent));
    html! {
        figure {
            svg.bars viewBox="0 0 1000 160" preserveAspectRatio="none" role="img" aria-label=(label) {
                @for (index, day) in days.iter().enumerate() {
                    @if let Some(day) = costs.iter().find(|known| known.key == *day) {
                        (column(day, index as f64 * step + step * 0.15, step * 0.7, (zero, scale)))
                    }
                }
                (bar("zero", 0.0, zero - 0.5, WIDTH, 1.0))
            }
            div.axis aria-hidden="true" { span { (first) } span { "at most " (dollars(saved)) " saved a day" } span { "today" } }
        }
    }
}

fn column(day: &Costs, x: f64, width: f64, (zero, scale): (f64, f64)) -> Markup {
    let (saved, warm, other) = (day.warm_saved_usd * scale, day.warm_cost_usd * scale, day.other_usd * scale);
    html! {
        g {
            title { (day.key) ": saved " (dollars(day.warm_saved_usd)) ", spent " (dollars(spent(day))) }
            (bar("gain", x, zero - saved, width, saved))
            (bar("cost", x, zero, width, warm))
            (bar("other", x, zero + warm, width, other))
        }
    }
}

fn bar(class: &str, x: f64, y: f64, width: f64, height: f64) -> Markup {
    let short = |number: f64| format!("{number:.2}");
    html! { rect class=(class) x=(short(x)) y=(short(y)) width=(short(width)) height=(short(height)) {} }
}

fn date(at: i64) -> String {
    time(UnixMillis(at)).get(..10).unwrap_or_default().to_owned()
}

/// A line each: saved above, spent below, all on one scale.
pub(super) fn lines(costs: &[Costs], label: &str) -> Markup {
    let most = costs.iter().map(|it| it.warm_saved_usd.max(spent(it))).fold(f64::MIN_POSITIVE, f64::max);
    let scale = WIDTH / most;
    html! {
        div.lines role="group" aria-label=(label) {
            @for it in costs.iter().take(MOST_LINES) {
                div.line {
                    div.top { span { bdi { (text(name(&it.key))) } } span.nobr { (dollars(net(it))) " net" } }
                    svg viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                        (bar("gain", 0.0, 0.0, it.warm_saved_usd * scale, 10.0))
                        (bar("cost", 0.0, 10.0, it.warm_cost_usd * scale, 10.0))
                        (bar("other", it.warm_cost_usd * scale, 10.0, it.other_usd * scale, 10.0))
                    }
                }
            }
        }
    }
}

/// What a key is called.
fn name(key: &str) -> &str {
    if key.is_empty() { "no session" } else { key }
}

/// What the colours mean.
pub(super) fn legend() -> Markup {
    super::legend::legend(&[
        ("gain", "saved by warming"),
        ("cost", "spent on warm-ups"),
        ("other", "spent on other background work"),
    ])
}

/// The figures behind a chart.
pub(super) fn table(costs: &[Costs], first: &str, caption: &str) -> Markup {
    let left_out = costs.len().saturating_sub(MOST_LINES);
    html! {
        div class=(if costs.len() > FIT { "scroll tall" } else { "scroll" }) tabindex="0" role="region" aria-label=(caption) {
            table.small {
                caption { (caption) @if left_out > 0 { ", without the last " (left_out) } }
                thead { tr {
                    th scope="col" { (first) }
                    @for name in ["Saved", "Warm-ups", "Other work", "Net"] { th.number scope="col" { (name) } }
                } }
                tbody {
                    @for it in costs.iter().take(MOST_LINES) {
                        tr {
                            th scope="row" { bdi { (text(name(&it.key))) } }
                            @for sum in [it.warm_saved_usd, it.warm_cost_usd, it.other_usd, net(it)] { td.number { (dollars(sum)) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(key: &str, other: f64, cost: f64, saved: f64) -> Costs {
        Costs {
            key: key.to_owned(),
            other_usd: other,
            warm_cost_usd: cost,
            warm_saved_usd: saved,
            warm_net_usd: saved - cost,
            refreshes: 1,
            returns: 1,
            tokens: 1,
        }
    }

    #[test]
    fn net_is_what_was_saved_less_everything_that_was_spent() {
        assert!((net(&costs("m", 1.0, 0.5, 2.0)) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn every_day_has_its_place_and_the_largest_sum_fills_its_half() {
        let today = UnixMillis(10 * DAY + 5);
        let drawn = days(&[costs("1970-01-11", 0.0, 1.0, 0.0)], UnixMillis(8 * DAY + 5), today).into_string();
        let bar = r#"<rect class="cost" x="575.00" y="6.00" width="350.00" height="148.00">"#;
        assert!(drawn.contains(bar), "the second of two days: {drawn}");
    }

    #[test]
    fn a_table_leaves_out_what_is_too_much_and_says_so() {
        let many: Vec<Costs> = (0..40).map(|day| costs(&day.to_string(), 0.0, 1.0, 0.0)).collect();
        let shown = table(&many, "Day", "Costs by day").into_string();
        assert!(shown.contains("without the last 9") && !shown.contains("<bdi>31</bdi>"), "{shown}");
    }
}
