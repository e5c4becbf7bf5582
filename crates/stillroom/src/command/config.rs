//! `stillroom config`: the settings in force, and whether they are right.

use super::invocation::Invocation;
use super::{embeddings, prices};
use crate::cli;
use crate::failure::Failure;
use crate::output::{note, say};
use crate::settings::Loaded;
use crate::table;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

/// Shows every setting with its value and its place.
pub(crate) fn show(invocation: &Invocation<'_>, format: cli::Json) -> Result<ExitCode, Failure> {
    let loaded = invocation.settings()?;
    say(&if format.json { json_of(&loaded).to_string() } else { text_of(&loaded) });
    Ok(ExitCode::SUCCESS)
}

/// Says that the settings are right, if they are.
pub(crate) fn check(invocation: &Invocation<'_>, format: cli::Json) -> Result<ExitCode, Failure> {
    let loaded = invocation.settings()?;
    prices::read(loaded.settings())?;
    embeddings::check(loaded.settings())?;
    let file = loaded.file().map(|path| path.display().to_string());
    if format.json {
        say(&json!({"ok": true, "file": file, "notes": loaded.notes()}).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    loaded.notes().iter().for_each(|line| note(line));
    say(&file.map_or("The settings are right; there is no file.".to_owned(), |file| {
        format!("The settings are right; the file is {file}.")
    }));
    Ok(ExitCode::SUCCESS)
}

fn json_of(loaded: &Loaded) -> Value {
    let entries = loaded.entries().map(|(key, value, origin)| {
        let from = origin.map_or("default".to_owned(), ToString::to_string);
        (key.name.to_owned(), json!({"value": value, "from": from}))
    });
    Value::Object(entries.collect::<Map<_, _>>())
}

fn text_of(loaded: &Loaded) -> String {
    let title = ["KEY", "VALUE", "FROM"].map(str::to_owned).to_vec();
    let rows = loaded.entries().map(|(key, value, origin)| {
        let from = origin.map_or("default".to_owned(), ToString::to_string);
        vec![key.name.to_owned(), table::cell(&value), from]
    });
    table::align(&std::iter::once(title).chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Flags, Places, load};

    fn loaded() -> Loaded {
        let variables = [
            ("HOME", "/home/somebody"),
            ("STILLROOM_WORKER__API_KEY", "sk-ant-api03-canary"),
            ("STILLROOM_WORKER__USE_CLIENT_CREDENTIALS", ""),
            ("STILLROOM_WORKER__DAILY_BUDGET_USD", "3"),
            ("STILLROOM_ACCESS__TOKEN", "canary-of-access"),
        ];
        let variables = variables.map(|(name, value)| (name.into(), value.into())).to_vec();
        let places = Places { variables, working_directory: "/nowhere".into() };
        let values = vec![("--listen", "listen", "127.0.0.1:0".to_owned())];
        load(&places, &Flags { config: None, values }).unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn every_setting_is_shown_with_its_place_and_secrets_stay_hidden() {
        let text = text_of(&loaded());
        assert!(!text.contains("canary"), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn programs_get_the_same() {
        let json = json_of(&loaded());
        assert_eq!(json["listen"], json!({"value": "127.0.0.1:0", "from": "flag --listen"}));
        assert_eq!(json["worker.daily_budget_usd"]["value"], 3.0);
        assert_eq!(json["worker.provider"]["value"], "anthropic");
        assert!(!json.to_string().contains("canary"));
    }
}
