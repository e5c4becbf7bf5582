//! What can be wrong with settings, told so that it can be put right.

use super::file::NAME;
use super::keys::{self, Key, Nature};
use super::origin::Origin;
use crate::failure::{Exit, Failure};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the settings cannot be used.
#[derive(Debug)]
pub(crate) enum SettingsError {
    /// There is no such setting.
    UnknownKey {
        /// What was written, dotted.
        name: String,
        /// Where.
        origin: Origin,
        /// What was meant, perhaps.
        nearest: Option<&'static Key>,
    },
    /// The value is not what the key takes.
    BadValue {
        /// Whose.
        key: &'static Key,
        /// The value as it may be shown.
        shown: String,
        /// Where.
        origin: Origin,
    },
    /// The file is no TOML.
    Syntax {
        /// Where it stops being TOML.
        origin: Origin,
        /// What the parser says; never a piece of the file.
        fault: String,
    },
    /// The file cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// Others could reach the gateway, and nothing would keep them out.
    OpenToOthers {
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// A file that merely lay in the working directory reaches beyond this machine (ADR 4).
    NotForAFoundFile {
        /// Which key.
        key: &'static Key,
        /// Where.
        origin: Origin,
    },
    /// Nothing tells whose key `worker.api_key` is.
    KeyOfUnknownShape,
    /// `worker.provider` names another provider than the one whose key `worker.api_key` surely is.
    KeyOfAnother,
    /// There is no home to put a data folder in.
    NoDataFolder,
}

impl SettingsError {
    /// An unknown key. Its value is never shown: it could be a secret, whatever key is the nearest.
    pub(crate) fn unknown(name: String, origin: Origin) -> Self {
        let nearest = keys::nearest(&name);
        Self::UnknownKey { name: keys::short(name), origin, nearest }
    }

    fn what(&self) -> String {
        match self {
            Self::UnknownKey { name, .. } => format!("there is no setting {name}"),
            Self::BadValue { key, shown, .. } => format!("{} cannot be {shown}", key.name),
            Self::Syntax { origin, .. } => format!("{origin}, is not TOML"),
            Self::Unreadable { path, .. } => format!("the settings file {} cannot be read", path.display()),
            Self::OpenToOthers { listen } => format!("listen is {listen}, and access.token is not set"),
            Self::NotForAFoundFile { key, .. } => {
                format!("{} cannot be set by a file that lies in the working directory", key.name)
            }
            Self::KeyOfUnknownShape => "worker.api_key has a shape that no provider is known for".to_owned(),
            Self::KeyOfAnother => "worker.api_key is Anthropic's, and worker.provider is not".to_owned(),
            Self::NoDataFolder => "there is no folder for the data".to_owned(),
        }
    }

    fn why(&self) -> String {
        match self {
            Self::UnknownKey { origin, .. } => {
                format!("{origin}: its value is not shown, since it could be a secret")
            }
            Self::BadValue { key, origin, .. } => format!("{origin}: it takes {}", key.takes),
            Self::Syntax { fault, .. } => fault.lines().collect::<Vec<_>>().join(", "),
            Self::Unreadable { cause, .. } => cause.clone(),
            Self::OpenToOthers { .. } => {
                "everybody who can reach that address could use the gateway".to_owned()
            }
            Self::NotForAFoundFile { origin, .. } => {
                format!(
                    "{origin}: a project's file must not choose what leaves or enters this machine, nor what is dropped"
                )
            }
            Self::KeyOfUnknownShape | Self::KeyOfAnother => {
                "a key must only ever be sent to the provider it belongs to".to_owned()
            }
            Self::NoDataFolder => "neither the platform's data folder nor a home is set".to_owned(),
        }
    }

    fn remedy(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(key), origin, .. } => {
                let meant = spelt_for(key, origin);
                format!("write {meant} if that was meant; `stillroom config show` lists every setting")
            }
            Self::UnknownKey { .. } => "remove it; `stillroom config show` lists every setting".to_owned(),
            Self::BadValue { key, origin: Origin::Shared(_), .. } => {
                format!("correct it, or set {}=off to do without", key.variable())
            }
            Self::BadValue { key: Key { nature: Nature::Secret, .. }, .. } => {
                "correct it; it is not shown, because it is a secret".to_owned()
            }
            Self::BadValue { .. } => "correct it, or remove it to get the default".to_owned(),
            Self::Syntax { .. } => {
                "correct that line; `stillroom config check` reads the file again".to_owned()
            }
            Self::Unreadable { .. } => "correct the path, the link or the file's permissions".to_owned(),
            Self::OpenToOthers { listen } => {
                format!("set access.token to a long random text, or listen to 127.0.0.1:{}", listen.port())
            }
            Self::NotForAFoundFile { .. } => {
                format!("if the file is yours, name it: --config {NAME}; or set the key in the environment")
            }
            Self::KeyOfAnother => "leave worker.provider out, or name a key of that provider".to_owned(),
            Self::KeyOfUnknownShape => "set worker.provider to \"anthropic\" or \"openai\"".to_owned(),
            Self::NoDataFolder => "set data_dir, or start with --data-dir".to_owned(),
        }
    }
}

/// The key's name where `origin` is.
fn spelt_for(key: &Key, origin: &Origin) -> String {
    match origin {
        Origin::Environment(_) => key.variable(),
        Origin::Shared(_) | Origin::File(_) | Origin::Flag(_) => key.name.to_owned(),
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(error.what(), error.why(), error.remedy()).with_exit(Exit::WrongUse)
    }
}
