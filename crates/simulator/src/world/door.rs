//! How clients of the world come in: they call the gateway's HTTP service itself, without a socket.

use crate::agent::Agent;
use crate::provider::Exchange;
use actix_web::App;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, init_service, try_read_body};
use bytes::Bytes;
use futures_core::future::LocalBoxFuture;
use gateway::Edge;
use gateway::admin::Admin;
use std::net::SocketAddr;
use std::sync::Arc;

type Answer = Result<ServiceResponse, actix_web::Error>;
type Call = dyn Fn(actix_http::Request) -> LocalBoxFuture<'static, Answer>;

/// What a client hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What came of the body.
    pub body: Bytes,
    /// Whether the body broke off before its end.
    pub cut: bool,
}

impl Reply {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One way in. Whatever comes in by it belongs to its owner.
pub struct Door(Box<Call>);

impl Door {
    pub(super) async fn open(edge: Arc<Edge>, admin: Arc<Admin>) -> Self {
        let app = init_service(App::new().configure(gateway::configure(edge, admin))).await;
        Self(Box::new(move |request| Box::pin(app.call(request))))
    }

    /// A client sends `request` to the gateway and reads the whole answer.
    pub async fn send(&self, request: &Exchange) -> Reply {
        let answer = match (self.0)(incoming(request)).await {
            Ok(answer) => answer,
            Err(error) => {
                let status = error.as_response_error().status_code().as_u16();
                return Reply { status, body: Bytes::new(), cut: true };
            }
        };
        let status = answer.status().as_u16();
        let body = try_read_body(answer).await;
        Reply { status, cut: body.is_err(), body: body.unwrap_or_default() }
    }

    /// A person says `text` to their agent, and the agent asks through the gateway. The agent hears the answer if it is one.
    pub async fn say(&self, agent: &mut Agent, text: &str) -> Reply {
        let request = agent.next_turn(text);
        self.tell(agent, &request).await
    }

    /// The agent sends its last request again, with the token it has now.
    pub async fn try_again(&self, agent: &mut Agent) -> Reply {
        let request = agent.again();
        self.tell(agent, &request).await
    }

    async fn tell(&self, agent: &mut Agent, request: &Exchange) -> Reply {
        let reply = self.send(request).await;
        if reply.status == 200 {
            agent.hear(&reply.body);
        }
        reply
    }
}

fn incoming(request: &Exchange) -> actix_http::Request {
    let method = request.method.parse().unwrap_or_default();
    let mut incoming = TestRequest::default().method(method).uri(&request.target).peer_addr(loopback());
    for (name, value) in &request.headers {
        if !name.eq_ignore_ascii_case("host") {
            incoming = incoming.append_header((name.as_str(), value.as_str()));
        }
    }
    let host = loopback().to_string();
    incoming.insert_header(("host", host)).set_payload(request.body.clone()).to_request()
}

/// Where clients come from, and what they take the gateway's address for.
fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 4141))
}
