//! What goes wrong, and when: faults for the next requests, and faults for a span of time.

use super::{
    exchange::{Plan, Step},
    refusal::Refusal,
};
use bytes::Bytes;
use serde::Deserialize;
use std::{collections::VecDeque, ops::Range, time::Duration};

/// One way in which a provider fails. Everything but an unknown path can meet it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 429, whatever the token.
    RateLimited {
        /// `retry-after`, in seconds; none leaves the header out.
        retry_after: Option<u64>,
    },
    /// 529 at Anthropic, 503 at OpenAI.
    Overloaded,
    /// This refusal, whatever the token.
    Refused(Refusal),
    /// A server error of this status, in the provider's shape.
    Error(u16),
    /// The connection ends after this many bytes of the body, or where the body would have ended.
    CutAfter(usize),
    /// Nothing more comes after this many bytes of the body, or where the body would have ended.
    StallAfter(usize),
    /// A page of this status from somebody in front of the provider: no JSON, no request id.
    HtmlError(u16),
    /// An answer that begins with 200 and turns into this error: an event in the middle of a stream, or the body.
    ErrorEventInStream(Refusal),
    /// A good answer without any content.
    EmptyAnswer,
}

/// The faults to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    next: VecDeque<Fault>,
    spans: Vec<(Range<Duration>, Fault)>,
}

impl Script {
    pub(super) fn next(&mut self, fault: Fault) {
        self.next.push_back(fault);
    }

    pub(super) fn between(&mut self, span: Range<Duration>, fault: Fault) {
        self.spans.push((span, fault));
    }

    /// The fault for a request at `now`: what was queued first, then what fills the time.
    pub(super) fn take(&mut self, now: Duration) -> Option<Fault> {
        self.next.pop_front().or_else(|| {
            let (_, fault) = self.spans.iter().find(|(span, _)| span.contains(&now))?;
            Some(fault.clone())
        })
    }
}

/// The plan up to byte `limit` of its body, then `end`, which is a cut or a stall.
pub(super) fn ended_after(plan: Plan, limit: usize, end: Step) -> Plan {
    let mut left = limit;
    let mut steps = Vec::new();
    for step in plan.steps {
        let Step::Bytes(bytes) = step else {
            steps.push(step);
            continue;
        };
        let taken = bytes.len().min(left);
        if taken > 0 {
            steps.push(Step::Bytes(bytes.slice(..taken)));
        }
        left -= taken;
        if taken < bytes.len() {
            break;
        }
    }
    steps.push(end);
    Plan { steps, ..plan }
}

/// What a proxy in front of a provider shows.
pub(super) fn page(status: u16) -> Plan {
    let body =
        format!("<html>\n<head><title>{status}</title></head>\n<body><h1>{status}</h1></body>\n</html>\n");
    let headers = [("content-type", "text/html".to_owned()), ("content-length", body.len().to_string())];
    let headers = headers.map(|(name, value)| (name.to_owned(), value)).to_vec();
    Plan { status, headers, steps: vec![Step::Bytes(Bytes::from(body))] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let bytes = |text: &'static str| Step::Bytes(Bytes::from_static(text.as_bytes()));
        let steps = vec![bytes("abc"), Step::Wait(Duration::from_secs(1)), bytes("def")];
        Plan { status: 200, headers: vec![], steps }
    }

    #[test]
    fn a_cut_falls_on_the_very_byte() {
        for limit in 0..=9 {
            let cut = ended_after(plan(), limit, Step::Cut);
            assert_eq!(cut.body(), &b"abcdef"[..limit.min(6)], "{limit}");
            assert_eq!(cut.steps.last(), Some(&Step::Cut));
        }
    }

    #[test]
    fn queued_faults_come_in_order_before_those_of_the_hour() {
        let mut script = Script::default();
        let hour = Duration::from_secs(3600);
        script.between(hour..hour * 2, Fault::Overloaded);
        script.next(Fault::EmptyAnswer);
        script.next(Fault::Error(500));
        assert_eq!(script.take(hour), Some(Fault::EmptyAnswer));
        assert_eq!(script.take(Duration::ZERO), Some(Fault::Error(500)));
        assert_eq!(script.take(Duration::ZERO), None);
        assert_eq!(script.take(hour), Some(Fault::Overloaded));
        assert_eq!(script.take(hour), Some(Fault::Overloaded));
        assert_eq!(script.take(hour * 2), None);
    }
}
