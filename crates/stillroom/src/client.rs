//! A small client of a running gateway's admin plane.

use crate::failure::{Exit, Failure};
use awc::error::{PayloadError, SendRequestError};
use awc::http::header::{CONTENT_LENGTH, HeaderMap, HeaderValue};
use bytes::Bytes;
use domain::settings::Settings;
use futures_util::Stream;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const LARGEST_ANSWER: usize = 256 << 20;
/// What to do when what is asked contradicts what is kept.
pub(crate) const CONTRADICTS: &str = "change what it contradicts, and try again";
/// Bears the access token.
const ACCESS_HEADER: &str = "x-stillroom-access";

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
    /// The gateway of these settings, as this machine reaches it.
    pub(crate) fn of(settings: &Settings) -> Self {
        Self::at(settings.listen, settings)
    }

    /// The gateway of these settings, when it listens at `listen` instead.
    pub(crate) fn at(listen: SocketAddr, settings: &Settings) -> Self {
        let client = awc::Client::builder().timeout(PATIENCE).disable_redirects();
        let client = match shown(settings) {
            Some(token) => client.add_default_header((ACCESS_HEADER, token)),
            None => client,
        };
        Self { address: reachable(listen), client: client.finish() }
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

    /// The process that serves there; none where nobody does, or does not say.
    pub(crate) async fn process(&self) -> Option<String> {
        let health = self.get("/healthz").await.and_then(|answer| answer.json());
        Some(health.ok()?["process"].as_u64()?.to_string())
    }

    /// Whether it has another data folder than `folder`, or none that is still there. Where it does not say who it is, it is believed.
    pub(crate) async fn is_of_another_folder(&self, folder: &Path) -> bool {
        self.process().await.is_some_and(|process| store::holder(folder) != Some(process))
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

    /// What comes from `path`, piece by piece, for as long as it takes.
    ///
    /// # Errors
    /// Nobody answers, or not with success.
    pub(crate) async fn stream(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, PayloadError>> + use<>, Failure> {
        let sent = self.client.get(self.url(path)).send().await;
        let mut response = sent.map_err(|cause| self.unanswered(&cause))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let body = response.body().limit(LARGEST_ANSWER).await.unwrap_or_default();
        let (status, text) = (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned());
        Err(self.refused(path, &Answer { status, text }))
    }

    /// Whatever is answered at `path`.
    ///
    /// # Errors
    /// Nobody answers.
    pub(crate) async fn get(&self, path: &str) -> Result<Answer, Failure> {
        self.heard(self.client.get(self.url(path)).send()).await
    }

    /// Puts `body` at `path`, and gives what is answered.
    ///
    /// # Errors
    /// Nobody answers, or not with success.
    pub(crate) async fn put(&self, path: &str, body: &Json) -> Result<Answer, Failure> {
        let answer = self.heard(self.client.put(self.url(path)).send_json(body)).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(path, &answer)) }
    }

    /// Posts `body` to `path`, and gives what is answered within `patience`.
    ///
    /// # Errors
    /// Nobody answers, or not with success.
    pub(crate) async fn post(
        &self,
        path: &str,
        body: &impl serde::Serialize,
        patience: Duration,
    ) -> Result<Answer, Failure> {
        let answer = self.heard(self.client.post(self.url(path)).timeout(patience).send_json(body)).await?;
        if (200..300).contains(&answer.status) { Ok(answer) } else { Err(self.refused(path, &answer)) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    async fn heard(&self, sent: awc::SendClientRequest) -> Result<Answer, Failure> {
        let mut response = sent.await.map_err(|cause| self.unanswered(&cause))?;
        let body =
            response.body().limit(LARGEST_ANSWER).await.map_err(|cause| self.silent(&cause.to_string()))?;
        // The client takes a connection that ends for the end of the answer.
        if announced(response.headers()).is_some_and(|length| length != body.len()) {
            return Err(self.silent("it ended before its answer did"));
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: response.status().as_u16(), text })
    }

    /// Nobody answered, or there was nothing that could be sent.
    fn unanswered(&self, cause: &SendRequestError) -> Failure {
        match cause {
            SendRequestError::Url(_) | SendRequestError::Http(_) => Failure::new(
                "what is asked cannot be sent",
                cause,
                "ask in fewer words: all of them stand in one address, which holds 65,534 bytes",
            ),
            _ => self.silent(&cause.to_string()),
        }
    }

    fn silent(&self, cause: &str) -> Failure {
        Failure::new(
            format!("No gateway answers at {}", self.address),
            cause,
            "start one with `stillroom`, or name its address with --listen",
        )
    }

    fn foreign(&self, path: &str, status: u16) -> Failure {
        Failure::new(
            format!("what answers at {} is no gateway", self.address),
            format!("to {path} it said {status}, and not as Stillroom does"),
            "name the gateway's address with --listen, or stop that program and start `stillroom`",
        )
    }

    fn refused(&self, path: &str, answer: &Answer) -> Failure {
        let Some(reason) = answer.reason() else { return self.foreign(path, answer.status) };
        let remedy = match answer.status {
            400 => "check what was asked; `--help` says what can be".to_owned(),
            404 => format!(
                "check what was asked; `--help` says what can be, and `{}` lists the ids",
                lister(path)
            ),
            403 => {
                "give this command the gateway's own settings: the same `listen` and access.token".to_owned()
            }
            409 => CONTRADICTS.to_owned(),
            _ => "see the gateway's log, and `stillroom doctor`".to_owned(),
        };
        let what = format!("{} answered {} to {path}", self.address, answer.status);
        let failure = Failure::new(what, reason, remedy);
        // 409 as if the same had been asked of the database itself.
        if [400, 409].contains(&answer.status) { failure.with_exit(Exit::WrongUse) } else { failure }
    }
}

impl Answer {
    /// Why a gateway refused it, on one line; none where the answer is no gateway's.
    fn reason(&self) -> Option<String> {
        let body = serde_json::from_str::<Json>(&self.text).ok()?;
        let told = body["error"]["message"].as_str()?;
        Some(crate::table::cell(&Json::from(told)))
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// It is none: somebody else answers there.
    pub(crate) fn json(&self) -> Result<Json, Failure> {
        self.read()
    }

    /// What the body says, as JSON of this shape.
    ///
    /// # Errors
    /// It is not of this shape: somebody else answers there.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_str(&self.text).map_err(|cause| {
            Failure::new(
                "the answer cannot be read",
                cause,
                "another server, or another version of this one, may have that address: `stillroom doctor` tells",
            )
        })
    }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The command that lists the ids which stand in paths like this one.
