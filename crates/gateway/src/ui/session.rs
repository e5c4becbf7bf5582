//! One session: how it stands, its cache, what it cost, what was kept of it, and what was said.

mod parts;

use super::fault::Fault;
use super::figures::counted;
use super::layout::{self, Tab};
use super::links;
use super::notices::Notice;
use super::text::shortened;
use super::timeline::Timeline;
use crate::admin::Admin;
use crate::admin::forget::Wanted;
use crate::admin::jobs::{Job, Outcome};
use crate::admin::refusal::Refusal;
use crate::admin::review::Reviewed;
use actix_web::{HttpResponse, web};
use domain::ids::SessionId;
use domain::knowledge::{KnowledgeEntry, Observation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use domain::warming::WarmingMode;
use serde::Deserialize;
use store::{Costs, CountedTurn, Excerpt, Page, PaidCall, StoreError};

/// How many messages a page has.
const MESSAGES: u32 = 20;
/// How many of the last observations and entries are shown.
const KEPT: u32 = 30;
/// How many of the last turns and warm-ups the picture of the cache is made of.
const TOUCHES: u32 = 300;

/// What part of the session.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// Messages before this one.
    before: Option<i64>,
    said: Option<u64>,
}

/// A decision about its warming.
#[derive(Deserialize)]
pub(super) struct Decision {
    mode: WarmingMode,
}

/// That it is meant.
#[derive(Deserialize)]
pub(super) struct Confirmation {
    sure: Option<String>,
}

/// What the store has of a session.
pub(super) struct Kept {
    messages: Page<Excerpt>,
    observations: Page<Observation>,
    entries: Page<KnowledgeEntry>,
    turns: Vec<CountedTurn>,
    warm_ups: Vec<PaidCall>,
    costs: Vec<Costs>,
}

/// Everything that the page shows.
pub(super) struct Shown {
    now: UnixMillis,
    reviewed: Reviewed,
    kept: Kept,
    timeline: Option<Timeline>,
    /// Whether the messages are not the last ones.
    is_earlier: bool,
}

/// The page.
pub(super) async fn show(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
    asked: web::Query<Asked>,
) -> Result<HttpResponse, Fault> {
    let Asked { before, said } = asked.into_inner();
    let found = admin.session(&session).await.map_err(|fault| unknown(fault, &session))?;
    let reviewed = admin.review(vec![found]).await?.pop();
    let reviewed = reviewed.ok_or_else(|| unknown(Refusal::no_session(&session), &session))?;
    let (now, wanted) = (admin.unix(), session.clone());
    let kept = admin.house.desk.read(move |store| kept(store, &wanted, before)).await?;
    let timeline = Timeline::of(&kept.turns, &kept.warm_ups, now);
    let shown = Shown { now, reviewed, kept, timeline, is_earlier: before.is_some() };
    let notice = said.and_then(|number| admin.notices.find(number));
    let title = shortened(session.as_str(), 60);
    Ok(layout::page(&title, Tab::Now, notice, &parts::body(&shown)))
}

fn unknown(fault: Refusal, session: &SessionId) -> Refusal {
    match fault {
        Refusal::Unknown(_) => {
            Refusal::Unknown(format!("there is no session {}", shortened(session.as_str(), 80)))
        }
        other => other,
    }
}

fn kept(store: &mut dyn store::Store, session: &SessionId, before: Option<i64>) -> Result<Kept, StoreError> {
    let turns = store.counted_turns(session, TOUCHES)?;
    let since = turns.first().map_or(UnixMillis(i64::MIN), |turn| turn.at);
    Ok(Kept {
        messages: store.said(session, before, MESSAGES)?,
        observations: store.recent_observations(session, KEPT)?,
        entries: store.entries_of(session, KEPT)?,
        warm_ups: store.paid_calls(session, Purpose::Warm, since, TOUCHES)?,
        costs: store.costs_of(session)?,
        turns,
    })
}

