//! Sessions, what was recorded of them, and what was distilled.

use crate::admin::refusal::Refusal;
use crate::admin::review::Reviewed;
use crate::admin::{Admin, shown};
use actix_web::web;
use domain::access::WaitReason;
use domain::conversation::{RecordedMessage, Role};
use domain::ids::{ProjectId, SessionId};
use domain::knowledge::Observation;
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::WarmingMode;
use machines::cache_warmer::Explanation;
use serde::Serialize;
use store::SessionSummary;

/// The answer of the list.
#[derive(Serialize)]
pub(crate) struct Sessions {
    sessions: Vec<ShownSession>,
}

/// One session.
#[derive(Serialize)]
pub(crate) struct ShownSession {
    id: SessionId,
    client: String,
    provider: &'static str,
    model: String,
    project: Option<ProjectId>,
    turns: u32,
    #[serde(serialize_with = "shown::as_time")]
    last_activity: UnixMillis,
    background: &'static str,
    paused_because: Option<&'static str>,
    health: ShownHealth,
    warming: ShownWarming,
}

/// How well each worker does for the session.
#[derive(Serialize)]
struct ShownHealth {
    distill: &'static str,
    curate: &'static str,
    warm: &'static str,
}

/// Whether the session's cache is kept warm.
#[derive(Serialize)]
pub(crate) struct ShownWarming {
    mode: WarmingMode,
    warm: bool,
    why: String,
}

impl From<Explanation> for ShownWarming {
    fn from(Explanation { mode, is_warm, why }: Explanation) -> Self {
        Self { mode, warm: is_warm, why }
    }
}

/// The messages of one session.
#[derive(Serialize)]
pub(crate) struct Messages {
    messages: Vec<ShownMessage>,
}

#[derive(Serialize)]
struct ShownMessage {
    id: i64,
    role: Role,
    text: String,
    tokens: u64,
    #[serde(serialize_with = "shown::as_time")]
    at: UnixMillis,
    distilled: bool,
    from_tool: bool,
}

/// The observations of one session.
#[derive(Serialize)]
pub(crate) struct Observations {
    observations: Vec<ShownObservation>,
}

#[derive(Serialize)]
struct ShownObservation {
    id: i64,
    text: String,
    #[serde(serialize_with = "shown::as_time")]
    at: UnixMillis,
}

/// All sessions; the one used last first.
pub(crate) async fn list(admin: web::Data<Admin>) -> Result<web::Json<Sessions>, Refusal> {
    let sessions = admin.reviewed_sessions().await?.into_iter().map(show).collect();
    Ok(web::Json(Sessions { sessions }))
}

/// One session.
pub(crate) async fn one(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
) -> Result<web::Json<ShownSession>, Refusal> {
    let found = admin.session(&session).await?;
    let reviewed = admin.review(vec![found]).await?.pop();
    reviewed.map(|reviewed| web::Json(show(reviewed))).ok_or_else(|| Refusal::no_session(&session))
}

/// What was said in a session, oldest first.
pub(crate) async fn messages(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
) -> Result<web::Json<Messages>, Refusal> {
    let session = admin.session(&session).await?.id;
    let messages = admin.house.desk.read(move |store| store.messages(&session)).await?;
    Ok(web::Json(Messages { messages: messages.into_iter().map(show_message).collect() }))
}

/// What was distilled from a session, oldest first.
pub(crate) async fn observations(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
) -> Result<web::Json<Observations>, Refusal> {
    let session = admin.session(&session).await?.id;
    let observations = admin.house.desk.read(move |store| store.observations(&session)).await?;
    Ok(web::Json(Observations { observations: observations.into_iter().map(show_observation).collect() }))
}

impl Admin {
    /// The session of this name.
    pub(crate) async fn session(&self, session: &SessionId) -> Result<SessionSummary, Refusal> {
        let wanted = session.clone();
        let found = self.house.desk.read(move |store| store.session(&wanted)).await?;
        found.ok_or_else(|| Refusal::no_session(session))
    }
}

fn show(reviewed: Reviewed) -> ShownSession {
    let health = |purpose| reviewed.health(purpose).as_str();
    let health = ShownHealth {
        distill: health(Purpose::Distill),
        curate: health(Purpose::Curate),
        warm: health(Purpose::Warm),
    };
    let Reviewed { session, paused, warming, .. } = reviewed;
    ShownSession {
        id: session.id,
        client: session.client,
        provider: session.provider.as_str(),
        model: session.model,
        project: session.project,
        turns: session.turns,
        last_activity: session.last_activity,
        background: if paused.is_some() { "paused" } else { "ready" },
        paused_because: paused.map(WaitReason::explain),
        health,
        warming: warming.into(),
    }
}

fn show_message(message: RecordedMessage) -> ShownMessage {
    let RecordedMessage { id, role, text, tokens, at, distilled, from_tool } = message;
    ShownMessage { id, role, text, tokens, at, distilled, from_tool }
}

fn show_observation(observation: Observation) -> ShownObservation {
    ShownObservation { id: observation.id, text: observation.text, at: observation.at }
}
