//! The agent: pointed at the gateway, run in the foreground, waited for.

use super::requests::Requests;
use super::{detour, opencode};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output::note;
use crate::settings::Places;
use serde_json::{Value, json};
use std::ffi::{OsStr, OsString};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use tokio::sync::oneshot;

/// Runs `agent` behind the gateway at `address`, to its end, with the tools of the memory or without.
///
/// # Errors
/// It cannot be started, or not be waited for.
pub(super) async fn run(
    agent: &[OsString],
    (address, with_memory): (SocketAddr, bool),
    places: &Places,
) -> Result<ExitStatus, Failure> {
    let variables = variables(address);
    variables.iter().filter_map(|(name, value)| replaced(name, value, places)).for_each(|line| note(&line));
    let memory = with_memory.then(|| memory(address, &places.working_directory)).flatten();
    let (program, arguments) = command_line(agent, address, memory.as_deref());
    let told =
        if name_of(&program) == Some("opencode") { Some(opencode::variable(address, places)?) } else { None };
    // From before the start, so that no request is lost between the two.
    let requests = Requests::listen().map_err(|cause| not_started(&program, &cause))?;
    let child = Command::new(&program)
        .args(arguments)
        .envs(variables)
        .envs(told)
        .envs(detour::variables(address, places))
        .spawn();
    let child = child.map_err(|cause| not_started(&program, &cause))?;
    wait(child, requests).await.map_err(|cause| Failure::new("the agent was lost", cause, "start it again"))
}

/// What points agents at the gateway. The hint makes Claude Code say which of its requests are side work.
fn variables(address: SocketAddr) -> [(&'static str, String); 3] {
    [
        ("ANTHROPIC_BASE_URL", format!("http://{address}")),
        ("OPENAI_BASE_URL", format!("http://{address}/v1")),
        ("CLAUDE_CODE_GATEWAY_HINT_HEADERS", "1".to_owned()),
    ]
}

/// Somebody who had pointed the agent elsewhere should hear that it no longer goes there.
fn replaced(name: &str, value: &str, places: &Places) -> Option<String> {
    let (_, before) = places.variables.iter().find(|(known, before)| known == name && before != value)?;
    let key = match name {
        "ANTHROPIC_BASE_URL" => "upstream.anthropic",
        "OPENAI_BASE_URL" => "upstream.openai",
        _ => return None,
    };
    let shown = crate::settings::without_url_secrets(&before.to_string_lossy());
    Some(format!(
        "{name} was {shown}; the agent goes through the gateway now. To keep that address, set {key} to it"
    ))
}

/// Where the tools of the memory are, for the project of this folder; none for a folder whose name is not text.
fn memory(address: SocketAddr, folder: &Path) -> Option<String> {
    Some(format!("http://{address}/mcp?project={}", encoded(folder.to_str()?)))
}

/// What an agent is told by arguments, right behind its name. Codex ignores the environment; where the memory is, both can only
/// be told like this. Claude Code takes several configurations behind one flag, so it stands in one word with its flag.
/// OpenCode ignores arguments too, and has a variable of its own ([`opencode`]).
fn command_line(agent: &[OsString], address: SocketAddr, memory: Option<&str>) -> (OsString, Vec<OsString>) {
    let program = agent.first().cloned().unwrap_or_default();
    let setting = |setting: String| ["-c".into(), OsString::from(setting)];
    let told: Vec<OsString> = match name_of(&program) {
        Some("codex") => {
            let memory = memory.map(|memory| format!("mcp_servers.stillroom.url={}", Value::from(memory)));
            let base = format!("openai_base_url=http://{address}/v1");
            std::iter::once(base).chain(memory).flat_map(setting).collect()
        }
        Some("claude") => {
            let servers = |url| json!({"mcpServers": {"stillroom": {"type": "http", "url": url}}});
            memory.map(|url| format!("--mcp-config={}", servers(url)).into()).into_iter().collect()
        }
        _ => Vec::new(),
    };
    (program, told.into_iter().chain(agent.iter().skip(1).cloned()).collect())
}

fn name_of(program: &OsStr) -> Option<&str> {
    Path::new(program).file_stem()?.to_str()
}

fn not_started(program: &OsStr, cause: &io::Error) -> Failure {
    let what = format!("{} cannot be started", program.to_string_lossy());
    Failure::new(what, cause, "check the name, and that it is installed and on the PATH")
}

/// Whatever happens, we outlive the agent, so that its gateway does too.
async fn wait(mut child: Child, mut requests: Requests) -> io::Result<ExitStatus> {
    let id = child.id();
    let (ended, mut end) = oneshot::channel();
    std::thread::spawn(move || ended.send(child.wait()));
    loop {
        tokio::select! {
            status = &mut end => return status.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())),
            () = requests.next_to_pass_on() => pass_on(id),
        }
    }
}

