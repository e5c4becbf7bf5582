//! Messages between actors as a sequence diagram, and as a table.

use super::figures::microseconds;
use super::links;
use super::text::{shortened, text};
use crate::admin::shown::time;
use actor::Row;
use domain::time::UnixMillis;
use maud::{Markup, html};

/// Where the first lane stands, and how far apart lanes, messages and the top are, in pixels.
const MARGIN: usize = 138;
const LANE: usize = 156;
const STEP: usize = 44;
const TOP: usize = 62;
/// How many characters fit between two lanes.
const FITS: usize = 24;

/// Whether a message leads to the picture of all that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// Yes.
    ToItsRoot,
    /// This is that picture.
    Nowhere,
}

/// The picture. Who sends first stands left.
pub(super) fn sequence(rows: &[Row], label: &str, leads: Leads) -> Markup {
    let lanes = lanes(rows);
    let width = MARGIN + lanes.len().saturating_sub(1) * LANE + LANE / 2 + 60;
    let height = TOP + rows.len() * STEP + 14;
    let place = |name: &str| MARGIN + lanes.iter().position(|lane| *lane == name).unwrap_or(0) * LANE;
    html! {
        div.sequence tabindex="0" role="region" aria-label=(text(label)) data-keep-scroll {
            svg width=(width) height=(height) viewBox={ "0 0 " (width) " " (height) } role="group" aria-label=(text(label)) {
                @for name in &lanes { (lane(name, place(name), height)) }
                @for (index, row) in rows.iter().enumerate() {
                    (message(row, place(row.from), place(row.actor), TOP + index * STEP + 22, leads))
                }
            }
        }
    }
}

/// Everybody who speaks or hears, in the order of their first message.
fn lanes(rows: &[Row]) -> Vec<&'static str> {
    let mut lanes = Vec::new();
    for name in rows.iter().flat_map(|row| [row.from, row.actor]) {
        if !lanes.contains(&name) {
            lanes.push(name);
        }
    }
    lanes
}

fn lane(name: &str, x: usize, height: usize) -> Markup {
    html! {
        line.lane x1=(x) x2=(x) y1="36" y2=(height) {}
        rect.box x=(x - 66) y="8" width="132" height="28" rx="7" {}
        text.who x=(x) y="26" { (text(name)) }
    }
}

fn message(row: &Row, from: usize, to: usize, y: usize, leads: Leads) -> Markup {
    let class = if failed(row) { "failed" } else { "passed" };
    let middle = if from == to { from + LANE / 2 } else { usize::midpoint(from, to) };
    let what = html! { text.what x=(middle) y=(y - 6) { (text(&shortened(row.message, FITS))) } };
    html! {
        g class=(class) {
            title { (text(&shortened(&told(row), 300))) }
            text.when x="4" y=(y + 4) { (time_of_day(row)) }
            (arrow(from, to, y))
            @match leads {
                Leads::ToItsRoot => a href=(links::trace(row.root)) { (what) },
                Leads::Nowhere => (what),
            }
            text.how x=(middle) y=(y + 13) { (microseconds(row.handle_us)) }
        }
    }
}

/// Straight to another lane, or around to its own.
fn arrow(from: usize, to: usize, y: usize) -> Markup {
    if from == to {
        return html! {
            path.arrow d={ "M" (from) " " (y - 4) "h26v10h-18" } {}
            polygon.tip points={ (from + 2) "," (y + 6) " " (from + 10) "," (y + 2) " " (from + 10) "," (y + 10) } {}
        };
    }
    let (end, back) = if to > from { (to - 2, to - 10) } else { (to + 2, to + 10) };
    html! {
        line.arrow x1=(from) x2=(back) y1=(y) y2=(y) {}
        polygon.tip points={ (end) "," (y) " " (back) "," (y - 4) " " (back) "," (y + 4) } {}
    }
}

fn failed(row: &Row) -> bool {
    row.outcome.starts_with("crashed")
}

fn time_of_day(row: &Row) -> String {
    let at = time(UnixMillis(i64::try_from(row.at_unix_ms).unwrap_or(i64::MAX)));
    at.get(11..23).unwrap_or_default().to_owned()
}

fn told(row: &Row) -> String {
    let detail = if row.detail.is_empty() { row.message } else { &row.detail };
    format!("{} \u{2192} {}: {detail} \u{2192} {}", row.from, row.actor, row.outcome)
}

/// The same as a table, which also tells what the picture has no room for.
pub(super) fn table(rows: &[Row], label: &str) -> Markup {
    html! {
        details {
            summary { "The same as a table" }
            div.scroll tabindex="0" role="region" aria-label={ (text(label)) ", as a table" } data-keep-scroll {
                table.small {
                    caption { "Messages, the oldest first" }
                    thead { tr {
                        @for name in ["At", "From", "To", "Message", "Session"] { th scope="col" { (name) } }
                        th.number scope="col" { "Waited" }
                        th.number scope="col" { "Took" }
                        th scope="col" { "Outcome" }
                    } }
                    tbody { @for row in rows { (table_row(row)) } }
                }
            }
        }
    }
}

fn table_row(row: &Row) -> Markup {
    html! {
        tr {
            td.mono.nobr { (time_of_day(row)) }
            td { (text(row.from)) }
            td { (text(row.actor)) }
            td { (text(row.message)) }
            td.mono { @if let Some(session) = &row.session { bdi { (text(&shortened(session, 40))) } } }
            td.number { (microseconds(row.queue_wait_us)) }
            td.number { (microseconds(row.handle_us)) }
            td.mono { bdi { (text(&shortened(&row.outcome, 160))) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(from: &'static str, actor: &'static str, message: &'static str) -> Row {
        Row { from, actor, message, root: 7, handle_us: 12, outcome: "handled".into(), ..Row::default() }
    }

    #[test]
    fn whoever_speaks_first_stands_left_and_arrows_point_to_whoever_hears() {
        let rows =
            [row("Gateway", "CredentialActor", "Observed"), row("CredentialActor", "Distiller", "Ready")];
        let drawn = sequence(&rows, "Messages", Leads::ToItsRoot).into_string();
        assert_eq!(lanes(&rows), ["Gateway", "CredentialActor", "Distiller"]);
        assert!(drawn.contains(r#"x1="138" x2="284""#), "from the first lane to the second: {drawn}");
        assert!(drawn.contains(r#"x1="294" x2="440""#), "and on to the third: {drawn}");
        assert!(drawn.contains("/ui/trace/7"));
        let back = [row("A", "B", "Ask"), row("B", "A", "Answer")];
        let drawn = sequence(&back, "Messages", Leads::Nowhere).into_string();
        assert!(drawn.contains(r#"x1="294" x2="148""#) && !drawn.contains("/ui/trace"), "{drawn}");
    }

    #[test]
    fn a_message_to_oneself_goes_around_and_a_crash_can_be_seen() {
        let crash = Row { outcome: "crashed at x".into(), ..row("A", "A", "Tick") };
        let drawn = sequence(&[crash], "Messages", Leads::Nowhere).into_string();
        assert!(drawn.contains("h26v10h-18") && drawn.contains(r#"class="failed""#), "{drawn}");
    }
}
