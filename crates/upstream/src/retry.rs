//! When a failed background call is tried again, and how long it waits. Pure: time and chance come in as arguments.
//!
//! Only a fault is tried again: a provider that is broken, or a way to it that is. A refusal of a token is never a retry
//! decision; another token is the credential machine's to give. Nor is a busy provider: the credential machine pauses the
//! token, so that all its work stands back at once instead of each call knocking by itself.

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
    /// The longest wait before chance is added.
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
    /// The total time of the call passed while the attempt was under way.
    OutOfTime,
}

impl Failure<'_> {
    /// Whether it may pass by itself.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            // Accepted with an error inside: the provider broke after it had sent the status.
            Self::Answer { class: Class::UpstreamFault, status } => {
                matches!(status, 200..=299 | 500 | 502 | 504)
            }
            Self::Answer { .. } | Self::OutOfTime => false,
            Self::Fault(fault) => !matches!(fault, Fault::Unsendable(_) | Fault::TooLarge { .. }),
        }
    }
}

impl Policy {
    /// The wait before retry number `attempt`, counted from 0. `jitter` is chance, from 0 to 1.
    #[must_use]
    pub fn delay(&self, attempt: u32, jitter: f64) -> Duration {
        let steps = self.factor.saturating_pow(attempt);
        let wait = self.first.saturating_mul(steps).min(self.cap);
        wait.saturating_add(wait.mul_f64(self.jitter * chance(jitter)))
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
        let wait = self.delay(attempt, jitter);
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
            .map(|attempt| Policy::default().delay(attempt, 0.0).as_millis().try_into().unwrap())
            .collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 32_000, 32_000, 32_000]);
    }

    #[test]
    fn only_a_fault_is_tried_again() {
        let again = [
            answer(Class::UpstreamFault, 500),
            answer(Class::UpstreamFault, 502),
            answer(Class::UpstreamFault, 504),
            answer(Class::UpstreamFault, 200),
            Failure::Fault(&Fault::Cut),
            Failure::Fault(&Fault::Unresolved),
            Failure::Fault(&Fault::TimedOut { phase: Phase::FirstByte }),
        ];
        assert!(again.iter().all(Failure::passes));
        let throttled = Class::Throttled { retry_after: Some(SECOND) };
        let never = [
            answer(throttled, 429),
            answer(throttled, 529),
            answer(throttled, 503),
            answer(throttled, 200),
            answer(Class::CredentialRejected, 401),
            answer(Class::WeakAuth, 401),
            answer(Class::Forbidden, 403),
            answer(Class::AccountBlocked, 402),
            answer(Class::RequestRefused, 400),
            answer(Class::UpstreamFault, 302),
            answer(Class::UpstreamFault, 501),
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
            jitter in any::<f64>(),
        ) {
            let policy = Policy::default();
            let wait = policy.delay(attempt, jitter);
            prop_assert!(wait >= policy.first && wait <= policy.cap.mul_f64(1.0 + policy.jitter));
        }

        #[test]
        fn whatever_happens_a_call_ends_in_time(
            tries in prop::collection::vec(0u64..200_000, 100),
            jitter in 0.0f64..1.0,
        ) {
            let policy = Policy::default();
            let mut elapsed = Duration::ZERO;
            let mut retries = 0;
            for tried in tries {
                elapsed += Duration::from_millis(tried);
                let broken = answer(Class::UpstreamFault, 500);
                let Some(wait) = policy.again(&broken, retries, elapsed, jitter) else { break };
                elapsed += wait;
                retries += 1;
                prop_assert!(elapsed < policy.total);
            }
            prop_assert!(retries <= policy.max_retries);
        }
    }
}
