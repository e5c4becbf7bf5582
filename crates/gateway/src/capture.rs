//! What is taken from a relayed request on the side: told to the actors, never awaited, never the client's concern.

use crate::edge::Edge;
use crate::examination::{Ending, Examination, Tape, Telling};
use crate::route::Route;
use crate::session::{Identified, Kind, Signs, identify, is_named};
use actix_web::http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderValue, USER_AGENT};
use actix_web::web;
use bytes::Bytes;
use domain::conversation::{Asked, Usage};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::{Fingerprint, Fingerprinter};
use domain::ids::{ProjectId, SessionId};
use domain::intake::{self, Intake};
use domain::provider::{Dialect, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::Moment;
use machines::credential::{CredentialMessage, SlotKey};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use upstream::events::Splitter;
use upstream::transport::{Fault, HeaderMap, StatusCode};
use upstream::unreadable::Unreadable;
use upstream::{dialect, encoding};
use workers::{Called, Fact, Meter as _, Outbox, Turn};

/// The largest request that is read, decoded, in bytes; a larger one is relayed unread.
const LARGEST_READ: usize = 64 * 1024 * 1024;
/// Reading more than this, decoded, in bytes, would hold up the other requests of the thread.
const QUICKLY_READ: usize = 1024 * 1024;
/// Requests that are read beside the thread that relays, at most four at a time: each may unpack to [`LARGEST_READ`], from a few bytes.
static UNPACKING: Semaphore = Semaphore::const_new(4);
/// How long a request waits for that, since its answer may wait for it in turn; then it stays unread.
const ROOM_WITHIN: Duration = Duration::from_secs(1);
/// The longest name of a client that is kept, in characters.
const LONGEST_CLIENT: usize = 80;

/// A client's request, as it went out.
pub(crate) struct Sent {
    /// Where it goes.
    pub(crate) route: Route,
    /// What the client calls itself.
    agent: Option<HeaderValue>,
    /// How the body is encoded, if at all.
    pub(crate) encoding: Option<String>,
    /// What the headers say of the session.
    pub(crate) signs: Signs,
    /// The credential in them, until it is told.
    intake: Intake,
    /// The body, as the client sent it.
    pub(crate) body: Bytes,
    /// What was added to it.
    pub(crate) injection: Option<Arc<str>>,
    /// When it left.
    pub(crate) start: Moment,
}

impl Sent {
    /// A request with these headers of the client's.
    pub(crate) fn new(
        hasher: &Fingerprinter,
        route: Route,
        headers: &HeaderMap,
        body: Bytes,
        start: Moment,
    ) -> Self {
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        Self {
            route,
            agent: headers.get(USER_AGENT).cloned(),
            encoding: content_encoding(headers),
            signs: Signs::of(headers),
            intake: intake::read(pairs, hasher),
            body,
            injection: None,
            start,
        }
    }
}

/// A request on its way, as the background sees it.
pub(crate) struct Capture {
    pub(crate) edge: Arc<Edge>,
    /// Boxed, for a capture is handed on from one to the next until the answer is over.
    pub(crate) sent: Box<Sent>,
    pub(crate) who: Identified,
    beginning: Option<u64>,
    token: Option<Fingerprint>,
    /// The model asked; empty when that could not be read.
    model: String,
    /// Ends with the capture.
    _in_progress: Option<InProgress>,
}

/// What was read of a request.
pub(crate) struct Glance {
    pub(crate) asked: Option<Asked>,
    pub(crate) who: Identified,
}

impl Glance {
    /// At a request. To be taken once, since it may claim the request's place in a conversation.
    pub(crate) async fn at(edge: &Edge, sent: &Sent) -> Self {
        let asked = match sent.route.dialect {
            Some(dialect) => read(dialect, sent).await,
            None => None,
        };
        let who = identify(&edge.sessions, &edge.principal, &sent.signs, asked.as_ref(), edge.today());
        Self { asked, who }
    }
}

impl Capture {
    /// Tells what can be told of a request before its answer.
    pub(crate) fn of(edge: Arc<Edge>, mut sent: Box<Sent>, glance: Glance) -> Self {
        let Glance { asked, who } = glance;
        let beginning = asked.as_ref().and_then(Asked::beginning);
        let (model, stated) = asked.map(|asked| (asked.model, asked.directory)).unwrap_or_default();
        let project = stated.map(|stated| project(&edge, &stated).as_str().to_owned());
        let token = observe(&edge, &mut sent, who.session.as_ref(), project);
        let in_progress =
            who.session.as_ref().and_then(|session| announced(&edge.house.outbox, session, who.kind));
        Self { edge, sent, who, beginning, token, model, _in_progress: in_progress }
    }

    /// There is no answer.
    pub(crate) fn unanswered(self, fault: &Fault) {
        self.count(0);
        self.called(Class::UpstreamFault, 0, None);
        if !matches!(fault, Fault::Unsendable(_)) {
            self.tell(Class::UpstreamFault, 0);
        }
    }

    /// The head of an answer is here; the rest will be heard.
    pub(crate) fn answered(self, status: StatusCode, headers: &HeaderMap) -> Listener {
        self.count(status.as_u16());
        let proves = status.is_success() && self.sent.route.needs_token();
        // A stream may accept a request and refuse it with its first event.
        let awaits_proof = proves && self.sent.route.dialect.is_some() && is_stream(headers);
        if proves && !awaits_proof {
            self.tell(Class::Ok, status.as_u16());
        }
        let tape = Tape::for_answer(status, self.sent.route.dialect.is_some());
        let headers = Telling::of(headers);
        Listener {
            examination: Some(Examination {
                capture: self,
                status,
                headers,
                tape,
                awaits_proof,
                events: Splitter::default(),
            }),
        }
    }

    /// What the answer says about the token that was sent.
    pub(crate) fn tell(&self, class: Class, status: u16) {
        let Some(fingerprint) = self.token else { return };
        let (start, end) = (self.sent.start, self.edge.now());
        let evidence = Evidence { fingerprint, upstream: self.upstream().clone(), start, end, class, status };
        let model = self.sent.route.dialect.map(|_| self.model.clone());
        self.edge.house.outbox.tell(Fact::Credential(CredentialMessage::ClientAnswered { evidence, model }));
    }

    /// Tells those who hear of each call, when a model was called.
    pub(crate) fn called(&self, class: Class, status: u16, usage: Option<Usage>) {
        if self.sent.route.dialect.is_none() {
            return;
        }
        self.edge.metrics.called(&Called {
            purpose: Purpose::Client,
            upstream: self.upstream(),
            model: &self.model,
            session: self.who.session.as_ref().map(SessionId::as_str),
            ended: self.edge.today(),
            took: self.edge.now().since(self.sent.start),
            status,
            class,
            attempts: 1,
            usage,
        });
    }

    /// Hands over the turn that ended with `answer`.
    pub(crate) fn record(self, answer: Vec<Bytes>, answer_encoding: Option<String>) {
        let Self { edge, sent, who, beginning, .. } = self;
        let sent = *sent;
        let turn = who.session.zip(sent.route.dialect).filter(|_| who.kind == Kind::Turn);
        let Some((session, dialect)) = turn else { return };
        edge.house.recorder.record(Turn {
            session,
            dialect,
            answer,
            beginning,
            answer_encoding,
            principal: edge.principal.clone(),
            identity: who.identity,
            client: client(sent.agent.as_ref()),
            speaker: who.speaker,
            upstream: edge.upstream(sent.route.provider).key().clone(),
            target: sent.route.target,
            request_encoding: sent.encoding,
            request: sent.body,
            injection: sent.injection,
            at: edge.today(),
            left: sent.start,
            took: edge.now().since(sent.start),
        });
    }

    fn count(&self, status: u16) {
        self.edge.metrics.upstream_request(Purpose::Client, self.sent.route.provider, status);
    }

    fn upstream(&self) -> &UpstreamKey {
        self.edge.upstream(self.sent.route.provider).key()
    }
}

/// What a folder is a part of, as far as that is known; it stands for itself until a turn of its is on record.
pub(crate) fn project(edge: &Edge, directory: &str) -> ProjectId {
    edge.house.projects.known(&edge.principal, directory).unwrap_or_else(|| directory.into())
}

/// Tells the request's credential to its owner, and gives its name.
fn observe(
    edge: &Edge,
    sent: &mut Sent,
    session: Option<&SessionId>,
    project: Option<String>,
) -> Option<Fingerprint> {
    let credential = match std::mem::replace(&mut sent.intake, Intake::Nothing) {
        Intake::Captured(credential) => Arc::new(credential),
        Intake::Nothing => return None,
        Intake::Left(oddity) => {
            edge.metrics.credential_left(oddity);
            tracing::debug!(reason = oddity.as_str(), "a credential was relayed but not captured");
            return None;
        }
    };
    let fingerprint = credential.fingerprint;
    if let Some(session) = session {
        let upstream = edge.upstream(sent.route.provider).key().clone();
        let slot = SlotKey { principal: edge.principal.clone(), upstream, session: session.clone() };
        let ends = credential.ends.map(|ends| edge.moment_of(ends));
        let observed = CredentialMessage::CredentialObserved { slot, credential, project, ends };
        edge.house.outbox.tell(Fact::Credential(observed));
    }
    Some(fingerprint)
}

/// What the request says, if it can be read at all.
async fn read(dialect: Dialect, sent: &Sent) -> Option<Asked> {
    let encoding = sent.encoding.as_deref();
    // How long a compressed body really is shows only when it is unpacked.
    match understood(dialect, &sent.signs, encoding, &sent.body, QUICKLY_READ) {
        Err(Unreadable::TooLarge { .. }) => {
            let _room = timeout(ROOM_WITHIN, UNPACKING.acquire()).await.ok()?.ok()?;
            let (signs, encoding, body) = (sent.signs.clone(), sent.encoding.clone(), sent.body.clone());
            let beside =
                web::block(move || understood(dialect, &signs, encoding.as_deref(), &body, LARGEST_READ));
            beside.await.ok()?.ok()
        }
        understood => understood.ok(),
    }
}

/// What a body says: no more than a glance shows, unless only the conversation itself can tell the session.
fn understood(
    dialect: Dialect,
    signs: &Signs,
    encoding: Option<&str>,
    body: &[u8],
    at_most: usize,
) -> Result<Asked, Unreadable> {
    let plain = encoding::decoded(encoding, body, at_most)?;
    let glance = dialect::glance(dialect, &plain, signs.exact().is_some())?;
    if is_named(signs, &glance) { Ok(glance) } else { dialect::asked(dialect, &plain) }
}

fn is_stream(headers: &HeaderMap) -> bool {
    const STREAM: &[u8] = b"text/event-stream";
    let kind = headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes()).trim_ascii_start();
    kind.get(..STREAM.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(STREAM))
}

