//! What keeps caches warm, and the brakes that a person pulls: of all warming, and of one session's. A decision is kept first and
//! told to the CacheWarmer then, so that what was answered holds over a restart.

use crate::admin::refusal::Refusal;
use crate::admin::sessions::ShownWarming;
use crate::admin::{Admin, CAUSE, LOOK, PATIENCE};
use actix_web::web;
use domain::access::WaitReason;
use domain::ids::SessionId;
use domain::purpose::Purpose;
use domain::time::{DAY, UnixMillis};
use domain::warming::WarmingMode;
use machines::cache_warmer::{Explanation, Overview, WarmerMessage, WarmerReply};
use serde::{Deserialize, Serialize};
use workers::Spoken;

/// How warming as a whole stands.
#[derive(Serialize)]
pub(crate) struct Warming {
    pub(crate) on: bool,
    pub(crate) why: String,
    /// Sessions that are kept warm now.
    pub(crate) sessions: usize,
    /// Spent on warm-ups within the last 24 hours, in dollars.
    pub(crate) spent_usd: f64,
}

/// The switch for all warming.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    on: bool,
}

/// A decision about one session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Decision {
    mode: WarmingMode,
}

/// How warming as a whole stands.
pub(crate) async fn show(admin: web::Data<Admin>) -> Result<web::Json<Warming>, Refusal> {
    admin.warming().await.map(web::Json)
}

/// Switches all warming on or off.
pub(crate) async fn switch(
    admin: web::Data<Admin>,
    switch: web::Json<Switch>,
) -> Result<web::Json<Warming>, Refusal> {
    admin.switch_warming(switch.on).await?;
    admin.warming().await.map(web::Json)
}

/// Why one session is kept warm, or not.
pub(crate) async fn of_session(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
) -> Result<web::Json<ShownWarming>, Refusal> {
    let found = admin.session(&session).await?;
    let reviewed = admin.review(vec![found]).await?.pop();
    let warming = reviewed.map(|reviewed| ShownWarming::from(reviewed.warming));
    warming.map(web::Json).ok_or_else(|| Refusal::no_session(&session))
}

/// Decides about one session's warming.
pub(crate) async fn decide(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
    decision: web::Json<Decision>,
) -> Result<web::Json<ShownWarming>, Refusal> {
    admin.decide_warming(&session, decision.mode).await?;
    of_session(admin, session).await
}

impl Admin {
    /// Switches all warming on or off.
    pub(crate) async fn switch_warming(&self, on: bool) -> Result<(), Refusal> {
        let at = self.unix();
        self.house.desk.write(move |store| store.switch_warming(on, at)).await?;
        Ok(self.house.warmer.tell_surely(Spoken(WarmerMessage::Switched(on)), CAUSE)?)
    }

    /// Decides about one session's warming.
    pub(crate) async fn decide_warming(&self, session: &SessionId, mode: WarmingMode) -> Result<(), Refusal> {
        let (known, at) = (self.session(session).await?.id, self.unix());
        let decided = known.clone();
        self.house.desk.write(move |store| store.set_warming_mode(&decided, mode, at)).await?;
        Ok(self.house.warmer.tell_surely(Spoken(WarmerMessage::ModeSet(known, mode)), CAUSE)?)
    }

    /// How warming as a whole stands.
    pub(crate) async fn warming(&self) -> Result<Warming, Refusal> {
        let since = UnixMillis(self.unix().0 - DAY);
        let spent_usd = self.house.desk.read(move |store| store.spent_since(Purpose::Warm, since)).await?;
        let Overview { is_on, why, held } = match self.ask_warmer(WarmerMessage::Describe).await? {
            WarmerReply::Described(overview) => overview,
            other => return Err(astray(&other)),
        };
        Ok(Warming { on: is_on, why, sessions: held, spent_usd })
    }

    /// Why each of these is kept warm, or not; one for each, in their order.
    pub(crate) async fn explained(
        &self,
        sessions: Vec<(SessionId, Option<WaitReason>)>,
    ) -> Result<Vec<Explanation>, Refusal> {
        match self.ask_warmer(WarmerMessage::Explain(sessions)).await? {
            WarmerReply::Explained(explained) => Ok(explained),
            other => Err(astray(&other)),
        }
    }

    async fn ask_warmer(&self, question: WarmerMessage) -> Result<WarmerReply, Refusal> {
        Ok(self.house.warmer.ask(Spoken(question), LOOK, PATIENCE).await?)
    }
}

fn astray(reply: &WarmerReply) -> Refusal {
    Refusal::Busy(format!("the CacheWarmer answered something else: {reply:?}"))
}
