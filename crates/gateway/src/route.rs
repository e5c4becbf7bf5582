//! Which provider a request is for, and what the provider is asked. The client names a provider at most, never a host.

#[cfg(test)]
mod tests;

use actix_web::http::header::{AUTHORIZATION, HeaderName};
use domain::credential::is_anthropics;
use domain::provider::{Dialect, Provider};
use std::borrow::Cow;
use upstream::transport::{HeaderMap, Method, Uri};

const VERSION: &str = "/v1/";
/// The same behind itself.
const AGAIN: &str = "v1/";
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What only OpenAI's interface has, of what is asked with a key alone. There the path decides: others who speak as it does may take keys of
/// Anthropic's, or one in `x-api-key`.
const OPENAIS_OWN: [&str; 8] =
    ["audio", "chat", "completions", "embeddings", "images", "moderations", "realtime", "responses"];

/// Where a client's request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// Who is asked.
    pub(crate) provider: Provider,
    /// Path and query below the provider's base URL, byte for byte as they came but for what named the provider.
    pub(crate) target: String,
    /// The shape of the turn, when the request is one.
    pub(crate) dialect: Option<Dialect>,
}

impl Route {
    /// The route of a request; none for what no provider is known to answer.
    pub(crate) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Self> {
        let (named, path) = named(uri.path());
        let path = single_version(path);
        let provider = named.or_else(|| unnamed(method, &path, headers))?;
        let dialect = Dialect::of_path(&path)
            .filter(|dialect| dialect.provider() == provider && method == Method::POST);
        let target = match uri.query() {
            Some(query) => [&*path, "?", query].concat(),
            None => path.into_owned(),
        };
        Some(Self { provider, target, dialect })
    }

    /// Whether providers accept it from the owner of a good token only. They greet anybody.
    pub(crate) fn needs_token(&self) -> bool {
        self.target.split('?').next().is_some_and(|path| path.contains(VERSION))
    }
}

/// The path with its version said once: base URLs are given with and without it. Behind the version a path is the provider's own.
fn single_version(path: &str) -> Cow<'_, str> {
    let doubled = path.split_once(VERSION).and_then(|(base, own)| Some((base, own.strip_prefix(AGAIN)?)));
    doubled.map_or(Cow::Borrowed(path), |(base, own)| Cow::Owned([base, VERSION, own].concat()))
}

/// The provider that the first segment names, and the path behind it.
fn named(path: &str) -> (Option<Provider>, &str) {
    let behind = |provider: Provider| {
        let rest = path.strip_prefix('/')?.strip_prefix(provider.as_str())?;
        (rest.is_empty() || rest.starts_with('/'))
            .then_some((Some(provider), if rest.is_empty() { "/" } else { rest }))
    };
    Provider::ALL.into_iter().find_map(behind).unwrap_or((None, path))
}

fn unnamed(method: &Method, path: &str, headers: &HeaderMap) -> Option<Provider> {
    if is_greeting(method, path) {
        return Some(Provider::Anthropic);
    }
    let (_, endpoint) = (!is_admin(path)).then(|| path.split_once(VERSION))??;
    let resource = endpoint.split('/').next().unwrap_or_default();
    let anthropic = headers.contains_key(&ANTHROPIC_VERSION)
        || resource == "messages"
        || (!OPENAIS_OWN.contains(&resource)
            && (holds_a_key_of_anthropics(headers) || holds_a_key_alone(headers)));
    Some(if anthropic { Provider::Anthropic } else { Provider::OpenAi })
}

/// Whether a credential can be nobody's but Anthropic's, wherever it stands in its header.
fn holds_a_key_of_anthropics(headers: &HeaderMap) -> bool {
    let lines = [&AUTHORIZATION, &API_KEY].into_iter().flat_map(|name| headers.get_all(name));
    let mut words = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split([' ', '\t', ',']));
    words.any(is_anthropics)
}

/// Whether a key stands where OpenAI never looks, and nothing where it does.
fn holds_a_key_alone(headers: &HeaderMap) -> bool {
    headers.contains_key(&API_KEY) && !headers.contains_key(AUTHORIZATION)
}

/// Claude Code asks whether anybody is there before it says anything.
fn is_greeting(method: &Method, path: &str) -> bool {
    match path {
        "/" => method == Method::HEAD,
        "/api/hello" => method == Method::HEAD || method == Method::GET,
        _ => false,
    }
}

/// Whether a path belongs to the admin plane. To be asked of the path as the router reads it, percent signs decoded.
pub(crate) fn is_admin(path: &str) -> bool {
    let below = |root: &str| is_below(root, path);
    ["/healthz", "/readyz", "/metrics", "/api/v1", "/mcp"].into_iter().any(below) || is_dashboard(path)
}

/// Whether a path belongs to the dashboard.
pub(crate) fn is_dashboard(path: &str) -> bool {
    is_below("/ui", path)
}

fn is_below(root: &str, path: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
