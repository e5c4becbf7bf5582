//! Parameters of a query, each read by itself, so that the one that is wrong can be named.

use crate::admin::refusal::Refusal;
use std::fmt::Display;
use std::str::FromStr;

/// A number from 1 to `most`; `otherwise` where none is stated.
///
/// # Errors
/// It is no such number.
pub(crate) fn number<N: FromStr + PartialOrd + Display + From<u8>>(
    key: &str,
    stated: Option<&str>,
    otherwise: N,
    most: N,
) -> Result<N, Refusal> {
    let Some(stated) = stated else { return Ok(otherwise) };
    let number = stated.parse().ok().filter(|number| *number >= N::from(1) && *number <= most);
    number.ok_or_else(|| wrong(key, &format!("a number from 1 to {most}"), stated))
}

/// A parameter has a value that it does not take.
pub(crate) fn wrong(key: &str, takes: &str, value: &str) -> Refusal {
    Refusal::Invalid(format!("{key} takes {takes}; it is {value:?}"))
}
