//! Taking along what is kept, and bringing it in: everything as lines of JSON, knowledge also as a file that people edit.

use crate::admin::Admin;
use crate::admin::refusal::{self, Refusal};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use domain::ids::ProjectId;
use domain::knowledge_file::{KnowledgeFile, Section, render};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use store::record::Record;
use store::{Imported, Scribe, StoreError, TakenOver, TakingOver};

/// The largest body, in bytes: what is brought in comes in pieces.
const LARGEST_BODY: usize = 32 << 20;

/// Some records of an export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    records: Vec<Record>,
    /// Whether what was forgotten is to come again.
    #[serde(default)]
    again: bool,
}

/// A file of knowledge.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The projects of its headings, which it may have without a section.
    #[serde(default)]
    projects: Vec<Option<ProjectId>>,
    sections: Vec<Section>,
    #[serde(default)]
    delete: bool,
    #[serde(default)]
    dry_run: bool,
    /// Whether entries that were forgotten are to come again.
    #[serde(default)]
    again: bool,
}

/// Of which project.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    project: Option<ProjectId>,
}

/// What came of a file of knowledge.
#[derive(Serialize)]
pub(crate) struct Answer {
    dry_run: bool,
    #[serde(flatten)]
    taken: TakenOver,
}

/// Larger bodies than elsewhere.
pub(crate) fn body_config() -> web::JsonConfig {
    refusal::json_config().limit(LARGEST_BODY)
}

/// Everything, line by line, as it is read: nobody holds all of it.
pub(crate) async fn export(admin: web::Data<Admin>) -> HttpResponse {
    let desk = admin.house.desk.clone();
    let scribe = Scribe::of(admin.owner.clone());
    let lines = stream::try_unfold((desk, scribe), |(desk, mut scribe)| async move {
        let read = desk.read(move |store| {
            let lines = scribe.write(store)?;
            Ok((lines, scribe))
        });
        let (lines, scribe) = read.await?;
        Ok::<_, StoreError>(lines.map(|lines| (Bytes::from(lines), (desk, scribe))))
    });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(lines)
}

/// Knowledge as a file.
pub(crate) async fn export_knowledge(
    admin: web::Data<Admin>,
    part: web::Query<Part>,
) -> Result<HttpResponse, Refusal> {
    let (owner, project) = (admin.owner.clone(), part.into_inner().project);
    let sections = admin.house.desk.read(move |store| store.sections(&owner, project.as_ref())).await?;
    Ok(HttpResponse::Ok().content_type("text/markdown; charset=utf-8").body(render(&sections)))
}

/// Brings some records in, all or none; of what was forgotten, when that is erased.
pub(crate) async fn import(
    admin: web::Data<Admin>,
    batch: web::Json<Batch>,
) -> Result<web::Json<Imported>, Refusal> {
    let (owner, Batch { records, again }) = (admin.owner.clone(), batch.into_inner());
    check(&records)?;
    if again {
        admin.house.finish_erasing().await?;
    }
    let imported = admin.house.desk.write(move |store| store.import_some(&owner, &records, again)).await?;
    if imported.entries > 0 {
        admin.house.notebook.refresh(&admin.house.desk).await;
    }
    Ok(web::Json(imported))
}

/// What an export could not have is not brought in either.
fn check(records: &[Record]) -> Result<(), Refusal> {
    let wrong = |(number, record): (usize, &Record)| {
        record.check().err().map(|why| Refusal::Invalid(format!("record {number}: {why}")))
    };
    (1..).zip(records).find_map(wrong).map_or(Ok(()), Err)
}

/// Makes knowledge say what a file says, or tells what would be done.
pub(crate) async fn import_knowledge(
    admin: web::Data<Admin>,
    file: web::Json<File>,
) -> Result<web::Json<Answer>, Refusal> {
    let File { projects, sections, delete, dry_run, again } = file.into_inner();
    let file = KnowledgeFile { projects, sections };
    file.check().map_err(Refusal::Invalid)?;
    let (owner, at) = (admin.owner.clone(), admin.unix());
    let how = TakingOver { delete, rehearse: dry_run, again };
    let write = move |store: &mut dyn store::Store| store.take_over(&owner, &file, how, at);
    let taken = admin.house.desk.write(write).await?;
    if !dry_run {
        for id in &taken.deleted {
            admin.house.notebook.forget(id, &admin.house.desk).await;
        }
        if !taken.deleted.is_empty() {
            admin.house.empty_log().await;
        }
        admin.house.notebook.refresh(&admin.house.desk).await;
    }
    Ok(web::Json(Answer { dry_run, taken }))
}
