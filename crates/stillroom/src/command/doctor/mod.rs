//! `stillroom doctor`: everything that has to be right, a line each.

use super::invocation::{Invocation, wait_for};
use super::look;
use crate::cli;
use crate::client::Gateway;
use crate::failure::Failure;
use crate::output::{bad, good, say};
use crate::settings::{Loaded, is_loopback_url};
use domain::provider::Provider;
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::ExitCode;
use store::SqliteStore;

/// What was found: what is so, or what is wrong.
type Finding = Result<String, Failure>;

/// Checks everything; fails when something is wrong.
pub(crate) fn perform(invocation: &Invocation<'_>, format: cli::Json) -> Result<ExitCode, Failure> {
    let findings = match invocation.settings() {
        Ok(loaded) => wait_for(examine(&loaded)),
        Err(wrong) => vec![("settings", Err(wrong))],
    };
    say(&if format.json { json_of(&findings) } else { text_of(&findings) });
    let well = findings.iter().all(|(_, finding)| finding.is_ok());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(loaded: &Loaded) -> Vec<(&'static str, Finding)> {
    let settings = loaded.settings();
    let gateway = Gateway::of(settings);
    let serves = gateway.answers().await;
    vec![
        ("settings", Ok(settings_file(loaded))),
        ("data folder", folder(&settings.data_dir)),
        ("database", database(&settings.data_dir, serves)),
        ("address", address(loaded, serves)),
        ("upstream.anthropic", upstream(loaded, Provider::Anthropic)),
        ("upstream.openai", upstream(loaded, Provider::OpenAi)),
        (
            "credentials",
            if serves { credentials(&gateway).await } else { Ok("not known: no gateway runs".to_owned()) },
        ),
    ]
}

fn settings_file(loaded: &Loaded) -> String {
    let file = loaded.file().map_or("no file".to_owned(), |path| path.display().to_string());
    std::iter::once(format!("right ({file})")).chain(loaded.notes()).collect::<Vec<_>>().join("; ")
}

fn folder(path: &Path) -> Finding {
    let shown = path.display();
    if !path.exists() {
        return Ok(format!("{shown} will be made at the first start"));
    }
    let remedy = "make it a folder that you can write to, or set data_dir to another one";
    write_something(path)
        .map_err(|cause| Failure::new(format!("{shown} cannot be written"), cause, remedy))?;
    if is_open_to_others(path) {
        let remedy = format!("run: chmod 700 {shown}");
        return Err(Failure::new(
            format!("{shown} is open to other users"),
            "it holds what your agents said",
            remedy,
        ));
    }
    Ok(format!("{shown} is writable and private"))
}

fn write_something(folder: &Path) -> io::Result<()> {
    let file = folder.join(format!(".doctor-{}", std::process::id()));
    OpenOptions::new().write(true).create_new(true).open(&file)?;
    fs::remove_file(file)
}

#[cfg(unix)]
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open_to_others(_path: &Path) -> bool {
    false
}

fn database(folder: &Path, serves: bool) -> Finding {
    if serves {
        return Ok("the running gateway has it open".to_owned());
    }
    if !folder.join("stillroom.db").exists() {
        return Ok("will be made at the first start".to_owned());
    }
    let opened = SqliteStore::open(folder);
    opened
        .map(|_store| "opens".to_owned())
        .map_err(|cause| Failure::new("it does not open", cause, "do as it says there"))
}

fn address(loaded: &Loaded, serves: bool) -> Finding {
    let listen = loaded.settings().listen;
    if serves {
        return Ok(format!("a gateway answers at {listen}"));
    }
    let remedy = "stop what has it, or listen elsewhere: --listen 127.0.0.1:4242";
    match TcpListener::bind(listen) {
        Ok(_freed_at_once) => Ok(format!("{listen} is free; no gateway runs")),
        Err(cause) => {
            Err(Failure::new(format!("{listen} cannot be had, and no gateway answers there"), cause, remedy))
        }
    }
}

fn upstream(loaded: &Loaded, provider: Provider) -> Finding {
    let url = loaded.resolved().upstream(provider);
    if url.starts_with("https://") || is_loopback_url(url) {
        return Ok(url.to_owned());
    }
    Err(Failure::new(
        format!("{url} is not encrypted"),
        "credentials would cross the network in the clear",
        "use https://",
    ))
}

async fn credentials(gateway: &Gateway) -> Finding {
    let slots = look::fetch(gateway, "/api/v1/credentials", "slots").await?;
    let (seen, rejected) = (look::credentials(&slots, None), look::credentials(&slots, Some("rejected")));
    if rejected > 0 {
        let what = format!("{rejected} of {seen} are rejected");
        let remedy = "use the agent once: its next request with a fresh one ends this; or log it in again";
        return Err(Failure::new(what, "the provider refused them", remedy));
    }
    Ok(format!("{seen} seen"))
}

fn text_of(findings: &[(&str, Finding)]) -> String {
    let lines = findings.iter().map(|(name, finding)| match finding {
        Ok(found) => format!("{} {name}: {found}", good("ok")),
        Err(wrong) => format!(
            "{} {name}: {}\n     why: {}\n     do: {}",
            bad("✗ "),
            wrong.what,
            wrong.why,
            wrong.remedy
        ),
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn json_of(findings: &[(&str, Finding)]) -> String {
    let checks = findings.iter().map(|(name, finding)| match finding {
        Ok(found) => json!({"check": name, "ok": true, "found": found}),
        Err(wrong) => {
            json!({"check": name, "ok": false, "found": wrong.what, "why": wrong.why, "do": wrong.remedy})
        }
    });
    json!({"checks": checks.collect::<Vec<_>>()}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_is_a_line_and_what_is_wrong_says_what_to_do() {
        let findings = [
            ("settings", Ok("right (no file)".to_owned())),
            (
                "address",
                Err(Failure::new("127.0.0.1:4141 cannot be had", "address in use", "listen elsewhere")),
            ),
        ];
        insta::assert_snapshot!(text_of(&findings), @r"
        ok settings: right (no file)
        ✗  address: 127.0.0.1:4141 cannot be had
             why: address in use
             do: listen elsewhere
        ");
        assert!(json_of(&findings).contains(r#""do":"listen elsewhere""#));
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_that_others_can_read_is_found() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(folder(home.path()).is_ok());
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o750)).unwrap();
        assert!(folder(home.path()).is_err_and(|wrong| wrong.remedy.contains("chmod 700")));
        assert!(folder(&home.path().join("new")).is_ok());
        assert!(!home.path().join("new").exists());
    }

    #[test]
    fn a_file_in_the_folders_place_is_found() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(folder(file.path()).is_err());
    }

    #[test]
    fn a_database_that_does_not_open_is_found_and_none_is_made() {
        let home = tempfile::tempdir().unwrap();
        assert!(database(home.path(), false).is_ok());
        assert!(!home.path().join("stillroom.db").exists());
        fs::write(
            home.path().join("stillroom.db"),
            "this is no database, and it is long enough to be seen as none",
        )
        .unwrap();
        assert!(database(home.path(), false).is_err());
        assert!(database(home.path(), true).is_ok());
    }
}
