//! Pauses that have nothing to do with whether a token is good: a provider that wants quiet, an account that cannot pay, a
//! model that the token may not use, work that is refused with a token that is accepted otherwise. They belong to the token,
//! so that one user's trouble is never another's.

#[cfg(test)]
mod tests;

use domain::access::{AccessRequest, WaitReason};
use domain::evidence::{Class, Evidence};
use domain::purpose::Purpose;
use domain::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// Quiet after throttling: longer each time it happens again.
const THROTTLED: [u64; 5] = [60, 120, 240, 480, 600];
/// Quiet after "this token may not do that".
const FORBIDDEN: [u64; 4] = [300, 900, 1800, 3600];
/// Quiet after "this account cannot be used".
const BLOCKED: [u64; 2] = [1800, 3600];

/// So many pairs of model and purpose are remembered as forbidden for one token; the one that ends first goes first.
const FORBIDDEN_PAIRS: usize = 32;

/// The call that an answer is about.
#[derive(Debug, Clone, Copy)]
pub struct Call<'c> {
    /// What for.
    pub purpose: Purpose,
    /// The model that it asked or is about; empty when that is not known.
    pub model: &'c str,
    /// Whether a model did something. What counts tokens, lists models or looks after a batch is accepted of whoever must be
    /// quiet or cannot pay, too.
    asks: bool,
}

impl<'c> Call<'c> {
    /// A client's own: with the model that it asked, if it asked one.
    #[must_use]
    pub fn of_client(model: Option<&'c str>) -> Self {
        Self { purpose: Purpose::Client, model: model.unwrap_or_default(), asks: model.is_some() }
    }

    /// A worker's.
    #[must_use]
    pub fn of_work(request: &'c AccessRequest) -> Self {
        let purpose = request.purpose;
        Self { purpose, model: &request.model, asks: purpose != Purpose::Batch }
    }
}

/// One pause, longer each time in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Pause {
    /// When the newest answer behind it was understood.
    since: Moment,
    until: Moment,
    times: u32,
}

impl Pause {
    /// Takes an answer in that asks for quiet, seen at `now`.
    fn extend(&mut self, ladder: &[u64], evidence: &Evidence, now: Moment, asked: Option<Duration>) {
        self.since = self.since.max(evidence.end);
        let longest = ladder[ladder.len() - 1];
        let mut quiet = asked.map_or(0, |span| span.as_secs().min(longest));
        // One storm is one step of the ladder, however many calls were caught in it and whatever they ask for.
        if now >= self.until {
            quiet = quiet.max(ladder[(self.times as usize).min(ladder.len() - 1)]);
            self.times = self.times.saturating_add(1);
        }
        self.until = self.until.max(now.after(Duration::from_secs(quiet)));
    }
}

impl Pause {
    /// Ends it, if the success began after the trouble was known: one that was on its way before proves nothing.
    fn end(&mut self, success: &Evidence) {
        if success.start > self.since {
            *self = Self::default();
        }
    }
}

/// All pauses of one token. Nearly every token has none, and then they take no room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Pauses(Option<Box<Known>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Known {
    throttled: Pause,
    /// The model that was asked when quiet was last asked for; empty when none was, or it is not known.
    throttled_model: Box<str>,
    blocked: Pause,
    forbidden: BTreeMap<(Box<str>, Purpose), Pause>,
    refused: BTreeMap<Purpose, Refusals>,
}

/// Work of one purpose was refused as if the token were dead, and not done since.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct Refusals {
    pause: Pause,
    /// The token was accepted for something else since the last refusal.
    contradicted: bool,
}

impl Pauses {
    /// Takes in what an answer says. A client's trouble is the token's: while its own requests are throttled or its account is
    /// blocked, background work stands back. What a client may not do says nothing about what background work may. Says whether
    /// this refusal is the work's and not the token's: it is not the first, and the token was accepted between for something else.
    pub fn take(&mut self, evidence: &Evidence, call: Call<'_>, now: Moment) -> bool {
        match evidence.class {
            Class::Ok => self.succeed(evidence, call),
            Class::Throttled { retry_after } => self.known().throttle(evidence, call, now, retry_after),
            Class::AccountBlocked => self.known().blocked.extend(&BLOCKED, evidence, now, None),
            Class::Forbidden if call.purpose != Purpose::Client => {
                self.known().forbid(evidence, call, now);
            }
            Class::CredentialRejected | Class::WeakAuth if call.purpose != Purpose::Client => {
                return self.known().refuse(evidence, call.purpose, now);
            }
            Class::Forbidden
            | Class::CredentialRejected
            | Class::WeakAuth
            | Class::UpstreamFault
            | Class::RequestRefused => {}
        }
        false
    }

