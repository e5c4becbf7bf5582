//! What a file may set that merely lay in the working directory: nothing by which something leaves or enters this machine, or is
//! dropped from what is kept.
//!
//! Whoever clones a project and starts an agent in it has not read the project's files. One of them must not choose the
//! upstream that gets the agent's credentials. The reasons and the limits are in ADR 4.

use super::error::SettingsError;
use super::layers::Layers;
use super::notation::is_loopback_url;
use domain::host;
use domain::settings::Settings;

/// Keys that a found file may set, but not without its being said at the start.
const SAID_ALOUD: [&str; 12] = [
    "listen",
    "data_dir",
    "upstream.anthropic",
    "upstream.openai",
    "upstream.proxy",
    "upstream.no_proxy",
    "worker.api_key",
    "worker.use_client_credentials",
    "worker.global_fallback",
    "sentry.dsn",
    "trace.otlp_endpoint",
    "access.token",
];

/// Refuses what a found file sets beyond this machine.
///
/// # Errors
/// The first such key.
pub(crate) fn check(layers: &Layers, settings: &Settings) -> Result<(), SettingsError> {
    let mut found = layers.iter().filter(|written| written.origin.is_found());
    match found.find(|written| !stays_here(written.key.name, settings)) {
        Some(written) => {
            Err(SettingsError::NotForAFoundFile { key: written.key, origin: written.origin.clone() })
        }
        None => Ok(()),
    }
}

/// The keys of a found file that the start should say aloud, in the order of their names.
pub(crate) fn said_aloud(layers: &Layers) -> Vec<&'static str> {
    let found = layers.iter().filter(|written| written.origin.is_found());
    found.map(|written| written.key.name).filter(|name| SAID_ALOUD.contains(name)).collect()
}

/// Whether a found file names the database: it may have brought it along, with knowledge that a stranger prepared.
pub(crate) fn brings_knowledge(layers: &Layers) -> bool {
    layers.origin("data_dir").is_some_and(|origin| origin.is_found())
}

/// Whether a found file may set it as it is in force: nothing leaves or enters this machine by it, and nothing is lost.
fn stays_here(key: &str, settings: &Settings) -> bool {
    match key {
        "upstream.anthropic" => is_loopback_url(&settings.upstream.anthropic),
        "upstream.openai" => is_loopback_url(&settings.upstream.openai),
        // It would learn whom this user speaks to, and when.
        "upstream.proxy" => settings
            .upstream
            .proxy
            .as_ref()
            .is_none_or(|proxy| is_loopback_url(&format!("http://{}", proxy.authority))),
        "worker.api_key" | "worker.provider" => works_here(settings),
        "sentry.dsn" => alerts_here(settings),
        "trace.otlp_endpoint" => settings.trace_otlp_endpoint.as_deref().is_none_or(is_loopback_url),
        // It would destroy what this user has, and no other file could bring it back.
        "retention.max_age" | "retention.max_size" => false,
        // Whoever chooses the model chooses what is found, and what the machine is busy with.
        "recall.embeddings" => false,
        // With prices of nothing no budget would ever be spent.
        "prices" => false,
        "listen" | "access.token" => settings.listen.ip().to_canonical().is_loopback(),
        _ => true,
    }
}

/// A key of a stranger's own would let background work show this user's sessions to the stranger's account.
fn works_here(settings: &Settings) -> bool {
    settings.worker.provider.is_none_or(|provider| is_loopback_url(settings.upstream.of(provider)))
}

fn alerts_here(settings: &Settings) -> bool {
    let dsn = settings.sentry.dsn.as_ref();
    let dsn = dsn.and_then(|dsn| dsn.reveal().parse::<sentry::types::Dsn>().ok());
    dsn.is_none_or(|dsn| host::is_loopback(dsn.host()))
}
