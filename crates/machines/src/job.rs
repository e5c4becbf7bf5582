//! The steps that every background job takes: ask, perform, report, be done.
//!
//! A [`Bench`] is the whole machine of Distiller and Curator, which differ in what their performers do, and a part of the
//! CacheWarmer's.
//!
//! ```text
//!            ask                 go                   accepted, acknowledged
//!  wanted ───────► Asking ───────────► Performing ───────────────────────────► ended: done
//!                    │ wait              │     ▲ once, with another token
//!                    ▼                   │ refused: told to CredentialActor
//!               ended: waiting ◄─────────┴── Reporting
//!                    │ hint, or wanted again by the next sweep
//!                    └──────► Asking
//! ```
//! One job a session at a time. A job asks before it prepares anything, so a paused session costs one message. What waits
//! stays pending in the store; the bench only remembers that it waits, to go on at once when a hint comes.

use crate::credential::{Affected, Hint};
use domain::access::{Access, AccessRequest, WaitReason};
use domain::credential::Lease;
use domain::evidence::Evidence;
use domain::fingerprint::Fingerprint;
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, UpstreamKey};
use domain::purpose::Purpose;
use domain::time::Moment;
use std::collections::BTreeMap;

/// Jobs of one worker that may be under way at once. What is wanted beyond that is wanted again by the next sweep.
pub const AT_ONCE: usize = 4;
/// Sessions of which is remembered that they wait. Beyond that, only the sweep wakes them.
pub const REMEMBERED: usize = 4096;

/// The session a job works for, and how its provider is spoken to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Brief {
    /// Whose session.
    pub principal: Principal,
    /// Which.
    pub session: SessionId,
    /// Where its provider is.
    pub upstream: UpstreamKey,
    /// In which shape.
    pub dialect: Dialect,
    /// The model to ask.
    pub model: String,
}

impl Brief {
    /// The question whether a job may call the provider.
    #[must_use]
    pub fn request(&self, purpose: Purpose) -> AccessRequest {
        AccessRequest {
            principal: self.principal.clone(),
            session: self.session.clone(),
            upstream: self.upstream.clone(),
            model: self.model.clone(),
            purpose,
        }
    }
}

/// What came of the work itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Work {
    /// There was nothing to do, and the provider was not called.
    Nothing,
    /// The provider answered, and what it said is kept.
    Accepted {
        /// For the token.
        evidence: Evidence,
        /// How many things were kept.
        kept: u32,
    },
    /// The provider answered, but not so that it could be kept.
    Unusable {
        /// For the token: it works.
        evidence: Evidence,
        /// Why it was refused.
        why: String,
    },
    /// The provider refused the token or the account.
    Refused {
        /// Against the token.
        evidence: Evidence,
    },
    /// The call came to nothing for another reason.
    Failed {
        /// What is known of it, if a call was made.
        evidence: Option<Evidence>,
        /// What happened.
        why: String,
    },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Ending {
    /// Done, with so many things kept.
    Done {
        /// How many.
        kept: u32,
    },
    /// There was nothing to do.
    Nothing,
    /// It stands still and stays pending.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// When asking again may help by itself.
        ask_again_at: Option<Moment>,
    },
    /// It failed and stays pending.
    Failed {
        /// What happened.
        why: String,
    },
}

/// What a worker hears about its jobs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JobMessage {
    /// The session is due.
    Wanted(Brief),
    /// The CredentialActor answered.
    Answered {
        /// For whom.
        session: SessionId,
        /// What it said.
        access: Access,
    },
    /// The CredentialActor did not answer.
    Unanswered {
        /// For whom.
        session: SessionId,
    },
    /// The work came to an end.
    Performed {
        /// For whom.
        session: SessionId,
        /// With what.
        lease: Lease,
        /// How.
        work: Work,
    },
    /// The CredentialActor has taken the report in.
    Settled {
        /// For whom.
        session: SessionId,
        /// Another lease or none, after a refusal.
        access: Option<Access>,
    },
    /// From the CredentialActor.
    Hinted(Hint),
}