    fn known(&mut self) -> &mut Known {
        self.0.get_or_insert_default()
    }

    fn succeed(&mut self, success: &Evidence, call: Call<'_>) {
        let Some(known) = &mut self.0 else { return };
        if call.asks {
            known.asked(success, call.model);
        }
        known.forbidden.remove(&(call.model.into(), call.purpose));
        known.contradict(success, call.purpose);
        if **known == Known::default() {
            self.0 = None;
        }
    }

    /// Whether a call for this model and purpose must wait, why, and until when.
    #[must_use]
    pub fn standing(&self, model: &str, purpose: Purpose, now: Moment) -> Option<(WaitReason, Moment)> {
        let known = self.0.as_ref()?;
        [
            (WaitReason::AccountBlocked, known.blocked.until),
            (WaitReason::Forbidden, known.forbidden_until(model, purpose)),
            (WaitReason::Forbidden, known.refused_until(purpose)),
            (WaitReason::Throttled, known.throttled.until),
        ]
        .into_iter()
        .find(|(_, until)| now < *until)
    }

    /// Whether work of this purpose is forbidden, whatever the model.
    #[must_use]
    pub fn forbids(&self, purpose: Purpose, now: Moment) -> bool {
        self.0.as_ref().is_some_and(|known| {
            let mut pairs = known.forbidden.iter();
            let forbidden = pairs.any(|((_, what), pause)| *what == purpose && now < pause.until);
            forbidden || now < known.refused_until(purpose)
        })
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        self.0.iter_mut().flat_map(|known| known.moments())
    }
}

impl Known {
    fn throttle(&mut self, evidence: &Evidence, call: Call<'_>, now: Moment, asked: Option<Duration>) {
        let before = self.throttled.until;
        self.throttled.extend(&THROTTLED, evidence, now, asked);
        if self.throttled.until > before {
            self.throttled_model = if call.asks { call.model.into() } else { Box::default() };
        }
    }

    /// A model answered. The account works, then; but that another model than the busy one is there for it says nothing.
    fn asked(&mut self, success: &Evidence, model: &str) {
        self.blocked.end(success);
        if self.throttled_model.is_empty() || *self.throttled_model == *model {
            self.throttled.end(success);
        }
        if self.throttled == Pause::default() {
            self.throttled_model = Box::default();
        }
    }

    fn forbid(&mut self, evidence: &Evidence, call: Call<'_>, now: Moment) {
        let pause = self.forbidden.entry((call.model.into(), call.purpose)).or_default();
        pause.extend(&FORBIDDEN, evidence, now, None);
        if self.forbidden.len() > FORBIDDEN_PAIRS {
            let first =
                self.forbidden.iter().min_by_key(|(_, pause)| pause.until).map(|(pair, _)| pair.clone());
            first.and_then(|pair| self.forbidden.remove(&pair));
        }
    }

    /// The first refusal may be a mistake, or the end of the token: its verdict is enough. But with one that is accepted again and
    /// again for something else each success would let one more call go and be refused.
    fn refuse(&mut self, evidence: &Evidence, purpose: Purpose, now: Moment) -> bool {
        let refusals = self.refused.entry(purpose).or_default();
        let again = std::mem::take(&mut refusals.contradicted);
        if again {
            refusals.pause.extend(&FORBIDDEN, evidence, now, None);
        }
        refusals.pause.since = refusals.pause.since.max(evidence.end);
        again
    }

    /// Work that is done is refused no more; for other work that was, the token is good all the same.
    fn contradict(&mut self, success: &Evidence, purpose: Purpose) {
        let began_after = |refusals: &Refusals| success.start > refusals.pause.since;
        self.refused.retain(|refused, refusals| *refused != purpose || !began_after(refusals));
        let others = self.refused.values_mut().filter(|refusals| began_after(refusals));
        others.for_each(|refusals| refusals.contradicted = true);
    }

    fn refused_until(&self, purpose: Purpose) -> Moment {
        self.refused.get(&purpose).map_or(Moment::default(), |refusals| refusals.pause.until)
    }

    fn forbidden_until(&self, model: &str, purpose: Purpose) -> Moment {
        let mut pairs = self.forbidden.iter();
        let pause = pairs.find(|((forbidden, what), _)| &**forbidden == model && *what == purpose);
        pause.map_or(Moment::default(), |(_, pause)| pause.until)
    }

    fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let refused = self.refused.values_mut().map(|refusals| &mut refusals.pause);
        let all = [&mut self.throttled, &mut self.blocked].into_iter().chain(self.forbidden.values_mut());
        all.chain(refused).flat_map(|pause| [&mut pause.since, &mut pause.until])
    }
}
