//! A browser on this machine gets into the dashboard of a gateway that is open to others: by the access token as a password, and
//! from nowhere else.

use crate::house::{House, Open};
use crate::senders::TOKEN;
use actix_web::App;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, call_service, init_service};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use gateway::configure;
use std::sync::Arc;

const HERE: (&str, &str) = ("127.0.0.1:5000", "localhost:4141");

/// What is answered to a request with this login; and whether a browser is told to ask its person.
async fn answered(
    path: &str,
    (peer, host): (&str, &str),
    login: Option<&str>,
    proxied: bool,
) -> (StatusCode, bool) {
    let house = House::new(Open::ToHolders(TOKEN));
    let app =
        init_service(App::new().configure(configure(Arc::clone(&house.edge), Arc::clone(&house.admin))))
            .await;
    let request = TestRequest::with_uri(path).peer_addr(peer.parse().unwrap()).insert_header(("host", host));
    let request =
        login.into_iter().fold(request, |request, login| request.insert_header(("authorization", login)));
    let request = if proxied { request.insert_header(("via", "1.1 proxy")) } else { request };
    let answer = call_service(&app, request.to_request()).await;
    assert!(house.take_asked().is_empty(), "no provider is asked");
    (answer.status(), answer.headers().contains_key("www-authenticate"))
}

fn basic(login: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(login))
}

#[actix_web::test]
async fn the_token_as_a_password_lets_a_browser_of_this_machine_in() {
    let login = basic(&format!("anybody:{TOKEN}"));
    for path in ["/ui", "/api/v1/credentials", "/healthz"] {
        assert_eq!(answered(path, HERE, Some(&login), false).await.0, StatusCode::OK, "{path}");
    }
    let lower = login.replacen("Basic", "basic", 1);
    assert_eq!(answered("/ui", HERE, Some(&lower), false).await.0, StatusCode::OK);
}

#[actix_web::test]
async fn whoever_does_not_know_it_is_asked_by_the_browser_and_only_here() {
    let (wrong, half) = (basic("anybody:the-toke"), basic(TOKEN));
    let bearer = format!("Bearer {TOKEN}");
    for login in [
        None,
        Some(wrong.as_str()),
        Some(half.as_str()),
        Some("Basic"),
        Some("Basic ?"),
        Some(bearer.as_str()),
    ] {
        assert_eq!(answered("/ui", HERE, login, false).await, (StatusCode::UNAUTHORIZED, true), "{login:?}");
        let other = answered("/api/v1/credentials", HERE, login, false).await;
        assert_eq!(
            other,
            (StatusCode::FORBIDDEN, false),
            "agents would take a 401 for their own token's: {login:?}"
        );
    }
}

#[actix_web::test]
async fn a_login_opens_nothing_from_elsewhere_and_nothing_but_the_admin_plane() {
    let login = basic(&format!("anybody:{TOKEN}"));
    let (far, foreign) = (("10.0.0.9:5000", "localhost:4141"), ("127.0.0.1:5000", "evil.example"));
    for (path, from, proxied) in
        [("/ui", far, false), ("/ui", foreign, false), ("/ui", HERE, true), ("/v1/messages", HERE, false)]
    {
        let answer = answered(path, from, Some(&login), proxied).await;
        assert_eq!(answer, (StatusCode::FORBIDDEN, false), "{path} from {from:?}");
    }
}
