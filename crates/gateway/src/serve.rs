//! The gateway brought up, on real threads and a real socket, and brought down again in order.

mod connection;
mod error;
mod farewell;
mod listening;
mod signals;
mod staff;
mod way_out;

pub use error::ServeError;
pub use signals::signals;
pub use way_out::reach;

use crate::admin::Admin;
use crate::app::{configure, configure_farewell};
use crate::edge::{Edge, EdgeParts};
use crate::telemetry::Metrics;
use actix_web::dev::{Server, ServerHandle};
use actor::Trace;
use connection::Limits;
use domain::fingerprint::Fingerprinter;
use domain::settings::Settings;
use embedding::Model;
use farewell::Farewell;
use futures_core::Stream;
use futures_core::future::LocalBoxFuture;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use listening::server;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use staff::{Staff, Stock};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::Desk;
use tokio::net::TcpSocket;
use way_out::way_out;
use workers::{Alarm, House};

/// How long a client may take for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// How long a connection without a request is kept.
const IDLE_CONNECTION: Duration = Duration::from_secs(75);
/// How long answers under way may go on once the gateway is asked to stop, in seconds. With what follows it stays below the
/// minute and a half after which a service manager loses patience.
const ANSWERS_WITHIN: u64 = 60;
/// How long what was relayed may be examined after that.
const EXAMINED_WITHIN: Duration = Duration::from_secs(10);
/// How long background work may go on after that.
const WORK_WITHIN: Duration = Duration::from_secs(15);
/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Who hears of what the gateway does.
pub struct Ears {
    /// Who counts.
    pub metrics: Arc<Metrics>,
    /// Who is told when background work needs a person.
    pub alarm: Arc<dyn Alarm>,
    /// The record of messages between actors.
    pub trace: Trace,
}

/// A gateway that has its address and its actors. It answers once it runs.
pub struct Gateway {
    address: SocketAddr,
    ready: Arc<AtomicBool>,
    server: Server,
    /// Lets somebody answer in its place.
    farewell: Box<dyn FnOnce() -> Option<ServerHandle>>,
    /// Nobody relays any more, and what was relayed is examined.
    relayed: LocalBoxFuture<'static, ()>,
    staff: Staff,
}

impl Gateway {
    /// Takes the address, opens the store and brings the actors up. To be called within an actix system.
    ///
    /// # Errors
    /// Every [`ServeError`] but `Actor` and `Server`. The process should end then.
    pub async fn open(settings: Settings, ears: Ears) -> Result<Self, ServeError> {
        let (listener, address) = listen(&settings)?;
        let transport = way_out(&settings)?;
        let model = settings.recall.embeddings.as_deref().map(Model::open).transpose()?.map(Arc::new);
        let desk = Desk::threads(&settings.data_dir)?;
        let mut chance = StdRng::from_os_rng();
        let fingerprinter = Fingerprinter::new(chance.random());
        let settings = Arc::new(settings);
        let metrics = Arc::clone(&ears.metrics);
        let stock =
            Stock { desk, model, transport: Arc::clone(&transport), fingerprinter: fingerprinter.clone() };
        let staff = Staff::engage(&settings, ears, stock, chance.random());
        let (house, seed) = (staff.house.clone(), chance.random());
        let unread = settings.relay.request_timeout;
        let limits = Limits { head: HEAD_WITHIN, idle: IDLE_CONNECTION, unread };
        let parts =
            EdgeParts { settings, house, metrics: Arc::clone(&metrics), transport, fingerprinter, seed };
        let (edge, relayed) = Edge::new(parts)?.with_its_end();
        let guard = Arc::clone(&edge.guard);
        edge.recall().await?;
        staff.house.resume().await?;
        let ready = Arc::new(AtomicBool::new(false));
        let admin = Admin::new(staff.house.clone(), Arc::clone(&ready), Arc::clone(&metrics));
        let admin = Arc::new(admin.of_owner(edge.owner()));
        let closing = configure_farewell(guard, Arc::clone(&admin), metrics);
        let bind = |source| ServeError::Bind { address, source };
        let farewell = Farewell::behind(&listener, closing, limits).map_err(bind)?;
        let app = configure(Arc::new(edge), admin);
        let server = server(listener, app, limits, ANSWERS_WITHIN).map_err(bind)?;
        let farewell = Box::new(move || farewell.begin());
        Ok(Self { address, ready, server, farewell, relayed: Box::pin(relayed), staff })
    }

    /// Where it listens; with the real port if the setting was 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The actors.
    #[must_use]
    pub fn house(&self) -> &House {
        &self.staff.house
    }

    /// Serves until `stops` says something, then comes to an end in order: answers under way come to their end or have a minute,
    /// in which new callers hear that it is closing; what they were goes on record; background work, the store. When `stops`
    /// speaks a second time, what is under way is given up.
    ///
    /// # Errors
    /// [`ServeError::Actor`] and [`ServeError::Server`], after the same orderly end.
    pub async fn run_until(self, stops: impl Stream<Item = ()>) -> Result<(), ServeError> {
        let Self { ready, server, farewell, relayed, mut staff, .. } = self;
        let mut stops = pin!(stops);
        let handle = server.handle();
        let mut serving = actix_rt::spawn(server);
        ready.store(true, Ordering::Relaxed);
        let outcome = tokio::select! {
            _ = stops.next() => Ok(()),
            crashed = staff.crashed() => Err(ServeError::Actor(crashed)),
            ended = &mut serving => Err(ServeError::Server(reason(ended))),
        };
        ready.store(false, Ordering::Relaxed);
        tracing::info!("stopping: answers under way may end, a second signal ends them at once");
        let stopped = handle.stop(true);
        let farewell = farewell();
        let ending = async {
            stopped.await;
            farewell::end(farewell.as_ref()).await;
            // A long answer is examined beside the thread that relayed it, and may need longer than its client.
            tokio::time::timeout(EXAMINED_WITHIN, relayed).await.unwrap_or_default();
            staff.finish(WORK_WITHIN).await;
        };
        if let Either::Right(_) = select(pin!(ending), stops.next()).await {
            tracing::warn!("stopped at once");
            serving.abort();
            farewell::end(farewell.as_ref()).await;
        }
        staff.leave().await;
        outcome
    }
}

fn reason(ended: Result<io::Result<()>, tokio::task::JoinError>) -> io::Error {
    match ended {
        Ok(Ok(())) => io::Error::other("it ended by itself"),
        Ok(Err(error)) => error,
        Err(error) => io::Error::other(error),
    }
}

/// Takes the address first of all: that is what most often fails, and nothing has to be undone then.
fn listen(settings: &Settings) -> Result<(TcpListener, SocketAddr), ServeError> {
    let address = settings.listen;
    if !address.ip().to_canonical().is_loopback() && settings.access_token.is_none() {
        return Err(ServeError::Unprotected(address));
    }
    let bound = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        // So that a restart does not wait for the last connections of the one before to be forgotten.
        socket.set_reuseaddr(cfg!(unix))?;
        socket.bind(address)?;
        let listener = socket.listen(BACKLOG)?.into_std()?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    bound().map_err(|source| ServeError::Bind { address, source })
}
