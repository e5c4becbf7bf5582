//! What background work cost and what warming saved, by day, by model and by session.

use crate::admin::parameter::number;
use crate::admin::refusal::Refusal;
use crate::admin::{Admin, shown};
use actix_web::web;
use domain::time::{DAY, UnixMillis};
use serde::{Deserialize, Serialize};
use store::{Costs, CostsBy};
use workers::Balance;

/// The longest time that can be looked back, in days.
const LONGEST: u32 = 3660;

/// How far to look back unless that is said, in days.
const THIRTY: u32 = 30;

/// How far to look back, as it was written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    days: Option<String>,
}

impl Span {
    /// In days.
    ///
    /// # Errors
    /// That cannot be looked back.
    pub(crate) fn days(&self) -> Result<u32, Refusal> {
        number("days", self.days.as_deref(), THIRTY, LONGEST)
    }
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct AllCosts {
    #[serde(serialize_with = "shown::as_time")]
    pub(crate) since: UnixMillis,
    /// None when there was nothing.
    pub(crate) total: Option<Costs>,
    /// None when no daily budget is set.
    pub(crate) budget: Option<Budget>,
    pub(crate) days: Vec<Costs>,
    pub(crate) models: Vec<Costs>,
    pub(crate) purposes: Vec<Costs>,
    sessions: Vec<Costs>,
}

/// The day's budget for background work.
#[derive(Serialize)]
pub(crate) struct Budget {
    pub(crate) limit_usd: f64,
    /// Today, in UTC.
    pub(crate) spent_usd: f64,
    /// Until when background work waits; none when it need not.
    pub(crate) held_until: Option<String>,
}

impl From<Balance> for Budget {
    fn from(balance: Balance) -> Self {
        let Balance { limit, spent, allowance } = balance;
        Self { limit_usd: limit, spent_usd: spent, held_until: allowance.held_until().map(shown::time) }
    }
}

/// All costs of the last days.
pub(crate) async fn list(
    admin: web::Data<Admin>,
    span: web::Query<Span>,
) -> Result<web::Json<AllCosts>, Refusal> {
    admin.costs(span.days()?).await.map(web::Json)
}

impl Admin {
    /// All costs of so many days.
    pub(crate) async fn costs(&self, days: u32) -> Result<AllCosts, Refusal> {
        let since = UnixMillis(self.unix().0 - i64::from(days) * DAY);
        let budget = self.house.purse.balance(self.unix()).await?.map(Budget::from);
        let read = move |store: &mut dyn store::Store| {
            Ok(AllCosts {
                since,
                budget,
                total: store.costs(since, CostsBy::Nothing)?.pop(),
                days: store.costs(since, CostsBy::Day)?,
                purposes: store.costs(since, CostsBy::Purpose)?,
                models: store.costs(since, CostsBy::Model)?,
                sessions: store.costs(since, CostsBy::Session)?,
            })
        };
        Ok(self.house.desk.read(read).await?)
    }
}
