//! What an agent may ask of the memory itself: an MCP server at `/mcp` (streamable HTTP), one request and one answer at a time.
//!
//! The protocol is the official SDK's; it speaks the `http` crate's newer types, so requests and answers are carried over. Who may
//! call is decided before routing, by the gateway's guard, as for the admin plane.

mod tools;

use crate::edge::Edge;
use crate::paced::paced;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use http_of_h2 as newer;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tools::Tools;

/// The largest question, in bytes: an entry's longest content and room for what surrounds it.
const LARGEST_QUESTION: usize = 64 * 1024;
/// What conversations held must not stay in some cache.
const UNKEPT: (&str, &str) = ("cache-control", "no-store");
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

type Server = StreamableHttpService<Tools, NeverSessionManager>;

/// Adds the server to an app.
pub(crate) fn configure(edge: &Arc<Edge>) -> impl Fn(&mut web::ServiceConfig) + Clone + use<> {
    let server = web::Data::new(server(Tools::of(edge)));
    move |app| {
        app.app_data(server.clone()).service(
            web::resource("/mcp")
                .wrap(from_fn(paced))
                .app_data(web::PayloadConfig::new(LARGEST_QUESTION))
                .to(answer),
        );
    }
}

/// No sessions: nothing is ever told that was not asked, so each question stands for itself.
fn server(tools: Tools) -> Server {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .disable_allowed_hosts() // The guard has looked at it, for the address that is really listened on.
        .with_max_request_body_bytes(LARGEST_QUESTION);
    Server::new(move || Ok(tools.clone()), Arc::default(), config)
}

async fn answer(
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
    server: web::Data<Server>,
) -> HttpResponse {
    let body = match body {
        Ok(body) => body,
        Err(fault) => return refused(fault.as_response_error().status_code(), &fault.to_string()),
    };
    let Some(question) = carried_over(&request, body) else {
        return refused(StatusCode::BAD_REQUEST, "this is no request that MCP knows");
    };
    match tokio::time::timeout(PATIENCE, answered(&server, question)).await {
        Ok(answer) => answer,
        Err(_) => refused(StatusCode::SERVICE_UNAVAILABLE, "the memory takes too long; try again"),
    }
}

/// An error in the shape that those of the admin plane have, with what was said of it unless that is too little to go by.
fn refused(status: StatusCode, said: &str) -> HttpResponse {
    let too_large = format!("a question may have at most {LARGEST_QUESTION} bytes");
    let (code, message) = match status {
        StatusCode::METHOD_NOT_ALLOWED => ("wrong_method", "this path knows only POST"),
        StatusCode::NOT_ACCEPTABLE => ("not_acceptable", said),
        StatusCode::PAYLOAD_TOO_LARGE => ("too_large", &*too_large),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ("not_json", said),
        status if status.is_server_error() => ("busy", said),
        _ => ("invalid", said),
    };
    let error = json!({"error": {"code": code, "message": message}});
    HttpResponse::build(status).insert_header(UNKEPT).json(error)
}

fn carried_over(request: &HttpRequest, body: Bytes) -> Option<newer::Request<Full<Bytes>>> {
    let mut question = newer::Request::builder()
        .method(request.method().as_str())
        .uri(request.uri().path_and_query()?.as_str());
    for (name, value) in request.headers() {
        question = question.header(name.as_str(), value.as_bytes());
    }
    question.body(Full::new(body)).ok()
}

async fn answered(server: &Server, question: newer::Request<Full<Bytes>>) -> HttpResponse {
    let (head, body) = server.handle(question).await.into_parts();
    let status = StatusCode::from_u16(head.status.as_u16()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // The body cannot fail.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let kind = head.headers.get(CONTENT_TYPE.as_str()).map(|kind| kind.as_bytes());
    if !status.is_success() && kind != Some(b"application/json") {
        let mut answer = refused(status, &String::from_utf8_lossy(&body));
        let allowed = head.headers.get("allow").map(|value| HeaderValue::from_bytes(value.as_bytes()));
        if let Some(Ok(allowed)) = allowed {
            answer.headers_mut().insert(ALLOW, allowed);
        }
        return answer;
    }
    let mut answer = HttpResponse::build(status);
    if let Some(kind) = kind {
        answer.insert_header((CONTENT_TYPE, kind));
    }
    answer.insert_header(UNKEPT).body(body)
}