/// What the bench wants done.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum JobEffect {
    /// Ask the CredentialActor; its answer comes back through [`Bench::answered`].
    Ask(Brief),
    /// Do the work with this lease; what came of it comes back through [`Bench::performed`].
    Perform {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
    },
    /// Tell the CredentialActor how the call went, and come back through [`Bench::settled`] when it has taken it in.
    Report {
        /// For whom.
        brief: Brief,
        /// With what.
        lease: Lease,
        /// How it went.
        work: Work,
    },
    /// The job is over for now.
    Ended {
        /// For whom.
        brief: Brief,
        /// How.
        ending: Ending,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Asking,
    Performing,
    /// Waiting for the CredentialActor to take the report in.
    Reporting {
        may_retry: bool,
        ending: Ending,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Job {
    brief: Brief,
    phase: Phase,
    /// The token that this job saw refused. One retry a job, never with that token (R3).
    refused: Option<Fingerprint>,
}

/// The jobs of one worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Bench {
    jobs: BTreeMap<SessionId, Job>,
    waiting: BTreeMap<SessionId, Brief>,
    /// Sessions woken by a hint that let one of them go first (R17), by the upstream they share.
    queued: BTreeMap<(Principal, UpstreamKey), Vec<SessionId>>,
}

impl Bench {
    /// Takes one message in.
    pub fn on(&mut self, message: JobMessage, effects: &mut Vec<JobEffect>) {
        match message {
            JobMessage::Wanted(brief) => self.wanted(brief, effects),
            JobMessage::Answered { session, access } => self.answered(&session, access, effects),
            JobMessage::Unanswered { session } => self.unanswered(&session, effects),
            JobMessage::Performed { session, lease, work } => self.performed(&session, lease, work, effects),
            JobMessage::Settled { session, access } => self.settled(&session, access, effects),
            JobMessage::Hinted(hint) => self.hinted(&hint, effects),
        }
    }

    /// Whether a job of this session is under way.
    #[must_use]
    pub fn is_busy(&self, session: &SessionId) -> bool {
        self.jobs.contains_key(session)
    }

    /// A job is wanted. Ignored when one of the session is under way; left for the next sweep when too many are.
    pub fn wanted(&mut self, brief: Brief, effects: &mut Vec<JobEffect>) {
        if self.is_busy(&brief.session) {
            return;
        }
        if self.jobs.len() >= AT_ONCE {
            let ending = Ending::Waiting { reason: WaitReason::Busy, ask_again_at: None };
            effects.push(JobEffect::Ended { brief, ending });
            return;
        }
        self.waiting.remove(&brief.session);
        let job = Job { brief: brief.clone(), phase: Phase::Asking, refused: None };
        self.jobs.insert(brief.session.clone(), job);
        effects.push(JobEffect::Ask(brief));
    }

    /// The CredentialActor answered the question.
    pub fn answered(&mut self, session: &SessionId, access: Access, effects: &mut Vec<JobEffect>) {
        let Some(job) = self.jobs.get_mut(session).filter(|job| job.phase == Phase::Asking) else { return };
        match access {
            Access::Go(lease) => {
                job.phase = Phase::Performing;
                effects.push(JobEffect::Perform { brief: job.brief.clone(), lease });
            }
            Access::Wait { reason, ask_again_at } => {
                self.end(session, Ending::Waiting { reason, ask_again_at }, effects);
            }
        }
    }

    /// The work came to an end; the CredentialActor hears of it before the job is over.
    pub fn performed(&mut self, session: &SessionId, lease: Lease, work: Work, effects: &mut Vec<JobEffect>) {
        let Some(job) = self.jobs.get_mut(session).filter(|job| job.phase == Phase::Performing) else {
            return;
        };
        let refused = matches!(work, Work::Refused { .. });
        let may_retry = refused && job.refused.is_none();
        if may_retry {
            job.refused = Some(lease.fingerprint());
        }
        job.phase = Phase::Reporting { may_retry, ending: ending(&work) };
        effects.push(JobEffect::Report { brief: job.brief.clone(), lease, work });
    }

    /// The CredentialActor has taken the report in. After a refusal it offers another lease or none: the job goes on once, and
    /// only with another token.
    pub fn settled(&mut self, session: &SessionId, access: Option<Access>, effects: &mut Vec<JobEffect>) {
        let Some(job) = self.jobs.get_mut(session) else { return };
        let Phase::Reporting { may_retry, ending } = job.phase.clone() else { return };
        match access {
            Some(Access::Go(lease)) if may_retry && job.refused != Some(lease.fingerprint()) => {
                job.phase = Phase::Performing;
                effects.push(JobEffect::Perform { brief: job.brief.clone(), lease });
            }
            Some(Access::Wait { reason, ask_again_at }) => {
                self.end(session, Ending::Waiting { reason, ask_again_at }, effects);
            }
            _ => self.end(session, ending, effects),
        }
    }

    /// The CredentialActor could not be asked (it is crashed or overloaded): the job stays pending.
    pub fn unanswered(&mut self, session: &SessionId, effects: &mut Vec<JobEffect>) {
        if self.is_busy(session) {
            self.end(session, Ending::Failed { why: "CredentialActor did not answer".to_owned() }, effects);
        }
    }

    /// A hint: asking again may pay, or will not.
    pub fn hinted(&mut self, hint: &Hint, effects: &mut Vec<JobEffect>) {
        match hint {
            Hint::CredentialsReenabled(affected) => self.reenabled(affected, effects),
            Hint::CredentialsInvalidated(affected) => {
                self.queued.remove(&(affected.principal.clone(), affected.upstream.clone()));
            }
        }
    }

    /// The first waiting session goes alone; the others follow its success.
    fn reenabled(&mut self, affected: &Affected, effects: &mut Vec<JobEffect>) {
        let mut woken: Vec<SessionId> = affected
            .sessions
            .iter()
            .rev()
            .filter(|session| self.waiting.contains_key(*session))
            .cloned()
            .collect();
        if let Some(brief) = woken.pop().and_then(|first| self.waiting.get(&first).cloned()) {
            self.queued.insert((affected.principal.clone(), affected.upstream.clone()), woken);
            self.wanted(brief, effects);
        }
    }

    fn end(&mut self, session: &SessionId, ending: Ending, effects: &mut Vec<JobEffect>) {
        let Some(job) = self.jobs.remove(session) else { return };
        let convoy = (job.brief.principal.clone(), job.brief.upstream.clone());
        if matches!(ending, Ending::Waiting { .. }) && self.waiting.len() < REMEMBERED {
            self.waiting.insert(session.clone(), job.brief.clone());
        }
        let succeeded = matches!(ending, Ending::Done { .. } | Ending::Nothing);
        effects.push(JobEffect::Ended { brief: job.brief, ending });
        let followers = self.queued.remove(&convoy).unwrap_or_default();
        if succeeded {
            self.follow(&followers, effects);
        }
    }

    fn follow(&mut self, sessions: &[SessionId], effects: &mut Vec<JobEffect>) {
        for session in sessions {
            if let Some(brief) = self.waiting.get(session).cloned() {
                self.wanted(brief, effects);
            }
        }
    }
}

fn ending(work: &Work) -> Ending {
    match work {
        Work::Nothing => Ending::Nothing,
        Work::Accepted { kept, .. } => Ending::Done { kept: *kept },
        Work::Unusable { why, .. } | Work::Failed { why, .. } => Ending::Failed { why: why.clone() },
        Work::Refused { .. } => Ending::Failed { why: "the provider refused the token".to_owned() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::credential::{Credential, CredentialKind};
    use domain::evidence::Class;
    use domain::ids::{Generation, LeaseId};
    use domain::provider::Provider;
    use domain::secret::Secret;
    use std::sync::Arc;

    fn brief(session: &str) -> Brief {
        Brief {
            principal: Principal::local(),
            session: session.into(),
            upstream: UpstreamKey::new(Provider::Anthropic, "http://h"),
            dialect: Dialect::AnthropicMessages,
            model: "m".into(),
        }
    }

    fn lease(token: u8) -> Lease {
        let fingerprint = Fingerprint::of_number(token);
        let (value, kind) = (Secret::new("t"), CredentialKind::Bearer);
        let credential =
            Credential { header: "authorization", value, kind, fingerprint, companions: Vec::new() };
        Lease {
            id: LeaseId(u64::from(token)),
            generation: Generation(1),
            principal: Principal::local(),
            upstream: UpstreamKey::new(Provider::Anthropic, "http://h"),
            credential: Arc::new(credential),
            probe: false,
        }
    }

    fn evidence(token: u8, class: Class) -> Evidence {
        let (fingerprint, upstream) = (Fingerprint::of_number(token), brief("a").upstream);
        Evidence { fingerprint, upstream, start: Moment(1), end: Moment(2), class, status: 0 }
    }

    fn wait() -> Access {
        Access::Wait { reason: WaitReason::Rejected, ask_again_at: None }
    }

    fn refused(token: u8) -> Work {
        Work::Refused { evidence: evidence(token, Class::CredentialRejected) }
    }

    fn accepted(token: u8) -> Work {
        Work::Accepted { evidence: evidence(token, Class::Ok), kept: 3 }
    }

    /// Runs `step` and returns the effects it had.
    fn effects(step: impl FnOnce(&mut Vec<JobEffect>)) -> Vec<JobEffect> {
        let mut effects = Vec::new();
        step(&mut effects);
        effects
    }

    fn performing(bench: &mut Bench, session: &str, token: u8) {
        let mut ignored = Vec::new();
        bench.wanted(brief(session), &mut ignored);
        bench.answered(&session.into(), Access::Go(lease(token)), &mut ignored);
    }

    #[test]
    fn a_job_that_is_wanted_twice_is_done_once() {
        let mut bench = Bench::default();
        assert_eq!(effects(|it| bench.wanted(brief("a"), it)).len(), 1);
        assert_eq!(effects(|it| bench.wanted(brief("a"), it)), []);
    }

    #[test]
    fn a_job_that_may_not_go_asks_for_nothing_more_and_stays_pending() {
        let mut bench = Bench::default();
        bench.wanted(brief("a"), &mut Vec::new());
        let ended = effects(|it| bench.answered(&"a".into(), wait(), it));
        assert!(matches!(&ended[..], [JobEffect::Ended { ending: Ending::Waiting { .. }, .. }]));
        assert!(!bench.is_busy(&"a".into()));
    }

    #[test]
    fn after_a_refusal_the_job_goes_on_once_and_only_with_another_token() {
        let mut bench = Bench::default();
        performing(&mut bench, "a", 1);
        bench.performed(&"a".into(), lease(1), refused(1), &mut Vec::new());
        let again = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(2))), it));
        assert!(
            matches!(&again[..], [JobEffect::Perform { lease, .. }] if lease.fingerprint() == Fingerprint::of_number(2))
        );
        bench.performed(&"a".into(), lease(2), refused(2), &mut Vec::new());
        let over = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(3))), it));
        assert!(matches!(&over[..], [JobEffect::Ended { ending: Ending::Failed { .. }, .. }]), "{over:?}");
    }

    #[test]
    fn the_refused_token_is_never_tried_again_by_the_same_job() {
        let mut bench = Bench::default();
        performing(&mut bench, "a", 1);
        bench.performed(&"a".into(), lease(1), refused(1), &mut Vec::new());
        let over = effects(|it| bench.settled(&"a".into(), Some(Access::Go(lease(1))), it));
        assert!(matches!(&over[..], [JobEffect::Ended { .. }]));
    }

    #[test]
    fn a_job_is_over_only_when_its_report_was_taken_in() {
        let mut bench = Bench::default();
        performing(&mut bench, "a", 1);
        let report = effects(|it| bench.performed(&"a".into(), lease(1), accepted(1), it));
        assert!(matches!(&report[..], [JobEffect::Report { .. }]));
        assert!(bench.is_busy(&"a".into()));
        let over = effects(|it| bench.settled(&"a".into(), None, it));
        assert!(matches!(&over[..], [JobEffect::Ended { ending: Ending::Done { kept: 3 }, .. }]));
    }

    #[test]
    fn after_a_hint_one_waiting_session_goes_first_and_the_others_follow_its_success() {
        let mut bench = Bench::default();
        for session in ["a", "b", "c"] {
            bench.wanted(brief(session), &mut Vec::new());
            bench.answered(&session.into(), wait(), &mut Vec::new());
        }
        let sessions = ["a", "b", "c"].map(SessionId::from).to_vec();
        let (principal, upstream) = (Principal::local(), brief("a").upstream);
        let hint = Hint::CredentialsReenabled(Affected { principal, upstream, sessions, epoch: 1 });
        assert_eq!(effects(|it| bench.hinted(&hint, it)), [JobEffect::Ask(brief("a"))]);
        bench.answered(&"a".into(), Access::Go(lease(1)), &mut Vec::new());
        bench.performed(&"a".into(), lease(1), accepted(1), &mut Vec::new());
        let follow = effects(|it| bench.settled(&"a".into(), None, it));
        assert_eq!(follow.iter().filter(|effect| matches!(effect, JobEffect::Ask(_))).count(), 2);
    }

    #[test]
    fn no_more_jobs_than_the_limit_are_under_way() {
        let mut bench = Bench::default();
        let asked = effects(|it| (0..10).for_each(|n| bench.wanted(brief(&n.to_string()), it)));
        assert_eq!(asked.iter().filter(|effect| matches!(effect, JobEffect::Ask(_))).count(), AT_ONCE);
        assert_eq!(asked.len(), 10, "the others hear that they must wait");
    }
}
