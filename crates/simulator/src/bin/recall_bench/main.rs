//! How well recall finds what was said: `just recall-bench FILE`. The store is the one of production, on disk; each dialogue
//! belongs to an owner of its own, all in one database.

mod dataset;
mod score;

use clap::Parser;
use dataset::{Dialogue, Session};
use domain::conversation::{Digest, Message, Role, Usage, chain};
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider};
use domain::vector::QueryVector;
use embedding::{Model, Side};
use machines::embedder::BATCH;
use score::Score;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use store::{MOST_HITS, Scope, Source, SqliteStore, Store, TurnRecord, Unembedded};

/// Measures how much of the evidence for questions about long dialogues recall finds.
#[derive(Debug, Parser)]
#[command(name = "recall_bench")]
struct Arguments {
    /// Dialogues and questions in LoCoMo's JSON.
    file: PathBuf,
    /// The folder of a model that says what texts mean.
    #[arg(long, value_name = "FOLDER")]
    embeddings: Option<PathBuf>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program is for")]
fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(table) => {
            print!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("recall_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(Arguments { file, embeddings }: &Arguments) -> Result<String, String> {
    let model = embeddings.as_deref().map(Model::open).transpose().map_err(|error| error.to_string())?;
    let text =
        fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let dialogues = dataset::read(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let folder = std::env::temp_dir().join(format!("recall_bench-{}", std::process::id()));
    let scores = in_folder(&folder, &dialogues, model.as_ref());
    fs::remove_dir_all(&folder)
        .map_err(|error| format!("{} cannot be removed: {error}", folder.display()))?;
    Ok(table(&scores?))
}

fn in_folder(
    folder: &Path,
    dialogues: &[Dialogue],
    model: Option<&Model>,
) -> Result<BTreeMap<String, Score>, String> {
    fs::create_dir_all(folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    let mut store = SqliteStore::open(folder).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    for dialogue in dialogues {
        names.push(record(&mut store, dialogue)?);
    }
    if let Some(model) = model {
        embed(&mut store, model)?;
    }
    let mut scores = BTreeMap::new();
    for (dialogue, names) in dialogues.iter().zip(&names) {
        ask((&mut store, model), dialogue, names, &mut scores)?;
    }
    Ok(scores)
}

/// Gives all texts their vectors, as the gateway does in the background, but without a rest.
fn embed(store: &mut SqliteStore, model: &Model) -> Result<(), String> {
    let name = model.name();
    loop {
        let found = store.unembedded(&name, BATCH).map_err(|error| error.to_string())?;
        if found.is_empty() {
            return Ok(());
        }
        let vectors = |text: Unembedded| {
            let vectors =
                text.parts.iter().map(|part| model.embed(part, Side::Passage)).collect::<Result<_, _>>();
            vectors.map(|vectors| (text.key, vectors)).map_err(|error| error.to_string())
        };
        let made = found.into_iter().map(vectors).collect::<Result<Vec<_>, _>>()?;
        store.keep_vectors(&name, &made).map_err(|error| error.to_string())?;
    }
}

/// What recall is asked for a question.
fn query_vector(model: &Model, question: &str) -> Result<QueryVector, String> {
    let vector = model.embed(question, Side::Query).map_err(|error| error.to_string())?;
    Ok(QueryVector { model: model.name(), vector })
}

fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut all = Score::default();
    scores.values().for_each(|score| all.add(score));
    let lines = scores.iter().map(|(category, score)| score.line(category));
    [Score::head()].into_iter().chain(lines).chain([all.line("all")]).collect()
}

/// Records a dialogue as the gateway does. Says which message is which turn.
fn record(store: &mut SqliteStore, dialogue: &Dialogue) -> Result<HashMap<String, String>, String> {
    let mut names = HashMap::new();
    for (number, session) in dialogue.sessions.iter().enumerate() {
        let turn = turn(dialogue, number, session);
        store.record_turn(&turn).map_err(|error| error.to_string())?;
        let kept = store.messages(&turn.session).map_err(|error| error.to_string())?;
        let kept = kept.iter().map(|message| message.id.to_string());
        names.extend(kept.zip(session.turns.iter().map(|turn| turn.dia_id.clone())));
    }
    Ok(names)
}

fn turn(dialogue: &Dialogue, number: usize, session: &Session) -> TurnRecord {
    let first = session.turns.first().map(|turn| turn.speaker.as_str());
    let messages: Vec<Message> = session
        .turns
        .iter()
        .map(|turn| {
            let role = if Some(turn.speaker.as_str()) == first { Role::User } else { Role::Assistant };
            Message::text(role, turn.said())
        })
        .collect();
    TurnRecord {
        session: SessionId::from(format!("{}-{number}", dialogue.name)),
        principal: Principal::from(&dialogue.name),
        identity: None,
        client: "recall_bench".to_owned(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "none".to_owned(),
        upstream_origin: "https://example.invalid".to_owned(),
        directory: Some(dialogue.name.clone()),
        project: Some(dialogue.name.as_str().into()),
        injection: None,
        follows: None,
        at: session.at,
        head: chain(&messages).last().copied().unwrap_or(Digest::START),
        messages,
        answer: None,
        usage: Usage::default(),
        stop: None,
        cut: false,
    }
}

fn ask(
    (store, model): (&mut SqliteStore, Option<&Model>),
    dialogue: &Dialogue,
    names: &HashMap<String, String>,
    scores: &mut BTreeMap<String, Score>,
) -> Result<(), String> {
    let owner = Principal::from(&dialogue.name);
    for question in &dialogue.questions {
        let begun = tick();
        let near = model.map(|model| query_vector(model, &question.text)).transpose()?;
        let scope = Scope { principal: Some(&owner), ..Scope::default() };
        let hits = store.recall_near(scope, &question.text, near.as_ref(), MOST_HITS);
        let hits = hits.map_err(|error| error.to_string())?;
        let time: Duration = begun.elapsed();
        let messages = hits.iter().filter(|hit| hit.source == Source::Message);
        let found: Vec<String> = messages.filter_map(|hit| names.get(&hit.id).cloned()).collect();
        scores.entry(question.category.clone()).or_default().count(&question.evidence, &found, time);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn tick() -> Instant {
    Instant::now()
}
