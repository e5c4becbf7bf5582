//! Which forms are taken: those that a browser sends from a page of this very dashboard.

use super::fault::Fault;
use crate::admin::refusal::Refusal;
use crate::error::ERROR_HEADER;
use crate::guard::is_from_own_page;
use actix_web::ResponseError as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;

/// The code of a form that is not taken.
pub(crate) const FORM_DENIED: &str = "form_denied";

/// Refuses everything that may change something and does not come from a page of the dashboard. The guard has turned away what
/// says that it comes from elsewhere; here, saying nothing is not enough.
pub(super) async fn own_forms_only(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let looks = matches!(*request.method(), Method::GET | Method::HEAD);
    if looks || is_from_own_page(request.headers()) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    let mut answer = Fault(Refusal::Denied).error_response();
    let denied = HeaderValue::from_static(FORM_DENIED);
    answer.headers_mut().insert(HeaderName::from_static(ERROR_HEADER), denied);
    Ok(request.into_response(answer))
}
