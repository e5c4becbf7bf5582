//! The price list of a user's own, where the settings name one.

use crate::failure::{Exit, Failure};
use domain::price::PriceList;
use domain::settings::Settings;
use std::fmt::Display;
use std::path::Path;
use std::{fs, io};

/// How long a list may be, in bytes; ours has some 5,000.
const LONGEST: u64 = 1024 * 1024;

/// Reads the list that `prices` names; none when it names none.
///
/// # Errors
/// The file cannot be read, or is no price list.
pub(super) fn read(settings: &Settings) -> Result<Option<PriceList>, Failure> {
    let Some(path) = &settings.prices else { return Ok(None) };
    let text = text(path).map_err(|cause| {
        failure(path, "cannot be read", cause, "correct the path or the file's permissions")
    })?;
    let list = PriceList::read(&text).map_err(|cause| {
        let remedy = "correct it after the shape of crates/domain/src/prices.json, or remove `prices` from the settings";
        failure(path, "is no price list", cause, remedy)
    })?;
    Ok(Some(list))
}

/// A device or a pipe would have no end, or never begin.
fn text(path: &Path) -> io::Result<String> {
    let there = fs::metadata(path)?;
    if !there.is_file() || there.len() > LONGEST {
        return Err(io::Error::other("it is no file of at most a mebibyte"));
    }
    fs::read_to_string(path)
}

/// Puts that list in force. To be called before anybody asks what something costs.
///
/// # Errors
/// Those of [`read`].
pub(super) fn put_in_force(settings: &Settings) -> Result<(), Failure> {
    if read(settings)?.is_none_or(PriceList::put_in_force) {
        return Ok(());
    }
    let remedy = "this is a fault in Stillroom: please report it";
    Err(Failure::new("the price list is not obeyed", "somebody asked for a price before it was read", remedy))
}

fn failure(path: &Path, what: &str, cause: impl Display, remedy: &str) -> Failure {
    Failure::new(format!("the price list {} {what}", path.display()), cause, remedy).with_exit(Exit::WrongUse)
}
