//! Where requests go, and as what.

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

/// What may stand in `authorization` or `x-api-key`, and whether it is a key that only Anthropic gives out.
const CREDENTIALS: [(Option<&str>, bool); 9] = [
    (None, false),
    (Some("Bearer sk-ant-api03-k"), true),
    (Some("bearer \t sk-ant-oat01-t"), true),
    (Some("sk-ant-admin01-k"), true),
    (Some("Bearer sk-proj-k,Bearer sk-ant-api03-k"), true),
    (Some("Bearer sk-proj-k"), false),
    (Some("sk-of-somebody"), false),
    (Some("Bearer not-sk-ant-api03-k"), false),
    (Some(""), false),
];

/// Paths that name no provider, and whether they are OpenAI's own or Anthropic's own.
const PATHS: [(&str, Option<Provider>); 20] = [
    ("/v1/messages", Some(Provider::Anthropic)),
    ("/v1/messages/batches", Some(Provider::Anthropic)),
    ("/proj/v1/v1/messages", Some(Provider::Anthropic)),
    ("/v1/chat/completions", Some(Provider::OpenAi)),
    ("/v1/responses/resp_1/cancel", Some(Provider::OpenAi)),
    ("/proj/v1/v1/responses", Some(Provider::OpenAi)),
    ("/v1/embeddings", Some(Provider::OpenAi)),
    ("/v1/completions", Some(Provider::OpenAi)),
    ("/v1/images/generations", Some(Provider::OpenAi)),
    ("/v1/audio/speech", Some(Provider::OpenAi)),
    ("/v1/moderations", Some(Provider::OpenAi)),
    ("/v1/realtime", Some(Provider::OpenAi)),
    ("/v1/models", None),
    ("/v1/models/claude", None),
    ("/v1/files", None),
    ("/v1/batches", None),
    ("/v1/organizations/me", None),
    ("/v1//messages", None),
    ("/v1/%6dessages", None),
    ("/v1/", None),
];

/// Whose a request is, said once more in the fewest words.
fn owner(path: Option<Provider>, bearer: usize, key: usize, version: bool) -> Provider {
    let surely = CREDENTIALS[bearer].1 || CREDENTIALS[key].1 || version;
    let alone = CREDENTIALS[key].0.is_some() && CREDENTIALS[bearer].0.is_none();
    match path {
        Some(provider) if !version => provider,
        None if !surely && !alone => Provider::OpenAi,
        _ => Provider::Anthropic,
    }
}

#[test]
fn of_all_credentials_on_all_paths_a_key_of_anthropics_goes_to_nobody_else_unless_the_path_says_so() {
    let (mut requests, places) = (0, 0..CREDENTIALS.len());
    for (path, its) in PATHS {
        for (bearer, key) in places.clone().flat_map(|one| places.clone().map(move |two| (one, two))) {
            for (version, method) in [true, false].into_iter().zip([Method::GET, Method::POST]) {
                let said = [
                    ("authorization", CREDENTIALS[bearer].0),
                    ("x-api-key", CREDENTIALS[key].0),
                    ("anthropic-version", version.then_some("2023-06-01")),
                ];
                let headers: HeaderMap = said.into_iter().filter_map(header).collect();
                let to = |path: &str| {
                    let route = Route::of(&method, &path.parse().unwrap(), &headers);
                    route.map(|route| route.provider).unwrap()
                };
                assert_eq!(to(path), owner(its, bearer, key, version), "{path} {said:?}");
                for provider in Provider::ALL {
                    assert_eq!(to(&format!("/{provider}{path}")), provider, "{path} {said:?}");
                }
                requests += 1;
            }
        }
    }
    println!("{requests} requests");
}

fn header((name, value): (&'static str, Option<&str>)) -> Option<(HeaderName, HeaderValue)> {
    Some((HeaderName::from_static(name), HeaderValue::from_str(value?).unwrap()))
}

#[test]
fn a_prefix_before_the_version_is_kept_and_a_version_doubled_by_the_base_url_is_one() {
    assert_eq!(posted("/proj/abc/v1/messages").1, "/proj/abc/v1/messages");
    assert_eq!(posted("/v1/v1/messages?beta=true").1, "/v1/messages?beta=true");
    assert_eq!(posted("/proj/v1/v1/responses").1, "/proj/v1/responses");
    assert_eq!(posted("/openai/v1/v1/responses").1, "/v1/responses");
    assert_eq!(posted("/anthropic/proj/v1/v1/messages").1, "/proj/v1/messages");
    assert_eq!(posted("/v1/v1/v1/files").1, "/v1/v1/files", "said once more than a base URL doubles it");
    for own in ["/v1/files/a/v1/v1/b", "/openai/v1/files/v1/v1/b", "/v1/vector_stores/v1/v1/", "/v1/v10/v1/x"]
    {
        assert_eq!(posted(own).1, own.trim_start_matches("/openai"));
    }
}

#[test]
fn path_and_query_stay_byte_for_byte() {
    let odd = "/v1/files/a%2Fb//../c?x=%20&x=&&y";
    assert_eq!(posted(odd).1, odd);
}

#[test]
fn only_a_posted_turn_in_its_own_providers_shape_is_one() {
    let dialect = |method, target, headers: &[&'static str]| route(method, target, headers).unwrap().dialect;
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
    for target in
        ["/v1/messages", "/v1/messages/count_tokens?beta=true", "/openai/v1/models", "/proj/v1/embeddings"]
    {
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
