//! What a message takes from those next to it.

use super::Talk;
use super::reading::Reading;
use std::collections::HashMap;

/// What a message takes from the one before it, and from the one before that.
const FROM_BEFORE: [f64; 2] = [0.4, 0.4];
/// And from the ones behind it.
const FROM_BEHIND: [f64; 2] = [0.35, 0.25];
/// And besides, if the one before it asked something, of all that was asked: an answer may say the question's words again.
const FROM_QUESTION: f64 = 0.45;
/// What is left of a word next to a message that has the word itself: that it is said again tells little, and a message with all
/// words would stand behind those that have a few and the same few around them.
const SAID_AGAIN: f64 = 0.25;
/// What a message is held to have next to it where there is nothing, at the ends of a session: of what it has itself. With nothing it
/// would stand behind those that have something on both sides.
const AT_AN_END: f64 = 0.5;
/// A message of more words than this takes less, the longer the less: what it is about it says itself.
const SAYS_ITSELF: f64 = 60.0;

/// What one message has.
#[derive(Debug, Clone)]
pub(super) struct Had {
    /// Of each word that is looked for.
    pub(super) words: Vec<f64>,
    /// Because of what it means.
    pub(super) likeness: f64,
}

impl Had {
    pub(super) fn sum(&self) -> f64 {
        self.words.iter().sum::<f64>() + self.likeness
    }

    /// What it gives to a message next to it, before that is weighed.
    fn given_to(&self, other: &Self) -> f64 {
        let left = |(given, had): (&f64, &f64)| if *had > 0.0 { given * SAID_AGAIN } else { *given };
        self.words.iter().zip(&other.words).map(left).sum::<f64>() + self.likeness
    }
}

/// Which messages stand next to each other, by their places among the passages.
pub(super) struct Context {
    /// Of each the two that were said before it, the nearest first, as far as they are known.
    pub(super) before: Vec<[Option<usize>; 2]>,
    behind: Vec<[Option<usize>; 2]>,
    /// Whether it was looked up what stands next to it: what is not known of such a one does not exist.
    looked_up: Vec<bool>,
}

impl Context {
    pub(super) fn of(talk: &Talk) -> Self {
        let before = before_each(talk);
        let looked_up = talk.passages.iter().map(|passage| talk.looked_up.contains(&passage.id)).collect();
        Self { behind: behind_each(&before), before, looked_up }
    }

    /// What each message has, and what it takes.
    pub(super) fn scores(&self, had: &[Had], readings: &[Reading]) -> Vec<f64> {
        let score = |at: usize| {
            let asked = self.before[at][0].filter(|first| readings[*first].asks);
            let needed = SAYS_ITSELF / readings[at].length.max(SAYS_ITSELF);
            had[at].sum()
                + needed * self.taken(had, at, self.before[at], FROM_BEFORE)
                + needed * self.taken(had, at, self.behind[at], FROM_BEHIND)
                + asked.map_or(0.0, |first| had[first].sum() * FROM_QUESTION)
        };
        (0..had.len()).map(score).collect()
    }

    fn taken(&self, had: &[Had], at: usize, next_to: [Option<usize>; 2], share: [f64; 2]) -> f64 {
        let nothing = if self.looked_up[at] { had[at].sum() * AT_AN_END } else { 0.0 };
        let given = |other: Option<usize>| other.map_or(nothing, |other| had[other].given_to(&had[at]));
        next_to.into_iter().zip(share).map(|(other, share)| given(other) * share).sum()
    }
}

fn before_each(talk: &Talk) -> Vec<[Option<usize>; 2]> {
    let places: HashMap<i64, usize> =
        talk.passages.iter().enumerate().map(|(at, passage)| (passage.id, at)).collect();
    let before = |id: i64| {
        let first = talk.before.get(&id);
        let second = first.and_then(|first| talk.before.get(first));
        [first, second].map(|id| id.and_then(|id| places.get(id).copied()))
    };
    talk.passages.iter().map(|passage| before(passage.id)).collect()
}

/// Of each passage the two that were said behind it, as far as they are known.
fn behind_each(before: &[[Option<usize>; 2]]) -> Vec<[Option<usize>; 2]> {
    let mut behind = vec![[None; 2]; before.len()];
    for (at, before) in before.iter().enumerate() {
        for (distance, other) in before.iter().enumerate() {
            if let Some(other) = *other {
                behind[other][distance] = Some(at);
            }
        }
    }
    behind
}
