//! What background work cost, what warming saved, and what is left of it.

use super::bars;
use super::fault::Fault;
use super::figures::{dollars, tokens};
use super::layout::{self, Tab};
use crate::admin::Admin;
use crate::admin::costs::{AllCosts, Budget, Span};
use crate::admin::refusal::Refusal;
use actix_web::{HttpResponse, web};
use domain::time::UnixMillis;
use maud::{Markup, html};
use store::Costs;

/// How far one can look back, in days.
const SPANS: [u32; 4] = [7, 30, 90, 365];

/// The page.
pub(super) async fn show(admin: web::Data<Admin>, span: web::Query<Span>) -> Result<HttpResponse, Fault> {
    let days = span.days()?;
    if !SPANS.contains(&days) {
        let why =
            format!("days is {days}: this page shows 7, 30, 90 or 365; GET /api/v1/costs knows all others");
        return Err(Refusal::Invalid(why).into());
    }
    let costs = admin.costs(days).await?;
    let body = html! {
        div.masthead {
            h1 { "Costs" }
            p.lead { "What background work spent, and what returns to warm caches saved. Client requests are your own and not counted here." }
            nav.actions aria-label="How far to look back" {
                @for known in SPANS { a.button href={ "/ui/costs?days=" (known) } aria-current=[(known == days).then_some("page")] { (known) " days" } }
            }
        }
        @if let Some(budget) = &costs.budget { (daily(budget)) }
        @match &costs.total {
            None => (nothing(days)),
            Some(total) => (all(total, &costs, admin.unix())),
        }
    };
    Ok(layout::page("Costs", Tab::Costs, None, &body))
}

/// How the day's budget stands.
fn daily(budget: &Budget) -> Markup {
    html! {
        p {
            "Today " (dollars(budget.spent_usd)) " of the daily budget of " (dollars(budget.limit_usd)) " is spent."
            @if let Some(until) = &budget.held_until {
                " Background work waits until " time datetime=(until) { (until) } "; your agents are not touched."
            }
        }
    }
}

fn nothing(days: u32) -> Markup {
    layout::empty(&html! {
        p { strong { "Nothing was spent or saved in " (days) " days." } }
        p { "Each call that distils, curates or keeps a cache warm will be counted here, at the provider's own count of tokens; and each return to a \
             cache that would have been cold, at what it saved." }
    })
}

fn all(total: &Costs, costs: &AllCosts, now: UnixMillis) -> Markup {
    html! {
        (figures(total))
        (bars::legend())
        section aria-labelledby="days-title" {
            h2 #days-title { "By day" }
            div.beside { div { (bars::days(&costs.days, costs.since, now)) } (bars::table(&costs.days, "Day", "Costs by day, the newest first")) }
        }
        section aria-labelledby="purposes-title" {
            h2 #purposes-title { "By purpose" }
            div.beside { (bars::lines(&costs.purposes, "Saved and spent by purpose")) (bars::table(&costs.purposes, "Purpose", "Costs by purpose")) }
        }
        section aria-labelledby="models-title" {
            h2 #models-title { "By model" }
            div.beside { (bars::lines(&costs.models, "Saved and spent by model")) (bars::table(&costs.models, "Model", "Costs by model")) }
        }
    }
}

/// The sums of everything.
pub(super) fn figures(total: &Costs) -> Markup {
    let net = bars::net(total);
    html! {
        dl.figures {
            div { dt { "net" } dd class=(if net < 0.0 { "loss" } else { "gain" }) { (dollars(net)) } }
            div { dt { "saved by warming" } dd { (dollars(total.warm_saved_usd)) } }
            div { dt { "spent on warm-ups" } dd { (dollars(total.warm_cost_usd)) } }
            div { dt { "spent on other work" } dd { (dollars(total.other_usd)) } }
            div { dt { "warm-ups, and returns that used one" } dd { (total.refreshes) " \u{b7} " (total.returns) } }
            div { dt { "tokens read warm" } dd { (tokens(total.tokens)) } }
        }
    }
}
