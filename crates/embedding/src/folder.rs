//! What lies in a model's folder, and what is wrong with one that cannot be used.

use crate::pooling::Pooling;
use crate::tokens::{self, Marks};
use domain::vector::ModelName;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Where exports put the model, the usual place first.
const MODEL_FILES: [&str; 2] = ["model.onnx", "onnx/model.onnx"];
const TOKENIZER_FILE: &str = "tokenizer.json";
/// How many tokens a model reads if its folder does not say, and the most that it gets, since time grows faster than they do.
const TOKENS: usize = 256;
const MOST_TOKENS: usize = 512;
/// The fewest that make sense: one between the two marks around a text.
const FEWEST_TOKENS: usize = 3;
/// The largest file that is read, in bytes: what is larger is no model for a gateway.
const LARGEST_FILE: u64 = 2 << 30;

/// Why a folder's model cannot be used.
#[derive(Debug, Error)]
pub enum UnusableFolder {
    /// There is no such folder.
    #[error("there is no folder {}", .0.display())]
    Missing(PathBuf),
    /// A file is not there.
    #[error("{} has no {wanted}", folder.display())]
    Incomplete {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        wanted: &'static str,
    },
    /// A file cannot be read, or makes no sense.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The model does something else than is expected of it.
    #[error("the model in {} is none for sentences: {reason}", folder.display())]
    Unfit {
        /// The folder.
        folder: PathBuf,
        /// What it does.
        reason: String,
    },
}

/// A folder's files, read.
pub(crate) struct Contents {
    pub(crate) model_file: PathBuf,
    pub(crate) model: Vec<u8>,
    pub(crate) tokenizer: String,
    pub(crate) marks: Option<Marks>,
    pub(crate) pooling: Pooling,
    pub(crate) most_tokens: usize,
    pub(crate) prompts: Prompts,
}

/// What some models want before a text.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Prompts {
    #[serde(default)]
    pub(crate) query: String,
    #[serde(default, alias = "document")]
    pub(crate) passage: String,
}

#[derive(Deserialize, Default)]
struct SentenceConfig {
    max_seq_length: Option<usize>,
}

#[derive(Deserialize, Default)]
struct PromptConfig {
    #[serde(default)]
    prompts: Prompts,
}

impl Contents {
    pub(crate) fn read(folder: &Path) -> Result<Self, UnusableFolder> {
        if !folder.is_dir() {
            return Err(UnusableFolder::Missing(folder.to_owned()));
        }
        let incomplete = |wanted| UnusableFolder::Incomplete { folder: folder.to_owned(), wanted };
        let model_file = MODEL_FILES.iter().map(|name| folder.join(name)).find(|file| file.is_file());
        let model_file = model_file.ok_or_else(|| incomplete("model.onnx (nor onnx/model.onnx)"))?;
        let tokenizer_file = folder.join(TOKENIZER_FILE);
        if !tokenizer_file.is_file() {
            return Err(incomplete(TOKENIZER_FILE));
        }
        let sentences: SentenceConfig = optional(&folder.join("sentence_bert_config.json"))?;
        let prompts: PromptConfig = optional(&folder.join("config_sentence_transformers.json"))?;
        let most_tokens = sentences.max_seq_length.unwrap_or(TOKENS).clamp(FEWEST_TOKENS, MOST_TOKENS);
        let (tokenizer, marks) = tokenizer(&tokenizer_file)?;
        Ok(Self {
            model: bytes(&model_file)?,
            tokenizer,
            marks,
            pooling: Pooling::of(folder)?,
            model_file,
            most_tokens,
            prompts: prompts.prompts,
        })
    }

    /// A digest of all that a vector depends on.
    pub(crate) fn name(&self) -> ModelName {
        let mut rest = format!("{:?} {} {:?}", self.pooling, self.most_tokens, self.prompts);
        if let Some(marks) = self.marks {
            rest += &format!(" {marks:?}");
        }
        let mut digest = Sha256::new();
        for part in [&self.model[..], self.tokenizer.as_bytes(), rest.as_bytes()] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        ModelName(digest.finalize().into())
    }
}

/// What a file that need not be there says; defaults if it is not.
pub(crate) fn optional<T: DeserializeOwned + Default>(file: &Path) -> Result<T, UnusableFolder> {
    match fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| unreadable(file, error.to_string())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(T::default()),
        Err(error) => Err(unreadable(file, error.to_string())),
    }
}

pub(crate) fn unreadable(file: &Path, reason: String) -> UnusableFolder {
    UnusableFolder::Unreadable { file: file.to_owned(), reason }
}

fn bytes(file: &Path) -> Result<Vec<u8>, UnusableFolder> {
    let read = || {
        let length = fs::metadata(file)?.len();
        if length > LARGEST_FILE {
            return Err(std::io::Error::other(format!("it has {} MiB, and 2048 are the most", length >> 20)));
        }
        fs::read(file)
    };
    read().map_err(|error| unreadable(file, error.to_string()))
}

/// A tokenizer's file, and the marks that it names.
fn tokenizer(file: &Path) -> Result<(String, Option<Marks>), UnusableFolder> {
    let text = String::from_utf8(bytes(file)?).map_err(|error| unreadable(file, error.to_string()))?;
    let marks = tokens::marks(&text).map_err(|reason| unreadable(file, reason))?;
    Ok((text, marks))
}
