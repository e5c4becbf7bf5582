//! A turn without a socket.

use crate::house::{ANSWER, House, Open};
use actix_web::App;
use actix_web::dev::{Payload, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use futures_util::stream;
use gateway::configure;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

fn local(request: TestRequest) -> TestRequest {
    request.insert_header(("host", "localhost")).peer_addr("127.0.0.1:5000".parse().unwrap())
}

#[actix_web::test]
async fn a_turn_passes_and_is_recorded_without_a_socket() {
    let house = House::new(Open::ToItself);
    let app = configure(Arc::clone(&house.edge), Arc::clone(&house.admin));
    let app = init_service(App::new().configure(app)).await;
    let asked = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let request = local(TestRequest::post().uri("/v1/messages?beta=true")).set_payload(asked).to_request();
    let answer: ServiceResponse = call_service(&app, request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(read_body(answer).await, ANSWER);
    assert_eq!(house.take_asked(), ["http://anthropic.test/v1/messages?beta=true"]);
    let sessions = house.house.desk.read(|store| store.sessions(None)).await.unwrap();
    assert_eq!((sessions.len(), sessions[0].turns), (1, 1));

    let ready = call_service(&app, local(TestRequest::get().uri("/readyz")).to_request()).await;
    assert_eq!(ready.status(), 200);
    let stranger = TestRequest::get().uri("/readyz").insert_header(("host", "localhost")).to_request();
    assert_eq!(call_service(&app, stranger).await.status(), 404, "nobody is near without an address");
}

#[actix_web::test]
async fn no_path_waits_for_a_body_for_ever() {
    let house = House::new(Open::ToItself);
    let app = configure(Arc::clone(&house.edge), Arc::clone(&house.admin));
    let app = init_service(App::new().configure(app)).await;
    tokio::time::pause();
    let form = "application/x-www-form-urlencoded";
    for (method, path, kind) in [
        (Method::POST, "/v1/messages", "application/json"),
        (Method::POST, "/mcp?project=oven", "application/json"),
        (Method::PUT, "/api/v1/warming", "application/json"),
        (Method::POST, "/ui/warming", form),
    ] {
        let request = local(TestRequest::default().method(method).uri(path))
            .insert_header(("content-type", kind))
            .insert_header(("accept", "application/json, text/event-stream"))
            .insert_header(("sec-fetch-site", "same-origin"));
        let body: Payload = Payload::Stream { payload: Box::pin(stream::pending()) };
        let (request, _) = request.to_request().replace_payload(body);
        let answer = timeout(Duration::from_secs(61), call_service(&app, request)).await;
        let answer: ServiceResponse = answer.unwrap_or_else(|_| panic!("{path} waits"));
        let code = answer.headers().get("x-stillroom-error").map(|code| code.to_str().unwrap());
        assert_eq!((answer.status().as_u16(), code), (408, Some("upload_stalled")), "{path}");
    }
}