/// Has a job done, and leads back with what came of it.
pub(super) async fn run(
    admin: web::Data<Admin>,
    path: web::Path<(SessionId, Job)>,
) -> Result<HttpResponse, Fault> {
    let (session, job) = path.into_inner();
    let outcome = admin.have_done(job, &session).await.map_err(|fault| unknown(fault, &session))?;
    Ok(links::back(&links::session(&session), &admin.notices, told(job, &outcome)))
}

/// Decides about its warming.
pub(super) async fn decide(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
    decision: web::Form<Decision>,
) -> Result<HttpResponse, Fault> {
    admin.decide_warming(&session, decision.mode).await.map_err(|fault| unknown(fault, &session))?;
    let words = match decision.mode {
        WarmingMode::Auto => "The rule decides again whether this session's cache is kept warm.",
        WarmingMode::Keep => {
            "This session's cache is kept warm as long as one return would still pay for it."
        }
        WarmingMode::Stop => "This session's cache is not kept warm any more.",
    };
    let notice = Notice { good: true, words: words.to_owned() };
    Ok(links::back(&links::session(&session), &admin.notices, notice))
}

/// Forgets it for good, and leads to where the others are.
pub(super) async fn forget(
    admin: web::Data<Admin>,
    session: web::Path<SessionId>,
    confirmation: web::Form<Confirmation>,
) -> Result<HttpResponse, Fault> {
    if confirmation.sure.as_deref() != Some("yes") {
        let words = "Nothing was forgotten: tick the box first. It cannot be undone.".to_owned();
        return Ok(links::back(&links::session(&session), &admin.notices, Notice { good: false, words }));
    }
    let what = Wanted::Session(session.into_inner());
    let forgotten = admin.forget(&what, false).await.map_err(|fault| match what {
        Wanted::Session(session) => unknown(fault, &session),
        Wanted::Project(_) | Wanted::Everything => fault,
    })?;
    let words = format!(
        "The session is forgotten for good, with {}, {} and {}. What its agent sends in it from now on is not kept.",
        counted(forgotten.messages, "message", "messages"),
        counted(forgotten.observations, "observation", "observations"),
        counted(forgotten.entries.len() as u64, "entry", "entries"),
    );
    Ok(links::back("/ui", &admin.notices, Notice { good: true, words }))
}

/// What came of a job, as a sentence.
fn told(job: Job, outcome: &Outcome) -> Notice {
    let (did, kept, nothing) = match job {
        Job::Distill => ("Distilled", "observations were kept", "There was nothing to distil."),
        Job::Curate => ("Curated", "changes to knowledge were kept", "There was nothing to curate."),
        Job::Warm => ("Warmed", "caches were refreshed", "There was nothing to keep warm."),
    };
    let reason = outcome.reason.as_deref().unwrap_or("nothing more is known");
    let words = match outcome.outcome {
        "done" => format!("{did}: {} {kept}.", outcome.kept.unwrap_or_default()),
        "nothing" => nothing.to_owned(),
        "queued" | "pending" => format!("Under way: {reason}."),
        "waiting" => format!("Not done, the work stays pending: {reason}."),
        _ => format!("It failed, the work stays pending: {reason}."),
    };
    Notice { good: !matches!(outcome.outcome, "waiting" | "failed"), words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_job_is_told_in_a_sentence() {
        let outcome = |outcome, kept, reason: Option<&str>| Outcome {
            outcome,
            kept,
            reason: reason.map(str::to_owned),
        };
        let say = |job, outcome: &Outcome| told(job, outcome).words;
        assert_eq!(
            say(Job::Distill, &outcome("done", Some(3), None)),
            "Distilled: 3 observations were kept."
        );
        assert_eq!(say(Job::Curate, &outcome("nothing", None, None)), "There was nothing to curate.");
        let waiting = outcome("waiting", None, Some("the provider asked for a pause"));
        assert_eq!(
            say(Job::Warm, &waiting),
            "Not done, the work stays pending: the provider asked for a pause."
        );
        assert!(!told(Job::Warm, &waiting).good);
        let failed = outcome("failed", None, Some("it rained"));
        assert_eq!(say(Job::Warm, &failed), "It failed, the work stays pending: it rained.");
    }
}
