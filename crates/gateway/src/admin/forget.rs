//! Forgetting for good: a session, a project, or all that the gateway keeps for its owner.

use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use actix_web::web;
use domain::ids::{Principal, ProjectId, SessionId};
use serde::{Deserialize, Serialize};
use store::{Extent, Forgotten};

/// What is to be forgotten, or only counted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    session: Option<SessionId>,
    project: Option<ProjectId>,
    #[serde(default)]
    everything: bool,
    #[serde(default)]
    dry_run: bool,
}

/// The answer.
#[derive(Serialize)]
pub(crate) struct Answer {
    dry_run: bool,
    #[serde(flatten)]
    forgotten: Forgotten,
}

/// One of the three.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    Session(SessionId),
    Project(ProjectId),
    Everything,
}

/// Forgets, or counts what would be forgotten.
pub(crate) async fn forget(
    admin: web::Data<Admin>,
    order: web::Json<Order>,
) -> Result<web::Json<Answer>, Refusal> {
    let Order { session, project, everything, dry_run } = order.into_inner();
    let wanted = match (session, project, everything) {
        (Some(session), None, false) => Wanted::Session(session),
        (None, Some(project), false) => Wanted::Project(project),
        (None, None, true) => Wanted::Everything,
        _ => {
            let rule = r#"say one thing to forget: {"session":ID}, {"project":NAME} or {"everything":true}"#;
            return Err(Refusal::Invalid(rule.to_owned()));
        }
    };
    let forgotten = admin.forget(&wanted, dry_run).await?;
    Ok(web::Json(Answer { dry_run, forgotten }))
}

impl Admin {
    /// Forgets, or counts what would be forgotten. A session is forgotten whoever owns it; all else is the gateway's owner's. What
    /// was forgotten before and is not erased yet is waited for.
    pub(crate) async fn forget(&self, wanted: &Wanted, dry_run: bool) -> Result<Forgotten, Refusal> {
        let (whose, what) = self.extent(wanted).await?;
        let (owner, counted) = (whose.clone(), what.clone());
        let found = self.house.desk.read(move |store| store.forgettable(&owner, &counted)).await?;
        if let (Wanted::Project(project), true) = (wanted, is_empty(&found)) {
            let why =
                format!("nothing is kept of a project {project}; GET /api/v1/sessions names those there are");
            return Err(Refusal::Unknown(why));
        }
        if dry_run { Ok(found) } else { Ok(self.house.forget(&whose, what).await?) }
    }

    async fn extent(&self, wanted: &Wanted) -> Result<(Principal, Extent), Refusal> {
        Ok(match wanted {
            Wanted::Session(session) => {
                let wanted = session.clone();
                let owner = self.house.desk.read(move |store| store.owner(&wanted)).await?;
                let owner = owner.ok_or_else(|| Refusal::no_session(session))?;
                (owner, Extent::Session(session.clone()))
            }
            Wanted::Project(project) => (self.owner.clone(), Extent::Project(project.clone())),
            Wanted::Everything => (self.owner.clone(), Extent::Everything),
        })
    }
}

fn is_empty(found: &Forgotten) -> bool {
    found.sessions.is_empty() && found.entries.is_empty() && found.unerased.sessions == 0
}
