//! One request and its answer, as a stream of a connection.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures_core::Stream;
use h2::{Reason, RecvStream, SendStream};

use super::{
    super::{
        Answer, Fault, Request,
        body::{self, Progress, Watched},
        route::Route,
    },
    head,
    line::Seat,
};

/// Why there is no answer.
pub(super) enum Loss {
    /// The provider certainly did nothing about the request.
    Unheard,
    /// Anything else.
    Failed(Fault),
}

/// Sends `request` from `seat`. To drop the future or the answer's body is to reset the stream, and no other is touched.
pub(super) async fn ask(
    seat: Seat,
    route: &Route,
    (request, progress): (&Request, &Progress),
    between_bytes: Duration,
) -> Result<Answer, Loss> {
    let outgoing = head::request(route, request).map_err(Loss::Failed)?;
    let unheard = |_| lost_line(&seat);
    let mut requests = seat.requests().ready().await.map_err(unheard)?;
    let (mut answer, stream) = requests.send_request(outgoing, request.body.is_empty()).map_err(unheard)?;
    // Only a seat keeps a line open.
    drop(requests);
    let mut upload = Upload { stream, rest: request.body.clone(), progress: progress.clone() };
    let answer = poll_fn(|context| {
        upload.go_on(context);
        Pin::new(&mut answer).poll(context)
    });
    let answer = answer.await.map_err(|error| lost(&error, &seat))?;
    let (parts, received) = answer.into_parts();
    let (status, headers) = head::answer(&parts).map_err(Loss::Failed)?;
    let arriving = Arriving { received, upload, _seat: seat };
    Ok(Answer { status, headers, body: body::of(status, Watched::new(arriving, between_bytes)) })
}

/// A refusal of the stream, or a farewell that leaves it out, says that nothing was done about the request (RFC 9113, 8.7). A
/// farewell that does not leave it out lets its streams go on, so nobody hears of it here.
fn lost(error: &h2::Error, seat: &Seat) -> Loss {
    let refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
    let left_out = error.is_go_away();
    if error.is_remote() && (refused || left_out) { lost_line(seat) } else { Loss::Failed(error.into()) }
}

fn lost_line(seat: &Seat) -> Loss {
    seat.retire_line();
    Loss::Unheard
}

/// What is still to be sent of a request's body. h2 is given no more than it may send, so that of an upload that nobody wants
/// any more nothing stays behind.
struct Upload {
    stream: SendStream<Bytes>,
    rest: Bytes,
    progress: Progress,
}

impl Upload {
    /// Sends what the provider has room for, without a copy. When the provider wants no more of it, the answer tells.
    fn go_on(&mut self, context: &mut Context<'_>) {
        while !self.rest.is_empty() {
            self.stream.reserve_capacity(self.rest.len());
            let Poll::Ready(room) = self.stream.poll_capacity(context) else { return };
            let Some(Ok(room)) = room else { return self.rest.clear() };
            self.progress.is_made();
            let piece = self.rest.split_to(room.min(self.rest.len()));
            if self.stream.send_data(piece, self.rest.is_empty()).is_err() {
                self.rest.clear();
            }
        }
    }
}

/// The body of an answer, and the rest of the request, if the answer came before its end. The provider may send more as soon as
/// a piece was taken, and not before.
struct Arriving {
    received: RecvStream,
    upload: Upload,
    _seat: Seat,
}

impl Stream for Arriving {
    type Item = Result<Bytes, h2::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.upload.go_on(context);
        let piece = ready!(self.received.poll_data(context));
        if let Some(Ok(bytes)) = &piece {
            let taken = bytes.len();
            self.received.flow_control().release_capacity(taken)?;
        }
        Poll::Ready(piece)
    }
}
