//! What is known of credentials. Eight hex digits of a fingerprint are all that is shown of one.

use crate::admin::refusal::Refusal;
use crate::admin::{Admin, shown};
use actix_web::web;
use domain::ids::{Generation, SessionId};
use domain::time::UnixMillis;
use machines::credential::{CredentialMessage, CredentialReply, SlotView, TokenState};
use serde::Serialize;

/// The answer.
#[derive(Serialize)]
pub(crate) struct Slots {
    slots: Vec<ShownSlot>,
}

#[derive(Serialize)]
struct ShownSlot {
    scope: &'static str,
    session: Option<SessionId>,
    provider: &'static str,
    scheme: &'static str,
    fingerprint: String,
    generation: Generation,
    state: &'static str,
    status: u16,
    #[serde(serialize_with = "shown::as_time")]
    since: UnixMillis,
}

/// Every filled slot.
pub(crate) async fn list(admin: web::Data<Admin>) -> Result<web::Json<Slots>, Refusal> {
    let slots = match admin.ask(CredentialMessage::ListSlots).await? {
        CredentialReply::Slots(slots) => slots,
        _ => Vec::new(),
    };
    let clock = &admin.house.environment.clock;
    let (now, unix) = (clock.now(), clock.unix());
    let show = |slot: SlotView| shown_slot(&slot, shown::calendar(slot.since, now, unix));
    Ok(web::Json(Slots { slots: slots.into_iter().map(show).collect() }))
}

fn shown_slot(slot: &SlotView, since: UnixMillis) -> ShownSlot {
    ShownSlot {
        scope: if slot.session.is_some() { "session" } else { "global" },
        session: slot.session.clone(),
        provider: slot.provider.as_str(),
        scheme: slot.kind.as_str(),
        fingerprint: slot.fingerprint.to_string(),
        generation: slot.generation,
        state: state(slot.state),
        status: slot.status,
        since,
    }
}

const fn state(state: TokenState) -> &'static str {
    match state {
        TokenState::Unproven => "unproven",
        TokenState::Proven => "proven",
        TokenState::Rejected => "rejected",
        TokenState::Probing => "probing",
    }
}
