//! What is going on: sessions, credentials, and the messages between actors as they pass.

mod live;
mod sessions;
mod slots;

pub(super) use sessions::{cache, standing};

use super::fault::Fault;
use super::figures::dollars;
use super::layout::{self, Said, Tab, badge};
use super::links;
use super::notices::Notice;
use super::text::text;
use crate::admin::Admin;
use crate::admin::review::Reviewed;
use crate::admin::warming::Warming;
use actix_web::{HttpResponse, web};
use actor::Row;
use domain::access::WaitReason;
use domain::ids::SessionId;
use domain::time::UnixMillis;
use machines::credential::{SlotView, TokenState};
use maud::{Markup, html};
use serde::Deserialize;
use slots::SLOTS;
use std::collections::HashSet;
use store::{Store, StoreError};

/// How many sessions a page has.
const SESSIONS: u32 = 15;
/// How many of the last messages are looked through for those that the picture shows.
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
    /// The sessions of these slots that have a page.
    on_record: HashSet<SessionId>,
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
    let on_record = on_record(&admin, &slots).await?;
    let rows = live::news(trace.last(LOOKED_THROUGH));
    let (now, total, recording) = (admin.unix(), found.total, trace.is_on());
    let shown = Now { now, page, total, sessions, slots, on_record, warming, recording, rows };
    let notice = said.and_then(|number| admin.notices.find(number));
    Ok(layout::page("Now", Tab::Now, notice, &body(&shown)))
}

/// A session has a slot from its first request on, and is on record once one was answered.
async fn on_record(
    admin: &Admin,
    slots: &[(SlotView, UnixMillis)],
) -> Result<HashSet<SessionId>, StoreError> {
    let named: Vec<_> = slots.iter().take(SLOTS).filter_map(|(slot, _)| slot.session.clone()).collect();
    let look = move |store: &mut dyn Store| {
        let mut found = HashSet::new();
        for session in named {
            found.extend(store.session(&session)?.map(|session| session.id));
        }
        Ok(found)
    };
    admin.house.desk.read(look).await
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

fn body(shown: &Now) -> Markup {
    html! {
        div.masthead {
            h1 { "Now" }
            p.lead { "Who is talking, what background work stands still and why, and what the gateway's actors say to each other." }
        }
        div #summary data-live { (summary(shown)) }
        section aria-labelledby="sessions-title" {
            div.head { h2 #sessions-title { "Sessions" } span.small.soft { "the one used last first" } }
            div #sessions data-live { (sessions::list(shown)) }
        }
        section aria-labelledby="credentials-title" {
            div.head { h2 #credentials-title { "Credentials" } span.small.soft { "eight digits of a fingerprint, never a token" } }
            div #credentials data-live { (slots::list(shown)) }
        }
        (warming(&shown.warming))
        (live::part(shown))
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

/// A page's notice.
pub(super) fn notice(admin: &Admin, said: &Said) -> Option<Notice> {
    said.said.and_then(|number| admin.notices.find(number))
}
