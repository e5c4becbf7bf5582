//! Which provider a path is for, and what the provider is asked. The client names a provider at most, never a host.

use actix_web::http::header::HeaderName;
use domain::provider::{Dialect, Provider};
use std::borrow::Cow;
use upstream::transport::{HeaderMap, Method, Uri};

const VERSION: &str = "/v1/";
const DOUBLED: &str = "/v1/v1/";
static ANTHROPIC_VERSION: HeaderName = HeaderName::from_static("anthropic-version");
static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

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

/// The path with its first doubled version said once: base URLs are given with and without it.
fn single_version(path: &str) -> Cow<'_, str> {
    match path.split_once(DOUBLED) {
        Some((before, behind)) => Cow::Owned([before, VERSION, behind].concat()),
        None => Cow::Borrowed(path),
    }
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
    let anthropic = headers.contains_key(&ANTHROPIC_VERSION)
        || endpoint.split('/').next() == Some("messages")
        || (endpoint.split('/').next() == Some("models") && headers.contains_key(&API_KEY));
    Some(if anthropic { Provider::Anthropic } else { Provider::OpenAi })
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

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn route(method: Method, target: &str, headers: &[&'static str]) -> Option<Route> {
        let value = HeaderValue::from_static("x");
        let headers = headers.iter().map(|name| (HeaderName::from_static(name), value.clone())).collect();
        Route::of(&method, &target.parse().unwrap(), &headers)
    }

    fn posted(target: &str) -> (Provider, String) {
        let route = route(Method::POST, target, &[]).unwrap_or_else(|| panic!("{target} goes somewhere"));
        (route.provider, route.target)
    }

    #[test]
    fn the_path_decides_when_nothing_else_does() {
        use Provider::{Anthropic, OpenAi};
        for (target, provider) in [
            ("/v1/messages", Anthropic),
            ("/v1/messages/count_tokens?beta=true", Anthropic),
            ("/v1/messages/batches", Anthropic),
            ("/v1/chat/completions", OpenAi),
            ("/v1/responses", OpenAi),
            ("/v1/responses/resp_1/cancel", OpenAi),
            ("/v1/models", OpenAi),
            ("/v1/embeddings", OpenAi),
        ] {
            assert_eq!(posted(target), (provider, target.to_owned()));
        }
    }

    #[test]
    fn a_first_segment_that_names_a_provider_is_taken_off_and_beats_everything() {
        assert_eq!(posted("/anthropic/v1/responses"), (Provider::Anthropic, "/v1/responses".into()));
        assert_eq!(posted("/openai/v1/models?a=b"), (Provider::OpenAi, "/v1/models?a=b".into()));
        assert_eq!(posted("/anthropic"), (Provider::Anthropic, "/".into()));
        assert_eq!(posted("/openai/anything/else"), (Provider::OpenAi, "/anything/else".into()));
        assert_eq!(route(Method::POST, "/anthropical/messages", &[]), None);
    }

    #[test]
    fn the_version_header_beats_the_path_and_a_key_tells_whose_models() {
        let models = |headers| route(Method::GET, "/v1/models", headers).unwrap().provider;
        assert_eq!(models(&["anthropic-version"]), Provider::Anthropic);
        assert_eq!(models(&["x-api-key"]), Provider::Anthropic);
        assert_eq!(models(&["authorization"]), Provider::OpenAi);
    }

    #[test]
    fn a_prefix_before_the_version_is_kept_and_a_doubled_version_is_one() {
        assert_eq!(posted("/proj/abc/v1/messages").1, "/proj/abc/v1/messages");
        assert_eq!(posted("/v1/v1/messages?beta=true").1, "/v1/messages?beta=true");
        assert_eq!(posted("/proj/v1/v1/responses").1, "/proj/v1/responses");
    }

    #[test]
    fn path_and_query_stay_byte_for_byte() {
        let odd = "/v1/files/a%2Fb//../c?x=%20&x=&&y";
        assert_eq!(posted(odd).1, odd);
    }

    #[test]
    fn only_a_posted_turn_in_its_own_providers_shape_is_one() {
        let dialect =
            |method, target, headers: &[&'static str]| route(method, target, headers).unwrap().dialect;
        assert_eq!(dialect(Method::POST, "/v1/messages?beta=true", &[]), Some(Dialect::AnthropicMessages));
        assert_eq!(dialect(Method::POST, "/proj/v1/responses", &[]), Some(Dialect::OpenAiResponses));
        assert_eq!(dialect(Method::GET, "/v1/responses", &[]), None);
        assert_eq!(dialect(Method::POST, "/v1/messages/count_tokens", &[]), None);
        assert_eq!(dialect(Method::POST, "/v1/chat/completions", &["anthropic-version"]), None);
    }

    #[test]
    fn a_greeting_goes_to_anthropic_and_what_nobody_knows_goes_nowhere() {
        assert_eq!(route(Method::HEAD, "/", &[]).unwrap().provider, Provider::Anthropic);
        assert_eq!(route(Method::HEAD, "/api/hello", &[]).unwrap().target, "/api/hello");
        for target in ["/", "/favicon.ico", "/backend-api/codex/responses", "/v1", "/v10/messages"] {
            assert_eq!(route(Method::GET, target, &[]), None, "{target}");
        }
    }

    #[test]
    fn a_greeting_needs_no_token_and_the_interface_does() {
        let needs = |method, target| route(method, target, &[]).unwrap().needs_token();
        assert!(!needs(Method::HEAD, "/") && !needs(Method::GET, "/api/hello?next=/v1/models"));
        assert!(!needs(Method::GET, "/anthropic/favicon.ico"));
        for target in [
            "/v1/messages",
            "/v1/messages/count_tokens?beta=true",
            "/openai/v1/models",
            "/proj/v1/embeddings",
        ] {
            assert!(needs(Method::POST, target), "{target}");
        }
    }

    #[test]
    fn the_admin_plane_is_never_relayed() {
        for path in ["/api/v1/sessions", "/api/v1", "/healthz", "/readyz", "/metrics", "/ui", "/ui/app.js"] {
            assert!(is_admin(path), "{path}");
            assert_eq!(route(Method::POST, path, &["anthropic-version"]), None, "{path}");
        }
        assert!(!is_admin("/api/v10") && !is_admin("/healthzz") && !is_admin("/v1/metrics"));
    }
}
