//! How background work of the sessions stands, put together from the store, the CredentialActor, the IdleScheduler and the
//! CacheWarmer.

use crate::admin::refusal::Refusal;
use crate::admin::{Admin, LOOK, PATIENCE};
use domain::access::{AccessRequest, WaitReason};
use domain::provider::Provider;
use domain::purpose::Purpose;
use machines::cache_warmer::Explanation;
use machines::credential::{CredentialMessage, CredentialReply};
use machines::health::Level;
use machines::idle_scheduler::{SchedulerMessage, SchedulerReply, WorkerHealth};
use std::collections::BTreeMap;
use store::SessionSummary;
use workers::{Spoken, Upstreams};

/// A session, and how its background work stands.
pub(crate) struct Reviewed {
    pub(crate) session: SessionSummary,
    /// Why it stands still, if it does.
    pub(crate) paused: Option<WaitReason>,
    /// The workers that are not healthy.
    unwell: Vec<(Purpose, Level)>,
    /// Why its cache is kept warm, or not.
    pub(crate) warming: Explanation,
}

impl Reviewed {
    /// How well the worker of this purpose does.
    pub(crate) fn health(&self, purpose: Purpose) -> Level {
        let unwell = self.unwell.iter().find(|(worker, _)| *worker == purpose);
        unwell.map_or(Level::Healthy, |(_, level)| *level)
    }
}

impl Admin {
    /// Every session; the one used last first.
    pub(crate) async fn reviewed_sessions(&self) -> Result<Vec<Reviewed>, Refusal> {
        let sessions = self.house.desk.read(|store| store.sessions(None)).await?;
        self.review(sessions).await
    }

    /// `sessions` with their standings; each actor is asked one question for all of them.
    pub(crate) async fn review(&self, sessions: Vec<SessionSummary>) -> Result<Vec<Reviewed>, Refusal> {
        let standing = self.standing(&sessions).await?;
        let unwell = self.unwell().await?;
        let asked = sessions.iter().map(|session| session.id.clone()).zip(standing.iter().copied());
        let warming = self.explained(asked.collect()).await?;
        let all = sessions.into_iter().zip(standing).zip(warming);
        Ok(all.map(|((session, paused), warming)| reviewed(session, paused, &unwell, warming)).collect())
    }

    async fn standing(&self, sessions: &[SessionSummary]) -> Result<Vec<Option<WaitReason>>, Refusal> {
        let upstreams = &self.house.upstreams;
        let requests = sessions.iter().map(|session| request(session, upstreams)).collect();
        let held_back = self.held_back().await?;
        match self.ask(CredentialMessage::ReviewSessions(requests)).await? {
            CredentialReply::Standing(standing) => {
                Ok(standing.into_iter().map(|reason| reason.or(held_back)).collect())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The day's budget holds the work of all sessions back, or of none.
    async fn held_back(&self) -> Result<Option<WaitReason>, Refusal> {
        let balance = self.house.purse.balance(self.unix()).await?;
        let until = balance.and_then(|balance| balance.allowance.held_until());
        Ok(until.map(|_| WaitReason::Budget))
    }

    /// Every worker that is not healthy, session by session.
    pub(crate) async fn unwell(&self) -> Result<Vec<WorkerHealth>, Refusal> {
        let question = Spoken(SchedulerMessage::ListHealth);
        match self.house.scheduler.ask(question, LOOK, PATIENCE).await? {
            SchedulerReply::Health(unwell) => Ok(unwell),
            SchedulerReply::Noted => Ok(Vec::new()),
        }
    }

    /// How many sessions stand still, by provider. Those that nobody has brought a credential for since the start do not
    /// count: they wait for their agent, not for a fresh token.
    pub(crate) async fn paused(&self) -> Result<BTreeMap<Provider, i64>, Refusal> {
        let mut paused = BTreeMap::new();
        let sessions = self.house.desk.read(|store| store.sessions(None)).await?;
        let standing = self.standing(&sessions).await?;
        for (session, reason) in sessions.into_iter().zip(standing) {
            if reason.is_some_and(|reason| reason != WaitReason::NoCredential) {
                *paused.entry(session.provider).or_default() += 1;
            }
        }
        Ok(paused)
    }
}

fn reviewed(
    session: SessionSummary,
    paused: Option<WaitReason>,
    unwell: &[WorkerHealth],
    warming: Explanation,
) -> Reviewed {
    let of_session = unwell.iter().filter(|worker| worker.session == session.id);
    let unwell = of_session.map(|worker| (worker.purpose, worker.level)).collect();
    Reviewed { session, paused, unwell, warming }
}

/// As its distiller would ask. Which model that would be is the settings' to say, and left open here.
fn request(session: &SessionSummary, upstreams: &Upstreams) -> AccessRequest {
    AccessRequest {
        principal: session.principal.clone(),
        upstream: upstreams.key(session.provider),
        session: session.id.clone(),
        model: String::new(),
        purpose: Purpose::Distill,
        project: session.project.clone(),
    }
}
