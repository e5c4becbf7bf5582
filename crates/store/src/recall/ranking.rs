//! Which of the messages that have some of the words answers best. A pure function of the question and the messages.
//!
//! Word by word it is BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework*, 2009), with counts and lengths
//! taken from the messages that were found. To that comes what a list of texts does not know of a conversation: what was said
//! just before and after, above all the question that a message answers; what means alike, where that is known; how much its session has to do with the matter; who
//! speaks; when it was; and that answers are statements. Each is a share of what a message with all the words could score,
//! so no constant depends on how many words a question has.
//!
//! The constants were chosen by trying on public questions about long conversations; docs/recall.md has what other values do.

mod context;
mod reading;
#[cfg(test)]
mod tests;

use super::lexicon;
use super::question::Question;
use context::{Context, Had};
use domain::ids::SessionId;
use domain::time::UnixMillis;
pub(super) use reading::{Reading, readings};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

/// BM25: how soon more of the same word stops to count, and how much length is held against a text, up to so many times the average:
/// among short turns one long message would never be found.
const SATURATION: f64 = 0.6;
const LENGTH: f64 = 0.5;
const LONGEST: f64 = 3.0;
/// The most that a session gives to its messages; it is judged by its best two.
const SESSION: f64 = 0.5;
const BEST_OF_SESSION: usize = 2;
/// The one who is asked about speaks.
const SPEAKER: f64 = 0.15;
/// It says when something was, and that is asked.
const TIME: f64 = 0.33;
/// It was said at the date that is named: of the best score.
const DATE: f64 = 0.4;
/// Somebody speaks of themselves.
const FIRST_PERSON: f64 = 0.1;
/// What is left of a message that ends by asking.
const ASKING: f64 = 0.87;
/// What the message that is most alike in what it means gets: of what one with all the words could score.
const LIKENESS: f64 = 0.3;
/// How strongly it counts how many different words stand close together.
const COVERAGE: f64 = 0.1;
/// It has a name that is asked for, as it stands in the question: of what one with all the words could score.
const PHRASE: f64 = 0.5;
/// Where a passage leaves something out.
pub(super) const LEFT_OUT: char = '…';
/// A message, or the part of it around the words.
#[derive(Debug, Clone)]
pub(super) struct Passage {
    /// Its number.
    pub(super) id: i64,
    /// Its session.
    pub(super) session: SessionId,
    /// When it was said.
    pub(super) at: UnixMillis,
    /// The words.
    pub(super) text: String,
    /// What there is of the message, where that is more and was looked up.
    pub(super) whole: Option<String>,
}

/// Messages that were found, and some that were said next to them.
#[derive(Debug, Default)]
pub(super) struct Talk {
    /// Each once.
    pub(super) passages: Vec<Passage>,
    /// The message said just before a message, in its session.
    pub(super) before: HashMap<i64, i64>,
    /// The messages of which it was looked up what was said next to them.
    pub(super) looked_up: HashSet<i64>,
    /// How alike the question a message is in what it means, of those of which that is known.
    pub(super) likeness: HashMap<i64, Likeness>,
}

/// How alike two texts are in what they mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Likeness {
    /// The cosine of their vectors.
    pub(super) plain: f64,
    /// The cosine of what is left of both without what all messages found have in common.
    pub(super) apart: f64,
}

/// A message's place in the ranking.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ranked {
    /// Its index among the passages.
    pub(super) passage: usize,
    /// The share of the question's words that it has, or how alike it is if that is more; from 0 to 1.
    pub(super) share: f64,
}

/// All passages, the best first, with what is read in each.
pub(super) fn ranked(question: &Question, readings: &[Reading], talk: &Talk) -> Vec<Ranked> {
    let ranking = Ranking::new(question, talk, readings);
    let scores = ranking.scores();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    // Where there are only signs that the index alone knows, as 🥐, what it found comes first, as it found it.
    if !question.terms.is_empty() {
        order.sort_by(|a, b| {
            scores[*b].total_cmp(&scores[*a]).then(talk.passages[*b].id.cmp(&talk.passages[*a].id))
        });
    }
    let likeness = |at: usize| talk.likeness.get(&talk.passages[at].id).map_or(0.0, |it| it.plain);
    let share = |at: usize| readings[at].share().max(likeness(at));
    order.into_iter().map(|passage| Ranked { passage, share: share(passage) }).collect()
}

struct Ranking<'t> {
    question: &'t Question,
    talk: &'t Talk,
    readings: &'t [Reading],
    context: Context,
    /// Terms that are nobody's name.
    content: Vec<usize>,
    /// How telling each term is.
    weights: Vec<f64>,
    /// What a text with all the words could score, about.
    whole: f64,
}

impl<'t> Ranking<'t> {
    fn new(question: &'t Question, talk: &'t Talk, readings: &'t [Reading]) -> Self {
        let content = content(question, readings);
        let has_any = |reading: &&Reading| content.iter().any(|term| reading.has(*term));
        let pool = readings.iter().filter(has_any).count() as f64;
        let weight = |term: usize| {
            let having = readings.iter().filter(|reading| reading.has(term)).count() as f64;
            if having > 0.0 { (1.0 + 2.0 * pool / having).ln() } else { 0.0 }
        };
        let weights: Vec<f64> = (0..question.terms.len()).map(weight).collect();
        let whole = content.iter().map(|term| weights[*term]).sum();
        Self { question, talk, readings, context: Context::of(talk), content, weights, whole }
    }

