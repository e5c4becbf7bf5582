//! Pauses that have nothing to do with whether a token is good: a provider that wants quiet, an account that cannot pay, a
//! model that the token may not use. They belong to the token, so that one user's trouble is never another's.

use domain::access::WaitReason;
use domain::evidence::{Class, Evidence};
use domain::purpose::Purpose;
use domain::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// Quiet after throttling: longer each time it happens again.
const THROTTLED: [u64; 5] = [60, 120, 240, 480, 600];
/// Quiet after "this token may not do that".
const FORBIDDEN: [u64; 4] = [300, 900, 1800, 3600];
/// Quiet after "this account cannot be used".
const BLOCKED: [u64; 2] = [1800, 3600];

/// So many pairs of model and purpose are remembered as forbidden for one token; the one that ends first goes first.
const FORBIDDEN_PAIRS: usize = 32;

/// One pause, longer each time in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Pause {
    /// When the newest answer behind it was understood.
    since: Moment,
    until: Moment,
    times: u32,
}

impl Pause {
    /// Takes an answer in that asks for quiet, seen at `now`.
    fn extend(&mut self, ladder: &[u64], evidence: &Evidence, now: Moment, asked: Option<Duration>) {
        self.since = self.since.max(evidence.end);
        let longest = ladder[ladder.len() - 1];
        let mut quiet = asked.map_or(0, |span| span.as_secs().min(longest));
        // One storm is one step of the ladder, however many calls were caught in it and whatever they ask for.
        if now >= self.until {
            quiet = quiet.max(ladder[(self.times as usize).min(ladder.len() - 1)]);
            self.times = self.times.saturating_add(1);
        }
        self.until = self.until.max(now.after(Duration::from_secs(quiet)));
    }
}

impl Pause {
    /// Ends it, if the success began after the trouble was known: one that was on its way before proves nothing.
    fn end(&mut self, success: &Evidence) {
        if success.start > self.since {
            *self = Self::default();
        }
    }
}

/// All pauses of one token. Nearly every token has none, and then they take no room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pauses(Option<Box<Known>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Known {
    throttled: Pause,
    blocked: Pause,
    forbidden: BTreeMap<(Box<str>, Purpose), Pause>,
}

impl Pauses {
    /// Takes in what an answer says. A client's trouble is the token's: while its own requests are throttled or its account is
    /// blocked, background work stands back. What a client may not do says nothing about what background work may.
    pub fn take(&mut self, evidence: &Evidence, model: &str, purpose: Purpose, now: Moment) {
        match evidence.class {
            Class::Ok => self.succeed(evidence, model, purpose),
            Class::Throttled { retry_after } => {
                self.known().throttled.extend(&THROTTLED, evidence, now, retry_after);
            }
            Class::AccountBlocked => self.known().blocked.extend(&BLOCKED, evidence, now, None),
            Class::Forbidden if purpose != Purpose::Client => {
                self.known().forbid(evidence, model, purpose, now);
            }
            Class::Forbidden
            | Class::CredentialRejected
            | Class::WeakAuth
            | Class::UpstreamFault
            | Class::RequestRefused => {}
        }
    }

    fn known(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }

    fn succeed(&mut self, success: &Evidence, model: &str, purpose: Purpose) {
        let Some(known) = &mut self.0 else { return };
        known.throttled.end(success);
        known.blocked.end(success);
        known.forbidden.remove(&(model.into(), purpose));
        if **known == Known::default() {
            self.0 = None;
        }
    }

    /// Whether a call for this model and purpose must wait, why, and until when.
    #[must_use]
    pub fn standing(&self, model: &str, purpose: Purpose, now: Moment) -> Option<(WaitReason, Moment)> {
        let known = self.0.as_ref()?;
        [
            (WaitReason::AccountBlocked, known.blocked.until),
            (WaitReason::Forbidden, known.forbidden_until(model, purpose)),
            (WaitReason::Throttled, known.throttled.until),
        ]
        .into_iter()
        .find(|(_, until)| now < *until)
    }

    /// Whether work of this purpose is forbidden, whatever the model.
    #[must_use]
    pub fn forbids(&self, purpose: Purpose, now: Moment) -> bool {
        let mut pairs = self.0.iter().flat_map(|known| &known.forbidden);
        pairs.any(|((_, what), pause)| *what == purpose && now < pause.until)
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.0.iter_mut().flat_map(|known| known.moments())
    }
}

impl Known {
    fn forbid(&mut self, evidence: &Evidence, model: &str, purpose: Purpose, now: Moment) {
        let pause = self.forbidden.entry((model.into(), purpose)).or_default();
        pause.extend(&FORBIDDEN, evidence, now, None);
        if self.forbidden.len() > FORBIDDEN_PAIRS {
            let first =
                self.forbidden.iter().min_by_key(|(_, pause)| pause.until).map(|(pair, _)| pair.clone());
            first.and_then(|pair| self.forbidden.remove(&pair));
        }
    }

