//! The gateway as an actix-web app: the guard around everything, the admin plane, and the relay for all the rest.

use crate::admin::{self, Admin};
use crate::edge::Edge;
use crate::guard::guarded;
use crate::mcp;
use crate::relay::{Line, relay};
use actix_web::middleware::from_fn;
use actix_web::web;
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
        let everything = web::scope("")
            .app_data(web::Data::from(Arc::clone(&edge)))
            .app_data(web::Data::new(Line((edge.transport)())))
            .configure(administer.clone())
            .configure(ask.clone())
            .default_service(web::to(relay))
            .wrap(from_fn(move |request, next| guarded(Arc::clone(&guard), request, next)));
        app.service(everything);
    }
}
