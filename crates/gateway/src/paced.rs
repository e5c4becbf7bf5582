//! Bodies that are not gathered by [`upload`](crate::upload) but by actix-web's readers, which wait for ever: the same pace around them.

use crate::error::Refusal;
use crate::upload::Pace;
use actix_web::HttpMessage as _;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::middleware::Next;
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use futures_util::stream::unfold;
use std::cell::RefCell;
use std::rc::Rc;
use tokio::time::{Instant, timeout_at};

/// Why a client is given up, once it is.
type Late = Rc<RefCell<Option<Refusal>>>;

/// As a middleware: a client whose body does not come in time is refused, whatever its reader made of that.
pub(crate) async fn paced(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let late = Late::default();
    let payload = request.take_payload();
    if !matches!(payload, Payload::None) {
        request.set_payload(Payload::Stream { payload: Box::pin(in_time(payload, Rc::clone(&late))) });
    }
    let answer = next.call(request).await?.map_into_boxed_body();
    let refusal = late.borrow_mut().take();
    Ok(match refusal {
        Some(refusal) => answer.into_response(refusal.answer(None)),
        None => answer,
    })
}

fn in_time(payload: Payload, late: Late) -> impl Stream<Item = Result<Bytes, PayloadError>> {
    let begun = (payload, Pace::from(Instant::now()), late);
    unfold(begun, |(mut payload, mut pace, late)| async move {
        let chunk = match timeout_at(pace.deadline(), payload.next()).await {
            Ok(chunk) => chunk?,
            Err(_) => {
                *late.borrow_mut() = Some(pace.refusal());
                return Some((Err(PayloadError::Incomplete(None)), (Payload::None, pace, late)));
            }
        };
        if let Ok(chunk) = &chunk {
            pace.came(chunk.len(), Instant::now());
        }
        Some((chunk, (payload, pace, late)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, web};
    use futures_util::stream;
    use std::time::Duration;
    use tokio::time::sleep;

    /// The status of the answer to a body that comes in pieces of so many bytes, each so many seconds after the one before.
    async fn answered(pieces: &'static [(u64, usize)]) -> (StatusCode, Option<String>) {
        let length = |body: Bytes| async move { body.len().to_string() };
        let app = App::new().service(web::scope("").wrap(from_fn(paced)).route("/", web::post().to(length)));
        let app = init_service(app).await;
        let body = stream::iter(pieces).then(|(seconds, size)| async move {
            sleep(Duration::from_secs(*seconds)).await;
            Ok::<_, PayloadError>(Bytes::from(vec![b'x'; *size]))
        });
        let body: Payload = Payload::Stream { payload: Box::pin(body) };
        let (request, _) = TestRequest::post().to_request().replace_payload(body);
        let answer = call_service(&app, request).await;
        let code = answer.headers().get("x-stillroom-error").map(|code| code.to_str().unwrap().to_owned());
        (answer.status(), code)
    }

    #[actix_web::test]
    async fn a_body_that_comes_in_time_is_read_and_one_that_does_not_is_given_up() {
        tokio::time::pause();
        for in_time in [&[(0, 1), (59, 1)][..], &[(0, 64 * 1024), (59, 1), (59, 1)]] {
            assert_eq!(answered(in_time).await, (StatusCode::OK, None), "{in_time:?}");
        }
        for (late, code) in [
            (&[(0, 14), (61, 1)][..], "upload_stalled"),
            (&[(0, 64 * 1024), (59, 1), (61, 1)], "upload_stalled"),
            (&[(0, 1), (59, 1), (2, 1)], "upload_too_slow"),
        ] {
            assert_eq!(
                answered(late).await,
                (StatusCode::REQUEST_TIMEOUT, Some(code.to_owned())),
                "{late:?}"
            );
        }
    }
}