fn lister(path: &str) -> &'static str {
    if path.starts_with("/api/v1/knowledge") { "stillroom knowledge" } else { "stillroom sessions" }
}

/// A gateway that is open to other machines asks this one for its token too. One that is not needs none, and whoever may have its
/// address should not hear one.
fn shown(settings: &Settings) -> Option<HeaderValue> {
    let open = !settings.listen.ip().to_canonical().is_loopback();
    let token = settings.access_token.as_ref().filter(|_| open)?;
    let mut token = HeaderValue::from_str(token.reveal()).ok()?;
    // Or it would appear wherever a library writes down its headers.
    token.set_sensitive(true);
    Some(token)
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
    use domain::secret::Secret;

    #[test]
    fn who_listens_everywhere_is_reached_at_home() {
        let reachable = |listen: &str| super::reachable(listen.parse().unwrap()).to_string();
        assert_eq!(reachable("0.0.0.0:4141"), "127.0.0.1:4141");
        assert_eq!(reachable("[::]:4141"), "[::1]:4141");
        assert_eq!(reachable("192.168.0.2:1"), "192.168.0.2:1");
    }

    fn shown_by(listen: &str, token: Option<&str>) -> Option<HeaderValue> {
        let settings = Settings::with_data_dir("data".into());
        shown(&Settings { listen: listen.parse().unwrap(), access_token: token.map(Secret::new), ..settings })
    }

    #[test]
    fn only_a_gateway_that_is_open_to_others_is_shown_the_token_and_no_log_is() {
        for open in ["0.0.0.0:1", "[::]:1", "192.168.0.2:1"] {
            let token = shown_by(open, Some("let-me-in")).unwrap();
            assert_eq!((token.as_bytes(), format!("{token:?}").as_str()), (&b"let-me-in"[..], "Sensitive"));
            assert_eq!(shown_by(open, None), None);
        }
        for local in ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert_eq!(shown_by(local, Some("let-me-in")), None, "{local}");
        }
    }

    #[test]
    fn who_asked_for_an_id_that_is_not_there_is_told_what_lists_the_ids() {
        let gateway = Gateway::of(&Settings::with_data_dir("data".into()));
        let answer =
            Answer { status: 404, text: r#"{"error":{"message":"there is no entry k9"}}"#.to_owned() };
        let told = |path: &str| gateway.refused(path, &answer).to_string();
        insta::assert_snapshot!(told("/api/v1/knowledge/k9/promoted"), @r"
        error: 127.0.0.1:4141 answered 404 to /api/v1/knowledge/k9/promoted
          why: there is no entry k9
          do: check what was asked; `--help` says what can be, and `stillroom knowledge` lists the ids
        ");
        assert!(told("/api/v1/sessions/x/warming").contains("`stillroom sessions` lists the ids"));
    }

    #[test]
    fn a_program_that_is_no_gateway_is_called_that() {
        let gateway = Gateway::of(&Settings::with_data_dir("data".into()));
        let answer = Answer { status: 404, text: "<html>not found</html>".to_owned() };
        insta::assert_snapshot!(gateway.refused("/api/v1/credentials", &answer), @r"
        error: what answers at 127.0.0.1:4141 is no gateway
          why: to /api/v1/credentials it said 404, and not as Stillroom does
          do: name the gateway's address with --listen, or stop that program and start `stillroom`
        ");
    }

    #[test]
    fn an_answer_that_ends_before_its_announced_length_is_none() {
        use std::io::{Read as _, Write as _};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let _head = socket.read(&mut [0; 4096]).unwrap();
            socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n# Pro").unwrap();
        });
        let gateway = Gateway::at(listen, &Settings::with_data_dir("data".into()));
        let outcome = actix_rt::System::new().block_on(gateway.get("/api/v1/export/knowledge"));
        let failure = outcome.map(|answer| answer.text).unwrap_err();
        assert!(failure.to_string().contains("it ended before its answer did"), "{failure}");
    }

    #[test]
    fn words_cannot_leave_their_place_in_an_address() {
        assert_eq!(encoded("a b&limit=1/../ä"), "a%20b%26limit%3D1%2F..%2F%C3%A4");
    }
}
