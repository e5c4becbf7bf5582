//! How workers call a provider: one way for all of them, so that every call is leased, counted and charged.

#[cfg(test)]
mod tests;

use crate::{Called, Meter, base_url};
use actor::Clock;
use domain::conversation::{Answered, Part, Stop, Usage};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::price::Price;
use domain::purpose::Purpose;
use domain::settings::Settings;
use domain::time::{Moment, UnixMillis};
use machines::job::{Brief, Work};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use store::{Desk, LedgerEntry, StoreError};
use upstream::amendment::Lessons;
use upstream::batch;
use upstream::call::{Call, CallEnd, CallReport, call};
use upstream::retry::Policy;
use upstream::transport::Transport;

/// A warm-up that takes longer than its margin before the expiry would pay for a whole write.
const WARM_WITHIN: Duration = Duration::from_secs(40);

/// The batch endpoint only writes down and looks up. What follows under the same lease must fit into its time.
const STEP_WITHIN: Duration = Duration::from_secs(30);

/// What is asked of a provider.
pub(crate) struct Question {
    /// Path and query below the base URL.
    pub(crate) target: String,
    /// The body, in the session's dialect.
    pub(crate) body: bytes::Bytes,
}

/// Makes the calls of one worker. Lives on the worker's thread.
pub(crate) struct Caller {
    pub(crate) settings: Arc<Settings>,
    pub(crate) transport: Rc<dyn Transport>,
    pub(crate) clock: Clock,
    pub(crate) desk: Desk,
    pub(crate) meter: Arc<dyn Meter>,
    pub(crate) purpose: Purpose,
    pub(crate) chance: Chance,
    /// What models were found not to take. A warm-up teaches nothing and is never changed.
    pub(crate) lessons: RefCell<Lessons>,
}

impl Caller {
    /// The model to ask.
    pub(crate) fn model<'b>(&'b self, brief: &'b Brief) -> &'b str {
        self.settings.worker.asked(self.purpose, brief.upstream.provider(), &brief.model)
    }

    /// Asks the provider with `lease`, with the retries that the policy allows, and charges what it cost.
    pub(crate) async fn ask(&self, brief: &Brief, lease: &Lease, question: Question) -> CallReport {
        let provider = lease.upstream.provider();
        let request = Call {
            purpose: self.purpose,
            dialect: brief.dialect,
            base_url: base_url(&self.settings, provider).to_owned(),
            target: question.target,
            headers: Vec::new(),
            body: self.lessons.borrow().applied(&lease.upstream, self.model(brief), question.body),
        };
        let total = if self.purpose == Purpose::Warm { WARM_WITHIN } else { Policy::default().total };
        let policy = Policy { max_retries: self.settings.worker.max_retries, total, ..Policy::default() };
        let now = || (Moment::from(self.clock.now()), UnixMillis::from(self.clock.unix()));
        let mut on_attempt = |status| self.meter.upstream_request(self.purpose, provider, status);
        let mut chance = || self.chance.draw();
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place from which workers call a provider (R8)"
        )]
        let report =
            call(&*self.transport, &now, &mut chance, &policy, lease, &request, &mut on_attempt).await;
        self.learn(brief, lease, &report);
        self.tell(brief, lease, &report);
        self.note(brief, &report).await;
        report
    }

    fn tell(&self, brief: &Brief, lease: &Lease, report: &CallReport) {
        let (class, status, is_counted) = match &report.end {
            CallEnd::Answered { status, .. } => (Class::Ok, *status, true),
            CallEnd::Failed { class, status, .. } => (*class, *status, report.spent != Usage::default()),
        };
        self.meter.called(&Called {
            purpose: self.purpose,
            upstream: &lease.upstream,
            model: self.model(brief),
            session: Some(brief.session.as_str()),
            ended: UnixMillis::from(self.clock.unix()),
            took: report.finish.since(report.start),
            status,
            class,
            attempts: report.attempts,
            usage: is_counted.then_some(report.spent),
        });
    }

    fn learn(&self, brief: &Brief, lease: &Lease, report: &CallReport) {
        let (model, purpose) = (self.model(brief), self.purpose.as_str());
        if let Some(change) = report.learned.clone() {
            tracing::info!(
                model,
                purpose,
                ?change,
                "a parameter that the model does not take is changed from now on"
            );
            self.lessons.borrow_mut().learn(&lease.upstream, model, change);
        }
    }

    /// A background call for a batch, as the model is known to take it.
    pub(crate) fn as_taken(&self, brief: &Brief, lease: &Lease, body: bytes::Bytes) -> bytes::Bytes {
        self.lessons.borrow().applied(&lease.upstream, self.model(brief), body)
    }

    /// Asks the batch endpoint with `lease`.
    pub(crate) async fn step(&self, lease: &Lease, step: batch::Step) -> batch::Reply {
        let provider = lease.upstream.provider();
        let now = || (Moment::from(self.clock.now()), UnixMillis::from(self.clock.unix()));
        let base_url = base_url(&self.settings, provider);
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place from which workers call a provider (R8)"
        )]
        let reply = batch::send(&*self.transport, &now, STEP_WITHIN, lease, base_url, &step).await;
        self.meter.upstream_request(Purpose::Batch, provider, reply.status);
        reply
    }

    /// What the call with this name cost in its batch is written down when its answer is fetched: only then is it known. Once, however
    /// often that is; under no session, when that was forgotten before a restart; and at the price of the model that was asked, whatever
    /// the settings say by now.
    pub(crate) async fn charge_batch(
        &self,
        brief: &Brief,
        call: String,
        session: Option<SessionId>,
        usage: Usage,
    ) -> Result<(), StoreError> {
        let entry = self.entry(brief, &brief.model, (Purpose::Batch, 200), usage);
        let entry = LedgerEntry { session, usd: entry.usd * batch::PRICE, ..entry };
        self.desk.write(move |store| store.charge_once(&call, &entry)).await
    }

    /// What a call cost, all its attempts together, is written down whether or not its answer was of use: it was paid for.
    async fn note(&self, brief: &Brief, report: &CallReport) {
        let status = match &report.end {
            CallEnd::Answered { status, .. } => *status,
            CallEnd::Failed { class, status, reason } => {
                self.log(&brief.session, *class, *status, reason);
                *status
            }
        };
        let entry = self.entry(brief, self.model(brief), (self.purpose, status), report.spent);
        self.charge(LedgerEntry { attempts: report.attempts.max(1), ..entry }).await;
    }

    fn entry(
        &self,
        brief: &Brief,
        model: &str,
        (purpose, status): (Purpose, u16),
        usage: Usage,
    ) -> LedgerEntry {
        let provider = brief.upstream.provider();
        LedgerEntry {
            at: UnixMillis::from(self.clock.unix()),
            session: Some(brief.session.clone()),
            purpose,
            provider,
            model: model.to_owned(),
            status: (status != 0).then_some(status),
            usage,
            usd: Price::of(provider, model).cost(&usage),
            attempts: 1,
        }
    }

    async fn charge(&self, entry: LedgerEntry) {
        if let Err(error) = self.desk.write(move |store| store.charge(&entry)).await {
            tracing::warn!(%error, "the cost of a background call could not be written down");
        }
    }

    fn log(&self, session: &SessionId, class: Class, status: u16, reason: &str) {
        let (session, purpose) = (session.prefix(), self.purpose.as_str());
        tracing::info!(session, purpose, status, ?class, reason, "a background call came to nothing");
    }
}