/// The standard library can only kill, which would keep an agent from saving its work.
fn pass_on(id: u32) {
    let asked = Command::new("kill").args(["-s", "TERM", &id.to_string()]).status();
    if let Err(cause) = asked {
        note(&format!("the agent could not be asked to end: {cause}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 4141);

    fn line(agent: &[&str]) -> Vec<OsString> {
        let agent: Vec<OsString> = agent.iter().map(OsString::from).collect();
        let (program, arguments) = command_line(&agent, ADDRESS, None);
        std::iter::once(program).chain(arguments).collect()
    }

    #[test]
    fn codex_is_told_by_an_argument_and_others_are_left_alone() {
        let told = ["-c", "openai_base_url=http://127.0.0.1:4141/v1"];
        assert_eq!(line(&["codex", "exec", "hi"]), ["codex", told[0], told[1], "exec", "hi"]);
        assert_eq!(line(&["/opt/bin/codex"]), ["/opt/bin/codex", told[0], told[1]]);
        assert_eq!(line(&["claude", "-c"]), ["claude", "-c"]);
    }

    #[test]
    fn agents_that_can_be_told_by_arguments_are_told_where_the_memory_is() {
        let memory = memory(ADDRESS, Path::new("/home/ann/my oven")).unwrap();
        let told = |program: &str| {
            let agent = [program.into(), "hi".into()];
            let arguments = command_line(&agent, ADDRESS, Some(&memory)).1;
            arguments.iter().map(|it| it.to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let url = "http://127.0.0.1:4141/mcp?project=%2Fhome%2Fann%2Fmy%20oven";
        let base = "openai_base_url=http://127.0.0.1:4141/v1";
        let server = format!("mcp_servers.stillroom.url=\"{url}\"");
        assert_eq!(told("codex"), ["-c", base, "-c", &server, "hi"]);
        let configuration =
            format!(r#"--mcp-config={{"mcpServers":{{"stillroom":{{"type":"http","url":"{url}"}}}}}}"#);
        assert_eq!(told("claude"), [&configuration, "hi"]);
        assert_eq!(told("opencode"), ["hi"]);
    }

    #[test]
    fn anthropics_base_has_no_version_and_openais_has_one() {
        let variables = variables(ADDRESS);
        assert_eq!(variables[0].1, "http://127.0.0.1:4141");
        assert_eq!(variables[1].1, "http://127.0.0.1:4141/v1");
    }

    #[test]
    fn a_base_url_that_is_replaced_is_said_without_its_secrets() {
        let before = [("ANTHROPIC_BASE_URL".into(), "https://me:word@proxy.example".into())];
        let places = Places { variables: before.to_vec(), ..Places::default() };
        let line = replaced("ANTHROPIC_BASE_URL", "http://127.0.0.1:4141", &places).unwrap();
        assert!(line.contains("upstream.anthropic") && line.contains("proxy.example"), "{line}");
        assert!(!line.contains("word"), "{line}");
        assert_eq!(replaced("ANTHROPIC_BASE_URL", "https://me:word@proxy.example", &places), None);
    }
}
