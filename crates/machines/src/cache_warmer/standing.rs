//! Why a session is kept warm, or not: what is acted on and what is told are this one answer.

use super::WarmerMachine;
use super::figures::{cents, span, tokens};
use super::message::{Cold, Explanation, Overview};
use super::pause::{FEWEST_RETURNS, MISSES, Pause};
use super::rule::{Decision, SMALLEST_PREFIX, decide};
use super::seat::{Prefix, Seat};
use domain::access::WaitReason;
use domain::ids::SessionId;
use domain::time::Moment;
use domain::warming::{PauseCause, WarmingMode};

/// The first gate that is shut, or that none is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Standing<'a> {
    OffInSettings,
    SwitchedOff,
    /// The store has not yet said whether warming is switched on.
    NotRecalled,
    Stopped,
    Paused(&'a Pause),
    Unknown,
    Cold(Cold),
    Small(u64),
    /// Of this model nobody knows what it costs.
    NoPrice(&'a str),
    /// The provider has nothing of it, as its last word shows.
    Uncached,
    /// When, and after how many refreshes since the last turn.
    Expired(Moment, u32),
    /// Spent and allowed, in cents.
    LimitReached(u64, u64),
    Declined(Decision),
    /// Its agent's request is under way; else a warm-up would leave then.
    InProgress(Moment),
    /// When the next warm-up leaves, and why it is worth it.
    Warm(Moment, Decision),
}

impl WarmerMachine {
    pub(super) fn mode(&self, session: &SessionId) -> WarmingMode {
        self.modes.get(session).copied().unwrap_or_default()
    }

    /// Why nothing is kept warm, if that is so for all sessions.
    fn shut(&self, now: Moment) -> Option<Standing<'_>> {
        match self.on {
            _ if !self.enabled => Some(Standing::OffInSettings),
            Some(false) => Some(Standing::SwitchedOff),
            _ if !self.recalled => Some(Standing::NotRecalled),
            _ => self.record.pause(now).map(Standing::Paused),
        }
    }

    pub(super) fn standing(&self, session: &SessionId, now: Moment) -> Standing<'_> {
        let mode = self.mode(session);
        let own = match self.seats.get(session) {
            _ if mode == WarmingMode::Stop => Some(Standing::Stopped),
            None => Some(Standing::Unknown),
            Some(Seat::Cold(cold)) => Some(Standing::Cold(*cold)),
            Some(Seat::Prefix(_)) => None,
        };
        match (self.shut(now).or(own), self.seats.get(session)) {
            (None, Some(Seat::Prefix(prefix))) => self.standing_of(prefix, mode, now),
            (shut, _) => shut.unwrap_or(Standing::Unknown),
        }
    }

    fn standing_of<'a>(&'a self, prefix: &'a Prefix, mode: WarmingMode, now: Moment) -> Standing<'a> {
        if let Some(pause) = self.breakers.pause(&prefix.bucket(), now) {
            return Standing::Paused(pause);
        }
        if prefix.tokens < SMALLEST_PREFIX {
            return Standing::Small(prefix.tokens);
        }
        if prefix.wait().price.is_none() {
            return Standing::NoPrice(&prefix.brief.model);
        }
        if !prefix.is_cached {
            return Standing::Uncached;
        }
        if prefix.expiry <= now {
            return Standing::Expired(prefix.expiry, prefix.refreshes);
        }
        if let Some((spent, limit)) = prefix.limit {
            return Standing::LimitReached(spent, limit);
        }
        let decision = decide(prefix, mode);
        match decision.refresh {
            false => Standing::Declined(decision),
            true if self.in_progress.contains_key(&prefix.brief.session) => {
                Standing::InProgress(prefix.due())
            }
            true => Standing::Warm(prefix.due(), decision),
        }
    }

    pub(super) fn explain(
        &self,
        sessions: Vec<(SessionId, Option<WaitReason>)>,
        now: Moment,
    ) -> Vec<Explanation> {
        let explain = |(session, paused): (SessionId, Option<WaitReason>)| {
            self.standing(&session, now).explain(self.mode(&session), paused, now)
        };
        sessions.into_iter().map(explain).collect()
    }

    pub(super) fn describe(&self, now: Moment) -> Overview {
        let held = self.seats.keys().filter(|session| self.standing(session, now).is_warm()).count();
        match self.shut(now) {
            Some(shut) => {
                Overview { is_on: false, why: format!("Nothing is kept warm: {}.", shut.reason(now)), held }
            }
            None => Overview { is_on: true, why: "Warming is on.".to_owned(), held },
        }
    }
}

