//! From what was written to what is in force.

use super::error::SettingsError;
use super::every_key::EVERY_KEY;
use super::file::{self, SettingsFile};
use super::keys::{self, Key};
use super::layers::{Layers, Written};
use super::origin::{Choice, Origin};
use super::place::Places;
use super::value::Value;
use super::{environment, found_file, words};
use domain::credential::is_anthropics;
use domain::provider::Provider;
use domain::settings::Settings;
use std::path::PathBuf;

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flags {
    /// The settings file.
    pub(crate) config: Option<PathBuf>,
    /// Flag, key and value.
    pub(crate) values: Vec<(&'static str, &'static str, String)>,
}

/// The settings in force, and where each came from.
#[derive(Debug)]
pub(crate) struct Loaded {
    settings: Settings,
    layers: Layers,
    file: Option<(PathBuf, Choice)>,
}

/// Reads and checks everything.
///
/// # Errors
/// The first thing that is wrong.
pub(crate) fn load(places: &Places, flags: &Flags) -> Result<Loaded, SettingsError> {
    let file = file::find(file::named(flags.config.as_deref(), places).as_deref(), places)?;
    of_file(file, places, flags)
}

/// The same with this file, already read.
pub(super) fn of_file(
    file: Option<SettingsFile>,
    places: &Places,
    flags: &Flags,
) -> Result<Loaded, SettingsError> {
    let layers = layers(file.as_ref(), places, flags)?;
    let mut settings = resolve(&layers, places)?;
    find_worker_provider(&mut settings)?;
    check(&layers, &settings)?;
    settings.memory.inject &= !found_file::brings_knowledge(&layers);
    Ok(Loaded { settings, layers, file: file.map(|file| (file.path, file.choice)) })
}

fn layers(file: Option<&SettingsFile>, places: &Places, flags: &Flags) -> Result<Layers, SettingsError> {
    let mut layers = Layers::default();
    let file = file.map(SettingsFile::written).transpose()?.unwrap_or_default();
    let own = environment::read(&places.variables)?;
    let written = environment::shared(&places.variables).chain(file).chain(own).chain(of_flags(flags));
    written.for_each(|written| layers.lay(written));
    Ok(layers)
}

fn of_flags(flags: &Flags) -> impl Iterator<Item = Written> {
    flags.values.iter().filter_map(|(flag, key, value)| {
        Some(Written { key: keys::find(key)?, value: Value::bare(value), origin: Origin::Flag(flag) })
    })
}

fn resolve(layers: &Layers, places: &Places) -> Result<Settings, SettingsError> {
    let mut settings = Settings::with_data_dir(places.data_folder().unwrap_or_default());
    for Written { key, value, origin } in layers.iter() {
        (key.set)(&mut settings, value).ok_or_else(|| SettingsError::BadValue {
            key,
            shown: key.shown(value),
            origin: origin.clone(),
        })?;
    }
    Ok(settings)
}

/// Without a key there is nothing whose provider could matter.
fn find_worker_provider(settings: &mut Settings) -> Result<(), SettingsError> {
    let worker = &mut settings.worker;
    let Some(key) = &worker.api_key else { return Ok(()) };
    if worker.provider == Some(Provider::OpenAi) && is_anthropics(key.reveal()) {
        return Err(SettingsError::KeyOfAnother);
    }
    let provider = worker.provider.or_else(|| words::provider_of_key(key.reveal()));
    worker.provider = Some(provider.ok_or(SettingsError::KeyOfUnknownShape)?);
    Ok(())
}

fn check(layers: &Layers, settings: &Settings) -> Result<(), SettingsError> {
    if settings.data_dir.as_os_str().is_empty() {
        return Err(SettingsError::NoDataFolder);
    }
    found_file::check(layers, settings)?;
    if !settings.listen.ip().to_canonical().is_loopback() && settings.access_token.is_none() {
        return Err(SettingsError::OpenToOthers { listen: settings.listen });
    }
    Ok(())
}

impl Loaded {
    /// What the gateway obeys.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Every key with the value in force and the place it came from; none for a default.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'static Key, serde_json::Value, Option<&Origin>)> {
        EVERY_KEY.iter().map(|key| (key, (key.show)(&self.settings), self.layers.origin(key.name)))
    }

    /// Whether a data folder is named where an address is, or nearer to the command: then that folder is meant, whatever a gateway
    /// at the address has.
    pub(crate) fn means_its_folder(&self) -> bool {
        let rank = |key| self.layers.origin(key).map(Origin::rank);
        rank("data_dir").is_some() && rank("data_dir") >= rank("listen")
    }

    /// The file that was read.
    pub(crate) fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref().map(|(path, _)| path)
    }

    /// What the user should hear at the start, a sentence each.
    pub(crate) fn notes(&self) -> Vec<String> {
        self.found_note().into_iter().chain(self.proxy_note()).collect()
    }

    /// Somebody set the variable for other programs, and may not think of this one.
    fn proxy_note(&self) -> Option<String> {
        let origin =
            self.layers.origin("upstream.proxy").filter(|origin| matches!(origin, Origin::Shared(_)))?;
        let proxy = &self.settings.upstream.proxy.as_ref()?.authority;
        Some(format!("requests to providers behind https go through the proxy {proxy}, as {origin} says"))
    }

    fn found_note(&self) -> Option<String> {
        let (path, _) = self.file.as_ref().filter(|(_, choice)| *choice == Choice::Found)?;
        let aloud = found_file::said_aloud(&self.layers);
        let sets = if aloud.is_empty() { String::new() } else { format!(": it sets {}", aloud.join(", ")) };
        let withheld = if found_file::brings_knowledge(&self.layers) {
            "; as it also names the database, no knowledge is added to requests"
        } else {
            ""
        };
        Some(format!(
            "settings are read from {}, found in the working directory{sets}{withheld}",
            path.display()
        ))
    }
}
