//! The Curator: turns what was observed into lasting knowledge, by operations that are applied whole or not at all, and keeps a
//! project's knowledge small.

#[cfg(test)]
mod tests;
mod words;

use crate::Notebook;
use crate::caller::{Caller, Question, evidence, unanswered, words as said};
use crate::job::Craft;
use crate::unkept::{Unkept, of_no_use, refuse};
use domain::conversation::Answered;
use domain::credential::Lease;
use domain::evidence::Evidence;
use domain::ids::{KnowledgeId, SessionId};
use domain::knowledge::{KnowledgeEntry, Operation};
use domain::purpose::Purpose;
use domain::time::UnixMillis;
use machines::job::{Brief, Work};
use std::collections::HashMap;
use store::{Applied, CurationMaterial, Store, StoreError, Vain};
use upstream::call::CallEnd;
use upstream::dialect::{Completion, completion};
use words::Asked;

/// The longest answer, in tokens: a few dozen operations and room for a model's own thinking.
const OUTPUT: u32 = 8192;

/// See the module.
pub(crate) struct Curating {
    pub(crate) caller: Caller,
    /// The same, counted as consolidation.
    pub(crate) consolidator: Caller,
    /// What tells requests of changed knowledge.
    pub(crate) notebook: Notebook,
}

/// What a job works on: one thing a call.
enum Material {
    /// A project has too many entries: these, of so many.
    Crowd(Vec<KnowledgeEntry>, u32),
    /// What a session left behind.
    Session(CurationMaterial),
    /// Nothing that was not looked at already.
    Nothing,
}

/// What a call is about.
#[derive(Debug, Clone, Copy)]
enum About {
    Session {
        /// How many of its turns were shown.
        turns: u32,
    },
    Crowd,
}

impl About {
    fn operations(self, answer: &str) -> Result<Vec<Operation>, String> {
        match self {
            Self::Session { .. } => words::operations(answer),
            Self::Crowd => words::reducing(answer),
        }
    }

    const fn in_vain(self) -> Vain {
        match self {
            Self::Session { .. } => Vain::Curation,
            Self::Crowd => Vain::Consolidation,
        }
    }
}

impl Craft for Curating {
    const NAME: &'static str = "Curator";
    const PURPOSE: Purpose = Purpose::Curate;

    async fn work(&self, brief: Brief, lease: Lease) -> Work {
        let (session, most) = (brief.session.clone(), self.caller.settings.curator.max_entries);
        let now = self.now();
        let material = self.caller.desk.write(move |store| next(store, &session, most, now)).await;
        match material {
            Ok(Material::Crowd(entries, all)) => self.consolidate(brief, lease, &entries, all).await,
            Ok(Material::Session(material)) if material.is_empty() => self.nothing_to_curate(brief).await,
            Ok(Material::Session(material)) => self.curate(brief, lease, &material).await,
            Ok(Material::Nothing) => Work::Nothing,
            Err(error) => Work::Failed { evidence: None, why: error.to_string() },
        }
    }
}

/// Too many entries come first: the sooner a project has few, the better what is made of the next session fits in. That they
/// are too many does not make the session due when they were consolidated lately.
fn next(
    store: &mut dyn Store,
    session: &SessionId,
    most: u32,
    now: UnixMillis,
) -> Result<Material, StoreError> {
    let crowd = store.begin_consolidation(session, most, now)?;
    let standing = store.standing(session)?;
    if !crowd.is_empty() {
        return Ok(Material::Crowd(crowd, standing.entries));
    }
    if standing.entries > most && standing.turns_since_curation == 0 {
        return Ok(Material::Nothing);
    }
    store.curation_material(session).map(Material::Session)
}

impl Curating {
    /// Turns that left nothing behind count as looked after, or the session would be due at every sweep.
    async fn nothing_to_curate(&self, brief: Brief) -> Work {
        let at = self.now();
        match self.caller.desk.write(move |store| store.apply_operations(&brief.session, &[], at)).await {
            Ok(_) => Work::Nothing,
            Err(error) => Work::Failed { evidence: None, why: error.to_string() },
        }
    }

    async fn curate(&self, brief: Brief, lease: Lease, material: &CurationMaterial) -> Work {
        let settings = &self.caller.settings;
        let (most, room) = (settings.curator.max_entries, settings.distiller.pending_tokens);
        let asked = words::of_session(material, most, room, self.now());
        self.change(About::Session { turns: material.turns }, &brief, &lease, (asked, &material.entries))
            .await
    }

