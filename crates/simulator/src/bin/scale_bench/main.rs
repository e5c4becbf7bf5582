//! How the store does with very many messages: `just scale-bench`. What is recorded and asked goes through the store of production,
//! on disk.

mod meanings;
mod words;

use clap::Parser;
use domain::conversation::{Digest, Message, Role, Usage, chain};
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider};
use domain::time::UnixMillis;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use store::{Scope, SqliteStore, Store, TurnRecord};
use words::Language;

/// Turns that are kept in one step, as the recorder does at most.
const TOGETHER: usize = 16;
/// Messages of a session.
const SESSION: usize = 100;
/// Words of a message, from and up to.
const WORDS: (usize, usize) = (10, 70);
/// Words of a question, from and up to.
const ASKED: (usize, usize) = (3, 7);

/// Measures recording and recall with very many messages.
#[derive(Debug, Parser)]
#[command(name = "scale_bench")]
struct Arguments {
    /// How many messages.
    #[arg(long, default_value_t = 1_000_000)]
    messages: usize,
    /// How many questions.
    #[arg(long, default_value_t = 500)]
    questions: usize,
    /// What the words are made of.
    #[arg(long, value_enum, default_value_t = Language::Plain)]
    language: Language,
    /// All texts get vectors before questions are asked, and questions too, as with `recall.embeddings`.
    #[arg(long)]
    vectors: bool,
    /// Where the database goes, to stay; else a folder that is removed. What is there already is asked, not written again.
    #[arg(long, value_name = "FOLDER")]
    keep: Option<PathBuf>,
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is what the program is for")]
fn main() -> ExitCode {
    match measure(&Arguments::parse()) {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("scale_bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(arguments: &Arguments) -> Result<String, String> {
    let passing = std::env::temp_dir().join(format!("scale_bench-{}", std::process::id()));
    let folder = arguments.keep.as_ref().unwrap_or(&passing);
    let report = in_folder(folder, arguments);
    if arguments.keep.is_none() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    report
}

fn in_folder(folder: &Path, arguments: &Arguments) -> Result<String, String> {
    let is_there = folder.join("stillroom.db").exists();
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let begun = tick();
    let mut store = SqliteStore::open(folder).map_err(|error| error.to_string())?;
    let opened = begun.elapsed();
    let mut chance = StdRng::seed_from_u64(7);
    let recorded = if is_there {
        "the messages were there already".to_owned()
    } else {
        record(&mut store, folder, arguments, &mut chance)?
    };
    let given = if arguments.vectors { give_vectors(&mut store)? } else { String::new() };
    let asked = ask(&mut store, arguments, &mut chance)?;
    Ok(format!("opened in {opened:.1?}\n{recorded}\n{given}{asked}"))
}

/// Sessions side by side, a turn of each at a time.
fn record(
    store: &mut SqliteStore,
    folder: &Path,
    arguments: &Arguments,
    chance: &mut StdRng,
) -> Result<String, String> {
    let (mut spans, mut log) = (Vec::new(), 0);
    let mut sessions: Vec<(usize, Vec<Message>)> = (0..TOGETHER).map(|number| (number, Vec::new())).collect();
    let (mut next, mut written) = (TOGETHER, 0);
    while written < arguments.messages {
        for session in sessions.iter_mut().filter(|(_, said)| said.len() >= SESSION) {
            *session = (next, Vec::new());
            next += 1;
        }
        let turns: Vec<TurnRecord> =
            sessions.iter_mut().map(|session| turn(session, written, arguments.language, chance)).collect();
        let begun = tick();
        let outcomes = store.record_turns(&turns);
        spans.push(begun.elapsed() / (2 * TOGETHER as u32));
        outcomes.into_iter().collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        written += 2 * TOGETHER;
        log = log.max(size(&folder.join("stillroom.db-wal")));
    }
    let whole = spans.iter().sum::<Duration>() / spans.len().max(1) as u32;
    let file = size(&folder.join("stillroom.db"));
    Ok(format!(
        "{written} messages recorded: {whole:.0?} a message in batches of {}, {} at the 99th percentile; database {} MiB, its log {} MiB at most",
        2 * TOGETHER,
        percentile(&mut spans, 0.99),
        file >> 20,
        log >> 20,
    ))
}

/// The next turn of a session: a question and its answer.
fn turn(
    (number, said): &mut (usize, Vec<Message>),
    written: usize,
    language: Language,
    chance: &mut StdRng,
) -> TurnRecord {
    let mut text = || {
        let words = chance.random_range(WORDS.0..WORDS.1);
        words::message(chance, words, language)
    };
    let (question, answer) = (text(), text());
    said.push(Message::text(Role::User, question));
    let messages = said.clone();
    said.push(Message::text(Role::Assistant, answer));
    TurnRecord {
        session: SessionId::from(format!("s{number}")),
        principal: Principal::local(),
        identity: None,
        client: "scale_bench".to_owned(),
        provider: Provider::Anthropic,
        dialect: Dialect::AnthropicMessages,
        model: "none".to_owned(),
        upstream_origin: "https://example.invalid".to_owned(),
        directory: Some(format!("/project/{}", *number % 20)),
        project: Some(format!("/project/{}", *number % 20).as_str().into()),
        injection: None,
        follows: None,
        at: UnixMillis(1_700_000_000_000 + written as i64 * 1000),
        head: chain(said.iter()).last().copied().unwrap_or(Digest::START),
        messages,
        answer: said.last().cloned(),
        usage: Usage::default(),
        stop: None,
        cut: false,
    }
}

fn give_vectors(store: &mut SqliteStore) -> Result<String, String> {
    let begun = tick();
    let given = meanings::give(store).map_err(|error| error.to_string())?;
    Ok(format!("{given} texts got vectors in {:.0?}\n", begun.elapsed()))
}

/// Questions of words that one message has, as one who remembers it would ask.
fn ask(store: &mut SqliteStore, arguments: &Arguments, chance: &mut StdRng) -> Result<String, String> {
    let (mut spans, mut found) = (Vec::new(), 0);
    let sessions = arguments.messages / SESSION;
    let principal = Principal::local();
    let scope = Scope { principal: Some(&principal), ..Scope::default() };
    for _ in 0..arguments.questions {
        let session = SessionId::from(format!("s{}", chance.random_range(0..sessions.max(1))));
        let messages = store.messages(&session).map_err(|error| error.to_string())?;
        let message = messages.choose(chance).ok_or("a session without messages")?;
        let words: Vec<&str> = message.text.split(' ').collect();
        let count = chance.random_range(ASKED.0..ASKED.1);
        let query = words.choose_multiple(chance, count).copied().collect::<Vec<_>>().join(" ");
        let near = arguments.vectors.then(|| meanings::of_question(&query));
        let begun = tick();
        let hits = store.recall_near(scope, &query, near.as_ref(), 10).map_err(|error| error.to_string())?;
        spans.push(begun.elapsed());
        found += usize::from(hits.iter().any(|hit| hit.id == message.id.to_string()));
    }
    let share = found as f64 / arguments.questions.max(1) as f64;
    let [median, p95, most] = [0.5, 0.95, 1.0].map(|part| percentile(&mut spans, part));
    Ok(format!(
        "{} questions: median {median}, 95th percentile {p95}, at most {most}; the message meant is among the first ten in {share:.3}",
        arguments.questions
    ))
}

fn percentile(spans: &mut [Duration], part: f64) -> String {
    spans.sort_unstable();
    let at = ((spans.len() as f64 * part).ceil() as usize).clamp(1, spans.len().max(1)) - 1;
    spans.get(at).map_or("none".to_owned(), |span| format!("{span:.1?}"))
}

fn size(file: &Path) -> u64 {
    fs::metadata(file).map_or(0, |file| file.len())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn tick() -> Instant {
    Instant::now()
}
