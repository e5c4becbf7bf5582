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

#[cfg(test)]
mod tests;
mod words;

pub use words::{Brief, Ending, FailureCause, JobEffect, JobMessage, Work};

use crate::credential::{Affected, Hint};
use domain::access::{Access, WaitReason};
use domain::credential::Lease;
use domain::fingerprint::Fingerprint;
use domain::ids::{Principal, SessionId};
use domain::provider::UpstreamKey;
use std::collections::{BTreeMap, VecDeque};

/// Jobs of one worker that may be under way at once: as many as the CredentialActor lets call at once for all workers
/// together. What is wanted beyond that stands in line.
pub const AT_ONCE: usize = 12;
/// Sessions of which is remembered that they wait, and that may stand in line. Beyond that, only the sweep wakes them.
pub const REMEMBERED: usize = 4096;

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
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bench {
    jobs: BTreeMap<SessionId, Job>,
    /// First come, first served: if the sweep's order decided, the same few waiting sessions would keep all others out.
    line: VecDeque<Brief>,
    room_in_line: usize,
    waiting: BTreeMap<SessionId, Brief>,
    /// Sessions woken by a hint that let one of them go first (R17), by the upstream they share.
    queued: BTreeMap<(Principal, UpstreamKey), Vec<SessionId>>,
    /// The newest hint that was heard; one that comes late or twice is past.
    epoch: u64,
}

impl Default for Bench {
    fn default() -> Self {
        Self::with_room_in_line(REMEMBERED)
    }
}

impl Bench {
    /// A bench at which so many jobs may stand in line; none, for work that is worthless when it comes late.
    #[must_use]
    pub fn with_room_in_line(room_in_line: usize) -> Self {
        let (jobs, line) = (BTreeMap::new(), VecDeque::new());
        Self { jobs, line, room_in_line, waiting: BTreeMap::new(), queued: BTreeMap::new(), epoch: 0 }
    }

    /// Takes one message in.
    pub fn on(&mut self, message: JobMessage, effects: &mut Vec<JobEffect>) {
        match message {
            JobMessage::Wanted(brief) => self.wanted(brief, effects),
            JobMessage::Answered { session, access } => self.answered(&session, access, effects),
            JobMessage::Unanswered { session } => self.unanswered(&session, effects),
            JobMessage::Performed { session, lease, work } => self.performed(&session, lease, work, effects),
            JobMessage::Settled { session, access } => self.settled(&session, access, effects),
            JobMessage::Hinted(hint) => self.hinted(&hint, effects),
            JobMessage::Invited { session } => self.follow(&[session], effects),
            JobMessage::SessionEvicted { session } => self.forget(&session),
        }
    }

    /// Nothing waits for the session any more: there is room for one that is still there. A job under way ends as it does.
    pub fn forget(&mut self, session: &SessionId) {
        self.waiting.remove(session);
    }

    /// Whether a job of this session is under way.
    #[must_use]
    pub fn is_busy(&self, session: &SessionId) -> bool {
        self.jobs.contains_key(session)
    }

    /// What stands in line for `session` does so for another from now on, or not at all, and nothing waits for it any more.
    pub fn renamed(&mut self, session: &SessionId, to: Option<&Brief>) {
        self.waiting.remove(session);
        let line = std::mem::take(&mut self.line).into_iter();
        let other = |brief: Brief| if brief.session == *session { to.cloned() } else { Some(brief) };
        self.line = line.filter_map(other).collect();
    }

    /// A job is wanted. Ignored when one of the session is under way; in line when too many are.
    pub fn wanted(&mut self, brief: Brief, effects: &mut Vec<JobEffect>) {
        if self.is_busy(&brief.session) {
            return;
        }
        if self.jobs.len() >= AT_ONCE {
            self.line_up(brief, effects);
            return;
        }
        self.waiting.remove(&brief.session);
        let job = Job { brief: brief.clone(), phase: Phase::Asking, refused: None };
        self.jobs.insert(brief.session.clone(), job);
        effects.push(JobEffect::Ask(brief));
    }

    fn line_up(&mut self, brief: Brief, effects: &mut Vec<JobEffect>) {
        if self.line.iter().any(|other| other.session == brief.session) {
            return;
        }
        if self.line.len() < self.room_in_line {
            self.line.push_back(brief);
        } else {
            let ending = Ending::Waiting { reason: WaitReason::Busy, ask_again_at: None };
            effects.push(JobEffect::Ended { brief, ending });
        }
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
            Some(Access::Go(unused)) => {
                // A lease that nobody uses is given back, or its probe would keep all others waiting until it is given up.
                job.phase = Phase::Reporting { may_retry: false, ending };
                let (brief, work) = (job.brief.clone(), Work::Nothing);
                effects.push(JobEffect::Report { brief, lease: unused, work });
            }
            Some(Access::Wait { reason, ask_again_at }) => {
                self.end(session, Ending::Waiting { reason, ask_again_at }, effects);
            }
            None => self.end(session, ending, effects),
        }
    }

    /// The CredentialActor could not be asked (it is crashed or overloaded). Work that is done is done all the same; what was
    /// only asked for stays pending.
    pub fn unanswered(&mut self, session: &SessionId, effects: &mut Vec<JobEffect>) {
        let Some(job) = self.jobs.get(session) else { return };
        let ending = match &job.phase {
            Phase::Reporting { ending, .. } => ending.clone(),
            Phase::Asking | Phase::Performing => {
                let why = "CredentialActor did not answer".to_owned();
                Ending::Failed { cause: FailureCause::House, why }
            }
        };
        self.end(session, ending, effects);
    }

    /// A hint: asking again may pay, or will not.
    pub fn hinted(&mut self, hint: &Hint, effects: &mut Vec<JobEffect>) {
        if hint.affected().epoch <= self.epoch {
            return;
        }
        self.epoch = hint.affected().epoch;
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
            // What wakes it is an agent that came back, and that one is not made to wait for a batch.
            self.waiting.insert(session.clone(), Brief { patient: false, ..job.brief.clone() });
        }
        let succeeded = matches!(ending, Ending::Done { .. } | Ending::Nothing | Ending::Queued);
        effects.push(JobEffect::Ended { brief: job.brief, ending });
        let followers = self.queued.remove(&convoy).unwrap_or_default();
        if succeeded {
            self.follow(&followers, effects);
        }
        if let Some(next) = self.line.pop_front() {
            self.wanted(next, effects);
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
        Work::Queued { .. } => Ending::Queued,
        Work::Unusable { why, .. } => Ending::Failed { cause: FailureCause::Answer, why: why.clone() },
        Work::Unkept { why, .. } => Ending::Failed { cause: FailureCause::House, why: why.clone() },
        Work::Failed { evidence, why } => {
            Ending::Failed { cause: FailureCause::of(evidence.as_ref()), why: why.clone() }
        }
        Work::Refused { .. } => {
            let why = "the provider refused the token".to_owned();
            Ending::Failed { cause: FailureCause::Credential, why }
        }
    }
}
