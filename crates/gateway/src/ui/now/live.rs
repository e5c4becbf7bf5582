//! The messages between actors as they pass.

use super::Now;
use crate::admin::VIEWER;
use crate::ui::diagram::{self, Leads};
use crate::ui::layout;
use actor::Row;
use maud::{Markup, html};

/// How many of the last messages the picture shows.
const MESSAGES: usize = 14;

/// The last messages that are not there because somebody looks.
pub(super) fn news(rows: Vec<Row>) -> Vec<Row> {
    let mut news: Vec<Row> = rows.into_iter().rev().filter(|row| row.from != VIEWER).take(MESSAGES).collect();
    news.reverse();
    news
}

/// The part of the page that the script keeps live.
pub(super) fn part(shown: &Now) -> Markup {
    html! {
        section aria-labelledby="live-title" data-stream="/api/v1/trace/stream" data-leave-out=(VIEWER) {
            div.head {
                h2 #live-title { "Messages between actors" }
                span.small.soft.live { span.pulse aria-hidden="true" {} span #live-state role="status" { "As of when this page was made; its script keeps it live." } }
            }
            div #messages data-live { (messages(shown)) }
        }
    }
}

fn messages(shown: &Now) -> Markup {
    if shown.rows.is_empty() {
        return layout::empty(&html! {
            p { strong { "No message recorded yet." } " Each message between two actors will be an arrow here, from whoever sent it to whoever handled it." }
            p {
                "Messages are recorded while this page is open. To record all of them, start the gateway with "
                code { "stillroom serve --trace-actors" } ", or set " code { "trace.actors = true" } "."
            }
        });
    }
    html! {
        (diagram::sequence(&shown.rows, "The last messages between actors, the newest at the bottom", Leads::ToItsRoot))
        (diagram::table(&shown.rows, "The last messages"))
        p.small.soft {
            @if !shown.recording {
                "Recording is off now. To record all messages, start the gateway with " code { "stillroom serve --trace-actors" }
                ", or set " code { "trace.actors = true" } ". "
            }
            a href="/ui/trace" { "All recorded conversations" }
        }
    }
}
