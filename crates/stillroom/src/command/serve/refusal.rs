//! Why the gateway does not serve, as a person reads it.

use crate::command::embeddings;
use crate::command::keeper::unusable_folder;
use crate::failure::Failure;
use gateway::ServeError;
use gateway::telemetry::{InvalidDsn, UnusableCollector};
use std::io::ErrorKind;
use store::StoreError;

/// What kept the gateway from serving.
pub(super) fn of_gateway(error: &ServeError) -> Failure {
    match error {
        ServeError::Bind { address, source } => {
            Failure::new(format!("the gateway cannot listen on {address}"), source, elsewhere(source.kind()))
        }
        ServeError::Store(error) => of_store(error),
        ServeError::Embeddings(error) => embeddings::failure(error),
        other => Failure::new(
            "the gateway does not serve",
            other,
            "do as it says; `stillroom doctor` checks the rest",
        ),
    }
}

/// A DSN that cannot be used.
pub(super) fn of_dsn(error: &InvalidDsn) -> Failure {
    Failure::new("alerts cannot be sent", error, "correct sentry.dsn, or remove it")
}

/// A collector that cannot be used.
pub(super) fn of_collector(error: &UnusableCollector) -> Failure {
    Failure::new("spans cannot be sent", error, "correct trace.otlp_endpoint, or remove it")
}

fn elsewhere(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::AddrInUse => {
            "stop what has it (`stillroom status` tells whether it is a gateway), or listen elsewhere with --listen"
        }
        ErrorKind::PermissionDenied => "listen on a port from 1024 with --listen",
        _ => "listen on an address of this machine with --listen",
    }
}

fn of_store(error: &StoreError) -> Failure {
    match error {
        StoreError::Folder { folder, reason, remedy } => unusable_folder(folder, reason, remedy),
        StoreError::Locked { folder, holder } => Failure::new(
            format!("another Stillroom (process {holder}) has the data folder {}", folder.display()),
            "two at once would spoil it",
            "use that gateway, stop it, or wait for the end of that command; or name another folder with --data-dir",
        ),
        other => Failure::new(
            "the database cannot be used",
            other,
            "do as it says; `stillroom doctor` checks the rest",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::Path;

    #[test]
    fn what_keeps_it_from_serving_says_what_to_do() {
        let bind = |kind: ErrorKind| ServeError::Bind {
            address: ([127, 0, 0, 1], 80).into(),
            source: io::Error::from(kind),
        };
        let folder = || Path::new("/data").to_owned();
        let errors = [
            bind(ErrorKind::AddrInUse),
            bind(ErrorKind::PermissionDenied),
            bind(ErrorKind::AddrNotAvailable),
            ServeError::Store(StoreError::Folder {
                folder: folder(),
                reason: "Read-only file system".to_owned(),
                remedy: "make it writable for this user",
            }),
            ServeError::Store(StoreError::Locked { folder: folder(), holder: "4711".to_owned() }),
            ServeError::Actor("CredentialActor"),
        ];
        let texts: Vec<_> = errors.iter().map(|error| of_gateway(error).to_string()).collect();
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
