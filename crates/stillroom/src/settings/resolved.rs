//! Every setting with its value.

use domain::provider::Provider;
use domain::settings::Settings;
use std::path::PathBuf;

/// The values in force.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// What the gateway obeys.
    pub(crate) settings: Settings,
}

impl Resolved {
    /// The defaults, with this data folder.
    pub(crate) fn with_data_dir(data_dir: PathBuf) -> Self {
        Self { settings: Settings::with_data_dir(data_dir) }
    }

    /// Where `provider` is.
    pub(crate) fn upstream(&self, provider: Provider) -> &str {
        match provider {
            Provider::Anthropic => &self.settings.upstream.anthropic,
            Provider::OpenAi => &self.settings.upstream.openai,
        }
    }
}
