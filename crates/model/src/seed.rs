//! How background work got its credentials before this protocol: three policies, each the answer to the one before.
//!
//! They are written from the descriptions of the changes that made them, as small machines, so that a model and a simulated
//! day can hold them against ours. What they share is their flaw: what they know, they know of a session, not of a token, and
//! the last credential that any client of the gateway sent stands in for everybody's. They listen to no answer that a client
//! gets, so there is nothing here to tell them of one. The cache warmer, whose rule is the same, is not here.

use domain::fingerprint::Fingerprint;
use domain::ids::SessionId;
use std::collections::{BTreeMap, BTreeSet};

/// Which of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Policy {
    /// Nothing is ever stale. A refused call comes to nothing silently, and the next tick makes it again.
    Original,
    /// A refusal marks the session stale; a stale session uses the last credential that anybody sent. The call is made once
    /// more if that gives another credential; otherwise an alert goes out, each time.
    FirstFix,
    /// As the first fix; but a stale session gets nothing when the last credential that anybody sent is its own, is left alone
    /// while it gets nothing, and the alerts are filtered away.
    FollowUp,
}

/// What follows a refused call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Refusal {
    /// Make the call once more, with this token.
    pub retry: Option<Fingerprint>,
    /// Whether somebody is told.
    pub alert: Alert,
}

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alert {
    /// There is none.
    Silent,
    /// It is raised and sent.
    Sent,
    /// It is raised, and the filter drops it.
    Filtered,
}

/// The credentials of all sessions, under one of the policies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seed {
    policy: Policy,
    sessions: BTreeMap<SessionId, Fingerprint>,
    stale: BTreeSet<SessionId>,
    /// The last token that anybody sent.
    last_seen: Option<Fingerprint>,
}

impl Seed {
    /// Knows nothing yet. So it is again after a restart.
    #[must_use]
    pub const fn new(policy: Policy) -> Self {
        Self { policy, sessions: BTreeMap::new(), stale: BTreeSet::new(), last_seen: None }
    }

    /// A client's request carried this token. Be it the refused one: the session counts as fresh from now on.
    pub fn observe(&mut self, session: &SessionId, token: Fingerprint) {
        self.sessions.insert(session.clone(), token);
        self.stale.remove(session);
        self.last_seen = Some(token);
    }

    /// The token that background work of the session would use. With none, the session is skipped until the next tick.
    #[must_use]
    pub fn resolve(&self, session: &SessionId) -> Option<Fingerprint> {
        let own = self.sessions.get(session).copied();
        let stand_in = || match self.policy {
            Policy::FollowUp => self.last_seen.filter(|last| Some(*last) != own),
            Policy::Original | Policy::FirstFix => self.last_seen,
        };
        if self.stale.contains(session) { stand_in() } else { own.or(self.last_seen) }
    }

    /// A call for the session was answered with 401 or 403, which these policies do not tell apart. `used` is the token it was
    /// made with; `again` says that it was the second try.
    pub fn failed(&mut self, session: &SessionId, used: Fingerprint, again: bool) -> Refusal {
        if self.policy == Policy::Original {
            return Refusal { retry: None, alert: Alert::Silent };
        }
        self.stale.insert(session.clone());
        let retry = self.resolve(session).filter(|token| !again && *token != used);
        let alert = match self.policy {
            _ if retry.is_some() => Alert::Silent,
            Policy::FollowUp => Alert::Filtered,
            Policy::Original | Policy::FirstFix => Alert::Sent,
        };
        Refusal { retry, alert }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: Fingerprint = Fingerprint::of_number(1);
    const NEW: Fingerprint = Fingerprint::of_number(2);

    fn seed(policy: Policy, observed: &[(&str, Fingerprint)]) -> Seed {
        let mut seed = Seed::new(policy);
        observed.iter().for_each(|(session, token)| seed.observe(&SessionId::from(session), *token));
        seed
    }

    #[test]
    fn the_original_makes_the_refused_call_again_and_tells_nobody() {
        let mut seed = seed(Policy::Original, &[("a", OLD)]);
        let refusal = seed.failed(&"a".into(), OLD, false);
        assert_eq!(refusal, Refusal { retry: None, alert: Alert::Silent });
        assert_eq!(seed.resolve(&"a".into()), Some(OLD));
    }

    #[test]
    fn the_first_fix_alerts_each_time_when_the_session_is_the_only_one() {
        let mut seed = seed(Policy::FirstFix, &[("a", OLD)]);
        for _ in 0..3 {
            assert_eq!(seed.resolve(&"a".into()), Some(OLD));
            assert_eq!(seed.failed(&"a".into(), OLD, false), Refusal { retry: None, alert: Alert::Sent });
        }
    }

    #[test]
    fn both_fixes_try_once_more_with_whatever_anybody_sent_last() {
        for policy in [Policy::FirstFix, Policy::FollowUp] {
            let mut seed = seed(policy, &[("a", OLD), ("b", NEW)]);
            let retry = Refusal { retry: Some(NEW), alert: Alert::Silent };
            assert_eq!(seed.failed(&"a".into(), OLD, false), retry);
            assert_eq!(seed.failed(&"a".into(), NEW, true).retry, None);
        }
    }

    #[test]
    fn the_follow_up_leaves_a_stale_session_alone_until_its_client_sends_anything() {
        let mut seed = seed(Policy::FollowUp, &[("a", OLD)]);
        assert_eq!(seed.failed(&"a".into(), OLD, false), Refusal { retry: None, alert: Alert::Filtered });
        assert_eq!(seed.resolve(&"a".into()), None);
        seed.observe(&"a".into(), OLD);
        assert_eq!(seed.resolve(&"a".into()), Some(OLD), "the dead token again");
    }

    #[test]
    fn a_session_nobody_spoke_for_gets_the_last_token_that_anybody_sent() {
        for policy in [Policy::Original, Policy::FirstFix, Policy::FollowUp] {
            assert_eq!(seed(policy, &[("a", OLD)]).resolve(&"b".into()), Some(OLD));
        }
    }
}
