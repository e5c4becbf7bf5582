//! The CacheWarmer: replays a session's last request, with next to no output, shortly before the provider forgets its prefix.

mod books;
mod habits;
#[cfg(test)]
mod tests;

use crate::caller::{Caller, Question, evidence, unanswered};
use crate::errand::Errand;
use crate::job::{Craft, perform};
use crate::{Meter, RequestShelf, Spoken};
use actor::{Address, Cause, Performer, Stage};
use books::{Books, recalled};
use domain::conversation::{Answered, CacheTtl};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::price::Price;
use domain::purpose::Purpose;
use domain::time::{DAY, Moment, UnixMillis};
use domain::warming::Bucket;
use machines::cache_warmer::{Pause, WarmerEffect, WarmerMachine, WarmerMessage, WarmerReply, saving};
use machines::job::{Brief, JobMessage, Work};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use upstream::call::CallEnd;
use upstream::warmup::warmup;

const TIMER: &str = "warmup";
const KEEPING: &str = "keeping";

/// Does warm-ups.
pub(crate) struct Warming {
    pub(crate) caller: Caller,
    pub(crate) shelf: Arc<RequestShelf>,
    /// The actor it belongs to, once that is open: what the provider counted is told there.
    pub(crate) me: RefCell<Option<Address<Spoken<WarmerMessage>>>>,
}

impl Craft for Warming {
    const NAME: &'static str = "CacheWarmer";
    const PURPOSE: Purpose = Purpose::Warm;

    async fn work(&self, brief: Brief, lease: Lease) -> Work {
        let Some(kept) = self.shelf.get(&brief.session) else {
            self.tell(WarmerMessage::Displaced(brief.session));
            return Work::Nothing;
        };
        // A turn that asked another model, or another provider, came in between. It is seen in a moment.
        if !kept.is_of(&brief.model, &brief.upstream) || self.is_over_limit(&brief.session).await {
            return Work::Nothing;
        }
        let body = match warmup(&kept.body) {
            Ok(body) => body,
            Err(error) => return self.unwarmable(brief, None, error.to_string()),
        };
        let report = self.caller.ask(&brief, &lease, Question { target: kept.target, body }).await;
        let evidence = evidence(&lease, &report);
        match report.end {
            CallEnd::Answered { answered, .. } => self.refreshed(brief, evidence, &answered),
            CallEnd::Failed { class: Class::RequestRefused, reason, .. } => {
                self.unwarmable(brief, Some(evidence), reason)
            }
            // So short a time is ours: a provider that is slow is not broken, and its other work goes on.
            CallEnd::Failed { reason, .. } if report.is_late => Work::Failed { evidence: None, why: reason },
            CallEnd::Failed { reason, .. } => unanswered(evidence, reason),
        }
    }
}

impl Warming {
    /// Whether the day's limit is reached. The warm-ups under way at that moment are not in the books yet. Where these cannot be
    /// read, it counts as reached: a brake that does not answer holds.
    async fn is_over_limit(&self, session: &SessionId) -> bool {
        let Some(limit) = self.caller.settings.cache_warmer.max_cost_per_day else { return false };
        let since = UnixMillis(UnixMillis::from(self.caller.clock.unix()).0 - DAY);
        let spent = self.caller.desk.read(move |store| store.spent_since(Purpose::Warm, since)).await;
        let spent = spent.unwrap_or(limit);
        if spent >= limit {
            let session = session.clone();
            self.tell(WarmerMessage::LimitReached { session, spent: cents(spent), limit: cents(limit) });
        }
        spent >= limit
    }

    fn refreshed(&self, brief: Brief, evidence: Evidence, answered: &Answered) -> Work {
        let price = Price::of(brief.upstream.provider(), &brief.model);
        self.caller.meter.warm_cost(price.cost(&answered.usage));
        let (start, usage) = (evidence.start, answered.usage);
        self.tell(WarmerMessage::Refreshed { brief, start, usage });
        Work::Accepted { evidence, kept: 1 }
    }

    /// This session's request cannot be replayed.
    fn unwarmable(&self, brief: Brief, evidence: Option<Evidence>, why: String) -> Work {
        self.tell(WarmerMessage::Unwarmable { brief, why: why.clone() });
        Work::Failed { evidence, why }
    }

    fn tell(&self, message: WarmerMessage) {
        if let Some(me) = &*self.me.borrow() {
            me.tell_surely(Spoken(message), Cause::origin(Self::NAME)).unwrap_or_default();
        }
    }
}

fn cents(usd: f64) -> u64 {
    (usd * 100.0).round() as u64
}

/// See the module.
pub(crate) struct WarmerPerformer {
    pub(crate) craft: Rc<Warming>,
    pub(crate) errand: Errand,
    pub(crate) shelf: Arc<RequestShelf>,
    pub(crate) meter: Arc<dyn Meter>,
}

impl Performer for WarmerPerformer {
    const NAME: &'static str = "CacheWarmer";
    type Machine = WarmerMachine;
    type Message = Spoken<WarmerMessage>;
    type Effect = WarmerEffect;
    type Reply = WarmerReply;

    fn step(
        machine: &mut WarmerMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<WarmerEffect>,
    ) -> WarmerReply {
        machine.on(message.0, Moment::from(now), effects)
    }

    fn perform(&mut self, effect: WarmerEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            WarmerEffect::Job(effect) => perform(&self.craft, &self.errand, effect, stage, wrap),
            WarmerEffect::ArmWarmup(None) => stage.cancel(TIMER),
            WarmerEffect::ArmWarmup(Some(delay)) => {
                stage.after(TIMER, delay, Spoken(WarmerMessage::WarmupDue));
            }
            WarmerEffect::Credit { brief, tokens, ttl } => self.credit(brief, tokens, ttl),
            WarmerEffect::Paused { bucket, pause } => self.paused(bucket, pause),
            WarmerEffect::ArmKeeping(delay) => {
                stage.after(KEEPING, delay, Spoken(WarmerMessage::KeepingDue));
            }
            WarmerEffect::Keep(changes) => {
                let Books { desk, clock } = self.books();
                let now = UnixMillis::from(clock.unix());
                habits::keep(&desk, changes, now, stage.me().clone(), stage.cause());
            }
            WarmerEffect::Forget(session) => self.shelf.forget(&session),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        *self.craft.me.borrow_mut() = Some(stage.me().clone());
        self.errand.begin(stage.cause());
        stage.run(recalled(self.books()), Spoken(WarmerMessage::WarmupDue));
    }
}

impl WarmerPerformer {
    fn books(&self) -> Books {
        Books { desk: self.craft.caller.desk.clone(), clock: self.craft.caller.clock }
    }

    fn credit(&self, brief: Brief, tokens: u64, ttl: CacheTtl) {
        let usd = saving(&brief, tokens, ttl);
        self.meter.warm_saved(usd);
        let books = self.books();
        drop(tokio::task::spawn_local(async move { books.credit(brief, tokens, ttl, usd).await }));
    }

    fn paused(&self, bucket: Option<Bucket>, pause: Pause) {
        let session = bucket.as_ref().map_or("all", |bucket| bucket.session.prefix());
        tracing::warn!(session, cause = ?pause.cause, said = pause.said, "warming pauses for six hours");
        let books = self.books();
        drop(tokio::task::spawn_local(async move { books.keep(bucket, pause).await }));
    }
}

fn wrap(message: JobMessage) -> Spoken<WarmerMessage> {
    Spoken(WarmerMessage::Job(message))
}
