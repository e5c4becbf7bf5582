//! Why there is no answer, or no rest of it: one variant per decision that a caller makes.

use std::{fmt, io};

use actix_http::error::{ParseError, PayloadError};
use awc::error::{ConnectError, SendRequestError};

use super::detour::Untunnelled;

/// Why an exchange with a provider failed. Never carries a header, a query or a body.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The request itself cannot be sent; nothing was tried.
    #[error("the request cannot be sent: {0}")]
    Unsendable(&'static str),
    /// The provider's name has no address.
    #[error("the provider's name cannot be resolved")]
    Unresolved,
    /// There is an address, but no connection to it. `QuotaExceeded`: this process may open no more files.
    #[error("no connection to the provider: {}", said(*.0))]
    Refused(io::ErrorKind),
    /// The proxy that stands before the provider opened no way to it.
    #[error("no way through the proxy: {0}")]
    Untunnelled(String),
    /// The provider could not show that it is the provider.
    #[error("no secure connection to the provider: {0}")]
    Untrusted(String),
    /// It took longer than the limit of this phase.
    #[error("the provider took too long ({phase})")]
    TimedOut {
        /// What was being waited for.
        phase: Phase,
    },
    /// The connection ended before the answer did.
    #[error("the connection ended before the answer did")]
    Cut,
    /// The provider answered with something that this client cannot read.
    #[error("the provider's answer cannot be read: {0}")]
    Protocol(&'static str),
    /// The answer is longer than the caller wanted to hold in memory.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The caller's limit, in bytes.
        limit: usize,
    },
}

/// What the transport was waiting for when a limit passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// A connection: name, TCP and TLS.
    Connect,
    /// The head of the answer.
    FirstByte,
    /// More of the body.
    BetweenBytes,
    /// The end of the answer, however much of it came. The transport itself has no such limit; callers may.
    Whole,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Connect => "connecting",
            Self::FirstByte => "before the first byte",
            Self::BetweenBytes => "between two bytes",
            Self::Whole => "from the request to the end of its answer",
        })
    }
}

impl Fault {
    /// Could the provider have seen the request, and be working (and billing) on it? `false` is certain.
    #[must_use]
    pub fn sent(&self) -> bool {
        !matches!(
            self,
            Self::Unsendable(_)
                | Self::Unresolved
                | Self::Refused(_)
                | Self::Untunnelled(_)
                | Self::Untrusted(_)
                | Self::TimedOut { phase: Phase::Connect }
        )
    }
}

impl From<&SendRequestError> for Fault {
    fn from(error: &SendRequestError) -> Self {
        match error {
            SendRequestError::Url(_) | SendRequestError::Http(_) => {
                Self::Unsendable("its address is not an absolute http or https URL")
            }
            SendRequestError::Connect(error) => error.into(),
            SendRequestError::Send(_) | SendRequestError::Response(ParseError::Io(_)) => Self::Cut,
            SendRequestError::Response(error) => Self::Protocol(unreadable(error)),
            SendRequestError::Timeout => Self::TimedOut { phase: Phase::FirstByte },
            _ => Self::Protocol("an unexpected failure of the client"),
        }
    }
}

impl From<&ConnectError> for Fault {
    fn from(error: &ConnectError) -> Self {
        match error {
            ConnectError::Timeout => Self::TimedOut { phase: Phase::Connect },
            // A lookup needs a file too.
            ConnectError::Resolver(error) if out_of_files(error.downcast_ref()) => {
                Self::Refused(io::ErrorKind::QuotaExceeded)
            }
            ConnectError::Resolver(_) | ConnectError::NoRecords | ConnectError::Unresolved => {
                Self::Unresolved
            }
            ConnectError::Io(error) if out_of_files(Some(error)) => {
                Self::Refused(io::ErrorKind::QuotaExceeded)
            }
            ConnectError::Io(error) => unconnected(error),
            ConnectError::Disconnected => Self::Cut,
            _ => Self::Refused(io::ErrorKind::Other),
        }
    }
}

impl From<&PayloadError> for Fault {
    fn from(error: &PayloadError) -> Self {
        match error {
            // The chunk decoder of the client says so when a chunk is malformed; sockets never do.
            PayloadError::Incomplete(Some(error)) | PayloadError::Io(error)
                if error.kind() == io::ErrorKind::InvalidInput =>
            {
                Self::Protocol("malformed chunk")
            }
            _ => Self::Cut,
        }
    }
}

impl From<&h2::Error> for Fault {
    fn from(error: &h2::Error) -> Self {
        if error.is_library() { Self::Protocol("it breaks the rules of HTTP/2") } else { Self::Cut }
    }
}

fn unconnected(error: &io::Error) -> Fault {
    let cause = error.get_ref();
    let untrusted = || Some(Fault::Untrusted(cause?.downcast_ref::<rustls::Error>()?.to_string()));
    let untunnelled = || Some(Fault::Untunnelled(cause?.downcast_ref::<Untunnelled>()?.to_string()));
    untrusted().or_else(untunnelled).unwrap_or_else(|| Fault::Refused(error.kind()))
}

/// May this process, or the whole system, open no more files? std has no kind of its own for that: it would read "uncategorized".
fn out_of_files(error: Option<&io::Error>) -> bool {
    /// `EMFILE` and `ENFILE`, on every Unix.
    const CODES: [i32; 2] = [24, 23];
    let code = error.and_then(io::Error::raw_os_error);
    cfg!(unix) && code.is_some_and(|code| CODES.contains(&code))
}

fn said(kind: io::ErrorKind) -> String {
    match kind {
        io::ErrorKind::QuotaExceeded => "no file descriptors are left; raise `ulimit -n`".to_owned(),
        other => other.to_string(),
    }
}

fn unreadable(error: &ParseError) -> &'static str {
    match error {
        ParseError::TooLarge => "head too large",
        ParseError::Header => "malformed header",
        ParseError::Version => "not HTTP/1",
        _ => "malformed head",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn who_has_no_file_descriptors_left_is_told_so_by_a_lookup_and_by_a_connection() {
        for code in [23, 24] {
            let error = || io::Error::from_raw_os_error(code);
            for failed in [ConnectError::Io(error()), ConnectError::Resolver(Box::new(error()))] {
                let fault = Fault::from(&failed);
                let text = "no connection to the provider: no file descriptors are left; raise `ulimit -n`";
                assert_eq!((fault.to_string().as_str(), fault.sent()), (text, false));
            }
        }
        let refused = Fault::from(&ConnectError::Io(io::ErrorKind::ConnectionRefused.into()));
        assert_eq!(refused.to_string(), "no connection to the provider: connection refused");
        let unknown = ConnectError::Resolver(Box::new(io::Error::other("no such name")));
        assert_eq!(Fault::from(&unknown), Fault::Unresolved);
    }

    #[test]
    fn only_what_failed_before_a_connection_stood_is_certainly_unsent() {
        for unsent in [
            Fault::Unsendable("x"),
            Fault::Unresolved,
            Fault::Refused(io::ErrorKind::ConnectionRefused),
            Fault::Untunnelled("x".into()),
            Fault::Untrusted("x".into()),
            Fault::TimedOut { phase: Phase::Connect },
        ] {
            assert!(!unsent.sent(), "{unsent}");
        }
        for sent in [
            Fault::TimedOut { phase: Phase::FirstByte },
            Fault::TimedOut { phase: Phase::BetweenBytes },
            Fault::Cut,
            Fault::Protocol("x"),
            Fault::TooLarge { limit: 1 },
        ] {
            assert!(sent.sent(), "{sent}");
        }
    }
}
