//! What we want, and whether it holds.

use crate::answers::Kind as Answer;
use crate::race::{Case, Figures};
use crate::start::Start;
use std::time::Duration;

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Measured {
    pub(crate) cases: Vec<(Case, Vec<Figures>)>,
    pub(crate) start: Option<Start>,
}

/// One goal.
pub(crate) struct Goal {
    pub(crate) what: String,
    pub(crate) at_most: f64,
    /// None when it was not measured.
    pub(crate) is: Option<f64>,
    pub(crate) unit: &'static str,
}

impl Goal {
    /// What the table says.
    pub(crate) fn verdict(&self) -> &'static str {
        match self.is {
            None => "not measured",
            Some(is) if is <= self.at_most => "met",
            Some(_) => "NOT MET",
        }
    }
}

impl Measured {
    fn pair(&self, case: Case) -> Option<(&Figures, &Figures)> {
        let (_, figures) = self.cases.iter().find(|(other, _)| *other == case)?;
        let named = |name| figures.iter().find(|figures| figures.contender == name);
        Some((named("stillroom")?, named("nginx")?))
    }

    fn cpu_ratio(&self, case: Case) -> Option<f64> {
        self.pair(case).map(|(ours, nginx)| ratio(ours.cpu, nginx.cpu))
    }

    /// What we add to the median of nobody in between, as a multiple of what nginx adds.
    fn added_median(&self, case: Case) -> Option<f64> {
        let (ours, nginx) = self.pair(case)?;
        let (_, figures) = self.cases.iter().find(|(other, _)| *other == case)?;
        let direct = figures.iter().find(|figures| figures.contender == "direct")?.median;
        Some(ratio(ours.median.saturating_sub(direct), nginx.median.saturating_sub(direct)))
    }

    /// How much later than nginx's the first event comes, in ms.
    fn lag(&self, case: Case) -> Option<f64> {
        self.pair(case).map(|(ours, nginx)| millis(ours.first) - millis(nginx.first))
    }

    /// nginx's requests a second as a multiple of ours, where we do worst.
    fn slowest(&self) -> Option<f64> {
        let pairs = self.cases.iter().filter_map(|(case, _)| self.pair(*case));
        pairs.map(|(ours, nginx)| nginx.per_second / ours.per_second).max_by(f64::total_cmp)
    }

    /// All goals, in the order of the project's plan.
    pub(crate) fn goals(&self) -> Vec<Goal> {
        let goal = |what: &str, is, at_most, unit| Goal { what: what.into(), at_most, is, unit };
        let small = |connections| Case::new(Answer::Json, 2, connections);
        let memory = |case| self.pair(case).map(|(ours, _)| ours.memory.highest as f64 / 1024.0);
        vec![
            goal("CPU per request, 2 KiB JSON, 16 connections", self.cpu_ratio(small(16)), 2.0, "x nginx"),
            goal(
                "CPU per request, stream of 66 events, 16 connections",
                self.cpu_ratio(Case::new(Answer::Stream, 2, 16)),
                1.5,
                "x nginx",
            ),
            goal(
                "CPU per request, 400 KiB JSON, 16 connections",
                self.cpu_ratio(Case::new(Answer::Json, 400, 16)),
                1.6,
                "x nginx",
            ),
            goal("added median, 2 KiB JSON, 1 connection", self.added_median(small(1)), 2.0, "x nginx"),
            goal(
                "first event of a paced stream, 16 connections",
                self.lag(Case::new(Answer::Paced, 2, 16)),
                2.0,
                "ms after nginx",
            ),
            goal(
                "first event of a paced stream, 128 connections",
                self.lag(Case::new(Answer::Paced, 2, 128)),
                2.0,
                "ms after nginx",
            ),
            goal("memory, idle", self.start.as_ref().map(|start| start.idle_mib), 15.0, "MiB"),
            goal(
                "memory at its highest, 400 KiB JSON, 16 connections",
                memory(Case::new(Answer::Json, 400, 16)),
                60.0,
                "MiB",
            ),
            goal(
                "start to first answer",
                self.start.as_ref().map(|start| millis(start.to_first_answer)),
                80.0,
                "ms",
            ),
            goal("nginx's requests a second, at worst", self.slowest(), 1.0 / 0.7, "x ours"),
        ]
    }
}

pub(crate) fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64().max(1e-9)
}

pub(crate) fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}
