//! How the end of an answer is told to clients that know less than HTTP/1.1.

use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::ServiceResponse;
use actix_web::http::{ConnectionType, Version};

/// An answer as the client can read it. Before HTTP/1.1 there were no chunks (RFC 9112, 6.1): one of which nobody knows how long it gets ends
/// with its connection.
pub(crate) fn fitting(mut answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    if answer.request().version() < Version::HTTP_11 && answer.response().body().size() == BodySize::Stream {
        let head = answer.response_mut().head_mut();
        head.no_chunking(true);
        head.set_connection_type(ConnectionType::Close);
    }
    answer
}

/// The same to a client that offered another protocol, as Java's does: the server ends its connection, and would not say so.
pub(crate) fn ending(mut answer: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    answer
}
