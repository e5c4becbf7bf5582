//! A client's request goes to its provider as it came, and the answer comes back as it is. Never asked twice, never changed, but for what
//! [`injection`] adds.

use crate::capture::{Capture, Glance, Listener, Sent};
use crate::edge::Edge;
use crate::error::Refusal;
use crate::examination::Ending;
use crate::headers;
use crate::injection;
use crate::relayed::Relayed;
use crate::route::Route;
use crate::stay;
use crate::upload::gathered;
use actix_web::body::{self, BodyStream, BoxBody, SizedStream};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap, UPGRADE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpResponse};
use bytes::Bytes;
use futures_util::future::join;
use futures_util::stream;
use std::rc::Rc;
use std::sync::Arc;
use upstream::transport::{Answer, Fault, Transport};

/// Answers everything that is not the admin plane's; `line` is this thread's way to the providers.
pub(crate) async fn relay(
    mut request: ServiceRequest,
    edge: Arc<Edge>,
    line: Rc<dyn Transport>,
) -> ServiceResponse {
    let answer = relayed(&mut request, edge, &*line).await;
    request.into_response(answer)
}

async fn relayed(request: &mut ServiceRequest, edge: Arc<Edge>, line: &dyn Transport) -> HttpResponse {
    let head = request.head();
    let Some(route) = Route::of(&head.method, &head.uri, head.headers()) else {
        let refusal = Refusal::unknown_path();
        edge.metrics.refused(refusal.code);
        return refusal.answer(None);
    };
    let (provider, metrics) = (route.provider, Arc::clone(&edge.metrics));
    let exchanged = exchange(request, edge, line, route).await;
    exchanged.unwrap_or_else(|refusal| {
        metrics.refused(refusal.code);
        refusal.answer(Some(provider))
    })
}

async fn exchange(
    request: &mut ServiceRequest,
    edge: Arc<Edge>,
    line: &dyn Transport,
    route: Route,
) -> Result<HttpResponse, Refusal> {
    let (method, payload) = (request.method().clone(), request.take_payload());
    let mut headers = taken(&mut request.head_mut().headers);
    if wants_websocket(&headers) {
        return Err(Refusal::websocket());
    }
    if !headers::credentials_are_text(&headers) {
        return Err(Refusal::unreadable_credential());
    }
    let mut share = edge.reserve.share(); // Held until the answer begins: hardly any does before the body was sent.
    let body = gathered(&headers, payload, edge.relay.max_body, &mut share).await?;
    headers::leave_named_behind(&mut headers);
    let place = edge.bulkhead.enter()?;
    let begun = edge.now();
    let (provider, upstream) = (route.provider, edge.upstream(route.provider));
    let mut sent = Box::new(Sent::new(&edge.fingerprinter, route, &headers, body, begun));
    let prepared = injection::prepared(&edge, &mut sent, &headers).await;
    let outgoing = upstream.request(&method, &sent.route, headers::outgoing(headers), prepared.body)?;
    let key = upstream.key().clone();
    sent.start = edge.now();
    let held = sent.start.since(begun);
    // Side by side, and once it had its chance to leave: what we want to know of a request must not delay it.
    let aside = async {
        for _ in 0..edge.rounds_before_it_left {
            tokio::task::yield_now().await;
        }
        let glance = match prepared.glance {
            Some(glance) => *glance,
            None => Glance::at(&edge, &sent).await,
        };
        Capture::of(Arc::clone(&edge), sent, glance)
    };
    let exchange = stay::within(edge.relay.request_timeout, place, line.send(outgoing));
    let (answer, capture) = join(exchange, aside).await;
    let answer = answer.and_then(stays);
    let headed = edge.now();
    let returned = match answer {
        Ok(answer) => {
            let listener = capture.answered(answer.status, &answer.headers);
            Ok(returned(&method, answer, listener))
        }
        Err(fault) => {
            capture.unanswered(&fault);
            tracing::warn!(%provider, %fault, "a request got no answer");
            Err(Refusal::of_fault(&fault, provider, key.origin()))
        }
    };
    edge.metrics.relay_overhead(held + edge.now().since(headed));
    returned
}

/// An answer that changes to another protocol is none: nobody asked for it, since no `upgrade` goes further.
fn stays(answer: Answer) -> Result<Answer, Fault> {
    let changes = answer.status == StatusCode::SWITCHING_PROTOCOLS;
    if changes { Err(Fault::Protocol("it changes to another protocol")) } else { Ok(answer) }
}

/// The headers themselves. The server reads those of the next request into what is left, which should not have to grow for them.
fn taken(headers: &mut HeaderMap) -> HeaderMap {
    let room = HeaderMap::with_capacity(headers.capacity());
    std::mem::replace(headers, room)
}

fn wants_websocket(headers: &HeaderMap) -> bool {
    let mut wanted = headers.get_all(UPGRADE).filter_map(|value| value.to_str().ok());
    wanted.any(|value| value.split(',').any(|protocol| protocol.trim().eq_ignore_ascii_case("websocket")))
}

/// The provider's answer for the client, framed as the provider framed it: by its length if it gave one.
fn returned(method: &Method, answer: Answer, mut listener: Listener) -> HttpResponse {
    let mut headers = headers::returning(answer.headers);
    let length = headers::length(&headers);
    let body = if method == Method::HEAD {
        listener.ended(Ending::Whole);
        length.map_or_else(nothing, |length| BoxBody::new(SizedStream::new(length, stream::empty::<Piece>())))
    } else if [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&answer.status) {
        listener.ended(Ending::Whole);
        nothing()
    } else {
        let relayed = Relayed::new(answer.body, length, listener);
        match length {
            Some(length) => BoxBody::new(SizedStream::new(length, relayed)),
            None => BoxBody::new(BodyStream::new(relayed)),
        }
    };
    if answer.status != StatusCode::NOT_MODIFIED {
        headers.remove(CONTENT_LENGTH); // The framing says it.
    }
    let mut response = HttpResponse::with_body(answer.status, body);
    *response.headers_mut() = headers;
    // The provider's own words for it are gone; none are better than those that the server makes up for a 529.
    response.head_mut().reason = Some(answer.status.canonical_reason().unwrap_or_default());
    response
}

type Piece = Result<Bytes, Fault>;

fn nothing() -> BoxBody {
    BoxBody::new(body::None::new())
}
