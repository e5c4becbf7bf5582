//! `stillroom doctor`: everything that has to be right, a line each.

mod agents;
mod data;
mod network;

use super::invocation::{Invocation, wait_for};
use super::{embeddings, look};
use crate::cli;
use crate::client::Gateway;
use crate::failure::Failure;
use crate::output::{bad, good, say};
use crate::settings::{Loaded, Places};
use crate::table::cell;
use domain::provider::Provider;
use domain::settings::Settings;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// What was found: what is so, or what is wrong.
type Finding = Result<String, Failure>;

/// Checks everything; fails when something is wrong. Providers are asked for a sign of life only when `online`.
pub(crate) fn perform(
    invocation: &Invocation<'_>,
    online: bool,
    format: cli::Json,
) -> Result<ExitCode, Failure> {
    let findings = match invocation.settings() {
        Ok(loaded) => wait_for(examine(&loaded, invocation.places, online)),
        Err(wrong) => vec![("settings", Err(wrong))],
    };
    say(&if format.json { json_of(&findings) } else { text_of(&findings) });
    let well = findings.iter().all(|(_, finding)| finding.is_ok());
    Ok(if well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn examine(loaded: &Loaded, places: &Places, online: bool) -> Vec<(&'static str, Finding)> {
    let settings = loaded.settings();
    let gateway = Gateway::of(settings);
    let serves = gateway.answers().await;
    vec![
        ("settings", Ok(settings_file(loaded))),
        ("data folder", data::folder(&settings.data_dir)),
        ("data files", data::files(&settings.data_dir)),
        ("database", data::database(&settings.data_dir)),
        ("gateway", data::gateway(&settings.data_dir, gateway.address(), gateway.process().await)),
        ("free space", data::free_space(&settings.data_dir)),
        ("prices", prices(settings)),
        ("recall.embeddings", model(settings)),
        ("address", network::address(settings.listen, serves)),
        ("upstream.anthropic", network::upstream(loaded, Provider::Anthropic, online).await),
        ("upstream.openai", network::upstream(loaded, Provider::OpenAi, online).await),
        (
            "credentials",
            if serves { credentials(&gateway).await } else { Ok("not known: no gateway runs".to_owned()) },
        ),
        ("agents", agents::environment(places, gateway.address())),
    ]
}

fn settings_file(loaded: &Loaded) -> String {
    let file = loaded.file().map_or("no file".to_owned(), |path| path.display().to_string());
    std::iter::once(format!("right ({file})")).chain(loaded.notes()).collect::<Vec<_>>().join("; ")
}

fn prices(settings: &Settings) -> Finding {
    super::prices::read(settings)?;
    Ok(settings.prices.as_ref().map_or("the ones built in".to_owned(), |path| path.display().to_string()))
}

fn model(settings: &Settings) -> Finding {
    embeddings::check(settings)?;
    let folder = settings.recall.embeddings.as_ref();
    Ok(folder.map_or("none is named: recall goes by words alone".to_owned(), |folder| {
        format!("the model in {} works", folder.display())
    }))
}

async fn credentials(gateway: &Gateway) -> Finding {
    judged(&look::fetch(gateway, "/api/v1/credentials", "slots").await?)
}

/// Each credential once, however many slots it stands in.
fn judged(slots: &[Value]) -> Finding {
    let each: BTreeMap<&str, &Value> =
        slots.iter().filter_map(|slot| Some((slot["fingerprint"].as_str()?, slot))).collect();
    let named = |only_rejected: bool| {
        let wanted = each.values().filter(|slot| !only_rejected || slot["state"] == "rejected");
        wanted.map(|slot| state(slot)).collect::<Vec<_>>().join(", ")
    };
    let rejected = look::credentials(slots, Some("rejected"));
    if rejected > 0 {
        let remedy = "use the agent once: its next request with a fresh one ends this; or log it in again";
        let what = format!("{rejected} of {} are rejected: {}", each.len(), named(true));
        return Err(Failure::new(what, "the provider refused them", remedy));
    }
    Ok(if each.is_empty() {
        "none held: the next request of an agent brings one".to_owned()
    } else {
        format!("{} held: {}", each.len(), named(false))
    })
}

fn state(slot: &Value) -> String {
    let [fingerprint, state, since] = ["fingerprint", "state", "since"].map(|field| cell(&slot[field]));
    format!("{fingerprint} {state} since {since}")
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
    fn each_credential_is_told_with_its_state_and_since_when() {
        let slot = |fingerprint, state| json!({"fingerprint": fingerprint, "state": state, "since": "2026-11-23T10:00:00Z", "scope": "session"});
        assert_eq!(judged(&[]).unwrap(), "none held: the next request of an agent brings one");
        let well = [slot("1f0c77aa", "proven"), slot("1f0c77aa", "proven")];
        assert_eq!(judged(&well).unwrap(), "1 held: 1f0c77aa proven since 2026-11-23T10:00:00Z");
        let ill = [slot("1f0c77aa", "proven"), slot("00000002", "rejected")];
        insta::assert_snapshot!(judged(&ill).unwrap_err(), @r"
        error: 1 of 2 are rejected: 00000002 rejected since 2026-11-23T10:00:00Z
          why: the provider refused them
          do: use the agent once: its next request with a fresh one ends this; or log it in again
        ");
    }
}
