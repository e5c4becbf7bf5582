//! What holds for any bytes whatever. The fuzzer (`fuzz/`) looks for bytes for which it does not; the tests try some at random,
//! and all that lie in `fuzz/seeds`.

#[cfg(test)]
mod tests;

use crate::route::Route;
use crate::session::{Kind, Registry, Signs, identify};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use domain::ids::{Principal, SessionId};
use domain::time::UnixMillis;
use serde_json::Value;
use upstream::dialect;
use upstream::transport::{HeaderMap, Uri};
use workers::Speaker;

/// A posted request, its target in the first line, then headers, an empty line and the body, belongs to a session or to
/// none. Which one does not depend on the order of its headers, nor on blanks and the order of keys in its body; its id can
/// stand in a path; and another owner's session has another.
pub fn session(input: &[u8]) {
    let (head, body) = halves(input);
    let head = String::from_utf8_lossy(head);
    let mut lines = head.lines();
    let Ok(uri) = lines.next().unwrap_or_default().parse::<Uri>() else { return };
    let headers: Vec<_> = lines.filter_map(header).collect();
    let Some(route) = Route::of(&Method::POST, &uri, &headers.iter().cloned().collect()) else { return };
    let of = |headers: HeaderMap, body: &[u8], owner: &Principal| found(&route, &headers, body, owner);
    let first = of(headers.iter().cloned().collect(), body, &Principal::local());
    assert!(first.is_sound(), "{first:?}");
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    let plain = of(headers.iter().cloned().collect(), value.to_string().as_bytes(), &Principal::local());
    for spelled in [format!("{value:#}"), backwards(&value)] {
        let again = of(headers.iter().cloned().collect(), spelled.as_bytes(), &Principal::local());
        assert_eq!(again, plain, "{spelled}");
    }
    if names_once(&headers) {
        let turned = headers.iter().rev().cloned().collect();
        assert_eq!(of(turned, value.to_string().as_bytes(), &Principal::local()), plain);
    }
    let theirs = of(headers.into_iter().collect(), value.to_string().as_bytes(), &Principal::from("remote"));
    assert!(theirs.session.is_none() || theirs.session != plain.session);
}

fn halves(input: &[u8]) -> (&[u8], &[u8]) {
    let end = input.windows(2).position(|pair| pair == b"\n\n");
    end.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 2..]))
}

fn header(line: &str) -> Option<(HeaderName, HeaderValue)> {
    let (name, value) = line.split_once(':')?;
    Some((name.parse().ok()?, HeaderValue::from_bytes(value.trim().as_bytes()).ok()?))
}

fn names_once(headers: &[(HeaderName, HeaderValue)]) -> bool {
    (0..headers.len()).all(|at| headers[..at].iter().all(|(name, _)| *name != headers[at].0))
}

/// What is known of the speaker, by a gateway that has just begun.
#[derive(Debug, PartialEq)]
struct Found {
    session: Option<SessionId>,
    identity: Option<String>,
    speaker: Speaker,
    kind: Kind,
}

fn found(route: &Route, headers: &HeaderMap, body: &[u8], owner: &Principal) -> Found {
    let asked = route.dialect.and_then(|dialect| dialect::asked(dialect, body).ok());
    let who = identify(&Registry::from_seed(1), owner, &Signs::of(headers), asked.as_ref(), UnixMillis(1));
    Found { session: who.session, identity: who.identity, speaker: who.speaker, kind: who.kind }
}

impl Found {
    /// A turn has a session, a session has an id that needs no escaping, and a name has a session.
    fn is_sound(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-~".contains(&byte);
        let fits = |id: &str| (8..=128).contains(&id.len()) && id.bytes().all(plain);
        let needed = self.kind == Kind::Turn || self.identity.is_some();
        self.session.as_ref().map_or(!needed, |session| fits(session.as_str()))
    }
}

/// The same value with the keys of its objects in the opposite order.
fn backwards(value: &Value) -> String {
    let member =
        |(key, value): (&String, &Value)| format!("{} : {}", Value::from(key.as_str()), backwards(value));
    match value {
        Value::Object(members) => {
            format!("{{ {} }}", members.iter().rev().map(member).collect::<Vec<_>>().join("\n,"))
        }
        Value::Array(items) => format!("[{}\t]", items.iter().map(backwards).collect::<Vec<_>>().join(" ,")),
        leaf => leaf.to_string(),
    }
}
