//! Settings: defaults, then the file, then the environment, then flags; checked, and each with the place it came from.
//!
//! What users write ([`value`]) and what the gateway obeys ([`domain::settings`]) are two things; the table in [`every_key`] leads
//! from one to the other.

mod environment;
mod error;
mod every_key;
mod file;
mod found_file;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod keys;
mod layers;
mod load;
mod notation;
mod origin;
mod place;
mod value;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use load::{Flags, Loaded, load};
pub(crate) use notation::{is_loopback_url, without_url_secrets};
pub(crate) use place::Places;
