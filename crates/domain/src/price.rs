//! What tokens cost.

use crate::conversation::Usage;
use crate::provider::Provider;

/// Dollars per million tokens of plain input, and of output. Cache prices follow from the input price.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Plain input.
    pub input: f64,
    /// Output.
    pub output: f64,
}

/// Reading from the cache, as a share of the input price (Anthropic's prompt caching page; OpenAI's share varies by model and
/// is at least this cheap or dearer by a factor of five, so figures for OpenAI are estimates).
pub const CACHE_READ: f64 = 0.1;
/// Writing to the five-minute cache, as a share of the input price (same source).
pub const CACHE_WRITE_5M: f64 = 1.25;
/// Writing to the one-hour cache, as a share of the input price (same source).
pub const CACHE_WRITE_1H: f64 = 2.0;

/// Name prefixes, most specific first, with the vendors' list prices in dollars per million tokens. Issue D moves this into a
/// data file with a source and a date for each row.
const LIST: [(&str, Price); 9] = [
    ("claude-opus-4-1", Price { input: 15.0, output: 75.0 }),
    ("claude-opus-4-0", Price { input: 15.0, output: 75.0 }),
    ("claude-opus", Price { input: 5.0, output: 25.0 }),
    ("claude-sonnet", Price { input: 3.0, output: 15.0 }),
    ("claude-haiku", Price { input: 1.0, output: 5.0 }),
    ("gpt-5-nano", Price { input: 0.05, output: 0.4 }),
    ("gpt-5-mini", Price { input: 0.25, output: 2.0 }),
    ("gpt-5", Price { input: 1.25, output: 10.0 }),
    ("gpt-4o", Price { input: 2.5, output: 10.0 }),
];

impl Price {
    /// The list price of `model`, or the middle class of its vendor when the model is not known.
    #[must_use]
    pub fn of(provider: Provider, model: &str) -> Self {
        let known = LIST.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, price)| *price);
        known.unwrap_or(match provider {
            Provider::Anthropic => Self { input: 3.0, output: 15.0 },
            Provider::OpenAi => Self { input: 1.25, output: 10.0 },
        })
    }

    /// What `usage` costs, in dollars.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> f64 {
        let input = usage.input as f64
            + usage.cache_read as f64 * CACHE_READ
            + usage.cache_write_5m as f64 * CACHE_WRITE_5M
            + usage.cache_write_1h as f64 * CACHE_WRITE_1H;
        (input * self.input + usage.output as f64 * self.output) / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_costs_its_share() {
        let price = Price { input: 10.0, output: 50.0 };
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
    fn the_most_specific_name_wins_and_unknown_models_get_the_middle_price() {
        assert_eq!(Price::of(Provider::Anthropic, "claude-opus-4-1-20250805").input, 15.0);
        assert_eq!(Price::of(Provider::Anthropic, "claude-opus-5-5").input, 5.0);
        assert_eq!(Price::of(Provider::OpenAi, "gpt-5-nano-x").input, 0.05);
        assert_eq!(Price::of(Provider::Anthropic, "house-brand").input, 3.0);
    }
}
