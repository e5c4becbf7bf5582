//! A file of knowledge that a person may have edited.

use super::{PATIENCE, Source, refused, unreadable};
use crate::cli::Import;
use crate::command::invocation::Invocation;
use crate::command::keeper::{Keeper, unusable};
use crate::failure::Failure;
use crate::output::say;
use domain::ids::KnowledgeId;
use domain::knowledge_file::{KnowledgeFile, parse};
use domain::time::UnixMillis;
use serde_json::json;
use store::{TakenOver, TakingOver, Yours as _};

pub(super) async fn bring_in(
    invocation: &Invocation<'_>,
    asked: &Import,
    source: &Source<'_>,
) -> Result<(), Failure> {
    let file = source.path;
    let text = source.text().map_err(|cause| unreadable(file, &cause))?;
    let remedy = "mend that line; `stillroom export` shows how such a file looks";
    let read = parse(&text).map_err(|fault| refused(file, fault, remedy))?;
    let mut keeper = if asked.dry_run {
        Keeper::find_or_pretend(invocation).await?
    } else {
        Keeper::find_or_make(invocation).await?
    };
    let taken = take_over(&mut keeper, &read, asked).await?;
    let told = || told(&taken, asked.dry_run, asked.delete);
    say(&if asked.json.json { serde_json::to_string(&taken).unwrap_or_default() } else { told() });
    Ok(())
}

async fn take_over(keeper: &mut Keeper, file: &KnowledgeFile, asked: &Import) -> Result<TakenOver, Failure> {
    match keeper {
        Keeper::Gateway(gateway) => {
            let body = json!({"projects": file.projects, "sections": file.sections, "delete": asked.delete, "dry_run": asked.dry_run, "again": asked.again});
            let answer = gateway.post("/api/v1/import/knowledge", &body, PATIENCE).await?.json()?;
            let ids = |field: &str| {
                let all = answer[field].as_array().cloned().unwrap_or_default();
                all.iter().filter_map(|id| id.as_str().map(KnowledgeId::from)).collect()
            };
            Ok(TakenOver {
                created: ids("created"),
                updated: ids("updated"),
                deleted: ids("deleted"),
                unchanged: answer["unchanged"].as_u64().unwrap_or_default(),
                left_out: ids("left_out"),
            })
        }
        Keeper::Folder(store, owner) => {
            let now = UnixMillis(jiff::Timestamp::now().as_millisecond());
            let how = TakingOver { delete: asked.delete, rehearse: asked.dry_run, again: asked.again };
            store.take_over(owner, file, how, now).map_err(|error| unusable(&error))
        }
    }
}

fn told(taken: &TakenOver, dry_run: bool, delete: bool) -> String {
    let named = |ids: &[KnowledgeId]| match ids {
        [] => "none".to_owned(),
        ids => ids.iter().map(KnowledgeId::as_str).collect::<Vec<_>>().join(", "),
    };
    let mut text = format!(
        "{}. New: {}. Changed: {}. As before: {}.",
        if dry_run { "Nothing was changed; this would be" } else { "Taken over" },
        named(&taken.created),
        named(&taken.updated),
        taken.unchanged
    );
    if delete {
        text.push_str(&format!(" Deleted: {}.", named(&taken.deleted)));
    }
    if !taken.left_out.is_empty() {
        text.push_str(&format!(
            "\nLeft out, since they were deleted or forgotten here: {}. Without its id, such a section is a new entry; --again brings in \
            what was forgotten.",
            named(&taken.left_out)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_a_file_is_told_by_the_ids_of_its_entries() {
        let taken = TakenOver {
            created: vec!["k7".into(), "k8".into()],
            updated: vec!["k1".into()],
            deleted: vec!["k2".into()],
            unchanged: 3,
            left_out: vec!["k5".into()],
        };
        let kept = TakenOver { deleted: Vec::new(), left_out: Vec::new(), ..taken.clone() };
        insta::assert_snapshot!(format!("{}\n\n{}", told(&taken, false, true), told(&kept, true, false)), @r"
        Taken over. New: k7, k8. Changed: k1. As before: 3. Deleted: k2.
        Left out, since they were deleted or forgotten here: k5. Without its id, such a section is a new entry; --again brings in what was forgotten.

        Nothing was changed; this would be. New: k7, k8. Changed: k1. As before: 3.
        ");
    }
}
