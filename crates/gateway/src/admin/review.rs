//! How background work of the sessions stands, put together from the store and the CredentialActor.

use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use domain::access::WaitReason;
use domain::provider::Provider;
use machines::credential::{CredentialMessage, CredentialReply, SlotKey};
use std::collections::BTreeMap;
use store::SessionSummary;

/// A session, and why its background work stands still, if it does.
pub(crate) type Reviewed = (SessionSummary, Option<WaitReason>);

impl Admin {
    /// Every session; the one used last first.
    pub(crate) async fn reviewed_sessions(&self) -> Result<Vec<Reviewed>, Refusal> {
        let sessions = self.house.desk.read(|store| store.sessions(None)).await?;
        self.review(sessions).await
    }

    /// `sessions` with their standings, all asked for in one question.
    pub(crate) async fn review(&self, sessions: Vec<SessionSummary>) -> Result<Vec<Reviewed>, Refusal> {
        let slots = sessions.iter().map(slot).collect();
        match self.ask(CredentialMessage::ReviewSessions(slots)).await? {
            CredentialReply::Standing(standing) => Ok(sessions.into_iter().zip(standing).collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// How many sessions stand still, by provider. Those that nobody has brought a credential for since the start do not
    /// count: they wait for their agent, not for a fresh token.
    pub(crate) async fn paused(&self) -> Result<BTreeMap<Provider, i64>, Refusal> {
        let mut paused = BTreeMap::new();
        for (session, reason) in self.reviewed_sessions().await? {
            if reason.is_some_and(|reason| reason != WaitReason::NoCredential) {
                *paused.entry(session.provider).or_default() += 1;
            }
        }
        Ok(paused)
    }
}

fn slot(session: &SessionSummary) -> SlotKey {
    SlotKey {
        principal: session.principal.clone(),
        upstream: session.upstream(),
        session: session.id.clone(),
    }
}
