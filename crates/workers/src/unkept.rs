//! Why an answer that was paid for is not kept, and with whom that lies.

use domain::evidence::Evidence;
use machines::job::Work;
use store::StoreError;

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unkept {
    /// The answer is of no use.
    Useless(String),
    /// The store did not do it; the answer may be as good as any.
    Fault(String),
}

impl Unkept {
    /// What the work amounts to. The token works either way.
    pub(crate) fn work(self, evidence: Evidence) -> Work {
        match self {
            Self::Useless(why) => Work::Unusable { evidence, why },
            Self::Fault(why) => Work::Unkept { evidence, why },
        }
    }
}

impl From<StoreError> for Unkept {
    /// What the store refuses contradicts what is kept: that was the model's idea.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Refused(_) => Self::Useless(error.to_string()),
            _ => Self::Fault(error.to_string()),
        }
    }
}
