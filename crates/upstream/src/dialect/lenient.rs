//! Optional fields of what others wrote. One that has another shape than it should is as if it were left out: it costs only itself, and
//! not all that stands around it.

use super::json::{Raw, read};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// An optional field, for `#[serde(default, deserialize_with = "lenient")]`; nothing is read twice but what it holds.
pub(super) fn lenient<'b, D: Deserializer<'b>, T: Deserialize<'b>>(field: D) -> Result<Option<T>, D::Error> {
    Raw::deserialize(field).map(|value| read(value.get()))
}

/// The same for a whole number that is not negative, see [`Whole`].
pub(super) fn whole_number<'b, D: Deserializer<'b>>(field: D) -> Result<Option<u64>, D::Error> {
    lenient(field).map(|number: Option<Whole>| number.map(|Whole(number)| number))
}

/// A whole number that is not negative. Languages with one kind of number write `4096.0`, or `1e3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole(pub(super) u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_u64(WholeVisitor).map(Self)
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
        Ok(number)
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<u64, E> {
        let digits = (number.fract() == 0.0).then(|| format!("{number:.0}"));
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| E::custom("no whole number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::json::Text;

    #[derive(serde::Deserialize)]
    struct Fields<'b> {
        #[serde(default, deserialize_with = "whole_number")]
        number: Option<u64>,
        #[serde(borrow, default, deserialize_with = "lenient")]
        text: Option<Text<'b>>,
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written_and_nothing_else_is() {
        let read = |number: &str| {
            let json = format!(r#"{{"number":{number},"text":"t"}}"#);
            let fields: Fields<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(fields.text.as_deref(), Some("t"), "{number}");
            fields.number
        };
        let most = u64::MAX.to_string();
        for (number, expected) in [("0", 0), ("7", 7), ("4096.0", 4096), ("1e3", 1000), (&*most, u64::MAX)] {
            assert_eq!(read(number), Some(expected));
        }
        for none in ["-1", "-1.0", "0.5", "1e300", r#""100""#, "null", "true", "[1]", r#"{"a":1}"#] {
            assert_eq!(read(none), None, "{none}");
        }
    }

    #[test]
    fn an_odd_field_or_none_costs_only_itself() {
        for json in [r#"{"number":1,"text":5}"#, r#"{"text":null,"number":1}"#, r#"{"number":1}"#] {
            let fields: Fields<'_> = serde_json::from_str(json).unwrap();
            assert_eq!((fields.number, fields.text.map(|text| text.0)), (Some(1), None), "{json}");
        }
        assert!(serde_json::from_str::<Fields<'_>>(r#"{"number":1,"text":5"#).is_err(), "it is no JSON");
    }
}
