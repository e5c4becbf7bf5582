//! Who gets in: every sender against every route, through the whole app, judged by a rule of a few lines over what the
//! tables say. What is refused must be so before routing: neither a handler nor a provider may hear of it.

use crate::house::{House, Open};
use crate::senders::{FAR, HOSTS, NEAR, ORIGINS, PEERS, SITES, Said, TOKEN, TOKENS, TRACES_OF_PROXIES};
use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::test::{TestRequest, call_service, init_service};
use gateway::configure;
use std::sync::Arc;

/// What becomes of a request; what lets more through stands further down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    /// The guard turned it away.
    Refused,
    /// It was let in, and there is no such path, as far as the sender may know.
    Unknown,
    /// The admin plane answered it.
    Administered,
    /// A provider was asked.
    Relayed,
}

/// Whose a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Plane {
    Admin,
    /// Of the admin plane, and what changes something must be a form of one of its own pages.
    Dashboard,
    Provider,
    Nobody,
}
use Plane::{Admin, Dashboard, Nobody, Provider};

const PATHS: [(&str, Plane); 60] = [
    ("/healthz", Admin),
    ("/readyz", Admin),
    ("/metrics", Admin),
    ("/metrics?name=x", Admin),
    ("/%68ealthz", Admin),
    ("/api/v1/credentials", Admin),
    ("/%61pi/v1/credentials", Admin),
    ("/api/%761/credentials", Admin),
    ("/api/v1/sessions", Admin),
    ("/api/v1/sessions/a", Admin),
    ("/api/v1/sessions/a/messages", Admin),
    ("/api/v1/sessions/a/observations", Admin),
    ("/api/v1/sessions/a/distill", Admin),
    ("/api/v1/sessions/a/curate", Admin),
    ("/api/v1/sessions/a/warm", Admin),
    ("/api/v1/knowledge", Admin),
    ("/api/v1/knowledge/a", Admin),
    ("/api/v1/recall?q=x", Admin),
    ("/api/v1/trace", Admin),
    ("/api/v1/trace/stream", Admin),
    ("/api/v1/nothing", Admin),
    ("/api/v1", Admin),
    ("/ui", Dashboard),
    ("/%75i", Dashboard),
    ("/ui/", Dashboard),
    ("/ui/warming", Dashboard),
    ("/ui/sessions/a", Dashboard),
    ("/ui/sessions/a/distill", Dashboard),
    ("/ui/sessions/a/curate", Dashboard),
    ("/ui/sessions/a/warm", Dashboard),
    ("/ui/sessions/a/warming", Dashboard),
    ("/ui/sessions/a/messages/1", Dashboard),
    ("/ui/knowledge?q=x", Dashboard),
    ("/ui/knowledge", Dashboard),
    ("/ui/knowledge/a", Dashboard),
    ("/ui/knowledge/a/delete", Dashboard),
    ("/ui/costs", Dashboard),
    ("/ui/trace", Dashboard),
    ("/ui/trace/1", Dashboard),
    ("/ui/nothing", Dashboard),
    ("/ui/assets/style.css", Dashboard),
    ("/v1/messages", Provider),
    ("/v1/messages?beta=true", Provider),
    ("/v1/messages/count_tokens", Provider),
    ("/v1/chat/completions", Provider),
    ("/v1/responses", Provider),
    ("/v1/models", Provider),
    ("/v1/v1/messages", Provider),
    ("/anthropic", Provider),
    ("/anthropic/api/v1/credentials", Provider),
    ("/openai/v1/responses", Provider),
    ("/project/v1/messages", Provider),
    ("/x/../api/v1/credentials", Provider),
    ("//api/v1/credentials", Provider),
    ("/mcp", Admin),
    ("/nowhere", Nobody),
    ("/favicon.ico", Nobody),
    ("/v2/messages", Nobody),
    ("/api%2Fv1%2Fcredentials", Nobody),
    ("/healthz/../nowhere", Nobody),
];
const METHODS: [&str; 10] =
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "BREW"];

/// A target's beginning, in which `{}` stands for the `Host`, and whether it may stand there.
const TARGETS: [(&str, bool); 7] = [
    ("", true),
    ("http://{}", true),
    ("https://{}", true),
    ("http://user@{}", false),
    ("http://evil.example", false),
    ("http://127.0.0.1:9", false),
    ("http://{}.evil.example", false),
];

