//! The parts of a session's page.

use super::{KEPT, Shown};
use crate::ui::bars;
use crate::ui::figures::{ago, counted, dollars, tokens};
use crate::ui::layout;
use crate::ui::links;
use crate::ui::now::{cache as kept_warm, standing};
use crate::ui::text::{shortened, text};
use crate::ui::timeline::Timeline;
use domain::conversation::Role;
use domain::time::UnixMillis;
use domain::warming::WarmingMode;
use maud::{Markup, html};
use store::{Costs, Excerpt, SessionSummary};

pub(super) fn body(shown: &Shown) -> Markup {
    html! {
        (masthead(&shown.reviewed.session))
        (figures(shown))
        (actions(shown))
        (cache(shown))
        (costs(&shown.kept.costs))
        div.columns { (observations(shown)) (knowledge(shown)) }
        (talk(shown))
        (forgetting(shown))
    }
}

fn forgetting(shown: &Shown) -> Markup {
    let page = links::session(&shown.reviewed.session.id);
    html! {
        section aria-labelledby="forget-title" {
            h2 #forget-title { "Forget this session" }
            div.card {
                div.head {
                    p {
                        "Its messages, its observations and the knowledge that came of it are erased, and what its agent sends in it from now on is not kept. "
                        "This cannot be undone; what it cost stays in the sums."
                    }
                    form.together method="post" action={ (page) "/forget" } {
                        label { input type="checkbox" name="sure" value="yes" required; " I am sure" }
                        button { "Forget for good" }
                    }
                }
            }
        }
    }
}

fn masthead(session: &SessionSummary) -> Markup {
    html! {
        div.masthead {
            p.crumbs { a href="/ui" { "Now" } }
            h1 { bdi { (text(&shortened(session.id.as_str(), 120))) } }
            p.lead {
                bdi { (text(&shortened(&session.client, 80))) } " \u{b7} " bdi { (text(&shortened(&session.model, 80))) } " at " (session.provider.as_str())
                @if let Some(directory) = &session.directory { " \u{b7} " bdi.mono { (text(&shortened(directory, 160))) } }
            }
        }
    }
}

fn figures(shown: &Shown) -> Markup {
    let session = &shown.reviewed.session;
    let usage = &session.usage;
    let written = usage.cache_write_5m + usage.cache_write_1h;
    html! {
        dl.figures {
            div { dt { "turns" } dd { (session.turns) } }
            div { dt { "last used" } dd { (ago(session.last_activity, shown.now)) } }
            div { dt { "began" } dd { (ago(session.created, shown.now)) } }
            div { dt { "tokens read from cache" } dd { (tokens(usage.cache_read)) } }
            div { dt { "written to cache" } dd { (tokens(written)) } }
            div { dt { "input beside it, output" } dd { (tokens(usage.input)) " \u{b7} " (tokens(usage.output)) } }
        }
    }
}

fn actions(shown: &Shown) -> Markup {
    let page = links::session(&shown.reviewed.session.id);
    let jobs = [("distill", "Distil now"), ("curate", "Curate now"), ("warm", "Warm now")];
    html! {
        section aria-labelledby="work-title" {
            h2 #work-title { "Background work" }
            div.card {
                div.head {
                    p { (standing(&shown.reviewed)) }
                    div.actions {
                        @for (job, name) in jobs { form method="post" action={ (page) "/" (job) } { button { (name) } } }
                    }
                }
            }
        }
    }
}

fn cache(shown: &Shown) -> Markup {
    let warming = &shown.reviewed.warming;
    let page = links::session(&shown.reviewed.session.id);
    html! {
        section aria-labelledby="cache-title" {
            div.head {
                h2 #cache-title { "Prompt cache" }
                form.together method="post" action={ (page) "/warming" } role="group" aria-label="Keep this session's cache warm" {
                    @for (mode, name) in [(WarmingMode::Auto, "Auto"), (WarmingMode::Keep, "Keep"), (WarmingMode::Stop, "Stop")] {
                        button name="mode" value=(mode.as_str()) aria-pressed=(if warming.mode == mode { "true" } else { "false" }) { (name) }
                    }
                }
            }
            div.card {
                section {
                    p { (kept_warm(&shown.reviewed)) }
                    (picture(shown.timeline.as_ref()))
                }
            }
        }
    }
}

fn picture(timeline: Option<&Timeline>) -> Markup {
    match timeline {
        Some(timeline) => timeline.draw(),
        None => html! {
            p.small.soft {
                "Its times of warmth and cold will be drawn here once the provider counts tokens as written to a cache. Providers that decide by \
                 themselves how long a cache lives do not count that."
            }
        },
    }
}

