//! The server: actix-web's app and its HTTP service, on connections that are ours ([`Connection`]).
//!
//! It does what `HttpServer` of actix-web does for one listener. That takes bare sockets only, and sets its own limits on them
//! (docs/adr/0017-client-connections-are-watched-below-actix-web.md).

use super::connection::{Connection, Limits, Progress, UnderWay};
use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive, Protocol, Request};
use actix_service::{IntoServiceFactory, ServiceFactory, ServiceFactoryExt as _};
use actix_service::{apply_fn_factory, fn_service, map_config};
use actix_web::App;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Extensions, Response, Server, ServiceResponse};
use actix_web::web::ServiceConfig;
use bytes::Bytes;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::thread::available_parallelism;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// How long a client may take to take note of the end of its connection.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// A server of `app` on all cores, whose answers under way have `answers_within` to end when it is asked to stop, in seconds.
pub(super) fn server(
    listener: TcpListener,
    app: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    limits: Limits,
    answers_within: u64,
) -> io::Result<Server> {
    let server = Server::build()
        .workers(available_parallelism().map_or(1, usize::from))
        .shutdown_timeout(answers_within)
        .disable_signals();
    let stopping = server.graceful_shutdown_signal();
    let service = move || {
        let stopping = stopping.clone();
        let stopped = move || {
            let stopping = stopping.clone();
            async move { stopping.notified().await }
        };
        let http = http(app.clone(), stopped);
        fn_service(move |socket| async move { Ok(accepted(socket, limits)) }).and_then(http)
    };
    Ok(server.listen("gateway", listener, service)?.run())
}

type Accepted<S> = (Connection<S>, Protocol, Option<SocketAddr>);

fn accepted(socket: TcpStream, limits: Limits) -> Accepted<TcpStream> {
    // An event shall not wait until the client has acknowledged the one before. Without it, it would only be later.
    socket.set_nodelay(true).unwrap_or_else(|error| tracing::debug!(%error, "small pieces may be held back"));
    let peer = socket.peer_addr().ok();
    (Connection::opened(socket, limits), Protocol::Http1, peer)
}

/// The HTTP service of `app`. Once `stopped`, its connections end with the answers that are under way.
fn http<S: AsyncRead + AsyncWrite + Unpin + 'static, F: Future<Output = ()> + 'static>(
    app: impl Fn(&mut ServiceConfig) + 'static,
    stopped: impl Fn() -> F + 'static,
) -> impl ServiceFactory<Accepted<S>, Config = (), Response = (), Error = DispatchError, InitError = ()> {
    HttpService::build()
        .graceful_shutdown_signal(stopped)
        // The connection itself keeps these two limits.
        .client_request_timeout(Duration::ZERO)
        .keep_alive(KeepAlive::Os)
        .client_disconnect_timeout(FAREWELL_WITHIN)
        // Else a client that leaves while nothing is being sent is never noticed.
        .h1_allow_half_closed(false)
        .on_connect_ext(|connection: &Connection<S>, data: &mut Extensions| {
            data.insert(Rc::clone(connection.progress()));
        })
        .finish(marking(app))
}

/// The app, which marks on the connection when a request is under way.
fn marking(
    app: impl Fn(&mut ServiceConfig) + 'static,
) -> impl ServiceFactory<
    Request,
    Config = (),
    Response = Response<Answering>,
    Error = Response<BoxBody>,
    InitError = (),
> {
    let app = App::new().configure(app).into_factory();
    let app = map_config(app, |()| AppConfig::default())
        .map(|answer: ServiceResponse| Response::from(answer))
        .map_err(|error| Response::from(error.error_response()));
    apply_fn_factory(app, |request: Request, app| {
        let under_way = request.conn_data::<Rc<Progress>>().map(Progress::begun);
        let answering = actix_service::Service::call(app, request);
        async move { Ok(answering.await?.map_body(|_, body| Answering { body, _under_way: under_way })) }
    })
}

/// An answer's body. Its request is under way until this is dropped.
struct Answering {
    body: BoxBody,
    _under_way: Option<UnderWay>,
}

impl MessageBody for Answering {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

#[cfg(test)]
mod tests;
