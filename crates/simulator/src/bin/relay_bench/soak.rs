//! Half an hour at half load: nothing may grow, and nothing be lost.
//!
//! So many agents talk in one session each from the beginning to the end; after four hundred turns one forgets what was said
//! and begins anew, as agents do when they compact. At the end the store must hold every word that was answered.

use crate::answers::{Kind as Answer, stream_text};
use crate::asking::{Request, written};
use crate::contender::{Contender, Kind, greeting};
use crate::load::{Line, drive, exchange};
use crate::process::Process;
use crate::words::words;
use crate::{mock, say};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use store::{SqliteStore, Store as _};
use tokio::time::{Instant, sleep, sleep_until};

const AGENTS: usize = 16;
/// After how many turns an agent begins anew.
const TURNS: usize = 400;
/// How long the history is on average, in bytes.
const HISTORY: usize = 300 * 1024;
/// What stands before the conversation, in bytes.
const INSTRUCTIONS: usize = 100 * 1024;
/// How long full load is tried, to know what half of it is.
const TRIAL: Duration = Duration::from_secs(5);
/// How much memory may have grown since a sixth of the time, which is minute five of thirty.
const GROWTH: f64 = 1.05;

/// Says whether all is well.
pub(crate) async fn run(kind: &Kind, folder: &Path, span: Duration) -> io::Result<bool> {
    let gateway = Contender::start(kind, folder, mock::start()?, &greeting()).await?;
    let Some(process) = gateway.process else { return Err(io::Error::other("there is nothing to soak")) };
    let rate = half_load(gateway.address).await;
    say(&format!("{rate:.0} requests a second for {} s\n", span.as_secs()));
    let end = Instant::now() + span;
    let agents = join_all((0..AGENTS).map(|number| Agent::new(number).talk(gateway.address, rate, end)));
    let (talks, samples) = tokio::join!(agents, watch(&process, span));
    let ended_well = process.end()?;
    let steady = is_steady(&samples);
    let kept = is_kept(&gateway.folder.join("data"), &talks)?;
    Ok(ended_well && steady && kept)
}

/// Requests a second.
async fn half_load(address: SocketAddr) -> f64 {
    let request = |at| Request::new(&format!("trial-{at:06}"), INSTRUCTIONS + HISTORY, Answer::Stream);
    let requests: Vec<_> = (0..AGENTS).map(request).collect();
    let round = drive(address, &requests, 0, TRIAL).await;
    round.whole.len() as f64 / round.took.as_secs_f64() / 2.0
}

/// What a session said, as far as it was answered.
struct Talk {
    session: String,
    answered: Vec<usize>,
}

struct Agent {
    session: String,
    instructions: String,
    /// What was said so far, as JSON, with commas between.
    history: String,
    line: Option<Line>,
}

impl Agent {
    fn new(number: usize) -> Self {
        let (session, instructions) = (format!("soak-{number:06}"), words(number as u64, INSTRUCTIONS));
        Self { session, instructions, history: String::new(), line: None }
    }

    /// Asks at its part of the rate; an answer that comes late delays the next question and no other.
    async fn talk(mut self, address: SocketAddr, rate: f64, end: Instant) -> Talk {
        let pause = Duration::from_secs_f64(AGENTS as f64 / rate);
        let (mut due, mut answered) = (Instant::now(), Vec::new());
        for turn in 0.. {
            sleep_until(due).await;
            if Instant::now() >= end {
                break;
            }
            if self.turn(address, turn).await.is_ok() {
                answered.push(turn);
            }
            due = (due + pause).max(Instant::now());
        }
        Talk { session: self.session, answered }
    }

    async fn turn(&mut self, address: SocketAddr, turn: usize) -> io::Result<()> {
        if turn.is_multiple_of(TURNS) {
            self.history.clear();
        }
        self.say(&json!({"role": "user", "content": said(&self.session, turn)}));
        let messages = format!("[{}]", self.history);
        let body = written(&self.session, Answer::Stream, &self.instructions, &messages);
        let mut request = Request::of(&self.session, Answer::Stream, &body);
        let answered = exchange(&mut self.line, address, request.numbered(0)).await;
        match answered {
            Ok(_) => {
                self.say(&json!({"role": "assistant", "content": [{"type": "text", "text": stream_text()}]}))
            }
            Err(_) => self.line = None,
        }
        answered.map(drop)
    }

    fn say(&mut self, message: &Value) {
        let comma = if self.history.is_empty() { "" } else { "," };
        self.history.push_str(&format!("{comma}{message}"));
    }
}

fn said(session: &str, turn: usize) -> String {
    format!("{session} says {turn}: please go on")
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    resident: u64,
    descriptors: usize,
}

/// Looks a hundred and eighty times, which is every ten seconds of half an hour.
async fn watch(process: &Process, span: Duration) -> Vec<Sample> {
    let mut samples = Vec::new();
    for number in 0..180 {
        sleep(span / 180).await;
        let sample = Sample { resident: process.memory().resident, descriptors: process.descriptors() };
        samples.push(sample);
        if number % 18 == 17 {
            say(&format!(
                "{:>3} %: {} MiB, {} descriptors\n",
                (number + 1) * 100 / 180,
                sample.resident / 1024,
                sample.descriptors
            ));
        }
    }
    samples
}

/// Connections of background calls come and go, so what was open at most early on is what may be open late as a rule.
fn is_steady(samples: &[Sample]) -> bool {
    let around = |from: usize| {
        let window = || samples.iter().skip(from).take(6);
        let most = window().map(|sample| sample.descriptors).max().unwrap_or(0);
        (
            middle(window().map(|sample| sample.resident)),
            middle(window().map(|sample| sample.descriptors)),
            most,
        )
    };
    let (early, late) = (around(samples.len() / 6), around(samples.len() - 6));
    let growth = late.0 as f64 / early.0 as f64;
    say(&format!(
        "memory at the end: {growth:.3} of what it was at a sixth; descriptors {} (at most {}) and {} (at most {})\n",
        early.1, early.2, late.1, late.2
    ));
    growth <= GROWTH && late.1 <= early.2
}

fn middle<T: Ord + Copy + Default>(values: impl Iterator<Item = T>) -> T {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Whether the store holds all that was said and answered.
fn is_kept(data: &Path, talks: &[Talk]) -> io::Result<bool> {
    let mut store = SqliteStore::open(data).map_err(io::Error::other)?;
    let (mut asked, mut lost) = (0, 0);
    for talk in talks {
        let messages = store.messages(&talk.session.as_str().into()).map_err(io::Error::other)?;
        let kept: HashSet<_> = messages.into_iter().map(|message| message.text).collect();
        asked += talk.answered.len();
        lost += talk.answered.iter().filter(|turn| !kept.contains(&said(&talk.session, **turn))).count();
    }
    say(&format!("{} sessions, {asked} turns answered, {lost} of them not in the store\n", talks.len()));
    Ok(lost == 0 && asked > 0)
}
