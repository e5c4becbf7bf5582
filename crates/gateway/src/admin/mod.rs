//! The admin plane: what people and programs on this machine may look at and ask for. `docs/api.md` has every path.
//!
//! Plain handlers over what the actors and the store answer. Who may call them is decided before routing, by the gateway's
//! guard. Nothing here is on the way of a client's request.

pub(crate) mod costs;
pub(crate) mod credentials;
pub(crate) mod forget;
mod health;
mod injection;
pub(crate) mod jobs;
pub(crate) mod knowledge;
mod parameter;
mod recall;
pub(crate) mod refusal;
pub(crate) mod review;
mod sessions;
pub(crate) mod shown;
mod trace;
mod transfer;
pub(crate) mod warming;

#[cfg(test)]
pub(crate) mod tests;

use crate::paced::paced;
use crate::telemetry::Metrics;
use crate::ui::{self, Notices};
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{guard, web};
use actor::{AskError, Cause};
use domain::ids::Principal;
use domain::time::UnixMillis;
use machines::credential::{CredentialMessage, CredentialReply};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use trace::Watchers;
use workers::{House, Spoken};

/// Who speaks in the message trace when something is to be done.
const CAUSE: Cause = Cause::origin("Admin");
/// Who speaks there when somebody only looks. A name of its own, so that a picture of the messages can leave out what is there
/// because of the picture.
pub(crate) const VIEWER: &str = "Viewer";
const LOOK: Cause = Cause::origin(VIEWER);
/// How long an actor may take to answer. They answer within milliseconds or are in trouble.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the handlers work with.
pub struct Admin {
    pub(crate) house: House,
    /// What came of the last things that were done on the dashboard.
    pub(crate) notices: Notices,
    /// Who owns what the gateway records.
    owner: Principal,
    ready: Arc<AtomicBool>,
    metrics: Arc<Metrics>,
    started: Duration,
    watchers: Watchers,
}

impl Admin {
    /// An admin plane over `house`. `ready` is true from the moment it serves until it drains; whoever owns the server sets it.
    #[must_use]
    pub fn new(house: House, ready: Arc<AtomicBool>, metrics: Arc<Metrics>) -> Self {
        let started = house.environment.clock.now();
        let watchers = Watchers::new(&house.environment.trace);
        Self {
            house,
            notices: Notices::default(),
            owner: Principal::local(),
            ready,
            metrics,
            started,
            watchers,
        }
    }

    /// The same of a gateway that records for `owner`.
    #[must_use]
    pub fn of_owner(self, owner: Principal) -> Self {
        Self { owner, ..self }
    }

    /// The calendar time.
    pub(crate) fn unix(&self) -> UnixMillis {
        UnixMillis::from(self.house.environment.clock.unix())
    }

    fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    /// Asks the CredentialActor, after it has heard of every request so far.
    async fn ask(&self, question: CredentialMessage) -> Result<CredentialReply, AskError> {
        self.house.outbox.flush();
        self.house.credentials.ask(Spoken(question), LOOK, PATIENCE).await
    }
}

/// Adds every path of the admin plane to an app.
pub fn configure(admin: Arc<Admin>) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |app| {
        app.app_data(web::Data::from(Arc::clone(&admin)))
            .service(reading("/healthz", health::show))
            .service(reading("/readyz", health::show))
            .service(reading("/metrics", health::metrics))
            .service(api())
            .service(ui::dashboard());
    }
}

/// Everything of JSON. What a conversation held must not stay in some browser's cache.
fn api() -> impl actix_web::dev::HttpServiceFactory {
    let headers = DefaultHeaders::new()
        .add((header::CACHE_CONTROL, "no-store"))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    web::scope("/api/v1")
        .wrap(from_fn(paced))
        .wrap(headers)
        .app_data(refusal::query_config())
        .app_data(refusal::path_config())
        .app_data(refusal::json_config())
        .service(reading("/credentials", credentials::list))
        .service(reading("/sessions", sessions::list))
        .service(reading("/sessions/{id}", sessions::one))
        .service(reading("/sessions/{id}/messages", sessions::messages))
        .service(reading("/sessions/{id}/observations", sessions::observations))
        .service(doing("/sessions/{id}/{job:distill|curate|warm}", "POST").route(web::post().to(jobs::run)))
        .service(reading("/knowledge", knowledge::list))
        .service(
            doing("/knowledge/{id}", "PUT, DELETE")
                .route(web::put().to(knowledge::put))
                .route(web::delete().to(knowledge::delete)),
        )
        .service(doing("/knowledge/{id}/promoted", "PUT").route(web::put().to(knowledge::promote)))
        .service(
            doing("/warming", "GET, HEAD, PUT")
                .route(web::get().to(warming::show))
                .route(web::head().to(warming::show))
                .route(web::put().to(warming::switch)),
        )
        .service(
            doing("/sessions/{id}/warming", "GET, HEAD, PUT")
                .route(web::get().to(warming::of_session))
                .route(web::head().to(warming::of_session))
                .route(web::put().to(warming::decide)),
        )
        .service(
            doing("/sessions/{id}/injection", "GET, HEAD, PUT")
                .route(web::get().to(injection::show))
                .route(web::head().to(injection::show))
                .route(web::put().to(injection::decide)),
        )
        .service(doing("/forget", "POST").route(web::post().to(forget::forget)))
        .service(reading("/export", transfer::export))
        .service(reading("/export/knowledge", transfer::export_knowledge))
        .service(
            doing("/import", "POST")
                .app_data(transfer::body_config())
                .route(web::post().to(transfer::import)),
        )
        .service(
            doing("/import/knowledge", "POST")
                .app_data(transfer::body_config())
                .route(web::post().to(transfer::import_knowledge)),
        )
        .service(reading("/costs", costs::list))
        .service(reading("/recall", recall::search))
        .service(reading("/trace", trace::last))
        .service(reading("/trace/stream", trace::stream))
        .default_service(web::to(refusal::unknown_path))
}

/// A path that is only looked at.
fn reading<F, Args>(path: &str, handler: F) -> actix_web::Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    let looks = guard::Any(guard::Get()).or(guard::Head());
    doing(path, "GET, HEAD").route(web::route().guard(looks).to(handler))
}

/// A path whose routes are still to be said; all other methods than those `allowed` are refused.
fn doing(path: &str, allowed: &'static str) -> actix_web::Resource {
    web::resource(path).default_service(web::to(move || refusal::wrong_method(allowed)))
}
