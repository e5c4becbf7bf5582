//! What is going on: sessions, credentials, and the messages between actors as they pass.

use super::diagram::{self, Leads};
use super::fault::Fault;
use super::figures::{ago, counted, dollars};
use super::layout::{self, Said, Tab, badge};
use super::links;
use super::notices::Notice;
use super::text::{shortened, text};
use crate::admin::credentials::state;
use crate::admin::review::Reviewed;
use crate::admin::warming::Warming;
use crate::admin::{Admin, VIEWER};
use actix_web::{HttpResponse, web};
use actor::Row;
use domain::access::WaitReason;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use machines::credential::{SlotView, TokenState};
use machines::health::Level;
use maud::{Markup, html};
use serde::Deserialize;

/// How many sessions a page has.
const SESSIONS: u32 = 15;
/// How many credentials are shown.
const SLOTS: usize = 24;
/// How many of the last messages the live picture shows, and how many are looked through for them.
const MESSAGES: usize = 14;
const LOOKED_THROUGH: usize = 400;

/// Which page of the list.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    page: u32,
    said: Option<u64>,
}

/// The switch for all warming.
#[derive(Deserialize)]
pub(super) struct Switch {
    on: bool,
}

/// Everything that the page shows.
struct Now {
    now: UnixMillis,
    page: u32,
    total: u64,
    sessions: Vec<Reviewed>,
    slots: Vec<(SlotView, UnixMillis)>,
    warming: Warming,
    recording: bool,
    rows: Vec<Row>,
}

/// The page.
pub(super) async fn show(admin: web::Data<Admin>, asked: web::Query<Asked>) -> Result<HttpResponse, Fault> {
    let Asked { page, said } = asked.into_inner();
    let skip = page.saturating_mul(SESSIONS);
    let found = admin.house.desk.read(move |store| store.recent_sessions(skip, SESSIONS)).await?;
    let trace = &admin.house.environment.trace;
    // The questions come first: what is told is handled before them, and stands in the trace then.
    let (sessions, slots, warming) =
        (admin.review(found.items).await?, admin.slots().await?, admin.warming().await?);
    let rows = news(trace.last(LOOKED_THROUGH));
    let (now, total, recording) = (admin.unix(), found.total, trace.is_on());
    let shown = Now { now, page, total, sessions, slots, warming, recording, rows };
    let notice = said.and_then(|number| admin.notices.find(number));
    Ok(layout::page("Now", Tab::Now, notice, &body(&shown)))
}

/// Switches all warming.
pub(super) async fn switch(admin: web::Data<Admin>, form: web::Form<Switch>) -> Result<HttpResponse, Fault> {
    admin.switch_warming(form.on).await?;
    let words = if form.on {
        "Warming is on again, and a pause of all warming is over."
    } else {
        "All warming is off. It stays off over a restart."
    };
    let notice = Notice { good: true, words: words.to_owned() };
    Ok(links::back("/ui", &admin.notices, notice))
}

/// The last messages that are not there because somebody looks.
fn news(rows: Vec<Row>) -> Vec<Row> {
    let mut news: Vec<Row> = rows.into_iter().rev().filter(|row| row.from != VIEWER).take(MESSAGES).collect();
    news.reverse();
    news
}

fn body(shown: &Now) -> Markup {
    html! {
        div.masthead {
            h1 { "Now" }
            p.lead { "Who is talking, what background work stands still and why, and what the gateway's actors say to each other." }
        }
        div #summary data-live { (summary(shown)) }
        section aria-labelledby="sessions-title" {
            div.head { h2 #sessions-title { "Sessions" } span.small.soft { "the one used last first" } }
            div #sessions data-live { (sessions(shown)) }
        }
        section aria-labelledby="credentials-title" {
            div.head { h2 #credentials-title { "Credentials" } span.small.soft { "eight digits of a fingerprint, never a token" } }
            div #credentials data-live { (slots(shown)) }
        }
        (warming(&shown.warming))
        (live(shown))
    }
}

fn summary(shown: &Now) -> Markup {
    let stands_still = |it: &&Reviewed| it.paused.is_some_and(|reason| reason != WaitReason::NoCredential);
    let paused = shown.sessions.iter().filter(stands_still).count();
    let refused = shown.slots.iter().filter(|(slot, _)| slot.state == TokenState::Rejected).count();
    html! {
        dl.figures {
            div { dt { "sessions" } dd { (shown.total) } }
            div { dt { "paused, of those below" } dd { (paused) } }
            div { dt { "tokens refused" } dd { (refused) } }
            div { dt { "caches kept warm" } dd { (shown.warming.sessions) } }
            div { dt { "spent on warming in 24 hours" } dd { (dollars(shown.warming.spent_usd)) } }
        }
    }
}

fn sessions(shown: &Now) -> Markup {
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
                    span { bdi { (text(&shortened(&session.client, 60))) } " \u{b7} " bdi { (text(&shortened(&session.model, 60))) } }
                    @if let Some(directory) = &session.directory { span.mono { bdi { (text(&shortened(directory, 80))) } } }
                }
            }
            td data-label="last used" { span.nobr { (ago(session.last_activity, now)) } }
            td.number data-label="turns" { (session.turns) }
            td { (standing(it)) }
            td { (cache(it)) }
        }
    }
}