    fn scores(&self) -> Vec<f64> {
        let had = self.had();
        let mut scores = self.context.scores(&had, self.readings);
        let sessions = self.by_session(&had);
        let spoken_of = self.spoken_of();
        for (at, score) in scores.iter_mut().enumerate() {
            let reading = &self.readings[at];
            let speaks = spoken_of.is_some() && reading.speaker.as_deref() == spoken_of;
            let bonus = share(SPEAKER, speaks)
                + share(TIME, self.question.asks_when && reading.tells_time)
                + sessions.get(&self.talk.passages[at].session).map_or(0.0, |session| SESSION * session);
            *score = (*score + bonus * self.whole) * if reading.ends_asking { ASKING } else { 1.0 };
            *score += share(FIRST_PERSON, reading.is_first_person) * self.whole;
        }
        self.count_coverage(&mut scores);
        self.count_phrases(&mut scores);
        self.count_date(&mut scores);
        scores
    }

    /// What each message has of the words, and how alike it is: the most alike as much as a share of all the words, and one no more alike
    /// than the messages found are on average nothing, since models differ in what they call alike.
    fn had(&self) -> Vec<Had> {
        let most = if self.whole > 0.0 { LIKENESS * self.whole } else { 1.0 };
        let alike =
            |passage: &Passage| self.talk.likeness.get(&passage.id).map_or(0.0, |it| it.apart.max(0.0));
        let highest = self.talk.passages.iter().map(alike).fold(f64::MIN_POSITIVE, f64::max);
        let of =
            |(words, passage): (Vec<f64>, &Passage)| Had { words, likeness: most * alike(passage) / highest };
        self.by_words().zip(&self.talk.passages).map(of).collect()
    }

    fn by_words(&self) -> impl Iterator<Item = Vec<f64>> {
        let lengths: f64 = self.readings.iter().map(|reading| reading.length).sum();
        let average = (lengths / self.readings.len().max(1) as f64).max(1.0);
        self.readings.iter().map(move |reading| {
            let long = SATURATION * (1.0 - LENGTH + LENGTH * (reading.length / average).min(LONGEST));
            let of = |term: &usize| {
                let count = f64::from(reading.counts[*term]);
                self.weights[*term] * count * (SATURATION + 1.0) / (count + long)
            };
            self.content.iter().map(of).collect()
        })
    }

    /// How much each session has to do with the matter: of the one that has most.
    fn by_session(&self, had: &[Had]) -> BTreeMap<&'t SessionId, f64> {
        let mut sessions: BTreeMap<&SessionId, Vec<f64>> = BTreeMap::new();
        for (passage, had) in self.talk.passages.iter().zip(had) {
            sessions.entry(&passage.session).or_default().push(had.sum());
        }
        let best_of = |mut scores: Vec<f64>| -> f64 {
            scores.sort_by(|a, b| b.total_cmp(a));
            scores.iter().take(BEST_OF_SESSION).sum()
        };
        let sums: BTreeMap<_, _> =
            sessions.into_iter().map(|(session, scores)| (session, best_of(scores))).collect();
        let most = sums.values().copied().fold(f64::MIN_POSITIVE, f64::max);
        sums.into_iter().map(|(session, sum)| (session, sum / most)).collect()
    }

    /// The one speaker whom the question names; nobody, if it names several.
    fn spoken_of(&self) -> Option<&'t str> {
        let mut named = speakers(self.readings).into_iter().filter(|name| names(self.question, name));
        let first = named.next()?;
        named.next().is_none().then_some(first)
    }

    fn count_coverage(&self, scores: &mut [f64]) {
        let mut near: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); scores.len()];
        let had = |at: usize| self.content.iter().copied().filter(move |term| self.readings[at].has(*term));
        for (at, [before, _]) in self.context.before.iter().copied().enumerate() {
            near[at].extend(had(at));
            if let Some(before) = before {
                near[at].extend(had(before));
                near[before].extend(had(at));
            }
        }
        for (score, near) in scores.iter_mut().zip(near) {
            *score *= (near.len() as f64 / self.content.len().max(1) as f64 + 0.3).powf(COVERAGE);
        }
    }

    fn count_phrases(&self, scores: &mut [f64]) {
        let phrases = &self.question.phrases;
        for (score, passage) in scores.iter_mut().zip(&self.talk.passages) {
            let text = passage.whole.as_ref().unwrap_or(&passage.text);
            let had = phrases.iter().filter(|phrase| phrase.stands_in(text)).count();
            *score += PHRASE * self.whole * had as f64 / phrases.len().max(1) as f64;
        }
    }

    fn count_date(&self, scores: &mut [f64]) {
        let Some(date) = self.question.date else { return };
        let best = scores.iter().copied().fold(0.0, f64::max);
        for (score, passage) in scores.iter_mut().zip(&self.talk.passages) {
            *score += DATE * best * date.fit(passage.at);
        }
    }
}

const fn share(of: f64, is_due: bool) -> f64 {
    if is_due { of } else { 0.0 }
}

/// The terms to look for in what was said: names of those who speak only tell who does. All terms, if there is nothing else.
fn content(question: &Question, readings: &[Reading]) -> Vec<usize> {
    let words = speakers(readings).into_iter().flat_map(lexicon::words_as_written);
    let names: BTreeSet<String> = words.map(|word| question.language.stem(word)).collect();
    let all = 0..question.terms.len();
    let content: Vec<usize> = all.clone().filter(|term| !names.contains(&question.terms[*term])).collect();
    if content.is_empty() { all.collect() } else { content }
}

fn speakers(readings: &[Reading]) -> BTreeSet<&str> {
    readings.iter().filter_map(|reading| reading.speaker.as_deref()).collect()
}

fn names(question: &Question, speaker: &str) -> bool {
    lexicon::words(speaker).any(|word| question.words.contains(&word))
}
