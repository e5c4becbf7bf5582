//! Why an answer that was paid for is not kept, and with whom that lies.

use crate::caller::Caller;
use crate::ears::PassedOver;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::time::UnixMillis;
use machines::job::Work;
use store::{StoreError, Vain};
use upstream::classify::lies_with_the_texts;

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

/// Why the call was in vain, if that lies with what it was about: the answer is of no use, or the provider did not take the texts.
pub(crate) fn of_no_use(work: &Work) -> Option<&str> {
    match work {
        Work::Unusable { why, .. } => Some(why),
        _ => fault_of_the_texts(work),
    }
}

/// Why the provider did not take what was asked, where fewer or other texts may pass. All else that it may have against a request, such as a
/// model that it does not have, is not their fault.
pub(crate) fn fault_of_the_texts(work: &Work) -> Option<&str> {
    match work {
        Work::Failed { evidence: Some(Evidence { class: Class::RequestRefused, status, .. }), why } => {
            lies_with_the_texts(*status, why).then_some(why)
        }
        _ => None,
    }
}

/// Notes that an answer was of no use. What no model can say anything of must not be paid for without end, nor keep what is behind it
/// from being worked on: in the end it is passed over, and that is said.
pub(crate) async fn refuse(caller: &Caller, session: SessionId, about: Vain, why: &str) {
    let (of, what) = (session.prefix().to_owned(), passed_over(&about));
    let at = UnixMillis::from(caller.clock.unix());
    match caller.desk.write(move |store| store.refuse(&session, &about, at)).await {
        Ok(false) => {}
        Ok(true) => {
            caller.meter.passed_over(what);
            let PassedOver { kind, count } = what;
            let hint = "all that was said is still there and found by its words; another model may answer better: set worker.model";
            tracing::warn!(
                session = of,
                kind,
                count,
                why,
                hint,
                "passed over: no answer about it was of use"
            );
        }
        Err(error) => tracing::warn!(%error, "that an answer was of no use could not be written down"),
    }
}

/// What it is for the counters.
fn passed_over(about: &Vain) -> PassedOver {
    match about {
        Vain::Messages(sources) => PassedOver { kind: "message", count: sources.len() as u64 },
        Vain::Observations(sources) => PassedOver { kind: "observation", count: sources.len() as u64 },
        Vain::Curation | Vain::Consolidation => PassedOver { kind: "session", count: 1 },
    }
}