    fn forbidden_until(&self, model: &str, purpose: Purpose) -> Moment {
        let mut pairs = self.forbidden.iter();
        let pause = pairs.find(|((forbidden, what), _)| &**forbidden == model && *what == purpose);
        pause.map_or(Moment::default(), |(_, pause)| pause.until)
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let all = [&mut self.throttled, &mut self.blocked].into_iter().chain(self.forbidden.values_mut());
        all.flat_map(|pause| [&mut pause.since, &mut pause.until])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::fingerprint::Fingerprint;
    use domain::provider::{Provider, UpstreamKey};

    fn evidence(class: Class) -> Evidence {
        between(class, 0, 1)
    }

    fn between(class: Class, start: u64, end: u64) -> Evidence {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (start, end) = (Moment(start), Moment(end));
        Evidence { fingerprint: Fingerprint::of_number(1), upstream, start, end, class, status: 0 }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_secs(seconds)
    }

    #[test]
    fn throttling_climbs_a_ladder_and_success_takes_it_away() {
        let throttled = evidence(Class::Throttled { retry_after: None });
        let mut pauses = Pauses::default();
        pauses.take(&throttled, "m", Purpose::Distill, at(0));
        assert_eq!(pauses.standing("m", Purpose::Curate, at(59)), Some((WaitReason::Throttled, at(60))));
        pauses.take(&throttled, "m", Purpose::Distill, at(60));
        assert_eq!(pauses.standing("m", Purpose::Curate, at(60)), Some((WaitReason::Throttled, at(180))));
        pauses.take(&between(Class::Ok, 2, 3), "m", Purpose::Client, at(100));
        assert_eq!(pauses.standing("m", Purpose::Curate, at(100)), None);
    }

    #[test]
    fn a_success_that_was_on_its_way_before_the_storm_does_not_end_it() {
        let mut pauses = Pauses::default();
        pauses.take(&between(Class::Throttled { retry_after: None }, 5, 6), "m", Purpose::Client, at(0));
        pauses.take(&between(Class::Ok, 6, 9), "m", Purpose::Client, at(1));
        assert!(pauses.standing("m", Purpose::Distill, at(1)).is_some(), "a client's storm is the token's");
        pauses.take(&between(Class::Ok, 7, 9), "m", Purpose::Client, at(1));
        assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
    }

    #[test]
    fn what_a_client_may_not_do_background_work_may() {
        let mut pauses = Pauses::default();
        pauses.take(&evidence(Class::Forbidden), "m", Purpose::Client, at(0));
        assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
    }

    #[test]
    fn a_longer_wish_of_the_provider_is_honoured_up_to_ten_minutes() {
        let mut pauses = Pauses::default();
        let wish = Some(Duration::from_secs(86_400));
        pauses.take(&evidence(Class::Throttled { retry_after: wish }), "m", Purpose::Distill, at(0));
        assert_eq!(pauses.standing("m", Purpose::Distill, at(1)), Some((WaitReason::Throttled, at(600))));
    }

    #[test]
    fn one_storm_is_one_step_of_the_ladder_and_a_shorter_wish_ends_nothing() {
        let throttled =
            |wish: Option<u64>| evidence(Class::Throttled { retry_after: wish.map(Duration::from_secs) });
        for wish in [None, Some(1)] {
            let mut pauses = Pauses::default();
            (0..5).for_each(|second| pauses.take(&throttled(wish), "m", Purpose::Distill, at(second)));
            let standing = |pauses: &Pauses, now| pauses.standing("m", Purpose::Distill, at(now));
            assert_eq!(standing(&pauses, 5), Some((WaitReason::Throttled, at(60))), "{wish:?}");
            pauses.take(&throttled(wish), "m", Purpose::Distill, at(60));
            assert_eq!(
                standing(&pauses, 60),
                Some((WaitReason::Throttled, at(180))),
                "the next storm, {wish:?}"
            );
        }
        let mut pauses = Pauses::default();
        pauses.take(&throttled(None), "m", Purpose::Distill, at(4));
        pauses.take(&throttled(Some(500)), "m", Purpose::Distill, at(5));
        pauses.take(&throttled(Some(1)), "m", Purpose::Distill, at(6));
        assert_eq!(pauses.standing("m", Purpose::Distill, at(7)), Some((WaitReason::Throttled, at(505))));
    }

    #[test]
    fn what_was_forbidden_and_is_done_after_all_is_forbidden_no_more() {
        let mut pauses = Pauses::default();
        pauses.take(&evidence(Class::Forbidden), "m", Purpose::Distill, at(0));
        pauses.take(&between(Class::Ok, 2, 3), "m", Purpose::Distill, at(1));
        assert!(pauses.standing("m", Purpose::Distill, at(1)).is_none());
    }

    #[test]
    fn a_client_that_names_ever_new_models_fills_no_memory() {
        let mut pauses = Pauses::default();
        for number in 0..1000 {
            pauses.take(
                &evidence(Class::Forbidden),
                &format!("model {number}"),
                Purpose::Distill,
                at(number),
            );
        }
        assert_eq!(pauses.known().forbidden.len(), FORBIDDEN_PAIRS);
        assert!(pauses.standing("model 999", Purpose::Distill, at(1000)).is_some());
    }

    #[test]
    fn what_is_forbidden_for_one_model_is_not_for_another() {
        let mut pauses = Pauses::default();
        pauses.take(&evidence(Class::Forbidden), "m", Purpose::Distill, at(0));
        assert!(pauses.standing("m", Purpose::Distill, at(1)).is_some());
        assert!(pauses.standing("n", Purpose::Distill, at(1)).is_none());
        assert!(pauses.standing("m", Purpose::Curate, at(1)).is_none());
    }
}
