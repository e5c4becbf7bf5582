//! From a vector for each token to one for the text.

use crate::folder::{UnusableFolder, optional, unreadable};
use rten_tensor::NdTensor;
use rten_tensor::prelude::*;
use serde::Deserialize;
use std::path::Path;

/// How the vectors of a text's tokens become its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// Their mean.
    Mean,
    /// The first one's.
    First,
}

/// Sentence Transformers' own file.
#[derive(Deserialize, Default)]
struct PoolingConfig {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    pooling_mode_mean_tokens: Option<bool>,
}

impl Pooling {
    /// What `1_Pooling/config.json` says; the mean if there is none.
    pub(crate) fn of(folder: &Path) -> Result<Self, UnusableFolder> {
        let file = folder.join("1_Pooling/config.json");
        let config: PoolingConfig = optional(&file)?;
        match (config.pooling_mode_cls_token, config.pooling_mode_mean_tokens) {
            (false, None | Some(true)) => Ok(Self::Mean),
            (true, None | Some(false)) => Ok(Self::First),
            _ => Err(unreadable(&file, "only the mean, or the first token, can be taken".to_owned())),
        }
    }

    /// One vector of those of all tokens of one text.
    pub(crate) fn pool(self, tokens: &NdTensor<f32, 3>) -> Vec<f32> {
        let [_, length, dimensions] = tokens.shape();
        let taken = match self {
            Self::Mean => length,
            Self::First => length.min(1),
        };
        let sum = |dimension: usize| (0..taken).map(|token| tokens[[0, token, dimension]]).sum();
        (0..dimensions).map(sum).collect()
    }
}
