//! One case after the other, each contender in turn, round after round: what else the machine does then meets all alike.

use crate::answers::Kind as Answer;
use crate::asking::Request;
use crate::contender::{Contender, Kind, greeting};
use crate::load::{Round, drive};
use crate::process::{Memory, Process};
use crate::seating::Together;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How many requests warm a contender up, at least for how long.
const WARM_UP: Duration = Duration::from_millis(300);

/// What is asked, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) answer: Answer,
    /// The request's body, in KiB.
    pub(crate) body: usize,
    pub(crate) connections: usize,
}

impl Case {
    pub(crate) const fn new(answer: Answer, body: usize, connections: usize) -> Self {
        Self { answer, body, connections }
    }

    /// All that is measured.
    pub(crate) fn all() -> Vec<Self> {
        let mut cases = Vec::new();
        for answer in [Answer::Json, Answer::Stream] {
            for body in [2, 400] {
                cases.extend([1, 16, 128].map(|connections| Self::new(answer, body, connections)));
            }
        }
        cases.push(Self::new(Answer::LargeJson, 2, 16));
        cases.extend([16, 128].map(|connections| Self::new(Answer::Paced, 2, connections)));
        cases
    }

    pub(crate) fn name(self) -> String {
        format!("{} {} KiB x{}", self.answer.as_str(), self.body, self.connections)
    }

    pub(crate) fn requests(self) -> Vec<Request> {
        let session = |at| format!("0f{at:06x}-1111-4222-8333-444455556666");
        (0..self.connections).map(|at| Request::new(&session(at), self.body * 1024, self.answer)).collect()
    }
}

/// What was measured of one contender in one case: the median of the rounds.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) contender: &'static str,
    pub(crate) per_second: f64,
    pub(crate) median: Duration,
    pub(crate) p99: Duration,
    /// The median time to the first byte behind the head.
    pub(crate) first: Duration,
    /// CPU time for one request, in all and by thread.
    pub(crate) cpu: Duration,
    pub(crate) threads: BTreeMap<String, Duration>,
    pub(crate) memory: Memory,
    pub(crate) failed: usize,
}

/// How long and how often.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    pub(crate) rounds: usize,
    pub(crate) span: Duration,
}

/// Runs one case.
pub(crate) async fn run(
    case: Case,
    kinds: &[Kind],
    folder: &Path,
    upstream: SocketAddr,
    pace: Pace,
) -> io::Result<Vec<Figures>> {
    let (requests, folder) = (case.requests(), folder.join(case.name().replace(' ', "-")));
    let mut contenders = Vec::new();
    for kind in kinds {
        let contender = Contender::start(kind, &folder, upstream, &greeting()).await?;
        drive(contender.address, &requests, 0, WARM_UP).await;
        contenders.push((contender, Vec::new()));
    }
    let processes =
        contenders.iter().filter_map(|(contender, _)| contender.process.as_ref()).map(Process::number);
    // Only now: a contender shall not think that there is only one core.
    let _together = (case.connections == 1).then(|| Together::seated(processes)).transpose()?;
    for number in 1..=pace.rounds {
        for (contender, laps) in &mut contenders {
            let first_turn = number as u64 * 10_000_000;
            laps.push(lap(contender, &requests, first_turn, pace.span).await);
        }
    }
    Ok(contenders.into_iter().map(|(contender, laps)| figures(&contender, &laps)).collect())
}

/// One contender's part of a round.
struct Lap {
    round: Round,
    /// CPU time of each thread for one request.
    cpu: BTreeMap<String, Duration>,
}

async fn lap(contender: &Contender, requests: &[Request], first_turn: u64, span: Duration) -> Lap {
    let spent = || contender.process.as_ref().map(|process| process.spent()).unwrap_or_default();
    let before = spent();
    let mut round = drive(contender.address, requests, first_turn, span).await;
    let asked = u32::try_from(round.whole.len().max(1)).unwrap_or(u32::MAX);
    let since = |(name, spent): (String, Duration)| {
        let earlier = before.get(&name).copied().unwrap_or_default();
        (name, spent.saturating_sub(earlier) / asked)
    };
    let cpu = spent().into_iter().map(since).collect();
    round.whole.sort_unstable();
    round.first.sort_unstable();
    Lap { round, cpu }
}

fn figures(contender: &Contender, laps: &[Lap]) -> Figures {
    let over = |figure: &dyn Fn(&Lap) -> Duration| median(laps.iter().map(figure).collect());
    let names = laps.iter().flat_map(|lap| lap.cpu.keys());
    let threads =
        names.map(|name| (name.clone(), over(&|lap| lap.cpu.get(name).copied().unwrap_or_default())));
    let each = over(&|lap| lap.round.took / u32::try_from(lap.round.whole.len().max(1)).unwrap_or(u32::MAX));
    Figures {
        contender: contender.name,
        per_second: 1.0 / each.as_secs_f64(),
        median: over(&|lap| at(&lap.round.whole, 0.5)),
        p99: over(&|lap| at(&lap.round.whole, 0.99)),
        first: over(&|lap| at(&lap.round.first, 0.5)),
        cpu: over(&|lap| lap.cpu.values().sum()),
        threads: threads.collect(),
        memory: contender.process.as_ref().map(|process| process.memory()).unwrap_or_default(),
        failed: laps.iter().map(|lap| lap.round.failed).sum(),
    }
}

pub(crate) fn median(mut figures: Vec<Duration>) -> Duration {
    figures.sort_unstable();
    at(&figures, 0.5)
}

/// The figure below which such a part of the sorted ones lies.
fn at(sorted: &[Duration], part: f64) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * part).round() as usize).copied().unwrap_or_default()
}