/// Whether background work goes on, and how well.
pub(super) fn standing(it: &Reviewed) -> Markup {
    let workers =
        [(Purpose::Distill, "distilling"), (Purpose::Curate, "curating"), (Purpose::Warm, "warming")];
    html! {
        @match it.paused {
            None => (badge("good", "ready")),
            Some(WaitReason::NoCredential) => { (badge("calm", "waits for its agent")) " " span.why { (WaitReason::NoCredential.explain()) } },
            Some(reason) => { (badge("wait", "paused")) " " span.why { (reason.explain()) } },
        }
        @for (purpose, name) in workers {
            @match it.health(purpose) {
                Level::Healthy => {},
                Level::Degraded => { " " (badge("wait", &format!("{name} degraded"))) },
                Level::Critical => { " " (badge("bad", &format!("{name} critical"))) },
            }
        }
    }
}

/// Whether the cache is kept warm, and why.
pub(super) fn cache(it: &Reviewed) -> Markup {
    let (kind, word) = if it.warming.is_warm { ("wait", "kept warm") } else { ("calm", "not kept warm") };
    let why = it.warming.why.split_once(": ").map_or(it.warming.why.as_str(), |(_, why)| why);
    html! { (badge(kind, word)) " " span.why title=(text(why)) { (text(why)) } }
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

fn slots(shown: &Now) -> Markup {
    if shown.slots.is_empty() {
        return layout::empty(&html! {
            p { strong { "No credential seen since the start." } " The token of each agent's request will be a slot here, by its fingerprint." }
            p { "Tokens are kept in memory only: after a restart, the next request of an agent brings them back." }
        });
    }
    let more = shown.slots.len().saturating_sub(SLOTS) as u64;
    html! {
        ul.slots { @for (slot, since) in shown.slots.iter().take(SLOTS) { li.slot { (self::slot(slot, *since, shown.now)) } } }
        @if more > 0 { p.small.soft { "and " (counted(more, "slot", "slots")) " more: " code { "stillroom credentials" } } }
    }
}

fn slot(slot: &SlotView, since: UnixMillis, now: UnixMillis) -> Markup {
    let kind = match slot.state {
        TokenState::Proven => "good",
        TokenState::Rejected => "bad",
        TokenState::Probing => "blue",
        TokenState::Unproven => "calm",
    };
    html! {
        div.top {
            span.print { (text(&slot.fingerprint.to_string())) }
            (badge(kind, state(slot.state)))
        }
        p { (slot.provider.as_str()) " \u{b7} " (slot.kind.as_str()) " \u{b7} " (ago(since, now)) @if slot.status > 0 { " \u{b7} answered " (slot.status) } }
        p {
            @match &slot.session {
                Some(session) => { "of " a href=(links::session(session)) { bdi { (text(&shortened(session.as_str(), 40))) } } },
                None => "the global slot of its owner and provider",
            }
        }
    }
}

fn warming(warming: &Warming) -> Markup {
    let (kind, word) = if warming.on { ("wait", "on") } else { ("calm", "off") };
    html! {
        section aria-labelledby="warming-title" {
            h2 #warming-title { "Cache warming" }
            div.card {
                div.head {
                    p { (badge(kind, word)) " " (text(&warming.why)) }
                    form method="post" action="/ui/warming" {
                        @if warming.on {
                            button name="on" value="false" { "Switch all warming off" }
                        } @else {
                            button name="on" value="true" { "Switch warming on" }
                        }
                    }
                }
            }
        }
    }
}

fn live(shown: &Now) -> Markup {
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

/// A page's notice.
pub(super) fn notice(admin: &Admin, said: &Said) -> Option<Notice> {
    said.said.and_then(|number| admin.notices.find(number))
}
