//! The model that `recall.embeddings` names: whether it can be used.

use crate::failure::{Exit, Failure};
use domain::settings::Settings;
use embedding::{Model, UnusableFolder};

/// Loads the model and tries it once, as a start does; nothing if none is named.
///
/// # Errors
/// The folder has no model that can be used.
pub(super) fn check(settings: &Settings) -> Result<(), Failure> {
    let opened = settings.recall.embeddings.as_deref().map(Model::open).transpose();
    opened.map(drop).map_err(|error| failure(&error))
}

/// What is wrong with the folder, and what to do.
pub(super) fn failure(error: &UnusableFolder) -> Failure {
    let remedy = match error {
        UnusableFolder::Missing(_) => {
            "correct recall.embeddings, or remove it: then recall goes by words alone"
        }
        _ => {
            "put the ONNX export of a sentence model there, with its tokenizer.json (docs/recall.md tells which and from where), or \
             remove recall.embeddings"
        }
    };
    Failure::new("the model of recall.embeddings cannot be used", error, remedy).with_exit(Exit::WrongUse)
}
