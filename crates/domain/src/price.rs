//! What tokens cost: the vendors' list prices, which `prices.json` keeps with their sources and their date, or those of a file in
//! the same shape.

use crate::conversation::{CacheTtl, Usage};
use crate::provider::Provider;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use thiserror::Error;

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

/// What tokens cost, model by model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct PriceList {
    /// Of a model that no row fits.
    middle: Middle,
    /// By the beginning of a model's name.
    anthropic: BTreeMap<String, Price>,
    openai: BTreeMap<String, Price>,
}

/// The middle of what each vendor sells.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
struct Middle {
    anthropic: Price,
    openai: Price,
}

/// Why a text is no price list.
#[derive(Debug, Error)]
pub enum InvalidPrices {
    /// It has not the shape of one.
    #[error("{0}")]
    Shape(#[from] serde_json::Error),
    /// A price that nobody can ask.
    #[error("the prices of {0:?} must be numbers from 0 to {MOST}, in dollars per million tokens")]
    Price(String),
}

/// The highest price that is taken for one, in dollars per million tokens.
const MOST: f64 = 1e6;

/// The list that is in force, once somebody asked or said which.
static LIST: OnceLock<PriceList> = OnceLock::new();

impl PriceList {
    /// Reads a list in the shape of `prices.json`; members beyond that shape are for people.
    ///
    /// # Errors
    /// [`InvalidPrices`], with what is wrong.
    pub fn read(text: &str) -> Result<Self, InvalidPrices> {
        let list: Self = serde_json::from_str(text)?;
        match list.wrong_row() {
            Some(name) => Err(InvalidPrices::Price(name)),
            None => Ok(list),
        }
    }

    /// The name of a row with a price that nobody can ask.
    fn wrong_row(&self) -> Option<String> {
        let rows = self.rows().map(|(name, price)| (name.as_str(), price));
        let middle = [("middle.anthropic", &self.middle.anthropic), ("middle.openai", &self.middle.openai)];
        let mut all = rows.chain(middle);
        all.find(|(_, price)| !price.can_be_asked()).map(|(name, _)| name.to_owned())
    }

    /// Puts this list in force for as long as the process lives. Tells whether it is: not once another one is, or after
    /// anybody asked for a price.
    pub fn put_in_force(self) -> bool {
        LIST.set(self).is_ok()
    }

    fn in_force() -> &'static Self {
        LIST.get_or_init(Self::built_in)
    }

    /// The vendors' list prices that this build brings along; a test sees to it that they can be read.
    fn built_in() -> Self {
        Self::read(include_str!("prices.json")).unwrap_or_else(|_| Self {
            middle: Middle { anthropic: Price::from([0.0; 5]), openai: Price::from([0.0; 5]) },
            anthropic: BTreeMap::new(),
            openai: BTreeMap::new(),
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&String, &Price)> {
        self.anthropic.iter().chain(&self.openai)
    }

    /// The price of `model`; none when no row fits. Names that a router or a cloud put words in front of, up to a slash or a
    /// dot, are found too.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<Price> {
        names(model).find_map(|name| self.row(name)).map(|(_, price)| *price)
    }

    /// The longest row that fits `name`.
    fn row(&self, name: &str) -> Option<(&String, &Price)> {
        self.rows().filter(|(row, _)| fits(row, name)).max_by_key(|(row, _)| row.len())
    }

    fn vendor(&self, model: &str) -> Option<Provider> {
        let (row, _) = names(model).find_map(|name| self.row(name))?;
        Some(if self.anthropic.contains_key(row) { Provider::Anthropic } else { Provider::OpenAi })
    }
}

/// Whether `row` is the beginning of `name`, up to its end or to a sign that parts its words, and nothing behind it says that it is
/// a model of another size.
fn fits(row: &str, name: &str) -> bool {
    /// Sizes that are sold at prices of their own.
    const SIZES: [&str; 3] = ["mini", "nano", "pro"];
    let mut words = words_of(name);
    words_of(row).all(|word| words.next() == Some(word)) && words.all(|word| !SIZES.contains(&word))
}

/// The words of a name; clouds and routers write other signs between them than vendors do.
fn words_of(name: &str) -> impl Iterator<Item = &str> {
    name.split(['-', '.', '@', ':'])
}

/// A model's name, and what is left of it without the words in front, up to a slash or a dot.
fn names(model: &str) -> impl Iterator<Item = &str> {
    let after_words = model.match_indices(['/', '.']).filter_map(|(at, _)| model.get(at + 1..));
    std::iter::once(model).chain(after_words)
}

/// How vendors begin the names of their models, also of those that no row fits.
const VENDORS: [(&str, Provider); 7] = [
    ("claude", Provider::Anthropic),
    ("gpt-", Provider::OpenAi),
    ("chatgpt-", Provider::OpenAi),
    ("codex-", Provider::OpenAi),
    ("o1", Provider::OpenAi),
    ("o3", Provider::OpenAi),
    ("o4", Provider::OpenAi),
];

/// Who makes `model`: whose row it fits in the list, or whose names begin so; none when nobody can say.
#[must_use]
pub fn vendor(model: &str) -> Option<Provider> {
    let begins_so =
        |name: &str| VENDORS.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, vendor)| *vendor);
    PriceList::in_force().vendor(model).or_else(|| names(model).find_map(begins_so))
}

