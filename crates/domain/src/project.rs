//! Which project a repository is: clones of one remote are one, however each of them spells its address.
//!
//! All of it is read from files that anybody may have written, so it is text and nothing more: no address is ever visited,
//! no credential in one is ever kept.

use crate::ids::ProjectId;

/// The longest name of a project, in bytes.
const LONGEST: usize = 512;

/// The project that a git configuration names by the address of its remote `origin`; none where it states no address that
/// means the same on other machines, or only in a file that it includes.
#[must_use]
pub fn of_git_config(config: &str) -> Option<ProjectId> {
    let mut in_origin = false;
    let mut address = None;
    for line in config.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            in_origin = is_origin(section);
        } else if let Some(value) = value_of(line, "url").filter(|_| in_origin) {
            address = address.or(Some(value)); // Git fetches from the first.
        }
    }
    of_remote(address?)
}

/// The project at the address of a git remote, as `host/path`: without scheme, user, password, query and `.git`.
#[must_use]
pub fn of_remote(address: &str) -> Option<ProjectId> {
    let address = address.split(['?', '#']).next()?;
    let (host, path) = match address.split_once("://") {
        Some((scheme, rest)) => with_scheme(&scheme.to_ascii_lowercase(), rest)?,
        None => as_for_scp(address)?,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path).trim_end_matches('/');
    let name = format!("{host}/{path}");
    let is_plain = !name.chars().any(|letter| letter.is_control() || letter.is_whitespace() || letter == '@');
    (is_plain && !path.is_empty() && name.len() <= LONGEST).then(|| name.into())
}

fn is_origin(section: &str) -> bool {
    let name = section.trim_end_matches(']').trim();
    let words = name.split_once(char::is_whitespace);
    words.is_some_and(|(kind, which)| kind.eq_ignore_ascii_case("remote") && which.trim() == "\"origin\"")
}

/// The value of a line `key = value`, without quotes and comments.
fn value_of<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let (name, value) = line.split_once('=')?;
    let value = value.trim();
    let value = match value.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next()?,
        None => value.split([' ', '\t', ';']).next()?,
    };
    name.trim().eq_ignore_ascii_case(key).then_some(value)
}

/// Host and path of an address behind its scheme. One host answers for all schemes; a port is a part of it only where it may be
/// another server: over HTTP, if it is not the usual one.
fn with_scheme<'a>(scheme: &str, rest: &'a str) -> Option<(String, &'a str)> {
    let (authority, path) = rest.split_once('/')?;
    let place = without_user(authority).to_ascii_lowercase();
    let host = match (scheme, place.rsplit_once(':')) {
        ("https", Some((host, "443"))) | ("http", Some((host, "80"))) => host.to_owned(),
        ("ssh" | "git+ssh" | "ssh+git" | "git", Some((host, port))) if is_number(port) => host.to_owned(),
        ("https" | "http" | "ssh" | "git+ssh" | "ssh+git" | "git", _) => place,
        _ => return None,
    };
    (!host.is_empty()).then_some((host, path))
}

/// Host and path of `user@host:path`.
fn as_for_scp(address: &str) -> Option<(String, &str)> {
    let (place, path) = address.split_once(':')?;
    let host = without_user(place);
    // A single letter is a drive of Windows; a slash before the colon makes it a path of this machine.
    (host.len() > 1 && !host.contains(['/', '\\'])).then(|| (host.to_ascii_lowercase(), path))
}

fn without_user(authority: &str) -> &str {
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

fn is_number(port: &str) -> bool {
    !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(address: &str) -> Option<String> {
        of_remote(address).map(|project| project.as_str().to_owned())
    }

    #[test]
    fn all_ways_to_one_remote_are_one_project() {
        for address in [
            "git@github.com:ann/oven.git",
            "github.com:ann/oven",
            "ssh://git@github.com/ann/oven.git",
            "ssh://git@GitHub.com:22/ann/oven/",
            "https://github.com/ann/oven",
            "https://github.com:443/ann/oven.git/",
            "HTTPS://github.com/ann/oven.git",
            "git://github.com/ann/oven.git",
        ] {
            assert_eq!(named(address).as_deref(), Some("github.com/ann/oven"), "{address}");
        }
        assert_eq!(named("http://localhost:3000/a/b").as_deref(), Some("localhost:3000/a/b"));
    }

    #[test]
    fn no_credential_in_an_address_is_kept() {
        for address in [
            "https://ann:hunter2@git.example/oven.git",
            "https://hunter2@git.example/oven",
            "https://a@b:hunter2@git.example/oven",
            "https://git.example/oven.git?access_token=hunter2",
            "https://git.example/oven#hunter2",
            "ssh://hunter2@git.example:2222/oven",
            "hunter2@git.example:oven",
        ] {
            assert_eq!(named(address).as_deref(), Some("git.example/oven"), "{address}");
        }
        assert_eq!(named("https://git.example/x:hunter2@oven"), None);
    }

    #[test]
    fn an_address_that_means_something_else_on_another_machine_names_nothing() {
        let long = format!("https://git.example/{}", "a".repeat(LONGEST));
        for address in [
            "",
            "/srv/oven.git",
            "../oven",
            "./a:b",
            "file:///srv/oven.git",
            "C:\\oven",
            "https://git.example",
            "https://git.example/",
            "https:///oven",
            "ext::sh -c id",
            "git.example:a b",
            "git.example:a\u{7}b",
            &long,
        ] {
            assert_eq!(named(address), None, "{address}");
        }
    }

    #[test]
    fn the_remote_origin_of_a_configuration_decides() {
        let config = "[core]\n\turl = https://no.example/a\n[remote \"fork\"]\n\turl = https://no.example/b\n\
            [Remote \"origin\"]\n\tfetch = +refs\n\tURL = \"https://yes.example/c\" ; and why\n\turl = https://no.example/d\n\
            [branch \"main\"]\n\tremote = origin\n";
        assert_eq!(of_git_config(config), Some("yes.example/c".into()));
        for none in [
            "",
            "[remote \"origin\"]\n\tfetch = x\n",
            "[remote \"Origin\"]\nurl = https://no.example/a",
            "url = https://no.example/a",
        ] {
            assert_eq!(of_git_config(none), None, "{none}");
        }
    }
}
