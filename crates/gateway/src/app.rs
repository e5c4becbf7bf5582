//! The gateway as an actix-web app: the guard around everything, the admin plane, and the relay for all the rest.

use crate::admin::{self, Admin};
use crate::edge::Edge;
use crate::error::Refusal;
use crate::guard::{Guard, guarded};
use crate::mcp;
use crate::relay::relay;
use crate::route::Route;
use crate::telemetry::Metrics;
use actix_service::fn_service;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web;
use futures_util::FutureExt as _;
use std::rc::Rc;
use std::sync::Arc;

/// Adds the whole gateway to an app, on a socket or in a test alike. To be called on the thread that serves: it makes that
/// thread's own way to the providers.
///
/// The admin plane asks for a peer address on loopback, which a test must set.
pub fn configure(edge: Arc<Edge>, admin: Arc<Admin>) -> impl Fn(&mut web::ServiceConfig) + Clone {
    let administer = admin::configure(admin);
    let ask = mcp::configure(&edge);
    move |app| {
        let guard = Arc::clone(&edge.guard);
        let (with, line) = (Arc::clone(&edge), (edge.transport)());
        let relaying = fn_service(move |request| relay(request, Arc::clone(&with), Rc::clone(&line)).map(Ok));
        let everything = web::scope("")
            .app_data(web::Data::from(Arc::clone(&edge)))
            .configure(administer.clone())
            .configure(ask.clone())
            .default_service(relaying)
            .wrap(from_fn(move |request, next| guarded(Arc::clone(&guard), request, next)));
        app.service(everything);
    }
}

/// Adds to an app what is left of the gateway while it comes to its end: the admin plane, which says so, and a refusal for
/// everybody else.
pub(crate) fn configure_farewell(
    guard: Arc<Guard>,
    admin: Arc<Admin>,
    metrics: Arc<Metrics>,
) -> impl Fn(&mut web::ServiceConfig) + Clone {
    let administer = admin::configure(admin);
    move |app| {
        let (guard, metrics) = (Arc::clone(&guard), Arc::clone(&metrics));
        let refusing = fn_service(move |request| {
            let refused = refused(request, &metrics);
            async { Ok(refused) }
        });
        let everything = web::scope("")
            .configure(administer.clone())
            .default_service(refusing)
            .wrap(from_fn(move |request, next| guarded(Arc::clone(&guard), request, next)));
        app.service(everything);
    }
}

fn refused(request: ServiceRequest, metrics: &Metrics) -> ServiceResponse {
    let head = request.head();
    let route = Route::of(&head.method, &head.uri, head.headers());
    let refusal = route.as_ref().map_or_else(Refusal::unknown_path, |_| Refusal::closing());
    metrics.refused(refusal.code);
    request.into_response(refusal.answer(route.map(|route| route.provider)))
}
