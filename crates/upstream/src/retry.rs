//! When a failed background call is tried again, and how long it waits. Pure: time and chance come in as arguments.
//!
//! Only what passes by itself is tried again: a provider that is busy or broken, or a way to it that is. A refusal of a
//! token is never a retry decision; another token is the credential machine's to give.

use crate::transport::Fault;
use domain::evidence::Class;
use std::time::Duration;

/// The ladder of waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The wait before the first retry.
    pub first: Duration,
    /// What each further wait is multiplied by.
    pub factor: u32,
    /// The longest wait before chance is added, whether it was ours or the provider's idea.
    pub cap: Duration,
    /// How much chance adds at most, as a share of the wait.
    pub jitter: f64,
    /// How many retries follow the first attempt at most.
    pub max_retries: u32,
    /// How long all attempts and waits may take together.
    pub total: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            factor: 2,
            cap: Duration::from_secs(32),
            jitter: 0.25,
            max_retries: 8,
            total: Duration::from_secs(900),
        }
    }
}

/// How an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'f> {
    /// The provider answered.
    Answer {
        /// What its answer means.
        class: Class,
        /// The HTTP status, also when the error stands inside a 200.
        status: u16,
    },
    /// There was no answer, or no whole one.
    Fault(&'f Fault),
    /// The answer was accepted and paid for, but holds nothing: asking again would pay again.
    Empty,
    /// The total time of the call passed while the attempt was under way.
    OutOfTime,
}

impl Failure<'_> {
    /// Whether it may pass by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Answer { class: Class::Throttled { .. }, .. } => true,
            // Accepted with an error inside: the provider broke after it had sent the status.
            Self::Answer { class: Class::UpstreamFault, status } => {
                matches!(status, 200..=299 | 500 | 502 | 504)
            }
            Self::Answer { .. } | Self::Empty | Self::OutOfTime => false,
            Self::Fault(fault) => !matches!(fault, Fault::Unsendable(_) | Fault::TooLarge { .. }),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answer { class: Class::Throttled { retry_after }, .. } => *retry_after,
            _ => None,
        }
    }
}

impl Policy {
    /// The wait before retry number `attempt`, counted from 0. What the provider asks for (`retry_after`) takes the place of
    /// our own ladder, up to the cap; an ask for no wait at all is none. `jitter` is chance, from 0 to 1.
    #[must_use]
    pub fn delay(&self, attempt: u32, retry_after: Option<Duration>, jitter: f64) -> Duration {
        match retry_after.filter(|asked| !asked.is_zero()) {
            Some(asked) => asked.min(self.cap),
            None => {
                let steps = self.factor.saturating_pow(attempt);
                let wait = self.first.saturating_mul(steps).min(self.cap);
                wait.saturating_add(wait.mul_f64(self.jitter * chance(jitter)))
            }
        }
    }

    /// How long to wait before trying again after `failure` of attempt number `attempt` (counted from 0), `elapsed` after the
    /// first one began; none when it is not to be tried again.
    #[must_use]
    pub fn again(
        &self,
        failure: &Failure<'_>,
        attempt: u32,
        elapsed: Duration,
        jitter: f64,
    ) -> Option<Duration> {
        let wait = self.delay(attempt, failure.retry_after(), jitter);
        let in_time = elapsed.saturating_add(wait) < self.total;
        (failure.passes() && attempt < self.max_retries && in_time).then_some(wait)
    }
}

/// Chance that is out of bounds, or no number, is evened out instead of making a wait absurd.
fn chance(jitter: f64) -> f64 {
    if jitter.is_nan() { 0.0 } else { jitter.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Phase;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn answer(class: Class, status: u16) -> Failure<'static> {
        Failure::Answer { class, status }
    }

    #[test]
    fn the_ladder_doubles_from_half_a_second_to_its_cap() {
        let waits: Vec<u64> = (0..9)
            .map(|attempt| Policy::default().delay(attempt, None, 0.0).as_millis().try_into().unwrap())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000]);
    }

    #[test]
    fn the_providers_wish_overrides_the_ladder_up_to_the_cap() {
        let delay = |asked| Policy::default().delay(0, Some(asked), 1.0);
        assert_eq!(delay(SECOND * 2), SECOND * 2);
        assert_eq!(delay(SECOND * 3600), SECOND * 32);
        assert_eq!(delay(Duration::ZERO), Duration::from_millis(625));
    }

    #[test]
    fn only_what_passes_by_itself_is_tried_again() {
        let throttled = Class::Throttled { retry_after: None };
        let again = [
            answer(throttled, 429),
            answer(throttled, 529),
            answer(throttled, 503),
            answer(throttled, 200),
            answer(Class::UpstreamFault, 500),
            answer(Class::UpstreamFault, 502),
            answer(Class::UpstreamFault, 504),
            answer(Class::UpstreamFault, 200),
            Failure::Fault(&Fault::Cut),
            Failure::Fault(&Fault::Unresolved),
            Failure::Fault(&Fault::TimedOut { phase: Phase::FirstByte }),
        ];
        assert!(again.iter().all(Failure::passes));
        let never = [
            answer(Class::CredentialRejected, 401),
            answer(Class::WeakAuth, 401),
            answer(Class::Forbidden, 403),
            answer(Class::AccountBlocked, 402),
            answer(Class::RequestRefused, 400),
            answer(Class::UpstreamFault, 302),
            answer(Class::UpstreamFault, 501),
            Failure::Empty,
            Failure::OutOfTime,
            Failure::Fault(&Fault::TooLarge { limit: 1 }),
            Failure::Fault(&Fault::Unsendable("x")),
        ];
        assert!(!never.iter().any(Failure::passes));
    }

    #[test]
    fn retries_end_with_their_number_and_with_the_total_time() {
        let policy = Policy::default();
        let again = |attempt, elapsed| policy.again(&Failure::Fault(&Fault::Cut), attempt, elapsed, 0.0);
        assert_eq!(again(7, SECOND), Some(SECOND * 32));
        assert_eq!(again(8, SECOND), None);
        assert_eq!(again(7, SECOND * 867), Some(SECOND * 32));
        assert_eq!(again(7, SECOND * 868), None);
    }

    proptest! {
        #[test]
        fn a_wait_is_never_none_and_never_past_the_cap_and_its_chance(
            attempt in any::<u32>(),
            asked in prop::option::of(any::<u64>()),
            jitter in any::<f64>(),
        ) {
            let policy = Policy::default();
            let wait = policy.delay(attempt, asked.map(Duration::from_secs), jitter);
            prop_assert!(wait >= policy.first && wait <= policy.cap.mul_f64(1.0 + policy.jitter));
        }

        #[test]
        fn whatever_happens_a_call_ends_in_time(
            asked in prop::collection::vec(prop::option::of(0u64..100_000), 100),
            tries in prop::collection::vec(0u64..200_000, 100),
            jitter in 0.0f64..1.0,
        ) {
            let policy = Policy::default();
            let mut elapsed = Duration::ZERO;
            let mut retries = 0;
            for (retry_after, tried) in asked.into_iter().zip(tries) {
                elapsed += Duration::from_millis(tried);
                let class = Class::Throttled { retry_after: retry_after.map(Duration::from_secs) };
                let Some(wait) = policy.again(&answer(class, 429), retries, elapsed, jitter) else { break };
                elapsed += wait;
                retries += 1;
                prop_assert!(elapsed < policy.total);
            }
            prop_assert!(retries <= policy.max_retries);
        }
    }
}
