//! The way to a model that is in memory, for any thread.

use crate::engine::Engine;
use crate::folder::UnusableFolder;
use domain::vector::{ModelName, Vector};
use std::fmt;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use thiserror::Error;

/// How many texts may wait for the model. Whoever comes then waits for a place.
const QUEUE: usize = 64;

/// Which side of a search a text is on: some models want to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It is looked for.
    Query,
    /// It may be found.
    Passage,
}

/// Why a text got no vector.
#[derive(Debug, Error)]
pub enum EmbedError {
    /// The text could not be cut into tokens.
    #[error("the tokenizer failed: {0}")]
    Tokens(String),
    /// The model did not run.
    #[error("the model failed: {0}")]
    Run(String),
    /// What came out is no vector.
    #[error("the model gave something that is no vector: {0}")]
    Shape(String),
    /// It panicked.
    #[error("the model crashed over a text")]
    Crashed,
}

/// A model in memory, on a thread of its own that ends with it. It does one text after the other, whoever asks.
pub struct Model {
    name: ModelName,
    requests: SyncSender<Request>,
}

struct Request {
    text: String,
    side: Side,
    answer: SyncSender<Result<Vector, EmbedError>>,
}

impl Model {
    /// Reads the model in `folder` and tries it once. Blocks until that is done.
    ///
    /// # Errors
    /// [`UnusableFolder`] says what is wrong with it.
    pub fn open(folder: &Path) -> Result<Self, UnusableFolder> {
        let (requests, waiting) = sync_channel(QUEUE);
        let (opened, outcome) = sync_channel(1);
        let place = folder.to_owned();
        let work = move || match Engine::open(&place) {
            Ok(engine) => {
                opened.send(Ok(engine.name())).unwrap_or_default();
                work_off(&engine, &waiting);
            }
            Err(error) => opened.send(Err(error)).unwrap_or_default(),
        };
        let unfit = |reason: String| UnusableFolder::Unfit { folder: folder.to_owned(), reason };
        thread::Builder::new()
            .name("embedder".to_owned())
            .spawn(work)
            .map_err(|error| unfit(error.to_string()))?;
        let name = outcome.recv().map_err(|_| unfit("it crashed while it was read".to_owned()))??;
        Ok(Self { name, requests })
    }

    /// Which model it is.
    #[must_use]
    pub const fn name(&self) -> ModelName {
        self.name
    }

    /// What a text means; of a long one, its beginning. Blocks until it is done.
    ///
    /// # Errors
    /// [`EmbedError`], of which none changes the model.
    pub fn embed(&self, text: &str, side: Side) -> Result<Vector, EmbedError> {
        let (answer, outcome) = sync_channel(1);
        let request = Request { text: text.to_owned(), side, answer };
        self.requests.send(request).map_err(|_| EmbedError::Crashed)?;
        outcome.recv().unwrap_or(Err(EmbedError::Crashed))
    }
}

fn work_off(engine: &Engine, waiting: &Receiver<Request>) {
    for Request { text, side, answer } in waiting {
        // Whoever asked may have stopped waiting.
        answer.send(engine.embed(&text, side)).unwrap_or_default();
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model").field("name", &self.name).finish_non_exhaustive()
    }
}