impl Standing<'_> {
    pub(super) const fn is_warm(&self) -> bool {
        matches!(self, Self::Warm(..))
    }

    /// For a person. What stands still for want of a credential is not warm, whatever else would be so.
    pub(super) fn explain(&self, mode: WarmingMode, paused: Option<WaitReason>, now: Moment) -> Explanation {
        let held_up = paused.filter(|_| self.is_warm());
        let is_warm = self.is_warm() && held_up.is_none();
        let why = held_up.map_or_else(|| self.reason(now), |reason| reason.explain().to_owned());
        let verdict = if is_warm { "Kept warm" } else { "Not kept warm" };
        Explanation { mode, is_warm, why: format!("{verdict}: {why}.") }
    }

    pub(super) fn reason(&self, now: Moment) -> String {
        match self {
            Self::OffInSettings => {
                "the settings turn all warming off (cache_warmer.enabled is false)".to_owned()
            }
            Self::SwitchedOff => "all warming is switched off; `stillroom warming on` ends that".to_owned(),
            Self::NotRecalled => {
                "the store has not yet said whether warming is switched on, and until then it is taken for off".to_owned()
            }
            Self::Stopped => "it was stopped by hand; `stillroom warming auto ID` ends that".to_owned(),
            Self::Paused(pause) => paused(pause, now),
            Self::Unknown => {
                "nothing of it was replayable since the gateway started, or it has been quiet for long; its agent's next turn begins anew"
                    .to_owned()
            }
            Self::Cold(cold) => cold.explain().to_owned(),
            Self::Small(count) => {
                let least = tokens(SMALLEST_PREFIX);
                format!("its prompt has {}, and below {least} a warm-up is not worth a call", tokens(*count))
            }
            Self::NoPrice(model) => format!(
                "no price of its model {model:?} is known, so nobody can say whether that would pay; a price list of your own can (`prices` in the settings)"
            ),
            Self::Uncached => {
                "the provider had nothing of it in its cache at its last turn or refresh, so a refresh would pay for all of it; its agent's next turn looks again".to_owned()
            }
            Self::Expired(at, refreshes) => format!(
                "its cache expired {} ago, after {refreshes} refreshes since its last turn; its agent's next turn begins anew",
                span(now.since(*at))
            ),
            Self::LimitReached(spent, limit) => format!(
                "{} were spent on warming within a day, and the limit is {} (cache_warmer.max_cost_per_day); its agent's next turn looks again",
                cents(*spent),
                cents(*limit)
            ),
            Self::InProgress(_) => "its agent's request is under way, and uses the cache itself".to_owned(),
            Self::Declined(because) => because.to_string(),
            Self::Warm(due, because) => {
                format!("the next refresh leaves in {}, since {because}", span(due.since(now)))
            }
        }
    }
}

fn paused(pause: &Pause, now: Moment) -> String {
    let left = span(pause.until.since(now));
    match pause.cause {
        PauseCause::Uncached => {
            format!(
                "{MISSES} refreshes in a row found nothing in the provider's cache; tried again in {left}, or at once after `stillroom warming auto ID`"
            )
        }
        PauseCause::Refused => {
            let said = &pause.said;
            format!(
                "the provider refused the replayed request ({said}); tried again in {left}, or at once after `stillroom warming auto ID`"
            )
        }
        PauseCause::Unused => {
            let said = &pause.said;
            format!(
                "{said} refreshes were followed by a return that used them, and fewer than {FEWEST_RETURNS} do not pay; all warming goes on in {left}, or at once after `stillroom warming on`"
            )
        }
    }
}

impl Cold {
    /// Part of a sentence for a person.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::Dialect => "its provider has no cache whose time a replay starts anew",
            Self::Subagent => "it is an agent that another agent started, and waits for no person",
            Self::Unmarked => {
                "its client marks nothing to be cached: the provider keeps nothing of its requests, and would read nothing for the next one even if a warm-up had marked something"
            }
            Self::Thinking => {
                "its requests let the model think for a budget of tokens, and with one every refresh would be a whole answer, and paid for as one"
            }
            Self::Unfinished => "its last answer never came to its end; its agent's next turn begins anew",
            Self::Displaced => {
                "its last request is kept no more, since other sessions took the room; its agent's next turn begins anew"
            }
        }
    }
}
