//! What all commands that look inside a running gateway have in common: ask, then show for people or for programs.

use super::invocation::{Invocation, wait_for};
use crate::cli::Json;
use crate::client::Gateway;
use crate::failure::Failure;
use crate::output::say;
use crate::table::{self, Column};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::ExitCode;

/// A list that the gateway keeps.
pub(crate) struct List {
    /// Where it is.
    pub(crate) path: String,
    /// The field that holds it.
    pub(crate) field: &'static str,
    /// What is shown of each entry.
    pub(crate) columns: &'static [Column],
    /// What is worked out of an entry before it is shown.
    pub(crate) complete: fn(&mut Value),
    /// What is said when it is empty.
    pub(crate) empty: &'static str,
}

/// Shows `list`; for programs, exactly what the gateway answered.
pub(crate) fn show(invocation: &Invocation<'_>, list: &List, json: Json) -> Result<ExitCode, Failure> {
    wait_for(async {
        let answer = invocation.gateway().await?.fetch(&list.path).await?;
        say(&if json.json { answer.text } else { list.text(&answer.json()?) });
        Ok(ExitCode::SUCCESS)
    })
}

/// The list in `field` of what is at `path`.
pub(crate) async fn fetch(gateway: &Gateway, path: &str, field: &str) -> Result<Vec<Value>, Failure> {
    Ok(entries(&gateway.fetch(path).await?.json()?, field))
}

/// The list in `field`; empty when there is none.
pub(crate) fn entries(answer: &Value, field: &str) -> Vec<Value> {
    answer[field].as_array().cloned().unwrap_or_default()
}

/// How many credentials stand in `slots`, in any state or in `state`. One may stand in several.
pub(crate) fn credentials(slots: &[Value], state: Option<&str>) -> usize {
    let counted = slots.iter().filter(|slot| state.is_none_or(|state| slot["state"] == state));
    counted.map(|slot| slot["fingerprint"].as_str()).collect::<BTreeSet<_>>().len()
}

impl List {
    fn text(&self, answer: &Value) -> String {
        let mut rows = entries(answer, self.field);
        rows.iter_mut().for_each(self.complete);
        if rows.is_empty() { self.empty.to_owned() } else { table::of_rows(&rows, self.columns) }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    #[test]
    fn a_credential_that_stands_in_two_slots_is_one() {
        let slot = |fingerprint, state| serde_json::json!({"fingerprint": fingerprint, "state": state});
        let slots = [slot("a", "proven"), slot("a", "proven"), slot("b", "rejected"), slot("b", "rejected")];
        assert_eq!((credentials(&slots, None), credentials(&slots, Some("rejected"))), (2, 1));
    }

    /// The text of `list` for `answer`, for the tests of the commands.
    pub(crate) fn text(list: &List, answer: &Value) -> String {
        list.text(answer)
    }
}