/// What an answer says about the token it was asked with.
pub(crate) fn evidence(lease: &Lease, report: &CallReport) -> Evidence {
    let (class, status) = match &report.end {
        CallEnd::Answered { status, .. } => (Class::Ok, *status),
        CallEnd::Failed { class, status, .. } => (*class, *status),
    };
    Evidence {
        fingerprint: lease.fingerprint(),
        upstream: lease.upstream.clone(),
        start: report.start,
        end: report.finish,
        class,
        status,
    }
}

/// The work that a call which did not answer amounts to.
pub(crate) fn unanswered(evidence: Evidence, why: String) -> Work {
    match evidence.class {
        Class::CredentialRejected | Class::WeakAuth | Class::Forbidden | Class::AccountBlocked => {
            Work::Refused { evidence }
        }
        Class::Throttled { .. } | Class::UpstreamFault | Class::RequestRefused | Class::Ok => {
            Work::Failed { evidence: Some(evidence), why }
        }
    }
}

/// The words of an answer, or why it is of no use: background work asks for words to their end, and an answer that has none, or
/// is no answer, was accepted and paid for all the same.
pub(crate) fn words(answered: &Answered) -> Result<String, String> {
    let short = answered.stop.map_or(Some("the answer never came to its end"), Stop::falls_short);
    if let Some(why) = short {
        return Err(why.to_owned());
    }
    let parts = answered.message.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text { text } => Some(text.trim()),
        Part::ToolCall { .. } | Part::ToolResult { .. } => None,
    });
    let words = texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n");
    if words.is_empty() { Err("the model answered without a word".to_owned()) } else { Ok(words) }
}

/// Chance that can be replayed: SplitMix64 from a seed. Only spreads retries, so its quality hardly matters.
#[derive(Clone)]
pub(crate) struct Chance(Rc<Cell<u64>>);

impl Chance {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(Rc::new(Cell::new(seed)))
    }

    /// A number in 0..1.
    fn draw(&self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of 64 bits.
    pub(crate) fn number(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let bits = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
