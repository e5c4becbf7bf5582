//! What was recorded of the messages between actors: conversations by the message that began them, and each as a picture.

use super::diagram::{self, Leads};
use super::fault::Fault;
use super::figures::{ago, counted, microseconds};
use super::layout::{self, Tab, badge};
use super::links;
use super::text::{shortened, text};
use crate::admin::refusal::Refusal;
use crate::admin::{Admin, VIEWER};
use actix_web::{HttpResponse, web};
use actor::Row;
use domain::time::UnixMillis;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Everything that the trace keeps.
const KEPT: usize = 4096;
/// How many conversations are listed.
const CONVERSATIONS: usize = 60;
/// How many messages of one are drawn.
const DRAWN: usize = 120;

/// What one message led to.
struct Conversation {
    first: Row,
    messages: usize,
    took_us: u64,
    crashed: bool,
}

/// The conversations, the last first.
pub(super) async fn list(admin: web::Data<Admin>) -> Result<HttpResponse, Fault> {
    let trace = &admin.house.environment.trace;
    let conversations = conversations(trace.last(KEPT));
    let body = html! {
        div.masthead {
            h1 { "Trace" }
            p.lead { "What actors said to each other, grouped by the message that began it." }
            p.small { @if trace.is_on() { (badge("good", "recording")) } @else { (badge("calm", "not recording")) } }
        }
        @if conversations.is_empty() { (nothing()) } @else { (table(&conversations, admin.unix())) }
    };
    Ok(layout::page("Trace", Tab::Trace, None, &body))
}

/// One conversation.
pub(super) async fn show(admin: web::Data<Admin>, root: web::Path<u64>) -> Result<HttpResponse, Fault> {
    let mut rows = admin.house.environment.trace.last(KEPT);
    rows.retain(|row| row.root == *root);
    let unknown = || {
        let why = format!(
            "no message of the conversation {root} is kept: the trace holds the last {KEPT} messages"
        );
        Refusal::Unknown(why)
    };
    let first = rows.first().cloned().ok_or_else(unknown)?;
    let left_out = rows.len().saturating_sub(DRAWN);
    rows.truncate(DRAWN);
    Ok(layout::page(
        &format!("Trace {root}"),
        Tab::Trace,
        None,
        &picture(&first, &rows, left_out, admin.unix()),
    ))
}

fn picture(first: &Row, rows: &[Row], left_out: usize, now: UnixMillis) -> Markup {
    let label = format!("What {} by {} led to", first.message, first.from);
    html! {
        div.masthead {
            p.crumbs { a href="/ui/trace" { "Trace" } }
            h1 { (text(first.message)) }
            p.lead {
                "sent by " (text(first.from)) " to " (text(first.actor)) ", " (ago(at(first), now)) ". "
                (counted(rows.len() as u64, "message", "messages")) " came of it"
                @if left_out > 0 { ", and " (left_out) " more that are not drawn" } "."
            }
            @if let Some(session) = &first.session { p.small.soft { "session " bdi.mono { (text(&shortened(session, 80))) } } }
        }
        (diagram::sequence(rows, &label, Leads::Nowhere))
        (diagram::table(rows, &label))
        section aria-labelledby="details-title" {
            h2 #details-title { "What was said" }
            ol.list.card {
                @for row in rows {
                    li {
                        span { strong { (text(row.message)) } " \u{b7} " (text(row.from)) " \u{2192} " (text(row.actor)) }
                        span.mono.soft { bdi { (text(&shortened(&row.detail, 600))) } }
                        span.mono { "\u{2192} " bdi { (text(&shortened(&row.outcome, 600))) } }
                    }
                }
            }
        }
    }
}

fn at(row: &Row) -> UnixMillis {
    UnixMillis(i64::try_from(row.at_unix_ms).unwrap_or(i64::MAX))
}

/// Rows by their root, the last begun first, without those that are there because somebody looks.
fn conversations(rows: Vec<Row>) -> Vec<Conversation> {
    let mut known: BTreeMap<u64, Conversation> = BTreeMap::new();
    for row in rows {
        let (took, crashed) = (row.handle_us, row.outcome.starts_with("crashed"));
        let begun = Conversation { messages: 0, took_us: 0, crashed: false, first: row };
        let it = known.entry(begun.first.root).or_insert(begun);
        it.messages += 1;
        it.took_us += took;
        it.crashed |= crashed;
    }
    known.into_values().rev().filter(|it| it.first.from != VIEWER).take(CONVERSATIONS).collect()
}

fn nothing() -> Markup {
    layout::empty(&html! {
        p { strong { "Nothing is recorded." } " Each message that comes into the house will be a line here, with all that it led to." }
        p {
            "Messages are recorded while the page " a href="/ui" { "Now" } " is open. To record all of them, start the gateway with "
            code { "stillroom serve --trace-actors" } ", or set " code { "trace.actors = true" } "."
        }
    })
}

fn table(conversations: &[Conversation], now: UnixMillis) -> Markup {
    html! {
        div.card {
            table.rows {
                caption.hidden { "Conversations, the last first" }
                thead { tr {
                    th scope="col" { "Began with" }
                    th scope="col" { "When" }
                    th scope="col" { "Session" }
                    th.number scope="col" { "Messages" }
                    th.number scope="col" { "Handled in" }
                } }
                tbody { @for it in conversations { (line(it, now)) } }
            }
        }
        p.small.soft { "The last " (CONVERSATIONS) " conversations of the last " (KEPT) " messages; " code { "stillroom trace" } " has the rest." }
    }
}

fn line(it: &Conversation, now: UnixMillis) -> Markup {
    let first = &it.first;
    html! {
        tr {
            th scope="row" {
                div.name {
                    a href=(links::trace(first.root)) { (text(first.message)) }
                    span { (text(first.from)) " \u{2192} " (text(first.actor)) @if it.crashed { " " (badge("bad", "crashed")) } }
                }
            }
            td data-label="when" { span.nobr { (ago(at(first), now)) } }
            td.mono data-label="session" { @if let Some(session) = &first.session { bdi { (text(&shortened(session, 28))) } } @else { "\u{2013}" } }
            td.number data-label="messages" { (it.messages) }
            td.number data-label="handled in" { (microseconds(it.took_us)) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversations_are_rows_of_one_root_and_looking_is_none() {
        let row = |root, from, handle_us| Row { root, from, handle_us, ..Row::default() };
        let found = conversations(vec![
            row(1, "Gateway", 5),
            row(2, VIEWER, 1),
            row(1, "Distiller", 7),
            row(3, "Timer", 1),
        ]);
        let told: Vec<_> = found.iter().map(|it| (it.first.root, it.messages, it.took_us)).collect();
        assert_eq!(told, [(3, 1, 1), (1, 2, 12)]);
    }
}
