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
    let slots = admin.slots().await?;
    Ok(web::Json(Slots { slots: slots.iter().map(|(slot, since)| shown_slot(slot, *since)).collect() }))
}

impl Admin {
    /// Every filled slot, and since when it is as it is.
    pub(crate) async fn slots(&self) -> Result<Vec<(SlotView, UnixMillis)>, Refusal> {
        let slots = match self.ask(CredentialMessage::ListSlots).await? {
            CredentialReply::Slots(slots) => slots,
            _ => Vec::new(),
        };
        let clock = &self.house.environment.clock;
        let (now, unix) = (clock.now(), clock.unix());
        let dated = |slot: SlotView| {
            let since = shown::calendar(slot.since, now, unix);
            (slot, since)
        };
        Ok(slots.into_iter().map(dated).collect())
    }
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

/// The word for a state.
pub(crate) const fn state(state: TokenState) -> &'static str {
    match state {
        TokenState::Unproven => "unproven",
        TokenState::Proven => "proven",
        TokenState::Rejected => "rejected",
        TokenState::Probing => "probing",
    }
}
