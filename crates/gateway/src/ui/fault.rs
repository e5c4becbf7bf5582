//! What went wrong, as a page.

use super::layout::{self, Tab};
use super::text::text;
use crate::admin::refusal::Refusal;
use actix_web::error::{PathError, QueryPayloadError, UrlencodedError};
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use maud::html;
use std::fmt;

/// The longest form, in bytes: the longest entry, each of its characters written in three bytes of three.
const LONGEST_FORM: usize = 64 * 1024;

/// A refusal that a person reads.
#[derive(Debug)]
pub(super) struct Fault(pub(super) Refusal);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Into<Refusal>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.0.status_code()
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let title = match status {
            StatusCode::NOT_FOUND => "Nothing here",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            StatusCode::INTERNAL_SERVER_ERROR => "The database failed",
            _ => "That was not done",
        };
        let body = html! {
            div.masthead { h1 { (title) } }
            p.lead { (text(&sentence(&self.0.to_string()))) }
            p { a href="/ui" { "Back to what is going on now" } }
        };
        layout::answer(status, title, Tab::None, None, &body)
    }
}

/// A message of the API as a sentence.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    let end = if message.ends_with(['.', '!', '?']) { "" } else { "." };
    first + letters.as_str() + end
}

/// There is no such page.
pub(super) async fn no_page(request: HttpRequest) -> HttpResponse {
    Fault(Refusal::Unknown(format!("the dashboard has no page {}", request.path()))).error_response()
}

/// A page is looked at and a form is sent; what is `allowed` here is the other.
pub(super) async fn wrong_method(allowed: &'static str) -> HttpResponse {
    let mut answer = Fault(Refusal::Method(allowed)).error_response();
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// Queries that cannot be read are refused as a page.
pub(super) fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|fault: QueryPayloadError, _| {
        Fault(Refusal::Invalid(format!("the address is wrong: {fault}"))).into()
    })
}

/// Paths that cannot be read are refused as a page.
pub(super) fn path_config() -> web::PathConfig {
    web::PathConfig::default()
        .error_handler(|fault: PathError, _| Fault(Refusal::Invalid(fault.to_string())).into())
}

/// Forms that cannot be read are refused as a page.
pub(super) fn form_config() -> web::FormConfig {
    web::FormConfig::default().limit(LONGEST_FORM).error_handler(|fault: UrlencodedError, _| {
        Fault(Refusal::Invalid(format!("the form is wrong: {fault}"))).into()
    })
}
