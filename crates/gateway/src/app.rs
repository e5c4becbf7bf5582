//! The gateway as an actix-web app: the guard around everything, the admin plane, and the relay for all the rest.

use crate::admin::{self, Admin};
use crate::edge::Edge;
use crate::guard::guarded;
use crate::mcp;
use crate::relay::relay;
use actix_service::fn_service;
use actix_web::middleware::from_fn;
use actix_web::web;
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
        let relaying = fn_service(move |request| {
            let relayed = relay(request, Arc::clone(&with), Rc::clone(&line));
            async { Ok(relayed.await) }
        });
        let everything = web::scope("")
            .app_data(web::Data::from(Arc::clone(&edge)))
            .configure(administer.clone())
            .configure(ask.clone())
            .default_service(relaying)
            .wrap(from_fn(move |request, next| guarded(Arc::clone(&guard), request, next)));
        app.service(everything);
    }
}
