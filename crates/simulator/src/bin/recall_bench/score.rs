//! What was found of what should have been.

use std::collections::HashMap;
use std::time::Duration;

/// How many of the first hits count.
pub(crate) const DEPTHS: [usize; 3] = [5, 10, 20];

/// Sums over questions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    questions: u32,
    recall: [f64; DEPTHS.len()],
    reciprocal_rank: f64,
    times: Vec<Duration>,
}

impl Score {
    /// One question was answered with these turns, the best first, in so much time.
    pub(crate) fn count(&mut self, evidence: &[String], found: &[String], time: Duration) {
        let places: HashMap<&String, usize> =
            found.iter().enumerate().map(|(place, turn)| (turn, place)).collect();
        let places: Vec<usize> = evidence.iter().filter_map(|turn| places.get(turn).copied()).collect();
        for (recall, depth) in self.recall.iter_mut().zip(DEPTHS) {
            let within = places.iter().filter(|place| **place < depth).count();
            *recall += within as f64 / evidence.len() as f64;
        }
        self.reciprocal_rank += places.iter().min().map_or(0.0, |first| 1.0 / (*first as f64 + 1.0));
        self.questions += 1;
        self.times.push(time);
    }

    /// Takes another's questions in.
    pub(crate) fn add(&mut self, other: &Self) {
        self.questions += other.questions;
        self.recall.iter_mut().zip(other.recall).for_each(|(sum, part)| *sum += part);
        self.reciprocal_rank += other.reciprocal_rank;
        self.times.extend(&other.times);
    }

    /// One line of the table.
    pub(crate) fn line(&self, name: &str) -> String {
        let questions = f64::from(self.questions.max(1));
        let [at5, at10, at20] = self.recall.map(|sum| sum / questions);
        let rank = self.reciprocal_rank / questions;
        let [middle, slow] = [0.5, 0.95].map(|part| self.quantile(part));
        format!(
            "{name:<26}{:>10}{at5:>10.3}{at10:>10.3}{at20:>10.3}{rank:>8.3}{middle:>11.2}{slow:>9.2}\n",
            self.questions
        )
    }

    /// The head of the table.
    pub(crate) fn head() -> String {
        let [at5, at10, at20] = DEPTHS.map(|depth| format!("recall@{depth}"));
        format!(
            "{:<26}{:>10}{at5:>10}{at10:>10}{at20:>10}{:>8}{:>11}{:>9}\n",
            "category", "questions", "MRR", "ms median", "ms p95"
        )
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut times = self.times.clone();
        times.sort();
        let place = (part * times.len() as f64) as usize;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn recall_is_the_share_of_the_evidence_and_the_rank_that_of_its_first_turn() {
        let mut score = Score::default();
        let found = turns(&["x", "a", "x1", "x2", "x3", "b"]);
        score.count(&turns(&["a", "b"]), &found, Duration::from_millis(2));
        score.count(&turns(&["c"]), &found, Duration::from_millis(4));
        let line = score.line("all");
        let figures: Vec<&str> = line.split_whitespace().collect();
        assert_eq!(figures, ["all", "2", "0.250", "0.500", "0.500", "0.250", "4.00", "4.00"]);
    }
}