/// A request and what is true of it.
#[derive(Clone, Copy)]
struct Sent {
    peer: (Option<&'static str>, bool),
    host: &'static Said,
    origin: &'static Said,
    site: &'static Said,
    token: &'static Said,
    proxy: Option<&'static str>,
    target: (&'static str, bool),
    method: &'static str,
    path: (&'static str, Plane),
}

impl Sent {
    /// A plain request from this machine.
    const PLAIN: Self = Self {
        peer: NEAR,
        host: &HOSTS[0],
        origin: &ORIGINS[0],
        site: &SITES[0],
        token: &TOKENS[1],
        proxy: None,
        target: TARGETS[0],
        method: "GET",
        path: PATHS[0],
    };

    /// The rule.
    fn deserves(&self, open: Open) -> Verdict {
        let called = match open {
            Open::ToItself => self.host.good,
            Open::ToHolders(_) => matches!(self.host.lines, [host] if host.is_ascii()) && self.token.good,
        };
        let from_a_page = !self.origin.good || (!self.origin.lines.is_empty() && !self.host.good);
        if !called || !self.target.1 || from_a_page || !self.site.good {
            return Verdict::Refused;
        }
        let administers = self.peer.1 && self.host.good && self.proxy.is_none();
        match self.path.1 {
            Admin if administers => Verdict::Administered,
            Dashboard if administers && !self.is_own_form() => Verdict::Refused,
            Dashboard if administers => Verdict::Administered,
            Provider => Verdict::Relayed,
            Admin | Dashboard | Nobody => Verdict::Unknown,
        }
    }

    /// Whether it only looks, or its browser says that it comes from a page of the dashboard.
    fn is_own_form(&self) -> bool {
        let looks = matches!(self.method, "GET" | "HEAD");
        let site = self.site.lines;
        looks || site == ["same-origin"] || (site.is_empty() && !self.origin.lines.is_empty())
    }

    fn request(&self) -> TestRequest {
        let host = self.host.lines.first().copied().unwrap_or_default();
        let target = self.target.0.replace("{}", host) + self.path.0;
        let mut request = TestRequest::with_uri(&target).method(self.method.parse().unwrap());
        if let Some(peer) = self.peer.0 {
            request = request.peer_addr(peer.parse().unwrap());
        }
        let proxy: &[&str] = if self.proxy.is_some() { &["127.0.0.1"] } else { &[] };
        for (name, lines) in [
            ("host", self.host.lines),
            ("origin", self.origin.lines),
            ("sec-fetch-site", self.site.lines),
            ("x-stillroom-access", self.token.lines),
            (self.proxy.unwrap_or_default(), proxy),
        ] {
            for line in lines {
                let line = HeaderValue::from_bytes(line.replace("{}", host).as_bytes()).unwrap();
                request = request.append_header((name, line));
            }
        }
        request
    }
}

/// How many requests were sent, and those that got more, or less, than they deserved.
#[derive(Default)]
struct Tally {
    sent: usize,
    wrongly_admitted: Vec<String>,
    wrongly_refused: Vec<String>,
}

impl Tally {
    fn count(&mut self, sent: &Sent, deserved: Verdict, got: Verdict) {
        self.sent += 1;
        let wrong = match got.cmp(&deserved) {
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Greater => &mut self.wrongly_admitted,
            std::cmp::Ordering::Less => &mut self.wrongly_refused,
        };
        wrong.push(format!(
            "{:?} {} {}{} host {:?} origin {:?} site {:?} token {:?} {:?}: {deserved:?} deserved, {got:?} got",
            sent.peer.0,
            sent.method,
            sent.target.0,
            sent.path.0,
            sent.host.lines,
            sent.origin.lines,
            sent.site.lines,
            sent.token.lines,
            sent.proxy
        ));
    }

    /// Prints the figures and holds them to 0.
    fn settle(self, who: &str) {
        let (admitted, refused) = (self.wrongly_admitted, self.wrongly_refused);
        println!(
            "{who}: {} requests, wrongly admitted = {}, wrongly refused = {}",
            self.sent,
            admitted.len(),
            refused.len()
        );
        let first = |wrong: Vec<String>| wrong.into_iter().take(20).collect::<Vec<_>>();
        assert_eq!((first(admitted), first(refused)), (Vec::new(), Vec::new()));
    }
}

/// Sends all of them to a gateway that is open to these, and counts.
async fn judged(open: Open, everything: impl IntoIterator<Item = Sent>) -> Tally {
    let house = House::new(open);
    let app = configure(Arc::clone(&house.edge), Arc::clone(&house.admin));
    let app = init_service(App::new().configure(app)).await;
    let mut tally = Tally::default();
    for sent in everything {
        let got = verdict(&app, &house, sent.request()).await;
        tally.count(&sent, sent.deserves(open), got);
    }
    tally
}

async fn verdict<B: MessageBody>(
    app: &impl Service<actix_http::Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    house: &House,
    request: TestRequest,
) -> Verdict {
    let answer = call_service(app, request.to_request()).await;
    let code = answer.headers().get("x-stillroom-error").map(|code| code.to_str().unwrap().to_owned());
    match (answer.status(), code.as_deref(), &house.take_asked()[..]) {
        (
            StatusCode::FORBIDDEN,
            Some("host_denied" | "origin_denied" | "access_denied" | "form_denied"),
            [],
        ) => Verdict::Refused,
        (StatusCode::UNAUTHORIZED, Some("login_wanted"), []) => Verdict::Refused,
        (StatusCode::NOT_FOUND, Some("unknown_path"), []) => Verdict::Unknown,
        (_, None, []) => Verdict::Administered,
        (StatusCode::OK, None, [_]) => Verdict::Relayed,
        odd => panic!("nobody expects {odd:?}"),
    }
}

/// One path of each plane.
fn a_path_of_each() -> impl Iterator<Item = (&'static str, Plane)> + Clone {
    ["/api/v1/credentials", "/ui/assets/style.css", "/v1/messages", "/nowhere"]
        .into_iter()
        .map(|path| *PATHS.iter().find(|known| known.0 == path).unwrap())
}

const A_FEW_ORIGINS: [&str; 4] = ["", "http://{}", "null", "https://evil.example"];
const A_FEW_SITES: [&str; 4] = ["", "same-origin", "none", "cross-site"];

/// Those of `table` that are written so; the empty text is the absent header.
fn few(table: &'static [Said], written: &[&str]) -> Vec<&'static Said> {
    let find = |text: &&str| table.iter().find(|said| said.lines.concat() == **text).unwrap();
    written.iter().map(find).collect()
}

/// Everything of `table`, for each of those that came before.
fn each<T: Copy + 'static>(
    before: impl Iterator<Item = Sent>,
    table: impl IntoIterator<Item = T> + Clone,
    put: impl Fn(&mut Sent, T) + Copy,
) -> impl Iterator<Item = Sent> {
    before.flat_map(move |sent| {
        table.clone().into_iter().map(move |said| {
            let mut sent = sent;
            put(&mut sent, said);
            sent
        })
    })
}

#[actix_web::test]
async fn of_all_peers_hosts_origins_and_sites_only_the_local_ones_get_in() {
    let all = std::iter::once(Sent::PLAIN);
    let all = each(all, PEERS, |sent, peer| sent.peer = peer);
    let all = each(all, HOSTS, |sent, host| sent.host = host);
    let all = each(all, ORIGINS, |sent, origin| sent.origin = origin);
    let all = each(all, SITES, |sent, site| sent.site = site);
    let all = each(all, a_path_of_each(), |sent, path| sent.path = path);
    judged(Open::ToItself, all).await.settle("every sender");
}

#[actix_web::test]
async fn no_method_path_or_target_gets_a_stranger_in() {
    let all = std::iter::once(Sent::PLAIN);
    let all = each(all, PATHS, |sent, path| sent.path = path);
    let all = each(all, METHODS, |sent, method| sent.method = method);
    let all = each(all, TARGETS, |sent, target| sent.target = target);
    let all = each(all, [NEAR, FAR], |sent, peer| sent.peer = peer);
    let hosts = few(HOSTS, &["127.0.0.1:4141", "localhost:4141", "evil.example", "evil.example:4141"]);
    let all = each(all, hosts, |sent, host| sent.host = host);
    let all = each(all, few(ORIGINS, &A_FEW_ORIGINS), |sent, origin| sent.origin = origin);
    let all = each(all, few(SITES, &A_FEW_SITES), |sent, site| sent.site = site);
    judged(Open::ToItself, all).await.settle("every route");
}

#[actix_web::test]
async fn whoever_comes_through_a_proxy_administers_nothing() {
    let all = std::iter::once(Sent::PLAIN);
    let all = each(all, PATHS, |sent, path| sent.path = path);
    let all = each(all, TRACES_OF_PROXIES, |sent, proxy| sent.proxy = Some(proxy));
    let all = each(all, PEERS, |sent, peer| sent.peer = peer);
    judged(Open::ToItself, all).await.settle("every proxy");
}

#[actix_web::test]
async fn a_gateway_open_to_others_asks_everybody_for_the_token() {
    let all = std::iter::once(Sent::PLAIN);
    let all = each(all, TOKENS, |sent, token| sent.token = token);
    let all = each(all, PEERS, |sent, peer| sent.peer = peer);
    let all = each(all, HOSTS, |sent, host| sent.host = host);
    let all = each(all, few(ORIGINS, &A_FEW_ORIGINS), |sent, origin| sent.origin = origin);
    let all = each(all, few(SITES, &A_FEW_SITES), |sent, site| sent.site = site);
    let all = each(all, a_path_of_each(), |sent, path| sent.path = path);
    judged(Open::ToHolders(TOKEN), all).await.settle("every token");
}
