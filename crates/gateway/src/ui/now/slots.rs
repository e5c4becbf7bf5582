//! Credentials: where each lies and what is known of it.

use super::Now;
use crate::admin::credentials::state;
use crate::ui::figures::{ago, counted};
use crate::ui::layout::{self, badge};
use crate::ui::links;
use crate::ui::text::{shortened, text};
use domain::ids::SessionId;
use domain::time::UnixMillis;
use machines::credential::{SlotView, TokenState};
use maud::{Markup, html};

/// How many are shown.
pub(super) const SLOTS: usize = 24;

pub(super) fn list(shown: &Now) -> Markup {
    if shown.slots.is_empty() {
        return layout::empty(&html! {
            p { strong { "No credential is held." } " The token of each agent's request will be a slot here, by its fingerprint." }
            p { "Tokens are kept in memory only: after a restart, and when a session was quiet for long, the next request of its agent brings them back." }
        });
    }
    let more = shown.slots.len().saturating_sub(SLOTS) as u64;
    html! {
        ul.slots { @for (slot, since) in shown.slots.iter().take(SLOTS) { li.slot { (one(slot, *since, shown)) } } }
        @if more > 0 { p.small.soft { "and " (counted(more, "slot", "slots")) " more: " code { "stillroom credentials" } } }
    }
}

fn one(slot: &SlotView, since: UnixMillis, shown: &Now) -> Markup {
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
        p { (slot.provider.as_str()) " \u{b7} " (slot.kind.as_str()) " \u{b7} " (ago(since, shown.now)) @if slot.status > 0 { " \u{b7} answered " (slot.status) } }
        p {
            @match &slot.session {
                Some(session) if shown.on_record.contains(session) => { "of " a href=(links::session(session)) { (name(session)) } },
                Some(session) => { "of " (name(session)) ", of which nothing is on record" },
                None => "the global slot of its owner and provider",
            }
        }
    }
}

fn name(session: &SessionId) -> Markup {
    html! { bdi { (text(&shortened(session.as_str(), 40))) } }
}
