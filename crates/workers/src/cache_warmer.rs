//! The CacheWarmer: replays a session's last request, with next to no output, shortly before the provider forgets its prefix.

use crate::caller::{Caller, Question, evidence, unanswered};
use crate::errand::Errand;
use crate::job::{Craft, perform};
use crate::{Meter, RequestShelf, Spoken};
use actor::{Address, Cause, Performer, Stage};
use domain::conversation::{Answered, CacheTtl, Usage};
use domain::credential::Lease;
use domain::evidence::{Class, Evidence};
use domain::ids::SessionId;
use domain::price::{CACHE_READ, CACHE_WRITE_1H, CACHE_WRITE_5M, Price};
use domain::provider::Provider;
use domain::purpose::Purpose;
use domain::time::{Moment, UnixMillis};
use machines::cache_warmer::{WarmerEffect, WarmerMachine, WarmerMessage};
use machines::job::{Brief, JobMessage, Work};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use upstream::call::CallEnd;
use upstream::warmup::warmup;

const TIMER: &str = "warmup";
/// The span of a spending limit, in milliseconds.
const DAY: i64 = 86_400_000;

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
        let Some(kept) = self.shelf.get(&brief.session) else { return Work::Nothing };
        if self.is_over_budget().await {
            return Work::Nothing;
        }
        let body = match warmup(&kept.body) {
            Ok(body) => body,
            Err(error) => return self.unwarmable(&brief.session, None, error.to_string()),
        };
        let report = self.caller.ask(&brief, &lease, Question { target: kept.target, body }).await;
        let evidence = evidence(&lease, &report);
        match report.end {
            CallEnd::Answered { answered, .. } => self.refreshed(&brief, evidence, &answered),
            CallEnd::Failed { class: Class::RequestRefused, reason, .. } => {
                self.unwarmable(&brief.session, Some(evidence), reason)
            }
            CallEnd::Failed { reason, .. } => unanswered(evidence, reason),
        }
    }
}

impl Warming {
    async fn is_over_budget(&self) -> bool {
        let Some(limit) = self.caller.settings.cache_warmer.max_cost_per_day else { return false };
        let since = UnixMillis(UnixMillis::from(self.caller.clock.unix()).0 - DAY);
        let spent = self.caller.desk.read(move |store| store.spent_since(Purpose::Warm, since)).await;
        spent.is_ok_and(|spent| spent >= limit)
    }

    fn refreshed(&self, brief: &Brief, evidence: Evidence, answered: &Answered) -> Work {
        let price = Price::of(brief.upstream.provider(), &brief.model);
        self.caller.meter.warm_cost(price.cost(&answered.usage));
        let (session, start, usage) = (brief.session.clone(), evidence.start, answered.usage);
        self.tell(WarmerMessage::Refreshed { session, start, usage });
        Work::Accepted { evidence, kept: 1 }
    }

    /// This session's request cannot be replayed: said once, and not tried again until its agent speaks.
    fn unwarmable(&self, session: &SessionId, evidence: Option<Evidence>, why: String) -> Work {
        self.tell(WarmerMessage::Unwarmable { session: session.clone(), why: why.clone() });
        Work::Failed { evidence, why }
    }

    fn tell(&self, message: WarmerMessage) {
        if let Some(me) = &*self.me.borrow() {
            me.tell_surely(Spoken(message), Cause::origin(Self::NAME)).unwrap_or_default();
        }
    }
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
    type Reply = ();

    fn step(
        machine: &mut WarmerMachine,
        message: Self::Message,
        now: Duration,
        effects: &mut Vec<WarmerEffect>,
    ) {
        machine.on(message.0, Moment::from(now), effects);
    }

    fn perform(&mut self, effect: WarmerEffect, stage: &mut Stage<'_, Self::Message>) {
        match effect {
            WarmerEffect::Job(effect) => perform(&self.craft, &self.errand, effect, stage, wrap),
            WarmerEffect::ArmWarmup(None) => stage.cancel(TIMER),
            WarmerEffect::ArmWarmup(Some(delay)) => {
                stage.after(TIMER, delay, Spoken(WarmerMessage::WarmupDue));
            }
            WarmerEffect::Saved { brief, tokens, ttl } => {
                self.meter.warm_saved(saving(brief.upstream.provider(), &brief.model, tokens, ttl));
            }
            WarmerEffect::Forget(session) => self.shelf.forget(&session),
        }
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        *self.craft.me.borrow_mut() = Some(stage.me().clone());
        self.errand.begin(stage.cause());
    }
}

fn wrap(message: JobMessage) -> Spoken<WarmerMessage> {
    Spoken(WarmerMessage::Job(message))
}

/// What reading `tokens` instead of writing them saves, in dollars.
fn saving(provider: Provider, model: &str, tokens: u64, ttl: CacheTtl) -> f64 {
    let write = match ttl {
        CacheTtl::FiveMinutes => CACHE_WRITE_5M,
        CacheTtl::OneHour => CACHE_WRITE_1H,
    };
    let plain = Price::of(provider, model).cost(&Usage { input: tokens, ..Usage::default() });
    plain * (write - CACHE_READ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_saving_is_the_difference_between_writing_and_reading() {
        let million = saving(Provider::Anthropic, "claude-sonnet-4-5", 1_000_000, CacheTtl::FiveMinutes);
        assert!((million - 3.0 * 1.15).abs() < 1e-9);
        let hour = saving(Provider::Anthropic, "claude-sonnet-4-5", 1_000_000, CacheTtl::OneHour);
        assert!((hour - 3.0 * 1.9).abs() < 1e-9);
    }
}