/// How a body is encoded, if at all.
fn content_encoding(headers: &HeaderMap) -> Option<String> {
    headers.get(CONTENT_ENCODING)?.to_str().ok().map(str::to_owned)
}

/// What a client calls itself: its product and version.
fn client(agent: Option<&HeaderValue>) -> String {
    let agent = agent.and_then(|agent| agent.to_str().ok());
    let product = agent.and_then(|agent| agent.split_whitespace().next()).unwrap_or("unknown");
    // A value that is text is ASCII.
    product.get(..LONGEST_CLIENT).unwrap_or(product).to_owned()
}

/// Hears an answer pass. What has to be done once it is over is done in any case, also when the client leaves.
pub(crate) struct Listener {
    examination: Option<Examination>,
}

impl Listener {
    /// One that nobody asked to listen.
    #[cfg(test)]
    pub(crate) fn idle() -> Self {
        Self { examination: None }
    }

    /// A piece of the answer passed.
    pub(crate) fn heard(&mut self, chunk: &Bytes) {
        if let Some(examination) = &mut self.examination {
            examination.hear(chunk);
        }
    }

    /// The answer is over. Only the first time counts.
    pub(crate) fn ended(&mut self, ending: Ending) {
        if let Some(examination) = self.examination.take() {
            examination.hold(ending);
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.ended(Ending::Broken);
    }
}

/// Tells the scheduler of a request. A session of which nothing but side requests ever comes has to be forgotten in time,
/// too, and its credential with it.
fn announced(outbox: &Outbox, session: &SessionId, kind: Kind) -> Option<InProgress> {
    if kind == Kind::Turn {
        return Some(InProgress::begin(outbox, session));
    }
    outbox.tell(Fact::Seen(session.clone()));
    None
}

/// A turn under way: the scheduler hears of its beginning and, however it goes, of its end.
struct InProgress {
    outbox: Outbox,
    session: SessionId,
}

impl InProgress {
    fn begin(outbox: &Outbox, session: &SessionId) -> Self {
        outbox.tell(Fact::TurnStarted(session.clone()));
        Self { outbox: outbox.clone(), session: session.clone() }
    }
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.outbox.tell(Fact::TurnEnded(self.session.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::provider::Provider;
    use futures_util::FutureExt as _;

    /// How many bytes a block of one and the same byte stands for.
    const BLOCK: usize = 128 * 1024;

    /// A turn whose only message is so many blocks long, in a few bytes of zstd.
    fn packed(blocks: usize) -> Sent {
        let header = |size: usize, kind: usize| (size << 3 | kind << 1).to_le_bytes()[..3].to_vec();
        let raw = |text: &[u8]| [header(text.len(), 0), text.to_vec()].concat();
        let words = [header(BLOCK, 1), b"q".to_vec()].concat().repeat(blocks);
        let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38];
        let before = raw(br#"{"model":"m","messages":[{"role":"user","content":""#);
        let body = [&frame[..], &before, &words, &raw(br#""}]}"#), &[1, 0, 0]].concat();
        let route = Route {
            provider: Provider::Anthropic,
            target: "/v1/messages".into(),
            dialect: Some(Dialect::AnthropicMessages),
        };
        let headers = [(CONTENT_ENCODING, HeaderValue::from_static("zstd"))].into_iter().collect();
        let hasher = Fingerprinter::new([7; 32]);
        Sent::new(&hasher, route, &headers, body.into(), Moment::from_secs(0))
    }

    #[tokio::test]
    async fn a_small_body_that_unpacks_to_a_large_one_is_read_beside_the_thread_that_relays() {
        let read = async |sent: Sent| read(Dialect::AnthropicMessages, &sent).await;
        assert!(read(packed(1)).now_or_never().expect("at once").is_some());
        assert!(read(packed(9)).now_or_never().is_none());
        assert!(read(packed(9)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn of_large_bodies_a_few_are_unpacked_at_a_time_and_what_waits_too_long_stays_unread() {
        let read = async |sent: Sent| read(Dialect::AnthropicMessages, &sent).await;
        let room = UNPACKING.acquire_many(4).await.unwrap();
        assert!(read(packed(9)).await.is_none());
        drop(room);
        assert!(read(packed(9)).await.is_some());
    }

    #[tokio::test]
    async fn a_bomb_is_relayed_unread() {
        let read = async |sent: Sent| read(Dialect::AnthropicMessages, &sent).await;
        let blocks = LARGEST_READ / BLOCK;
        assert!(read(packed(blocks)).await.is_none());
        assert!(read(packed(blocks - 1)).await.is_some());
        assert_eq!(LARGEST_READ, 64 << 20, "bytes that one request may cost");
    }
}
