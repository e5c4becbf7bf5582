//! Whether it serves, and what it counts.

use crate::admin::Admin;
use crate::admin::refusal::Refusal;
use crate::telemetry::{MetricsFormat, exposition};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

/// 200 while it serves, 503 while it starts or drains.
pub(crate) async fn show(admin: web::Data<Admin>) -> HttpResponse {
    let ready = admin.is_ready();
    let uptime = admin.house.environment.clock.now().saturating_sub(admin.started);
    let health = json!({
        "status": if ready { "ready" } else { "not ready" },
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": uptime.as_secs(),
        "process": std::process::id(),
    });
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    answer.insert_header((header::CACHE_CONTROL, "no-store")).json(health)
}

/// Everything that is counted. How many sessions stand still or are not well is asked for now: when nobody can say, that one
/// is left out and the rest is still told.
pub(crate) async fn metrics(admin: web::Data<Admin>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let paused = admin.paused().await;
    admin.metrics.set_paused(paused.as_ref().ok());
    let unwell = admin.unwell().await;
    admin.metrics.set_unwell(unwell.as_deref().ok());
    admin.metrics.set_store_faults(admin.house.desk.faults());
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = MetricsFormat::accepted(accept);
    let exposed = exposition(&admin.metrics, format).map_err(|fault| Refusal::Busy(fault.to_string()))?;
    Ok(HttpResponse::Ok().content_type(format.content_type()).body(exposed))
}
