//! The list of sessions.

use super::{Now, SESSIONS};
use crate::admin::review::Reviewed;
use crate::ui::figures::ago;
use crate::ui::layout::{self, badge};
use crate::ui::links;
use crate::ui::text::{shortened, text};
use domain::access::WaitReason;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use machines::health::Level;
use maud::{Markup, html};

pub(super) fn list(shown: &Now) -> Markup {
    if shown.sessions.is_empty() {
        return no_sessions(shown.total);
    }
    html! {
        div.card {
            table.rows {
                caption.hidden { "Sessions, and how their background work stands" }
                thead { tr {
                    th scope="col" { "Session" }
                    th scope="col" { "Last used" }
                    th.number scope="col" { "Turns" }
                    th scope="col" { "Background work" }
                    th scope="col" { "Cache" }
                } }
                tbody { @for it in &shown.sessions { (session(it, shown.now)) } }
            }
        }
        @if shown.sessions.iter().any(waits) {
            p.small.soft { "Waits for its agent: " (WaitReason::NoCredential.explain()) ". Until then nothing of it can be kept warm either." }
        }
        (pager(shown.page, shown.total))
    }
}

fn no_sessions(total: u64) -> Markup {
    layout::empty(&html! {
        @if total > 0 {
            p { strong { "There are no more sessions on this page." } }
            p { a href="/ui" { "Back to the first page" } }
        } @else {
            p { strong { "No session yet." } " Each conversation of an agent with a model will be a line here." }
            p { "Start one behind the gateway: " code { "stillroom run -- claude" } ", or set " code { "ANTHROPIC_BASE_URL" } " to this address." }
        }
    })
}

fn session(it: &Reviewed, now: UnixMillis) -> Markup {
    let session = &it.session;
    let name = shortened(session.id.as_str(), 44);
    html! {
        tr {
            th scope="row" {
                div.name {
                    a href=(links::session(&session.id)) { bdi { (text(&name)) } }
                    span {
                        bdi { (text(&shortened(&session.client, 28))) } " \u{b7} " bdi { (text(&shortened(&session.model, 40))) }
                        @if let Some(directory) = &session.directory { " \u{b7} " bdi { (text(&shortened(directory, 60))) } }
                    }
                }
            }
            td data-label="last used" { span.nobr { (ago(session.last_activity, now)) } }
            td.number data-label="turns" { (session.turns) }
            @if waits(it) {
                td { (badge("calm", "waits for its agent")) (unwell(it)) }
                td { (warmth(it)) }
            } @else {
                td { (standing(it)) }
                td { (cache(it)) }
            }
        }
    }
}

/// Nothing is known of it since the start. Of an old gateway that is most of its sessions, so the list says why only once.
fn waits(it: &Reviewed) -> bool {
    it.paused == Some(WaitReason::NoCredential)
}

/// Whether background work goes on and why not, and how well.
pub(in crate::ui) fn standing(it: &Reviewed) -> Markup {
    html! {
        @match it.paused {
            None => (badge("good", "ready")),
            Some(WaitReason::NoCredential) => { (badge("calm", "waits for its agent")) " " span.why { (WaitReason::NoCredential.explain()) } },
            Some(reason) => { (badge("wait", "paused")) " " span.why { (reason.explain()) } },
        }
        (unwell(it))
    }
}

/// The workers that are not healthy.
fn unwell(it: &Reviewed) -> Markup {
    let workers =
        [(Purpose::Distill, "distilling"), (Purpose::Curate, "curating"), (Purpose::Warm, "warming")];
    html! {
        @for (purpose, name) in workers {
            @match it.health(purpose) {
                Level::Healthy => {},
                Level::Degraded => { " " (badge("wait", &format!("{name} degraded"))) },
                Level::Critical => { " " (badge("bad", &format!("{name} critical"))) },
            }
        }
    }
}

fn warmth(it: &Reviewed) -> Markup {
    if it.warming.is_warm { badge("wait", "kept warm") } else { badge("calm", "not kept warm") }
}

/// Whether the cache is kept warm, and why.
pub(in crate::ui) fn cache(it: &Reviewed) -> Markup {
    let why = it.warming.why.split_once(": ").map_or(it.warming.why.as_str(), |(_, why)| why);
    html! { (warmth(it)) " " span.why.long title=(text(why)) { (text(why)) } }
}

fn pager(page: u32, total: u64) -> Markup {
    let last = total.saturating_sub(1) / u64::from(SESSIONS);
    html! {
        @if total > u64::from(SESSIONS) {
            nav.pager aria-label="Pages of sessions" {
                @if page > 0 { a href={ "/ui?page=" (page - 1) } { "\u{2190} Used later" } } @else { span {} }
                span { "page " (page + 1) " of " (last + 1) }
                @if u64::from(page) < last { a href={ "/ui?page=" (page + 1) } { "Used earlier \u{2192}" } } @else { span {} }
            }
        }
    }
}
