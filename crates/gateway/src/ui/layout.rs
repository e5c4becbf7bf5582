//! What all pages have in common.

use super::assets;
use super::notices::Notice;
use super::text::text;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

/// Which part of the dashboard a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Now,
    Knowledge,
    Costs,
    Trace,
    None,
}

/// The number of the notice that a page shall say.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Said {
    pub(super) said: Option<u64>,
}

const TABS: [(Tab, &str, &str); 4] = [
    (Tab::Now, "/ui", "Now"),
    (Tab::Knowledge, "/ui/knowledge", "Knowledge"),
    (Tab::Costs, "/ui/costs", "Costs"),
    (Tab::Trace, "/ui/trace", "Trace"),
];

/// A page, found.
pub(super) fn page(title: &str, tab: Tab, notice: Option<Notice>, body: &Markup) -> HttpResponse {
    answer(StatusCode::OK, title, tab, notice, body)
}

/// A page.
pub(super) fn answer(
    status: StatusCode,
    title: &str,
    tab: Tab,
    notice: Option<Notice>,
    body: &Markup,
) -> HttpResponse {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(title))
            body {
                a.skip href="#main" { "Skip to content" }
                (banner(tab))
                main #main tabindex="-1" {
                    @if let Some(notice) = notice { (say(&notice)) }
                    (body)
                }
                footer.foot { span { "Stillroom " (env!("CARGO_PKG_VERSION")) " \u{b7} times in UTC \u{b7} nothing here leaves this machine" } }
            }
        }
    };
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(page.into_string())
}

fn head(title: &str) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (text(title)) " \u{b7} Stillroom" }
            link rel="icon" type="image/svg+xml" href=(assets::ICON.address());
            link rel="stylesheet" href=(assets::STYLE.address());
            script src=(assets::SCRIPT.address()) defer {}
        }
    }
}

fn banner(here: Tab) -> Markup {
    html! {
        header.banner {
            a.brand href="/ui" { (mark()) "Stillroom" }
            nav aria-label="Pages" {
                @for (tab, address, name) in TABS {
                    a href=(address) aria-current=[(tab == here).then_some("page")] { (name) }
                }
            }
        }
    }
}

/// A drop under a still.
fn mark() -> Markup {
    html! {
        svg.mark viewBox="0 0 24 24" width="22" height="22" aria-hidden="true" focusable="false" {
            path d="M12 2.5c3.6 4.6 6 7.9 6 11.3a6 6 0 0 1-12 0c0-3.4 2.4-6.7 6-11.3z" {}
            path.glint d="M9 14.2a3.1 3.1 0 0 0 2.6 3" {}
        }
    }
}

fn say(notice: &Notice) -> Markup {
    let class = if notice.good { "notice good" } else { "notice bad" };
    html! { p class=(class) role="status" { (text(&notice.words)) } }
}

/// What stands where there is nothing yet.
pub(super) fn empty(what: &Markup) -> Markup {
    html! { div.empty { (what) } }
}

/// A word about a state, told by more than its colour.
pub(super) fn badge(kind: &str, word: &str) -> Markup {
    html! { span class={ "badge " (kind) } { (text(word)) } }
}
