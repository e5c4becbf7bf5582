//! What tokens cost: the vendors' list prices, which `prices.json` keeps with their sources and their date.

use crate::conversation::{CacheTtl, Usage};
use crate::provider::Provider;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "[f64; 5]")]
pub struct Price {
    /// Plain input.
    pub input: f64,
    /// Output.
    pub output: f64,
    /// Input that is read from a cache.
    pub cache_read: f64,
    /// Input that is written to a cache for five minutes.
    pub cache_write_5m: f64,
    /// Input that is written to a cache for one hour.
    pub cache_write_1h: f64,
}

impl From<[f64; 5]> for Price {
    /// The columns of the data file, in its order.
    fn from([input, output, cache_read, cache_write_5m, cache_write_1h]: [f64; 5]) -> Self {
        Self { input, output, cache_read, cache_write_5m, cache_write_1h }
    }
}

/// Prices by the beginning of a model's name; the row of the vendor's name alone is the middle of what it sells.
#[derive(Debug, Default, Deserialize)]
struct PriceList {
    anthropic: BTreeMap<String, Price>,
    openai: BTreeMap<String, Price>,
}

/// A test sees to it that the file can be read.
static LIST: LazyLock<PriceList> =
    LazyLock::new(|| serde_json::from_str(include_str!("prices.json")).unwrap_or_default());

const MILLION: f64 = 1e6;

impl Price {
    /// The list price of `model`, or the middle of what its vendor sells when the model is not known.
    #[must_use]
    pub fn of(provider: Provider, model: &str) -> Self {
        let middle = match provider {
            Provider::Anthropic => "claude",
            Provider::OpenAi => "gpt",
        };
        Self::listed(model).or_else(|| Self::listed(middle)).unwrap_or(Self::from([0.0; 5]))
    }

    /// The list price of `model`; none when no row fits. Names that a router or a cloud put words in front of, up to a slash or
    /// a dot, are found too.
    #[must_use]
    pub fn listed(model: &str) -> Option<Self> {
        let rows = || LIST.anthropic.iter().chain(&LIST.openai);
        let fitting = |name: &str| {
            let rows = rows().filter(|(row, _)| name.starts_with(row.as_str()));
            rows.max_by_key(|(row, _)| row.len()).map(|(_, price)| *price)
        };
        let after_words = model.match_indices(['/', '.']).filter_map(|(at, _)| model.get(at + 1..));
        std::iter::once(model).chain(after_words).find_map(fitting)
    }

    /// What `usage` costs, in dollars.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let parts = [
            (usage.input, self.input),
            (usage.output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write_5m, self.cache_write_5m),
            (usage.cache_write_1h, self.cache_write_1h),
        ];
        parts.iter().map(|(tokens, price)| *tokens as f64 * price).sum::<f64>() / MILLION
    }

    /// What reading `tokens` from a cache costs, in dollars.
    #[must_use]
    pub fn read(&self, tokens: u64) -> f64 {
        tokens as f64 * self.cache_read / MILLION
    }

    /// What reading `tokens` saves over writing them to a cache with this time to live, in dollars; less than nothing where a
    /// vendor's read is dearer than its write.
    #[must_use]
    pub fn saving(&self, tokens: u64, ttl: CacheTtl) -> f64 {
        let write = match ttl {
            CacheTtl::FiveMinutes => self.cache_write_5m,
            CacheTtl::OneHour => self.cache_write_1h,
        };
        tokens as f64 * (write - self.cache_read) / MILLION
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_costs_its_own_price() {
        let price = Price::from([10.0, 50.0, 1.0, 12.5, 20.0]);
        let usage = |field: fn(&mut Usage) -> &mut u64| {
            let mut usage = Usage::default();
            *field(&mut usage) = 1_000_000;
            price.cost(&usage)
        };
        assert!((usage(|it| &mut it.input) - 10.0).abs() < 1e-9);
        assert!((usage(|it| &mut it.cache_read) - 1.0).abs() < 1e-9);
        assert!((usage(|it| &mut it.cache_write_5m) - 12.5).abs() < 1e-9);
        assert!((usage(|it| &mut it.cache_write_1h) - 20.0).abs() < 1e-9);
        assert!((usage(|it| &mut it.output) - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_saving_is_the_difference_between_writing_and_reading() {
        let price = Price::of(Provider::Anthropic, "claude-sonnet-4-5");
        assert!((price.saving(1_000_000, CacheTtl::FiveMinutes) - 3.45).abs() < 1e-9);
        assert!((price.saving(1_000_000, CacheTtl::OneHour) - 5.7).abs() < 1e-9);
        assert!((price.read(1_000_000) - 0.3).abs() < 1e-9);
    }

    #[test]
    fn the_longest_name_wins_and_unknown_models_get_the_middle_price() {
        assert_eq!(Price::of(Provider::Anthropic, "claude-opus-4-1-20250805").input, 15.0);
        assert_eq!(Price::of(Provider::Anthropic, "claude-opus-4-5-20251101").input, 5.0);
        assert_eq!(Price::of(Provider::OpenAi, "gpt-5-nano-x").input, 0.05);
        assert_eq!(Price::of(Provider::Anthropic, "house-brand").input, 3.0);
        assert_eq!(Price::listed("house-brand"), None);
    }

    #[test]
    fn a_model_is_found_behind_the_words_of_a_router_or_a_cloud() {
        for name in ["us.anthropic.claude-opus-4-6-v1:0", "anthropic/claude-opus-4-6", "claude-opus-4-6"] {
            assert_eq!(Price::listed(name).map(|price| price.input), Some(5.0), "{name}");
        }
        assert_eq!(Price::listed("opencode/gpt-5.3-codex").map(|price| price.input), Some(1.75));
    }

    #[test]
    fn in_every_row_a_read_is_the_cheapest_and_a_longer_life_is_never_cheaper() {
        let rows = LIST.anthropic.iter().chain(&LIST.openai);
        for (name, price) in rows.clone() {
            assert!(0.0 < price.cache_read && price.cache_read < price.input, "{name}");
            assert!(price.input <= price.cache_write_5m, "{name}");
            assert!(price.cache_write_5m <= price.cache_write_1h, "{name}");
            assert!(price.input < price.output, "{name}");
        }
        assert!(rows.count() > 20);
    }

    #[test]
    fn an_anthropic_write_costs_a_quarter_more_than_input_for_five_minutes_and_twice_for_an_hour() {
        // The one row that the vendor rounds: 0.30 is not 1.25 times 0.25.
        for (name, price) in LIST.anthropic.iter().filter(|(name, _)| *name != "claude-3-haiku") {
            assert!((price.cache_write_5m - 1.25 * price.input).abs() < 1e-9, "{name}");
            assert!((price.cache_write_1h - 2.0 * price.input).abs() < 1e-9, "{name}");
        }
    }
}
