//! What is known against batches. All of it was heard from providers, ends by itself, and is forgotten by a restart.

use super::message::Offer;
use domain::fingerprint::Fingerprint;
use domain::ids::SessionId;
use domain::provider::UpstreamKey;
use domain::time::Moment;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Rests that are remembered; the oldest are forgotten first, and it is found out again.
const REMEMBERED: usize = 4096;
/// So long the work of a session goes the direct way after batches were nothing for it: what came back is done by then, and
/// what it says later may fare better.
pub const REST: Duration = Duration::from_secs(3600);
/// So long that holds for the token that was refused there, and for an upstream without batches. Nothing tells us that a
/// person has given a key another scope, or mended a proxy, so it is asked again, at the price of one call a day.
pub const LONG_REST: Duration = Duration::from_secs(24 * 3600);

/// Why a session does without batches, and since when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Rest {
    since: Moment,
    /// The token that was refused there, if that is why.
    refused: Option<Fingerprint>,
}

impl Rest {
    fn ends_for(&self, token: Fingerprint) -> Moment {
        self.since.after(if self.refused == Some(token) { LONG_REST } else { REST })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Welcome {
    /// Sessions whose work goes the direct way, the last that came to it at the end.
    resting: VecDeque<(SessionId, Rest)>,
    /// Upstreams without such an endpoint, and since when that is known.
    lacking: BTreeMap<UpstreamKey, Moment>,
}

impl Welcome {
    pub(super) fn extends_to(&self, offer: &Offer, now: Moment) -> bool {
        let brief = &offer.item.brief;
        let lacks = self.lacking.get(&brief.upstream).is_some_and(|since| now < since.after(LONG_REST));
        let mut own = self.resting.iter().filter(|(session, _)| *session == brief.session);
        !lacks && !own.any(|(_, rest)| now < rest.ends_for(offer.token))
    }

    pub(super) fn end_at(&mut self, upstream: UpstreamKey, now: Moment) {
        self.lacking.insert(upstream, now);
    }

    pub(super) fn end_for(&mut self, session: &SessionId, refused: Option<Fingerprint>, now: Moment) {
        self.resting.retain(|(other, rest)| other != session || rest.refused != refused);
        self.resting.push_back((session.clone(), Rest { since: now, refused }));
        if self.resting.len() > REMEMBERED {
            self.resting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::offer;
    use super::*;

    #[test]
    fn of_very_many_rests_the_oldest_is_forgotten() {
        let mut welcome = Welcome::default();
        (0..=REMEMBERED).for_each(|number| welcome.end_for(&number.to_string().into(), None, Moment(0)));
        let rests = |session: usize| !welcome.extends_to(&offer(&session.to_string()), Moment(1));
        assert_eq!([rests(0), rests(1), rests(REMEMBERED)], [false, true, true]);
        assert_eq!(welcome.resting.len(), REMEMBERED);
    }
}
