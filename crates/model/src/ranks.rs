//! Time as ranks. Two states in which the same things happened in the same order are one, whatever the clock shows.

use crate::state::{Keeper, Mail, State};
use domain::evidence::Evidence;
use domain::time::Moment;
use machines::job::Work;
use std::collections::BTreeMap;
use std::time::Duration;

/// Two things within this are together (weak signs, incidents): so it is remembered of neighbours whether they are.
const TOGETHER: Duration = Duration::from_secs(60);
/// Not together.
pub(crate) const APART: Duration = Duration::from_secs(61);
/// Where the past begins. The machine's own zero means "never" and stays.
const ORIGIN: Moment = Moment::from_secs(3600);

impl State {
    /// Moments keep their order and whether they are together; how far apart they are otherwise is forgotten. What lies ahead
    /// is far ahead, so that only a wait reaches it.
    pub(crate) fn normalise(&mut self) {
        let now = self.now;
        let mut moments = self.moments();
        let mut known: Vec<Moment> = moments.iter().map(|moment| **moment).filter(|it| it.0 > 0).collect();
        known.push(now);
        known.sort_unstable();
        known.dedup();
        let mut ranks = BTreeMap::new();
        let (mut rank, mut last) = (ORIGIN, known.first().copied().unwrap_or_default());
        for moment in known {
            let apart = moment > now || moment.since(last) > TOGETHER;
            rank = rank.after(if apart { APART } else { Duration::from_micros(1) });
            last = moment;
            ranks.insert(moment, rank);
        }
        for moment in &mut moments {
            **moment = ranks.get(moment).copied().unwrap_or_default();
        }
        drop(moments);
        self.now = ranks.get(&now).copied().unwrap_or_default();
    }

    /// The next moment at which something is due.
    pub(crate) fn next_due(&self) -> Option<Moment> {
        let Keeper::Ours(machine) = &self.keeper else { return None };
        machine.clone().moments().map(|moment| *moment).filter(|moment| *moment > self.now).min()
    }

    fn moments(&mut self) -> Vec<&mut Moment> {
        let mut all: Vec<&mut Moment> = Vec::new();
        if let Keeper::Ours(machine) = &mut self.keeper {
            all.extend(machine.moments());
        }
        all.extend(self.calls.iter_mut().map(|call| &mut call.start));
        for evidence in self.mail.iter_mut().filter_map(evidence) {
            all.extend([&mut evidence.start, &mut evidence.end]);
        }
        all.extend(self.died.values_mut());
        all.extend(self.ghosts.fails.values_mut());
        all
    }
}

fn evidence(mail: &mut Mail) -> Option<&mut Evidence> {
    match mail {
        Mail::Fact { evidence, .. } => Some(evidence),
        Mail::Report { work, .. } => match work {
            Work::Accepted { evidence, .. }
            | Work::Unusable { evidence, .. }
            | Work::Unkept { evidence, .. }
            | Work::Refused { evidence } => Some(evidence),
            Work::Failed { evidence, .. } | Work::Queued { evidence } => evidence.as_mut(),
            Work::Nothing => None,
        },
    }
}
