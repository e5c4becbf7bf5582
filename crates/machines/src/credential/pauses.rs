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

/// One pause, longer each time in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Pause {
    until: Moment,
    times: u32,
}

impl Pause {
    fn extend(&mut self, ladder: &[u64], now: Moment, asked: Option<Duration>) {
        if now < self.until && asked.is_none() {
            return; // One storm is one step of the ladder, however many calls were caught in it.
        }
        let step = ladder[(self.times as usize).min(ladder.len() - 1)];
        let longest = ladder[ladder.len() - 1];
        let wished = asked.map_or(0, |span| span.as_secs().min(longest));
        self.until = self.until.max(now.after(Duration::from_secs(step.max(wished))));
        self.times = self.times.saturating_add(1);
    }
}

/// All pauses of one token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pauses {
    throttled: Pause,
    blocked: Pause,
    forbidden: BTreeMap<(String, Purpose), Pause>,
}

impl Pauses {
    /// Takes in what an answer to background work says. Client answers do not pause background work here, except that a
    /// success ends every pause.
    pub fn take(&mut self, evidence: &Evidence, model: &str, purpose: Purpose, now: Moment) {
        match evidence.class {
            Class::Ok => self.clear(model, purpose),
            Class::Throttled { retry_after } => self.throttled.extend(&THROTTLED, now, retry_after),
            Class::AccountBlocked => self.blocked.extend(&BLOCKED, now, None),
            Class::Forbidden => {
                self.forbidden.entry((model.to_owned(), purpose)).or_default().extend(&FORBIDDEN, now, None);
            }
            Class::CredentialRejected | Class::WeakAuth | Class::UpstreamFault | Class::RequestRefused => {}
        }
    }

    fn clear(&mut self, model: &str, purpose: Purpose) {
        (self.throttled, self.blocked) = (Pause::default(), Pause::default());
        if purpose != Purpose::Client {
            self.forbidden.remove(&(model.to_owned(), purpose));
        }
    }

    /// Whether a call for this model and purpose must wait, why, and until when.
    #[must_use]
    pub fn standing(&self, model: &str, purpose: Purpose, now: Moment) -> Option<(WaitReason, Moment)> {
        let forbidden = self.forbidden.get(&(model.to_owned(), purpose)).copied().unwrap_or_default();
        [
            (WaitReason::AccountBlocked, self.blocked.until),
            (WaitReason::Forbidden, forbidden.until),
            (WaitReason::Throttled, self.throttled.until),
        ]
        .into_iter()
        .find(|(_, until)| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::fingerprint::Fingerprint;
    use domain::provider::{Provider, UpstreamKey};

    fn evidence(class: Class) -> Evidence {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let (start, end) = (Moment(0), Moment(1));
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
        pauses.take(&evidence(Class::Ok), "m", Purpose::Client, at(100));
        assert_eq!(pauses.standing("m", Purpose::Curate, at(100)), None);
    }

    #[test]
    fn a_longer_wish_of_the_provider_is_honoured_up_to_ten_minutes() {
        let mut pauses = Pauses::default();
        let wish = Some(Duration::from_secs(86_400));
        pauses.take(&evidence(Class::Throttled { retry_after: wish }), "m", Purpose::Distill, at(0));
        assert_eq!(pauses.standing("m", Purpose::Distill, at(1)), Some((WaitReason::Throttled, at(600))));
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
