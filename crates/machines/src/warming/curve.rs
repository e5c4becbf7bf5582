//! The chance that an agent is still away after so long.

use super::habits::Habits;
use super::tally::{BINS, STARTS};
use super::wait::{PLAIN_HASTE, Wait};

/// How many waits the habits of everybody, of a project and of a session must have seen at some span of time to count as much as
/// what was believed before.
const EVERYBODY: f64 = 100.0;
const PROJECT: f64 = 30.0;
const SESSION: f64 = 100.0;
/// What is believed of a span that even the prior has not seen, and how much it counts.
const UNSEEN: (f64, f64) = (0.1, 2.0);
/// No span of time is certain to bring an agent back.
const SUREST: f64 = 0.95;

/// A survival curve (Kaplan and Meier, J. Am. Stat. Assoc. 53, 1958), over the spans of a life table.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve([f64; BINS]);

impl Curve {
    /// The curve for `wait`: what the prior says, then what everybody, the project and the session did, each counting more the
    /// more it has seen.
    #[must_use]
    pub fn of(wait: &Wait, prior: &Habits, everybody: &Habits, project: &Habits, session: &Habits) -> Self {
        let levels = [(prior, UNSEEN.1), (everybody, EVERYBODY), (project, PROJECT), (session, SESSION)];
        let haste = wait.haste() as f64 / PLAIN_HASTE as f64;
        let mut away = [1.0; BINS];
        for bin in 0..BINS - 1 {
            let hazard = levels.iter().fold(UNSEEN.0, |expected, (habits, pseudo)| {
                habits.of(wait.awaited).hazard(bin, expected, *pseudo)
            });
            away[bin + 1] = away[bin] * (1.0 - hazard.clamp(0.0, SUREST)).powf(haste);
        }
        Self(away)
    }

    /// The chance, 0 to 1, that an agent is still away after `seconds`. Within a span the rate of returns falls as one over the
    /// time; nobody returns in the last one.
    #[must_use]
    pub fn away(&self, seconds: f64) -> f64 {
        let bin = STARTS.iter().rposition(|start| *start as f64 <= seconds).unwrap_or(0);
        let (Some(next), Some(end)) = (self.0.get(bin + 1), STARTS.get(bin + 1)) else { return self.0[bin] };
        let (start, end) = (STARTS[bin] as f64, *end as f64);
        let share = if bin == 0 { seconds / end } else { (seconds / start).ln() / (end / start).ln() };
        self.0[bin] * (next / self.0[bin]).powf(share)
    }
}
