//! OpenCode takes base URLs only from its configuration, and reads one from a variable, above all of its files
//! (`OPENCODE_CONFIG_CONTENT`; tried with 1.18). Both of its providers want the version in their base URL.

use crate::failure::{Exit, Failure};
use crate::settings::Places;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;

const NAME: &str = "OPENCODE_CONFIG_CONTENT";

/// What points OpenCode at the gateway, besides whatever it was told before.
///
/// # Errors
/// What it was told before is no JSON object; it would refuse it as well.
pub(super) fn variable(address: SocketAddr, places: &Places) -> Result<(&'static str, String), Failure> {
    let before = places.variables.iter().find(|(name, value)| name == NAME && !value.is_empty());
    let mut config = match before {
        None => Map::new(),
        Some((_, value)) => {
            serde_json::from_str(&value.to_string_lossy()).map_err(|cause| unreadable(&cause))?
        }
    };
    for provider in ["anthropic", "openai"] {
        *below(&mut config, &["provider", provider, "options", "baseURL"]) =
            json!(format!("http://{address}/v1"));
    }
    Ok((NAME, Value::Object(config).to_string()))
}

fn unreadable(cause: &serde_json::Error) -> Failure {
    let remedy = "correct the variable, or unset it";
    Failure::new(format!("{NAME} is no JSON object"), cause, remedy).with_exit(Exit::WrongUse)
}

/// The place at the end of `path`, with everything on the way to it; what is there and no object gives way.
fn below<'a>(config: &'a mut Map<String, Value>, path: &[&str]) -> &'a mut Value {
    let (first, rest) = path.split_first().unwrap_or((&"", &[]));
    let place = config.entry(*first).or_insert(Value::Null);
    if rest.is_empty() {
        return place;
    }
    if !place.is_object() {
        *place = json!({});
    }
    match place {
        Value::Object(inner) => below(inner, rest),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str) -> Result<Value, Failure> {
        let variables = vec![(NAME.into(), before.into())];
        let places = Places { variables, ..Places::default() };
        let (name, value) = variable("127.0.0.1:4141".parse().unwrap(), &places)?;
        assert_eq!(name, NAME);
        Ok(serde_json::from_str(&value).unwrap())
    }

    #[test]
    fn both_providers_are_led_to_the_gateway() {
        let options = json!({"options": {"baseURL": "http://127.0.0.1:4141/v1"}});
        assert_eq!(told("").unwrap(), json!({"provider": {"anthropic": options, "openai": options}}));
    }

    #[test]
    fn what_was_told_before_stays() {
        let before = r#"{"model":"m","provider":{"anthropic":{"options":{"baseURL":"x","timeout":1}},"openai":3,"other":{}}}"#;
        let told = told(before).unwrap();
        assert_eq!((&told["model"], &told["provider"]["other"]), (&json!("m"), &json!({})));
        assert_eq!(told["provider"]["anthropic"]["options"]["timeout"], 1);
        for provider in ["anthropic", "openai"] {
            assert_eq!(told["provider"][provider]["options"]["baseURL"], "http://127.0.0.1:4141/v1");
        }
    }

    #[test]
    fn what_was_told_before_and_is_no_object_is_refused() {
        assert!(told("[1").is_err_and(|wrong| wrong.exit == Exit::WrongUse));
        assert!(told("[1]").is_err());
    }
}