fn costs(costs: &[Costs]) -> Markup {
    html! {
        section aria-labelledby="costs-title" {
            div.head {
                h2 #costs-title { "Costs" }
                span.small.soft { "net " (dollars(costs.iter().map(bars::net).sum())) }
            }
            @if costs.is_empty() {
                (layout::empty(&html! { p { "No background work was done for this session yet. What it costs, and what warm returns save, will be counted here." } }))
            } @else {
                div.card { (bars::table(costs, "Purpose", "What background work for this session cost, and what warming saved")) }
            }
        }
    }
}

fn observations(shown: &Shown) -> Markup {
    let found = &shown.kept.observations;
    html! {
        section aria-labelledby="observations-title" {
            div.head { h2 #observations-title { "Observations" } (extent(found.items.len(), found.total)) }
            @if found.items.is_empty() {
                (layout::empty(&html! { p { "Nothing distilled yet. When the session rests, or at \u{201c}Distil now\u{201d}, the distiller writes a line for each thing worth keeping." } }))
            } @else {
                ul.list.card {
                    @for it in found.items.iter().rev() { li { span dir="auto" { (text(&shortened(&it.text, 400))) } span.small.soft { (ago(it.at, shown.now)) } } }
                }
            }
        }
    }
}

fn knowledge(shown: &Shown) -> Markup {
    let found = &shown.kept.entries;
    html! {
        section aria-labelledby="knowledge-title" {
            div.head { h2 #knowledge-title { "Knowledge that came of it" } (extent(found.items.len(), found.total)) }
            @if found.items.is_empty() {
                (layout::empty(&html! { p { "Nothing curated yet. After some turns, or at \u{201c}Curate now\u{201d}, the curator turns observations into lasting entries." } }))
            } @else {
                ul.list.card {
                    @for it in &found.items {
                        li {
                            a href=(links::entry(&it.id)) { bdi { (text(&it.title)) } }
                            span.small.soft { (it.category.as_str()) " \u{b7} version " (it.version) " \u{b7} " (ago(it.updated, shown.now)) }
                        }
                    }
                }
            }
        }
    }
}

/// How much of a list is shown.
fn extent(shown: usize, total: u64) -> Markup {
    html! {
        @if total > u64::from(KEPT) { span.small.soft { "the last " (shown) " of " (total) } }
        @else if total > 0 { span.small.soft { (total) } }
    }
}

fn talk(shown: &Shown) -> Markup {
    let messages = &shown.kept.messages;
    html! {
        section aria-labelledby="talk-title" {
            div.head { h2 #talk-title { "Conversation" } span.small.soft { (counted(messages.total, "message", "messages")) } }
            @if messages.items.is_empty() {
                (layout::empty(&html! { p { "No message is kept here. What is said in the session's turns will stand here, the newest page first." } }))
            } @else {
                (pager(shown))
                ol.talk { @for it in &messages.items { (said(it, shown)) } }
                (pager(shown))
            }
        }
    }
}

fn pager(shown: &Shown) -> Markup {
    let messages = &shown.kept.messages;
    let page = links::session(&shown.reviewed.session.id);
    let is_full = messages.items.len() < usize::try_from(messages.total).unwrap_or(usize::MAX);
    html! {
        @if is_full {
            div.pager {
                @if let Some(first) = messages.items.first() { a href={ (page) "?before=" (first.id) "#talk-title" } { "\u{2190} Earlier messages" } }
                @if shown.is_earlier { a href={ (page) "#talk-title" } { "To the last messages \u{2192}" } }
            }
        }
    }
}

fn said(it: &Excerpt, shown: &Shown) -> Markup {
    let class = format!("said {}{}", it.role.as_str(), if it.from_tool { " tool" } else { "" });
    let who = match (it.role, it.from_tool) {
        (Role::User, true) => "tool",
        (Role::User, false) => "person",
        (Role::Assistant, _) => "model",
    };
    html! {
        li class=(class) {
            div.meta {
                strong { (who) }
                (meta(it, shown.now))
                a href=(links::message(&shown.reviewed.session.id, it.id)) { "message " (it.id) }
            }
            p.words dir="auto" { (text(&it.text)) @if it.left_out > 0 { "\u{2026}" } }
            @if it.left_out > 0 {
                p.small { a href=(links::message(&shown.reviewed.session.id, it.id)) { "The whole message " (it.id) } span.soft { ", " (counted(it.left_out as u64, "byte", "bytes")) " more" } }
            }
        }
    }
}

fn meta(it: &Excerpt, now: UnixMillis) -> Markup {
    html! {
        (ago(it.at, now))
        span { "about " (tokens(it.tokens)) " tokens" }
        span { @if it.distilled { "distilled" } @else { "not distilled yet" } }
    }
}
