//! Pauses that grow: each longer than the one before, spread so that many who wait do not come back at once.

use std::time::Duration;

/// The pause that follows the `times`-th failure in a row (1 is the first): `first` doubling to `longest`, ±20 % by `seed`.
/// The spread comes from the seed alone, so that a run can be replayed.
pub(crate) fn pause(first: Duration, longest: Duration, times: u32, seed: u64) -> Duration {
    let doubled = first.saturating_mul(1_u32 << times.saturating_sub(1).min(16));
    doubled.min(longest).mul_f64(0.8 + 0.4 * spread(seed, times))
}

/// A number in 0..1 that differs by seed and by turn (the finaliser of SplitMix64).
fn spread(seed: u64, turn: u32) -> f64 {
    let mut bits = seed ^ (u64::from(turn) << 32);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: Duration = Duration::from_secs(60);

    proptest! {
        #[test]
        fn a_pause_doubles_from_the_first_to_the_longest_and_is_never_off_by_more_than_a_fifth(
            times in 1_u32..200,
            seed in any::<u64>(),
        ) {
            let pause = pause(MINUTE, 30 * MINUTE, times, seed);
            let middle = MINUTE * (1 << (times - 1).min(5));
            let middle = middle.min(30 * MINUTE);
            prop_assert!(pause >= middle.mul_f64(0.8) && pause <= middle.mul_f64(1.2), "{pause:?}");
        }
    }
}
