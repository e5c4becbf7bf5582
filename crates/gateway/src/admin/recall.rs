//! The search over everything that was kept.

use crate::admin::parameter::number;
use crate::admin::refusal::Refusal;
use crate::admin::{Admin, shown};
use crate::period;
use actix_web::web;
use domain::ids::SessionId;
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use store::{Hit, MOST_HITS, Source};

/// How many hits there are at most unless that is said.
const TEN: usize = 10;

/// What is searched, as it was written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Search {
    #[serde(default)]
    q: String,
    limit: Option<String>,
    project: Option<String>,
    since: Option<String>,
    until: Option<String>,
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct Hits {
    hits: Vec<ShownHit>,
}

#[derive(Serialize)]
struct ShownHit {
    source: Source,
    id: String,
    session: Option<SessionId>,
    title: Option<String>,
    text: String,
    score: f64,
    #[serde(serialize_with = "shown::as_time")]
    at: UnixMillis,
}

/// What fits the words, the best first; without words what is of a period.
pub(crate) async fn search(
    admin: web::Data<Admin>,
    search: web::Query<Search>,
) -> Result<web::Json<Hits>, Refusal> {
    let Search { q, limit, project, since, until } = search.into_inner();
    let now = period::here(UnixMillis::from(admin.house.environment.clock.unix()));
    let period = period::read(since.as_deref(), until.as_deref(), &now).map_err(Refusal::Invalid)?;
    if q.trim().is_empty() && period.is_open() {
        let wanted =
            "q is empty: say what to look for, as in ?q=retry+policy, or since when, as in ?since=yesterday";
        return Err(Refusal::Invalid(wanted.to_owned()));
    }
    let limit = number("limit", limit.as_deref(), TEN, MOST_HITS)?;
    let hits = admin.house.recall((None, project), period, q, limit).await?;
    Ok(web::Json(Hits { hits: hits.into_iter().map(show).collect() }))
}

fn show(hit: Hit) -> ShownHit {
    let Hit { source, id, session, title, text, score, at } = hit;
    ShownHit { source, id, session, title, text, score, at }
}
