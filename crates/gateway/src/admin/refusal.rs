//! Why the admin plane does not do what was asked: one JSON shape, `{"error":{"code","message"}}`, and a message that says
//! what to do.

use crate::ui::FORM_DENIED;
use actix_web::error::{JsonPayloadError, PathError, QueryPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use actor::{AskError, TellError};
use domain::ids::SessionId;
use serde_json::json;
use store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// There is no such thing.
    #[error("{0}")]
    Unknown(String),
    /// The request says something that it may not say.
    #[error("{0}")]
    Invalid(String),
    /// It contradicts what is kept.
    #[error("{0}")]
    Conflict(String),
    /// The body is not JSON by its own account.
    #[error("a body must be JSON and say so: send content-type: application/json")]
    NotJson,
    /// Nothing is done with this method.
    #[error("this path knows only {0}")]
    Method(&'static str),
    /// A form that is none of our own pages'.
    #[error(
        "only the dashboard's own pages may ask for that; open the page at /ui in this browser and do it there"
    )]
    Denied,
    /// An actor could not answer.
    #[error("{0}; try again in a moment, and look at stillroom_mailbox_depth in /metrics if it stays so")]
    Busy(String),
    /// The gateway is going down.
    #[error("the gateway is shutting down; ask the next one")]
    Closing,
    /// The store failed.
    #[error("{0}")]
    Store(StoreError),
}

impl Refusal {
    /// There is no session of this name.
    pub(crate) fn no_session(session: &SessionId) -> Self {
        Self::Unknown(format!("there is no session {session}; GET /api/v1/sessions lists them"))
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "not_found",
            Self::Invalid(_) => "invalid",
            Self::Conflict(_) => "conflict",
            Self::NotJson => "not_json",
            Self::Method(_) => "wrong_method",
            Self::Denied => FORM_DENIED,
            Self::Busy(_) => "busy",
            Self::Closing => "closing",
            Self::Store(_) => "store",
        }
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Denied => StatusCode::FORBIDDEN,
            Self::Busy(_) | Self::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let error = json!({"error": {"code": self.code(), "message": self.to_string()}});
        HttpResponse::build(self.status_code()).json(error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(why) => Self::Conflict(why),
            StoreError::Closed => Self::Closing,
            other => Self::Store(other),
        }
    }
}

impl From<AskError> for Refusal {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Stopped => Self::Closing,
            AskError::Overloaded | AskError::TimedOut | AskError::Crashed => Self::Busy(error.to_string()),
        }
    }
}

impl From<TellError> for Refusal {
    fn from(error: TellError) -> Self {
        AskError::from(error).into()
    }
}

/// What is answered below the API where nothing is.
pub(crate) async fn unknown_path(request: HttpRequest) -> HttpResponse {
    let why = format!("there is nothing at {}; docs/api.md lists every path", request.path());
    Refusal::Unknown(why).error_response()
}

/// What is answered to a method that is not one of those `allowed`.
pub(crate) async fn wrong_method(allowed: &'static str) -> HttpResponse {
    let mut answer = Refusal::Method(allowed).error_response();
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// Whether a request to a path that reads no body comes without one, or with one that no mere form can send.
///
/// # Errors
/// [`Refusal::NotJson`] otherwise.
pub(crate) fn check_body(headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let empty = text(header::CONTENT_LENGTH).is_none_or(|length| length == "0")
        && !headers.contains_key(header::TRANSFER_ENCODING);
    let kind = text(header::CONTENT_TYPE).and_then(|kind| kind.split(';').next());
    let json = kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if empty || json { Ok(()) } else { Err(Refusal::NotJson) }
}

/// Queries that cannot be read are refused in our shape.
pub(crate) fn query_config() -> web::QueryConfig {
    web::QueryConfig::default().error_handler(|fault, _| match fault {
        QueryPayloadError::Deserialize(fault) => {
            Refusal::Invalid(format!("the query is wrong: {fault}")).into()
        }
        fault => Refusal::Invalid(fault.to_string()).into(),
    })
}

/// Paths that cannot be read are refused in our shape.
pub(crate) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|fault: PathError, _| Refusal::Invalid(fault.to_string()).into())
}

/// Bodies that cannot be read are refused in our shape.
pub(crate) fn json_config() -> web::JsonConfig {
    web::JsonConfig::default().error_handler(|fault, _| match fault {
        JsonPayloadError::ContentType => Refusal::NotJson.into(),
        fault => Refusal::Invalid(format!("the body is wrong: {fault}")).into(),
    })
}
