//! Sessions are named by as much of their id as is needed to tell them apart.

use super::look;
use crate::client::Gateway;
use crate::failure::{Exit, Failure};

/// How many of those that fit are named.
const NAMED: usize = 5;

/// The whole id of the session that `wanted` names.
///
/// # Errors
/// No gateway answers; no session is called so, or several are.
pub(crate) async fn find(gateway: &Gateway, wanted: &str) -> Result<String, Failure> {
    let sessions = look::fetch(gateway, "/api/v1/sessions", "sessions").await?;
    let ids: Vec<&str> = sessions.iter().filter_map(|session| session["id"].as_str()).collect();
    chosen(&ids, wanted)
}

/// The same among these.
///
/// # Errors
/// None is called so, or several are.
pub(crate) fn chosen(ids: &[&str], wanted: &str) -> Result<String, Failure> {
    if wanted.is_empty() {
        return Err(nobody());
    }
    let fitting: Vec<&str> = ids.iter().copied().filter(|id| id.starts_with(wanted)).collect();
    match fitting[..] {
        [only] => Ok(only.to_owned()),
        _ if ids.contains(&wanted) => Ok(wanted.to_owned()),
        [] => Err(unknown(ids, wanted)),
        _ => Err(ambiguous(&fitting, wanted)),
    }
}

/// Every id begins with nothing, so a variable of a script that is not set would mean the only session there is.
fn nobody() -> Failure {
    let remedy = "give an id, or its beginning: `stillroom sessions` lists them";
    Failure::new("no session is named", "the id that was given is empty", remedy).with_exit(Exit::WrongUse)
}

fn unknown(ids: &[&str], wanted: &str) -> Failure {
    let likeness =
        |id: &str| strsim::normalized_damerau_levenshtein(id.get(..wanted.len()).unwrap_or(id), wanted);
    let nearest = ids.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    let nearest = nearest.filter(|id| likeness(id) > 0.6);
    let remedy = nearest.map_or_else(
        || "`stillroom sessions` lists them".to_owned(),
        |id| format!("did you mean {id}? `stillroom sessions` lists all"),
    );
    Failure::new(format!("there is no session {wanted:?}"), "no id is or begins so", remedy)
}

fn ambiguous(fitting: &[&str], wanted: &str) -> Failure {
    let more = if fitting.len() > NAMED { ", …" } else { "" };
    let named = fitting.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    Failure::new(
        format!("{} sessions begin with {wanted:?}", fitting.len()),
        format!("it could be {named}{more}"),
        "give more of the id",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDS: [&str; 4] = ["0199f3a2-77", "0199f3a3-01", "0199f3a3-02", "0199f3a3-02-b"];

    #[test]
    fn the_beginning_of_an_id_is_enough_if_no_other_begins_so() {
        assert_eq!(chosen(&IDS, "0199f3a2").unwrap(), "0199f3a2-77");
        assert_eq!(chosen(&IDS, "0199f3a3-02").unwrap(), "0199f3a3-02", "a whole id means itself");
    }

    #[test]
    fn what_names_none_or_several_is_explained() {
        let many: Vec<String> = (0..9).map(|n| format!("0199-{n}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let wrong = [
            chosen(&IDS, "0199f3a3"),
            chosen(&IDS, "0199f4a2"),
            chosen(&IDS, "nobody"),
            chosen(&many, "0199"),
            chosen(&IDS[..1], ""),
        ];
        let texts: Vec<String> = wrong.into_iter().map(|wrong| wrong.unwrap_err().to_string()).collect();
        insta::assert_snapshot!(texts.join("\n\n"));
    }
}
