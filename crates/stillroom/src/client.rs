//! A small client of a running gateway's admin plane.

use crate::failure::Failure;
use serde_json::Value as Json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 256 << 20;

/// A gateway, wherever it listens.
pub(crate) struct Gateway {
    address: SocketAddr,
    client: awc::Client,
}

/// What the gateway answered.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The body as it came.
    pub(crate) text: String,
}

impl Gateway {
    /// The gateway that listens at `listen`, as this machine reaches it.
    pub(crate) fn at(listen: SocketAddr) -> Self {
        let client = awc::Client::builder().timeout(PATIENCE).disable_redirects().finish();
        Self { address: reachable(listen), client }
    }

    /// Its address, as this machine reaches it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether a gateway of ours answers: it serves, and it keeps a list of credentials. Another server at that address is
    /// not ours, and no agent's credential should go there.
    pub(crate) async fn answers(&self) -> bool {
        let slots = self.get("/api/v1/credentials").await.and_then(|answer| answer.json());
        slots.is_ok_and(|slots| slots["slots"].is_array())
    }

    /// Whether it serves.
    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_ok_and(|answer| answer.status == 200)
    }

    /// The JSON text at `path`.
    ///
    /// # Errors
    /// Nobody answers, or not with success.
    pub(crate) async fn fetch(&self, path: &str) -> Result<Answer, Failure> {
        let answer = self.get(path).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(path, &answer)) }
    }

    /// Whatever is answered at `path`.
    ///
    /// # Errors
    /// Nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        let url = format!("http://{}{path}", self.address);
        let mut response =
            self.client.get(url).send().await.map_err(|cause| self.silent(&cause.to_string()))?;
        let body =
            response.body().limit(LARGEST_ANSWER).await.map_err(|cause| self.silent(&cause.to_string()))?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: response.status().as_u16(), text })
    }

    fn silent(&self, cause: &str) -> Failure {
        Failure::new(
            format!("No gateway answers at {}", self.address),
            cause,
            "start one with `stillroom`, or name its address with --listen",
        )
    }

    fn refused(&self, path: &str, answer: &Answer) -> Failure {
        let remedy = match answer.status {
            400 | 404 => "check what was asked; `stillroom sessions` lists the ids",
            _ => "see the gateway's log, and `stillroom doctor`",
        };
        Failure::new(
            format!("{} answered {} to {path}", self.address, answer.status),
            answer.reason(),
            remedy,
        )
    }
}

impl Answer {
    /// Why it was refused, as far as the answer says, on one line.
    fn reason(&self) -> String {
        let body = serde_json::from_str::<Json>(&self.text).unwrap_or_default();
        let told = body["error"]["message"].as_str().unwrap_or("it gave no reason");
        crate::table::cell(&Json::from(told))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none: somebody else answers there.
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        serde_json::from_str(&self.text).map_err(|cause| {
            Failure::new(
                "the answer is not JSON",
                cause,
                "another server may have that address: `stillroom doctor` tells",
            )
        })
    }
}

/// Who listens everywhere is reached at home; the admin plane answers only there.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(address) if address.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(address) if address.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        _ => listen,
    }
}

/// `text` as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_everywhere_is_reached_at_home() {
        let reachable = |listen: &str| super::reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reachable("0.0.0.0:4141"), "127.0.0.1:4141");
        assert_eq!(reachable("[::]:4141"), "[::1]:4141");
        assert_eq!(reachable("192.168.0.2:1"), "192.168.0.2:1");
    }

    #[test]
    fn words_cannot_leave_their_place_in_an_address() {
        assert_eq!(encoded("a b&limit=1/../ä"), "a%20b%26limit%3D1%2F..%2F%C3%A4");
    }
}