const MILLION: f64 = 1e6;

impl Price {
    /// The price of `model`, or, as an estimate, the middle of what its vendor sells when no row fits.
    #[must_use]
    pub fn of(provider: Provider, model: &str) -> Self {
        let list = PriceList::in_force();
        let middle = match provider {
            Provider::Anthropic => list.middle.anthropic,
            Provider::OpenAi => list.middle.openai,
        };
        list.of(model).unwrap_or(middle)
    }

    /// The price of `model`; none when no row fits.
    #[must_use]
    pub fn listed(model: &str) -> Option<Self> {
        PriceList::in_force().of(model)
    }

    fn can_be_asked(&self) -> bool {
        let Self { input, output, cache_read, cache_write_5m, cache_write_1h } = *self;
        [input, output, cache_read, cache_write_5m, cache_write_1h]
            .iter()
            .all(|price| (0.0..=MOST).contains(price))
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
        assert_eq!(Price::of(Provider::OpenAi, "gpt-5-2025-08-07").input, 1.25);
        assert_eq!(Price::of(Provider::Anthropic, "house-brand").input, 3.0);
        for unknown in ["house-brand", "claude", "claude-2.1", "gpt-9"] {
            assert_eq!(Price::listed(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_built_in_list_says_where_it_is_from_and_of_what_day() {
        #[derive(Deserialize)]
        struct Head {
            sources: Vec<String>,
            as_of: String,
        }
        let head: Head = serde_json::from_str(include_str!("prices.json")).unwrap();
        assert!(head.sources.len() >= 2 && head.sources.iter().all(|source| source.starts_with("https://")));
        let is_date =
            |text: &str| text.len() == 10 && text.split('-').all(|part| part.parse::<u16>().is_ok());
        assert!(is_date(&head.as_of), "{}", head.as_of);
    }

    #[test]
    fn a_list_of_ones_own_is_read_in_the_same_shape_and_a_price_that_nobody_can_ask_is_refused_by_name() {
        let list = |row: &str| {
            let middle = r#""middle":{"anthropic":[1,2,3,4,5],"openai":[1,2,3,4,5]}"#;
            PriceList::read(&format!(r#"{{{middle},"anthropic":{{"house":[{row}]}},"openai":{{}}}}"#))
        };
        let read = list("1,2,0.1,1.25,2").unwrap();
        assert_eq!(read.of("house-brand-2").map(|price| price.cache_write_1h), Some(2.0));
        assert_eq!(read.of("claude-opus-4-6"), None, "it stands in place of the built-in one");
        for row in ["-1,2,0.1,1.25,2", "1,2,0.1,1.25,1e7"] {
            assert!(list(row).unwrap_err().to_string().contains("the prices of \"house\" must be numbers"));
        }
        assert!(matches!(list("1,2"), Err(InvalidPrices::Shape(_))));
    }

    #[test]
    fn a_list_is_not_changed_once_a_price_was_asked_for() {
        assert!(Price::listed("claude-opus-4-6").is_some());
        assert!(!PriceList::built_in().put_in_force());
    }

    /// Why no warm-up ever asks for an hour where five minutes are marked: it would pay for a write of an hour, and a return
    /// saves a write of five minutes less a read at most.
    #[test]
    fn in_no_row_a_write_for_an_hour_costs_less_than_a_return_to_a_five_minute_cache_saves() {
        for (name, price) in PriceList::built_in().rows() {
            assert!(price.cache_write_1h > price.saving(1_000_000, CacheTtl::FiveMinutes), "{name}");
        }
    }

    #[test]
    fn a_model_is_found_behind_the_words_of_a_router_or_a_cloud() {
        for name in ["us.anthropic.claude-opus-4-6-v1:0", "anthropic/claude-opus-4-6", "claude-opus-4-6"] {
            assert_eq!(Price::listed(name).map(|price| price.input), Some(5.0), "{name}");
        }
        assert_eq!(Price::listed("opencode/gpt-5.3-codex").map(|price| price.input), Some(1.75));
    }

    #[test]
    fn no_model_is_sold_at_the_price_of_a_sibling_of_another_size_or_generation() {
        for (name, input) in [
            ("gpt-4o-mini-2024-07-18", 0.15),
            ("gpt-4.1-nano", 0.1),
            ("gpt-5.1-codex-max", 1.25),
            ("gpt-5.4-mini", 0.75),
            ("o3-2025-04-16", 2.0),
            ("claude-opus-4", 15.0),
            ("claude-opus-4-20250514", 15.0),
            ("claude-opus-4@20250514", 15.0),
            ("anthropic/claude-opus-4", 15.0),
            ("anthropic/claude-opus-4.1", 15.0),
            ("anthropic/claude-opus-4.5", 5.0),
            ("us.anthropic.claude-opus-4-20250514-v1:0", 15.0),
            ("claude-opus-5", 5.0),
        ] {
            assert_eq!(Price::listed(name).map(|price| price.input), Some(input), "{name}");
        }
        for unlisted in ["gpt-5-pro", "gpt-5.2-pro", "o3-pro", "gpt-5.5-mini", "gpt-4", "gpt-4ox", "o10"] {
            assert_eq!(Price::listed(unlisted), None, "{unlisted}");
        }
    }

    #[test]
    fn who_makes_a_model_is_told_by_its_row_or_by_how_its_name_begins() {
        for name in ["claude-haiku-4-5", "us.anthropic.claude-opus-4-6-v1:0", "claude-9"] {
            assert_eq!(vendor(name), Some(Provider::Anthropic), "{name}");
        }
        for name in ["gpt-5-mini", "openai/gpt-5", "gpt-9", "o4-mini", "codex-mini-latest"] {
            assert_eq!(vendor(name), Some(Provider::OpenAi), "{name}");
        }
        for name in ["house-brand", "llama-4", "olmo"] {
            assert_eq!(vendor(name), None, "{name}");
        }
    }

    #[test]
    fn in_every_row_a_read_is_the_cheapest_and_a_longer_life_is_never_cheaper() {
        let list = PriceList::built_in();
        for (name, price) in list.rows() {
            assert!(0.0 < price.cache_read && price.cache_read < price.input, "{name}");
            assert!(price.input <= price.cache_write_5m, "{name}");
            assert!(price.cache_write_5m <= price.cache_write_1h, "{name}");
            assert!(price.input < price.output, "{name}");
        }
        assert!(list.rows().count() > 20);
    }

    #[test]
    fn an_anthropic_write_costs_a_quarter_more_than_input_for_five_minutes_and_twice_for_an_hour() {
        // The one row that the vendor rounds: 0.30 is not 1.25 times 0.25.
        for (name, price) in
            PriceList::built_in().anthropic.iter().filter(|(name, _)| *name != "claude-3-haiku")
        {
            assert!((price.cache_write_5m - 1.25 * price.input).abs() < 1e-9, "{name}");
            assert!((price.cache_write_1h - 2.0 * price.input).abs() < 1e-9, "{name}");
        }
    }
}
