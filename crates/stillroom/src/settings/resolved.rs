//! Every setting with its value: what the gateway obeys, and what is only accepted so far.

use domain::provider::Provider;
use domain::settings::Settings;
use std::path::PathBuf;

/// The values in force.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    /// What the gateway obeys.
    pub(crate) settings: Settings,
    /// What nothing obeys yet.
    pub(crate) ahead: Ahead,
}

/// Settings of the contract that nothing obeys yet: read and checked, so that a file which sets them keeps working.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ahead {
    /// What background work may spend a day, in dollars.
    pub(crate) worker_daily_budget: Option<f64>,
}

impl Resolved {
    /// The defaults, with this data folder.
    pub(crate) fn with_data_dir(data_dir: PathBuf) -> Self {
        let ahead = Ahead { worker_daily_budget: None };
        Self { settings: Settings::with_data_dir(data_dir), ahead }
    }

    /// Where `provider` is.
    pub(crate) fn upstream(&self, provider: Provider) -> &str {
        match provider {
            Provider::Anthropic => &self.settings.upstream.anthropic,
            Provider::OpenAi => &self.settings.upstream.openai,
        }
    }
}
