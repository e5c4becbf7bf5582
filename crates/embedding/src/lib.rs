//! Texts as vectors, by a model that lies in a folder which the user names: `model.onnx`, `tokenizer.json` and the small files
//! beside them, as Hugging Face's exports have them. Nothing is downloaded, nothing leaves the process.
//!
//! Everything here blocks, some of it for tens of milliseconds: it belongs on a thread where nobody waits for anything else.

mod engine;
mod folder;
mod model;
mod pooling;
mod tokens;

pub use folder::UnusableFolder;
pub use model::{EmbedError, Model, Side};

#[cfg(test)]
mod tests;
