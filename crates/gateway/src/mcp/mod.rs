//! What an agent may ask of the memory itself: an MCP server at `/mcp` (streamable HTTP), one request and one answer at a time.
//!
//! The protocol is the official SDK's; it speaks the `http` crate's newer types, so requests and answers are carried over. Who may
//! call is decided before routing, by the gateway's guard, as for the admin plane.

mod tools;

use crate::edge::Edge;
use crate::paced::paced;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use http_of_h2 as newer;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use std::sync::Arc;
use std::time::Duration;
use tools::Tools;

/// The largest question, in bytes: an entry's longest content and room for what surrounds it.
const LARGEST_QUESTION: usize = 64 * 1024;
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

async fn answer(request: HttpRequest, body: Bytes, server: web::Data<Server>) -> HttpResponse {
    let Some(question) = carried_over(&request, body) else {
        return HttpResponse::BadRequest().body("this is no request that MCP knows");
    };
    match tokio::time::timeout(PATIENCE, answered(&server, question)).await {
        Ok(answer) => answer,
        Err(_) => HttpResponse::ServiceUnavailable().body("the memory takes too long; try again"),
    }
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
    let mut answer = HttpResponse::build(status);
    for name in [CONTENT_TYPE.as_str(), "allow"] {
        if let Some(value) = head.headers.get(name) {
            answer.insert_header((name, value.as_bytes()));
        }
    }
    answer.insert_header(("cache-control", "no-store"));
    // The body cannot fail.
    answer.body(body.collect().await.map(|body| body.to_bytes()).unwrap_or_default())
}
