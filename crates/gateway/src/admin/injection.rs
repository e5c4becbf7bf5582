//! What of the knowledge is added to one session's requests, and a person's word on that. It is kept first and holds over a restart.

use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use actix_web::web;
use domain::ids::SessionId;
use serde::{Deserialize, Serialize};
use workers::Standing;

/// How a session stands.
#[derive(Serialize)]
pub(crate) struct Injection {
    /// Whether something is added, or its next turn decides.
    on: bool,
    /// What is added, if that is decided.
    text: Option<String>,
}

/// A person's decision.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    on: bool,
}

/// What is added to the requests of one session.
pub(crate) async fn show(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
) -> Result<web::Json<Injection>, Refusal> {
    let session = admin.session(&session).await?.id;
    Ok(web::Json(match admin.house.notebook.standing(&session) {
        Standing::New => Injection { on: true, text: None },
        Standing::Decided(text) => Injection { on: text.is_some(), text: text.map(|text| text.to_string()) },
    }))
}

/// Decides that nothing is added any more, or that the session's next turn decides anew.
pub(crate) async fn decide(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
    decision: web::Json<Decision>,
) -> Result<web::Json<Injection>, Refusal> {
    let (known, on) = (admin.session(&session).await?.id, decision.on);
    let decided = known.clone();
    admin.house.desk.write(move |store| store.decide_injection(&decided, on)).await?;
    admin.house.notebook.decide(&known, on);
    show(admin, session).await
}