    async fn consolidate(&self, brief: Brief, lease: Lease, entries: &[KnowledgeEntry], all: u32) -> Work {
        let asked = words::of_crowd(entries, all, self.caller.settings.curator.max_entries, self.now());
        self.change(About::Crowd, &brief, &lease, (asked, entries)).await
    }

    async fn change(
        &self,
        about: About,
        brief: &Brief,
        lease: &Lease,
        (asked, shown): (Asked, &[KnowledgeEntry]),
    ) -> Work {
        let caller = match about {
            About::Session { .. } => &self.caller,
            About::Crowd => &self.consolidator,
        };
        let session = brief.session.clone();
        let work = match ask(caller, brief, lease, asked).await {
            Ok((answered, evidence)) => match self.keep(about, session.clone(), &answered, shown).await {
                Ok(kept) => Work::Accepted { evidence, kept },
                Err(unkept) => unkept.work(evidence),
            },
            Err(work) => work,
        };
        if let Some(why) = of_no_use(&work) {
            refuse(caller, session, about.in_vain(), why).await;
        }
        work
    }

    /// Applies the operations of an answer about what was shown; how many entries that changed, or why it changed none.
    async fn keep(
        &self,
        about: About,
        session: SessionId,
        answered: &Answered,
        shown: &[KnowledgeEntry],
    ) -> Result<u32, Unkept> {
        let text = said(answered).map_err(Unkept::Useless)?;
        let operations = about.operations(&text).map_err(Unkept::Useless)?;
        let at = self.now();
        let shown: HashMap<KnowledgeId, u32> = shown.iter().map(|it| (it.id.clone(), it.version)).collect();
        let apply = move |store: &mut dyn Store| {
            let operations = of_what_was_shown(store, operations, &shown)?;
            match about {
                About::Session { turns } => of_turns(store, &session, &operations, turns, at),
                About::Crowd => store.consolidate(&session, &operations, at),
            }
        };
        let applied = self.caller.desk.write(apply).await?;
        self.notebook.refresh(&self.caller.desk).await;
        Ok(applied.created + applied.updated + applied.deleted)
    }

    fn now(&self) -> UnixMillis {
        UnixMillis::from(self.caller.clock.unix())
    }
}

/// Applies what came of so many turns, and leaves those that were said since.
fn of_turns(
    store: &mut dyn Store,
    session: &SessionId,
    operations: &[Operation],
    turns: u32,
    at: UnixMillis,
) -> Result<Applied, StoreError> {
    let unseen = store.standing(session)?.turns_since_curation.saturating_sub(turns);
    let applied = store.apply_operations(session, operations, at)?;
    if unseen > 0 {
        store.leave_uncurated(session, unseen)?;
    }
    Ok(applied)
}

/// Without what would change an entry that somebody else changed or deleted while the model thought: it knows only what that said before.
fn of_what_was_shown(
    store: &mut dyn Store,
    operations: Vec<Operation>,
    shown: &HashMap<KnowledgeId, u32>,
) -> Result<Vec<Operation>, StoreError> {
    let mut kept = Vec::with_capacity(operations.len());
    for operation in operations {
        let about = match &operation {
            Operation::Create { .. } => Vec::new(),
            Operation::Update { id, .. } | Operation::Delete { id, .. } => vec![id],
            Operation::Contradict { id, with, .. } => vec![id, with],
        };
        let mut is_as_shown = true;
        for id in about.into_iter().map(KnowledgeId::from) {
            let version = shown.get(&id).copied();
            // What is nowhere is not passed over: an answer about it is of no use, which the store says.
            is_as_shown &= store.entry(&id)?.map(|entry| entry.version) == version;
        }
        if is_as_shown {
            kept.push(operation);
        }
    }
    Ok(kept)
}

async fn ask(
    caller: &Caller,
    brief: &Brief,
    lease: &Lease,
    asked: Asked,
) -> Result<(Answered, Evidence), Work> {
    let Asked { system, user } = asked;
    let model = caller.model(brief).to_owned();
    let body = completion(brief.dialect, &Completion { model, system, user, max_output: OUTPUT });
    let question = Question { target: brief.dialect.path().to_owned(), body };
    let report = caller.ask(brief, lease, question).await;
    let evidence = evidence(lease, &report);
    match report.end {
        CallEnd::Answered { answered, .. } => Ok((answered, evidence)),
        CallEnd::Failed { reason, .. } => Err(unanswered(evidence, reason)),
    }
}
