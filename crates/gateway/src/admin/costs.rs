//! What background work cost and what warming saved, by day, by model and by session.

use crate::admin::refusal::Refusal;
use crate::admin::{Admin, shown};
use actix_web::web;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use store::{Costs, CostsBy};

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;
/// The longest time that can be looked back, in days.
const LONGEST: u32 = 3660;

/// How far to look back.
#[derive(Deserialize)]
pub(crate) struct Span {
    #[serde(default = "thirty")]
    days: u32,
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct AllCosts {
    #[serde(serialize_with = "shown::as_time")]
    since: UnixMillis,
    /// None when there was nothing.
    total: Option<Costs>,
    days: Vec<Costs>,
    models: Vec<Costs>,
    sessions: Vec<Costs>,
}

const fn thirty() -> u32 {
    30
}

/// All costs of the last days.
pub(crate) async fn list(
    admin: web::Data<Admin>,
    span: web::Query<Span>,
) -> Result<web::Json<AllCosts>, Refusal> {
    if !(1..=LONGEST).contains(&span.days) {
        return Err(Refusal::Invalid(format!("days is {}: it may be 1 to {LONGEST}", span.days)));
    }
    let since = UnixMillis(admin.unix().0 - i64::from(span.days) * DAY);
    let read = move |store: &mut dyn store::Store| {
        Ok(AllCosts {
            since,
            total: store.costs(since, CostsBy::Nothing)?.pop(),
            days: store.costs(since, CostsBy::Day)?,
            models: store.costs(since, CostsBy::Model)?,
            sessions: store.costs(since, CostsBy::Session)?,
        })
    };
    Ok(web::Json(admin.house.desk.read(read).await?))
}
