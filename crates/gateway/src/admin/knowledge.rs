//! Curated entries, and changes to them by hand.

use crate::admin::refusal::Refusal;
use crate::admin::{Admin, shown};
use actix_web::web;
use domain::fading::faded;
use domain::ids::{KnowledgeId, ProjectId, SessionId};
use domain::knowledge::{Category, Contradiction, KnowledgeEntry, check_entry};
use domain::time::UnixMillis;
use serde::{Deserialize, Serialize};
use store::Draft;

/// The answer of the list.
#[derive(Serialize)]
pub(crate) struct Knowledge {
    knowledge: Vec<ShownEntry>,
}

/// One entry.
#[derive(Serialize)]
pub(crate) struct ShownEntry {
    id: KnowledgeId,
    category: Category,
    title: String,
    content: String,
    confidence: f64,
    version: u32,
    session: Option<SessionId>,
    project: Option<ProjectId>,
    promoted: bool,
    /// Whether an agent asked to keep it.
    remembered: bool,
    #[serde(serialize_with = "shown::as_time")]
    created: UnixMillis,
    #[serde(serialize_with = "shown::as_time")]
    updated: UnixMillis,
    #[serde(serialize_with = "shown::as_time")]
    used: UnixMillis,
    /// What is left of the confidence after so long without use.
    faded: f64,
    contradicts: Vec<Contradiction>,
}

/// Whether an entry holds in every project.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Promotion {
    promoted: bool,
}

/// What a deletion answers.
#[derive(Serialize)]
pub(crate) struct Deleted {
    deleted: KnowledgeId,
}

/// All entries; the last changed first.
pub(crate) async fn list(admin: web::Data<Admin>) -> Result<web::Json<Knowledge>, Refusal> {
    let entries = admin.house.desk.read(|store| store.knowledge(None)).await?;
    Ok(web::Json(Knowledge {
        knowledge: entries.into_iter().map(|entry| show(entry, admin.unix())).collect(),
    }))
}

/// Makes an entry, or writes a new version of it.
pub(crate) async fn put(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
    draft: web::Json<Draft>,
) -> Result<web::Json<ShownEntry>, Refusal> {
    let entry = admin.put_entry(id.into_inner(), draft.into_inner()).await?;
    Ok(web::Json(show(entry, admin.unix())))
}

/// Lets an entry hold in every project of its principal, or in its own alone again.
pub(crate) async fn promote(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
    promotion: web::Json<Promotion>,
) -> Result<web::Json<ShownEntry>, Refusal> {
    let (id, promoted) = (id.into_inner(), promotion.promoted);
    let named = id.clone();
    let entry = admin.house.desk.write(move |store| store.promote_entry(&named, promoted)).await?;
    admin.house.notebook.refresh(&admin.house.desk).await;
    entry.map(|entry| web::Json(show(entry, admin.unix()))).ok_or_else(|| no_entry(&id))
}

/// Forgets an entry for good.
pub(crate) async fn delete(
    admin: web::Data<Admin>,
    id: web::Path<KnowledgeId>,
) -> Result<web::Json<Deleted>, Refusal> {
    let id = id.into_inner();
    admin.forget_entry(&id).await?;
    Ok(web::Json(Deleted { deleted: id }))
}

impl Admin {
    /// Makes an entry, or writes a new version of it.
    pub(crate) async fn put_entry(&self, id: KnowledgeId, draft: Draft) -> Result<KnowledgeEntry, Refusal> {
        check(&id, &draft)?;
        let at = self.unix();
        let owner = self.owner.clone();
        let write = move |store: &mut dyn store::Store| store.put_entry(&owner, &id, &draft, at);
        let entry = self.house.desk.write(write).await?;
        self.house.notebook.refresh(&self.house.desk).await;
        Ok(entry)
    }

    /// Forgets an entry for good.
    pub(crate) async fn forget_entry(&self, id: &KnowledgeId) -> Result<(), Refusal> {
        let (doomed, at) = (id.clone(), self.unix());
        let was_there = self.house.desk.write(move |store| store.delete_entry(&doomed, at)).await?;
        self.house.notebook.forget(id, &self.house.desk).await;
        self.house.empty_log().await;
        was_there.then_some(()).ok_or_else(|| no_entry(id))
    }
}

fn no_entry(id: &KnowledgeId) -> Refusal {
    Refusal::Unknown(format!("there is no entry {id}; GET /api/v1/knowledge lists them"))
}

fn check(id: &KnowledgeId, draft: &Draft) -> Result<(), Refusal> {
    id.check().map_err(Refusal::Invalid)?;
    check_entry(&draft.title, &draft.content, draft.confidence).map_err(Refusal::Invalid)
}

fn show(entry: KnowledgeEntry, now: UnixMillis) -> ShownEntry {
    let KnowledgeEntry { id, category, title, content, confidence, version, session, project, .. } = entry;
    let KnowledgeEntry { promoted, remembered, created, updated, used, contradicts, .. } = entry;
    // Three digits say all there is to say, and do not change from one look to the next.
    let faded = (faded(confidence, used, now) * 1000.0).round() / 1000.0;
    ShownEntry {
        id,
        category,
        title,
        content,
        confidence,
        version,
        session,
        project,
        promoted,
        remembered,
        created,
        updated,
        used,
        faded,
        contradicts,
    }
}
