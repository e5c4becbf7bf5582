//! Background work that a person wants now. It goes the same way as all other: the worker asks the CredentialActor, and a
//! session that stands still stays so.

use crate::admin::refusal::{self, Refusal};
use crate::admin::{Admin, CAUSE};
use actix_web::{HttpRequest, web};
use actor::TellError;
use domain::ids::SessionId;
use domain::purpose::Purpose;
use machines::cache_warmer::WarmerMessage;
use machines::job::{Brief, Ending, JobMessage};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use store::SessionSummary;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::timeout;
use workers::{Ended, House, Spoken, Upstreams};

/// How long the answer waits for the job.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What can be asked for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Job {
    /// Turn what is pending into observations.
    Distill,
    /// Turn observations into knowledge.
    Curate,
    /// Refresh the provider's prompt cache.
    Warm,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Outcome {
    pub(crate) outcome: &'static str,
    pub(crate) kept: Option<u32>,
    pub(crate) reason: Option<String>,
}

/// Has the job done and answers with what came of it, or that it is still under way after a minute.
pub(crate) async fn run(
    admin: web::Data<Admin>,
    path: web::Path<(SessionId, Job)>,
    request: HttpRequest,
) -> Result<web::Json<Outcome>, Refusal> {
    refusal::check_body(request.headers())?;
    let (session, job) = path.into_inner();
    admin.have_done(job, &session).await.map(web::Json)
}

impl Admin {
    /// Has the job done, and tells what came of it, or that it is still under way after a minute.
    pub(crate) async fn have_done(&self, job: Job, session: &SessionId) -> Result<Outcome, Refusal> {
        let brief = brief(&self.session(session).await?, &self.house.upstreams);
        // Listening begins before the worker hears of it: a quick job would be over before.
        // A credential that has just passed by is one that the job may use.
        self.house.outbox.flush();
        let endings = self.house.endings();
        job.tell(&self.house, brief)?;
        let ended = timeout(LONGEST_WAIT, ending(endings, session, job.purpose())).await;
        Ok(ended.ok().flatten().map_or_else(pending, outcome))
    }
}

impl Job {
    const fn purpose(self) -> Purpose {
        match self {
            Self::Distill => Purpose::Distill,
            Self::Curate => Purpose::Curate,
            Self::Warm => Purpose::Warm,
        }
    }

    fn tell(self, house: &House, brief: Brief) -> Result<(), TellError> {
        match self {
            Self::Distill => house.distiller.tell(Spoken(JobMessage::Wanted(brief)), CAUSE),
            Self::Curate => house.curator.tell(Spoken(JobMessage::Wanted(brief)), CAUSE),
            Self::Warm => house.warmer.tell(Spoken(WarmerMessage::WarmNow(brief)), CAUSE),
        }
    }
}

fn brief(session: &SessionSummary, upstreams: &Upstreams) -> Brief {
    Brief {
        patient: false,
        project: session.project.clone(),
        principal: session.principal.clone(),
        session: session.id.clone(),
        upstream: upstreams.key(session.provider),
        dialect: session.dialect,
        model: session.model.clone(),
    }
}

/// How the session's next job of this purpose ends; nothing when the house is gone.
async fn ending(mut endings: Receiver<Ended>, session: &SessionId, purpose: Purpose) -> Option<Ending> {
    loop {
        match endings.recv().await {
            Ok(ended) if ended.session == *session && ended.purpose == purpose => return Some(ended.ending),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return None,
        }
    }
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Done { kept } => Outcome { outcome: "done", kept: Some(kept), reason: None },
        Ending::Nothing => Outcome { outcome: "nothing", kept: None, reason: None },
        Ending::Queued => {
            let reason = "the provider does it within a day, as a batch".to_owned();
            Outcome { outcome: "queued", kept: None, reason: Some(reason) }
        }
        Ending::Waiting { reason, .. } => {
            Outcome { outcome: "waiting", kept: None, reason: Some(reason.explain().to_owned()) }
        }
        Ending::Failed { why, .. } => Outcome { outcome: "failed", kept: None, reason: Some(why) },
    }
}

fn pending() -> Outcome {
    let reason = "it is still under way; look at the session again in a while".to_owned();
    Outcome { outcome: "pending", kept: None, reason: Some(reason) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::WaitReason;
    use machines::job::FailureCause;
    use tokio::sync::broadcast;

    fn ended(session: &str, purpose: Purpose, kept: u32) -> Ended {
        Ended { session: session.into(), purpose, ending: Ending::Done { kept } }
    }

    #[tokio::test]
    async fn only_the_ending_of_this_session_and_purpose_counts() {
        let (sender, endings) = broadcast::channel(8);
        for news in
            [ended("b", Purpose::Distill, 1), ended("a", Purpose::Curate, 2), ended("a", Purpose::Distill, 3)]
        {
            sender.send(news).expect("heard");
        }
        let found = ending(endings, &"a".into(), Purpose::Distill).await;
        assert_eq!(found, Some(Ending::Done { kept: 3 }));
    }

    #[tokio::test]
    async fn news_that_were_missed_do_not_end_the_wait() {
        let (sender, endings) = broadcast::channel(1);
        sender.send(ended("b", Purpose::Warm, 1)).expect("heard");
        sender.send(ended("a", Purpose::Warm, 2)).expect("heard");
        let found = ending(endings, &"a".into(), Purpose::Warm).await;
        assert_eq!(found, Some(Ending::Done { kept: 2 }));
    }

    #[tokio::test]
    async fn a_house_that_is_gone_ends_the_wait() {
        let (sender, endings) = broadcast::channel(1);
        drop(sender);
        assert_eq!(ending(endings, &"a".into(), Purpose::Warm).await, None);
    }

    #[test]
    fn every_ending_has_its_word_and_a_reason_where_something_is_left_to_do() {
        let shown = |ending| serde_json::to_string(&outcome(ending)).expect("JSON");
        assert_eq!(shown(Ending::Done { kept: 2 }), r#"{"outcome":"done","kept":2,"reason":null}"#);
        assert_eq!(shown(Ending::Nothing), r#"{"outcome":"nothing","kept":null,"reason":null}"#);
        let failed = Ending::Failed { cause: FailureCause::House, why: "it rained".to_owned() };
        assert_eq!(shown(failed), r#"{"outcome":"failed","kept":null,"reason":"it rained"}"#);
        let waiting = Ending::Waiting { reason: WaitReason::Throttled, ask_again_at: None };
        let said = r#"{"outcome":"waiting","kept":null,"reason":"the provider asked for a pause"}"#;
        assert_eq!(shown(waiting), said);
        assert_eq!(pending().outcome, "pending");
    }
}
