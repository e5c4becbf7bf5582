//! Why a body could not be read. Reading is for our own use only: what is relayed is relayed whether we can read it or not.

/// A body that we cannot read. Never carries any of the body's text, which may hold prompts and secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not the JSON that its dialect asks for.
    #[error("not the expected JSON (line {line}, column {column})")]
    Malformed {
        /// Where reading stopped, counted from 1.
        line: usize,
        /// The byte in that line, counted from 1.
        column: usize,
    },
    /// A key stands twice where it may stand once, so that two readers could disagree about what it says.
    #[error("a key stands twice")]
    DuplicateKey,
    /// Something is missing without which it makes no sense.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// Its content encoding is not one that we decode.
    #[error("its content encoding is not supported")]
    UnknownEncoding,
    /// It is not what its content encoding says, or it is cut.
    #[error("it does not decode")]
    Undecodable,
    /// It is longer than the reader is willing to hold in memory.
    #[error("it is longer than {limit} bytes")]
    TooLarge {
        /// The reader's limit, in bytes.
        limit: usize,
    },
}

impl From<serde_json::Error> for Unreadable {
    /// Only the position is kept: the error's own words quote the body.
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed { line: error.line(), column: error.column() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_never_quotes_the_body() {
        let error = serde_json::from_str::<u32>("\"sk-secret\"").unwrap_err();
        assert!(error.to_string().contains("sk-secret"), "the error this guards against");
        assert!(!Unreadable::from(error).to_string().contains("sk-secret"));
    }
}
