//! The dashboard at `/ui`: pages for people on this machine, made by the server and complete without a script.
//!
//! What a page shows is asked of the store and the actors as the admin API asks it, and every list is bounded. What was said in a
//! conversation is hostile text: [`text`] is the only way onto a page. Looking never changes anything; what does is a form, and
//! [`forms`] lets only those of the dashboard's own pages through.

mod assets;
mod bars;
mod costs;
mod diagram;
mod entry;
mod fault;
mod figures;
mod forms;
mod knowledge;
mod layout;
mod legend;
mod links;
mod message;
mod notices;
mod now;
mod session;
mod text;
mod timeline;
mod trace;

#[cfg(test)]
mod tests;

pub(crate) use forms::FORM_DENIED;
pub(crate) use notices::Notices;

use crate::paced::paced;
use actix_web::dev::HttpServiceFactory;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::{guard, web};

/// What a page may load: its own style sheet, its own script and what that asks of the gateway. Nothing inline runs, so text that
/// got out of its place could not either.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Every page.
pub(crate) fn dashboard() -> impl HttpServiceFactory {
    // Not `no-referrer`: with it a browser hides the origin of our own forms, too, and that is what they are known by.
    let headers = DefaultHeaders::new()
        .add((CACHE_CONTROL, "no-store"))
        .add((CONTENT_SECURITY_POLICY, POLICY))
        .add((REFERRER_POLICY, "same-origin"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((X_FRAME_OPTIONS, "DENY"));
    web::scope("/ui")
        .wrap(from_fn(forms::own_forms_only))
        .wrap(from_fn(paced))
        .wrap(headers)
        .app_data(fault::query_config())
        .app_data(fault::path_config())
        .app_data(fault::form_config())
        .configure(pages)
        .configure(actions)
        .default_service(web::to(fault::no_page))
}

fn pages(ui: &mut web::ServiceConfig) {
    ui.service(page("", now::show))
        .service(page("/", now::show))
        .service(page("/costs", costs::show))
        .service(page("/trace", trace::list))
        .service(page("/trace/{root}", trace::show))
        .service(page("/sessions/{id}/messages/{message}", message::show))
        .service(page("/assets/{name}", assets::show));
}

/// Pages that something can be done on, and what.
fn actions(ui: &mut web::ServiceConfig) {
    ui.service(page("/sessions/{id}", session::show))
        .service(form("/warming", now::switch))
        .service(form("/sessions/{id}/warming", session::decide))
        .service(form("/sessions/{id}/{job:distill|curate|warm}", session::run))
        .service(form("/sessions/{id}/forget", session::forget))
        .service(page("/knowledge", knowledge::list))
        .service(form("/knowledge/{id}/delete", knowledge::delete))
        .service(
            page("/knowledge/{id}", knowledge::show)
                .route(web::post().to(knowledge::edit))
                .default_service(web::to(|| fault::wrong_method("GET, HEAD, POST"))),
        );
}

fn page<F, Args>(path: &str, handler: F) -> actix_web::Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    let looks = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path)
        .route(web::route().guard(looks).to(handler))
        .default_service(web::to(|| fault::wrong_method("GET, HEAD")))
}

fn form<F, Args>(path: &str, handler: F) -> actix_web::Resource
where
    F: actix_web::Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    web::resource(path)
        .route(web::post().to(handler))
        .default_service(web::to(|| fault::wrong_method("POST")))
}
