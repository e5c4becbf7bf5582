//! Whether agents that are started from here would find the gateway.

use super::Finding;
use crate::failure::Failure;
use crate::settings::{Places, without_url_secrets};
use std::net::SocketAddr;

/// What points agents at a gateway: the variable, and what may follow the address in it, what is usual first.
const VARIABLES: [(&str, &[&str]); 2] = [
    ("ANTHROPIC_BASE_URL", &["", "/v1", "/anthropic", "/anthropic/v1"]),
    ("OPENAI_BASE_URL", &["/v1", "/openai/v1"]),
];

/// What the environment says, held against where the gateway is.
pub(super) fn environment(places: &Places, gateway: SocketAddr) -> Finding {
    let found = VARIABLES.iter().map(|(name, paths)| {
        let right: Vec<_> = paths.iter().map(|path| format!("http://{gateway}{path}")).collect();
        variable(places, name, &right)
    });
    Ok(found.collect::<Result<Vec<_>, _>>()?.join("; "))
}

fn variable(places: &Places, name: &str, right: &[String]) -> Finding {
    let value = places.variables.iter().find(|(known, value)| known == name && !value.is_empty());
    let Some((_, value)) = value else {
        return Ok(format!("{name} is not set, which `stillroom run` does"));
    };
    let value = value.to_string_lossy();
    let alike = |text: &str| text.trim_end_matches('/').replace("//localhost:", "//127.0.0.1:");
    if right.iter().any(|right| alike(&value) == alike(right)) {
        return Ok(format!("{name} leads here"));
    }
    let what = format!("{name} is {}", without_url_secrets(&value));
    let why = "agents that are started from here do not come to this gateway";
    let usual = right.first().map(String::as_str).unwrap_or_default();
    Err(Failure::new(what, why, format!("export {name}={usual}, or start agents with `stillroom run`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Finding {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into())).collect();
        environment(&Places { variables, ..Places::default() }, "127.0.0.1:4141".parse().unwrap())
    }

    #[test]
    fn an_environment_that_leads_here_or_nowhere_is_right() {
        insta::assert_snapshot!(found(&[]).unwrap(), @"ANTHROPIC_BASE_URL is not set, which `stillroom run` does; OPENAI_BASE_URL is not set, which `stillroom run` does");
        let here = [
            ("ANTHROPIC_BASE_URL", "http://localhost:4141/"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:4141/v1"),
        ];
        assert_eq!(found(&here).unwrap(), "ANTHROPIC_BASE_URL leads here; OPENAI_BASE_URL leads here");
        let named = [
            ("ANTHROPIC_BASE_URL", "http://127.0.0.1:4141/anthropic"),
            ("OPENAI_BASE_URL", "http://127.0.0.1:4141/openai/v1/"),
        ];
        assert_eq!(found(&named).unwrap(), found(&here).unwrap());
    }

    #[test]
    fn an_environment_that_leads_elsewhere_is_said_without_its_secrets() {
        let wrong = found(&[("ANTHROPIC_BASE_URL", "https://me:word@proxy.example")]).unwrap_err();
        assert!(!wrong.to_string().contains("word"), "{wrong}");
        insta::assert_snapshot!(wrong, @r"
        error: ANTHROPIC_BASE_URL is https://…@proxy.example
          why: agents that are started from here do not come to this gateway
          do: export ANTHROPIC_BASE_URL=http://127.0.0.1:4141, or start agents with `stillroom run`
        ");
        let versionless = found(&[("OPENAI_BASE_URL", "http://127.0.0.1:4141")]).unwrap_err();
        assert!(versionless.remedy.contains("/v1"), "{versionless}");
    }
}
