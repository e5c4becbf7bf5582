//! Addresses of pages. Names that others chose are encoded whole, so that none leads anywhere else.

use super::notices::{Notice, Notices};
use actix_web::HttpResponse;
use actix_web::http::header::LOCATION;
use domain::ids::{KnowledgeId, SessionId};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a segment of a path or a value of a query.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A segment of a path, or a value in a query.
pub(super) fn encoded(name: &str) -> String {
    utf8_percent_encode(name, PLAIN).to_string()
}

/// The page of a session.
pub(super) fn session(id: &SessionId) -> String {
    format!("/ui/sessions/{}", encoded(id.as_str()))
}

/// The page of a message.
pub(super) fn message(session_id: &SessionId, message: i64) -> String {
    format!("{}/messages/{message}", session(session_id))
}

/// The page of an entry.
pub(super) fn entry(id: &KnowledgeId) -> String {
    format!("/ui/knowledge/{}", encoded(id.as_str()))
}

/// The picture of what one message led to.
pub(super) fn trace(root: u64) -> String {
    format!("/ui/trace/{root}")
}

/// The answer to a form: back to `page`, which will say `notice`.
pub(super) fn back(page: &str, notices: &Notices, notice: Notice) -> HttpResponse {
    let number = notices.keep(notice);
    HttpResponse::SeeOther().insert_header((LOCATION, format!("{page}?said={number}"))).finish()
}
