//! One value as a user wrote it, before anybody knows what it should be.

use super::notation::without_url_secrets;
use domain::secret::Secret;

/// A value from a file, the environment or a flag.
///
/// All text is held as a secret: which key it belongs to, and whether that key is a secret one, is known only later.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// Quoted text of a file.
    Text(Secret),
    /// Text of the environment or a flag, where nothing tells a number from a word.
    Bare(Secret),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Several values.
    List(Vec<Self>),
    /// A date, a table or a number beyond all use: no key takes one.
    Strange,
}

impl Value {
    /// Text of a file.
    pub(crate) fn quoted(text: impl Into<String>) -> Self {
        Self::Text(Secret::new(text))
    }

    /// Text of the environment or a flag.
    pub(crate) fn bare(text: impl Into<String>) -> Self {
        Self::Bare(Secret::new(text))
    }

    /// Text with something in it.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Bare(text) => Some(text.reveal()).filter(|text| !text.trim().is_empty()),
            _ => None,
        }
    }

    /// Text that can stand in a header: visible ASCII without blanks. What a file or a command left around it, such as the
    /// line end that `$(cat key)` keeps in some shells, is no part of it.
    pub(crate) fn token(&self) -> Option<Secret> {
        let text = self.text()?.trim_ascii();
        text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| Secret::new(text))
    }

    /// A whole number that fits `T`.
    pub(crate) fn whole<T: TryFrom<i64>>(&self) -> Option<T> {
        let number = match self {
            Self::Integer(number) => *number,
            Self::Bare(text) => text.reveal().trim().parse().ok()?,
            _ => return None,
        };
        T::try_from(number).ok()
    }

    /// A whole number from 1 that fits `T`.
    pub(crate) fn positive<T: TryFrom<i64>>(&self) -> Option<T> {
        self.whole::<i64>().filter(|number| *number > 0).and_then(|number| T::try_from(number).ok())
    }

    /// An amount of dollars: finite, from 0.
    pub(crate) fn dollars(&self) -> Option<f64> {
        let amount: f64 = match self {
            Self::Number(amount) => *amount,
            Self::Bare(text) => text.reveal().trim().parse().ok()?,
            _ => f64::from(self.whole::<u32>()?),
        };
        Some(amount).filter(|amount| amount.is_finite() && *amount >= 0.0)
    }

    /// True or false.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Bare(text) => text.reveal().trim().parse().ok(),
            _ => None,
        }
    }

    /// Several words; bare text is either an array as in a file, or words with commas between.
    pub(crate) fn words(&self) -> Option<Vec<String>> {
        match self {
            Self::List(values) => values.iter().map(|value| value.text().map(str::to_owned)).collect(),
            Self::Bare(text) if text.reveal().trim_start().starts_with('[') => {
                super::file::value(text.reveal())?.words()
            }
            Self::Bare(text) => Some(split(text.reveal())),
            _ => None,
        }
    }

    /// The value as its writer would know it again, but for what hides in URLs: only for keys that are no secrets.
    pub(crate) fn reveal(&self) -> String {
        match self {
            Self::Text(text) | Self::Bare(text) => {
                format!("\"{}\"", without_url_secrets(text.reveal()).escape_debug())
            }
            Self::Integer(number) => number.to_string(),
            // 8.0, and not 8, which might have been right.
            Self::Number(number) => format!("{number:?}"),
            Self::Boolean(truth) => truth.to_string(),
            Self::List(values) => {
                format!("[{}]", values.iter().map(Self::reveal).collect::<Vec<_>>().join(", "))
            }
            Self::Strange => "a value of that kind".to_owned(),
        }
    }
}

fn split(words: &str) -> Vec<String> {
    words.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_text_is_read_as_whatever_its_key_takes() {
        assert_eq!(Value::bare("8").whole::<u32>(), Some(8));
        assert_eq!(Value::bare("true").truth(), Some(true));
        assert_eq!(Value::bare("2.5").dollars(), Some(2.5));
        assert_eq!(Value::bare("api-key, bearer").words().unwrap(), ["api-key", "bearer"]);
        assert_eq!(Value::bare(r#"["api-key"]"#).words().unwrap(), ["api-key"]);
        assert_eq!(Value::bare("").words().unwrap(), [""; 0]);
        assert_eq!(Value::bare("[]").words().unwrap(), [""; 0]);
    }

    #[test]
    fn quoted_text_is_no_number_and_no_truth() {
        assert_eq!(Value::quoted("8").whole::<u32>(), None);
        assert_eq!(Value::quoted("true").truth(), None);
        assert_eq!(Value::quoted("2.5").dollars(), None);
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(Value::Integer(-1).whole::<u32>(), None);
        assert_eq!(Value::Integer(0).positive::<u32>(), None);
        assert_eq!(Value::Integer(5_000_000_000).whole::<u32>(), None);
        assert_eq!(Value::Number(f64::NAN).dollars(), None);
        assert_eq!(Value::bare("-0.5").dollars(), None);
    }

    #[test]
    fn a_token_cannot_break_a_header() {
        assert!(Value::quoted("sk-ant-x").token().is_some());
        assert!(Value::quoted("sk-ant\r\nx: y").token().is_none());
        assert!(Value::quoted("two words").token().is_none());
        assert!(Value::quoted("").token().is_none());
        assert!(Value::bare("\r\n").token().is_none());
    }

    #[test]
    fn line_ends_and_blanks_around_a_token_are_no_part_of_it() {
        for written in ["sk-ant-x\n", "sk-ant-x\r\n", " \tsk-ant-x "] {
            for value in [Value::bare(written), Value::quoted(written)] {
                assert_eq!(value.token().unwrap().reveal(), "sk-ant-x", "{written:?}");
            }
        }
    }

    #[test]
    fn debug_shows_nothing_of_what_was_written() {
        let debug = format!("{:?}", Value::List(vec![Value::bare("sk-ant-1"), Value::quoted("sk-ant-2")]));
        assert!(!debug.contains("sk-ant"), "{debug}");
    }
}
