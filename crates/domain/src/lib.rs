//! The words of Stillroom: ids, time, providers, credentials and what is known of them, conversations, knowledge,
//! prices and settings.
//!
//! Plain data and small pure functions. No I/O, no clock, no async: time and randomness come in as arguments. Every other
//! crate speaks in these words, so a word that two crates need belongs here, and one that only one crate needs does not.

pub mod access;
pub mod budget;
pub mod companions;
pub mod conversation;
pub mod credential;
pub mod evidence;
pub mod fading;
pub mod fingerprint;
pub mod host;
pub mod ids;
pub mod intake;
pub mod jwt;
pub mod knowledge;
pub mod knowledge_file;
pub mod notes;
pub mod origin;
pub mod price;
pub mod project;
pub mod provider;
pub mod proxy;
pub mod purpose;
mod readable;
pub mod resemblance;
pub mod script;
pub mod secret;
pub mod segment;
pub mod settings;
pub mod time;
pub mod vector;
pub mod warming;
