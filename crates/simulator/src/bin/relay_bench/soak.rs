//! Half an hour at half load: nothing may grow, and nothing be lost.
//!
//! Agents talk for forty turns and then begin another session; sessions leave the gateway's memory after two minutes, so that
//! it has its final size by minute five. At the end the store must hold every word that was answered.

use crate::answers::{Kind as Answer, stream_text};
use crate::asking::{Request, written};
use crate::contender::{Contender, Kind, greeting};
use crate::load::{Line, drive, exchange};
use crate::process::Process;
use crate::words::words;
use crate::{mock, say};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use store::{SqliteStore, Store as _};
use tokio::time::{Instant, sleep, sleep_until};

const AGENTS: usize = 16;
/// How many turns a session has.
const TURNS: usize = 40;
/// What stands before the conversation, in bytes.
const INSTRUCTIONS: usize = 100 * 1024;
/// How long full load is tried, to know what half of it is.
const TRIAL: Duration = Duration::from_secs(5);
const SETTINGS: &str = "\n[idle]\ntick = \"5s\"\nevict_after = \"2m\"\n";
/// How much memory may have grown since a sixth of the time, which is minute five of thirty.
const GROWTH: f64 = 1.05;

/// Says whether all is well.
pub(crate) async fn run(kind: &Kind, folder: &Path, span: Duration) -> io::Result<bool> {
    let gateway = Contender::start_with(kind, folder, mock::start()?, &greeting(), SETTINGS).await?;
    let Some(process) = gateway.process else { return Err(io::Error::other("there is nothing to soak")) };
    let rate = half_load(gateway.address).await;
    say(&format!("{rate:.0} requests a second for {} s\n", span.as_secs()));
    let end = Instant::now() + span;
    let agents = join_all((0..AGENTS).map(|number| Agent::new(number).talk(gateway.address, rate, end)));
    let (talks, samples) = tokio::join!(agents, watch(&process, span));
    let ended_well = process.end()?;
    let steady = is_steady(&samples);
    let kept = is_kept(&gateway.folder.join("data"), &talks.concat())?;
    Ok(ended_well && steady && kept)
}

/// Requests a second.
async fn half_load(address: SocketAddr) -> f64 {
    let request = |at| Request::new(&format!("trial-{at:06}"), INSTRUCTIONS, Answer::Stream);
    let requests: Vec<_> = (0..AGENTS).map(request).collect();
    let round = drive(address, &requests, 0, TRIAL).await;
    round.whole.len() as f64 / round.took.as_secs_f64() / 2.0
}

/// What a session said, as far as it was answered.
#[derive(Debug, Clone)]
struct Talk {
    session: String,
    answered: Vec<usize>,
}

struct Agent {
    number: usize,
    instructions: String,
    line: Option<Line>,
}

impl Agent {
    fn new(number: usize) -> Self {
        Self { number, instructions: words(number as u64, INSTRUCTIONS), line: None }
    }

    /// Asks at its part of the rate; an answer that comes late delays the next question and no other.
    async fn talk(mut self, address: SocketAddr, rate: f64, end: Instant) -> Vec<Talk> {
        let pause = Duration::from_secs_f64(AGENTS as f64 / rate);
        let (mut talks, mut due) =
            (Vec::new(), Instant::now() + pause.mul_f64(self.number as f64 / AGENTS as f64));
        while due < end {
            let session = format!("soak-{}-{:06}", self.number, talks.len());
            let mut talk = Talk { session, answered: Vec::new() };
            let mut messages = Vec::new();
            for turn in 0..TURNS {
                sleep_until(due).await;
                if self.turn(address, &talk.session, turn, &mut messages).await.is_ok() {
                    talk.answered.push(turn);
                }
                due = (due + pause).max(Instant::now());
            }
            talks.push(talk);
        }
        talks
    }

    async fn turn(
        &mut self,
        address: SocketAddr,
        session: &str,
        turn: usize,
        messages: &mut Vec<Value>,
    ) -> io::Result<()> {
        messages.push(json!({"role": "user", "content": said(session, turn)}));
        let body = written(session, Answer::Stream, &self.instructions, messages);
        let mut request = Request::of(session, Answer::Stream, &body);
        let answered = exchange(&mut self.line, address, request.numbered(0)).await;
        match answered {
            Ok(_) => messages
                .push(json!({"role": "assistant", "content": [{"type": "text", "text": stream_text()}]})),
            Err(_) => self.line = None,
        }
        answered.map(drop)
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

fn is_steady(samples: &[Sample]) -> bool {
    let around = |from: usize| {
        let mut window: Vec<_> = samples.iter().skip(from).take(6).copied().collect();
        window.sort_by_key(|sample| sample.resident);
        (window[window.len() / 2].resident, window.iter().map(|sample| sample.descriptors).max().unwrap_or(0))
    };
    let (early, late) = (around(samples.len() / 6), around(samples.len() - 6));
    let growth = late.0 as f64 / early.0 as f64;
    say(&format!(
        "memory at the end: {growth:.3} of what it was at a sixth; descriptors {} and {}\n",
        early.1, late.1
    ));
    growth <= GROWTH && late.1 <= early.1
}

/// Whether the store holds all that was said and answered.
fn is_kept(data: &Path, talks: &[Talk]) -> io::Result<bool> {
    let mut store = SqliteStore::open(data).map_err(io::Error::other)?;
    let (mut asked, mut lost) = (0, 0);
    for talk in talks {
        let messages = store.messages(&talk.session.as_str().into()).map_err(io::Error::other)?;
        asked += talk.answered.len();
        let is_kept =
            |turn: &usize| messages.iter().any(|message| message.text == said(&talk.session, *turn));
        lost += talk.answered.iter().filter(|turn| !is_kept(turn)).count();
    }
    say(&format!("{} sessions, {asked} turns answered, {lost} of them not in the store\n", talks.len()));
    Ok(lost == 0 && asked > 0)
}
