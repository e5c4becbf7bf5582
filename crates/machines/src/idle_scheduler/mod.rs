//! Which session is due for what: a sweep every tick over all sessions in memory.
//!
//! The gates of a session, cheapest first: a request in progress; not yet idle; an agent that is running a tool; a job under
//! way; a job that failed and rests. Only then is a worker told, and the worker's first step is to ask the CredentialActor:
//! a session whose credential is dead costs two messages a sweep, no call, no read of the store, no line in the log.

mod message;
#[cfg(test)]
mod tests;

pub use message::{Backlog, LeftWork, SchedulerEffect, SchedulerMessage, SchedulerReply, WorkerHealth};

use crate::health::{Ladder, Level};
use crate::job::{Brief, Ending, FailureCause};
use domain::access::WaitReason;
use domain::conversation::Stop;
use domain::ids::SessionId;
use domain::knowledge::MERGED_ABOVE;
use domain::purpose::Purpose;
use domain::settings::{CuratorSettings, DistillerSettings, IdleSettings};
use domain::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// A tool call that has not been answered for so long does not hold a session back any more.
const TOOL_LEASE: Duration = Duration::from_secs(3600);
/// A request that has not ended for so long does not hold a session back any more.
const REQUEST_LEASE: Duration = Duration::from_secs(3600);
/// Rest after failures in a row: doubles from the first to the last.
const REST: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(7200));
/// Sessions with work left stay in memory longer than others, but not for ever; the store keeps the work.
const PENDING_LEASE: Duration = Duration::from_secs(24 * 3600);
/// After so long without its agent, nobody waits for a session's work.
const PATIENCE: Duration = Duration::from_secs(10 * 60);
/// How long a job that found too many entries in a project stands for the next: the project's own hour is the curator's to keep.
const CROWD_REST: Duration = Duration::from_secs(3600);
/// How often it is looked which sessions have work left that nobody in memory knows of: those that left memory with it, those that
/// were brought in, and all of them after a crash.
const BACKLOG: Duration = Duration::from_secs(3600);
/// How many of them take a seat at a time, so that a large past comes little by little.
const FOUND_AT_ONCE: usize = 1000;
/// How often it is looked what is too old to be kept.
const RETENTION: Duration = Duration::from_secs(3600);
/// The work of background that the sweep hands out, in this order.
const KINDS: [Purpose; 2] = [Purpose::Distill, Purpose::Curate];

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Errand {
    out_since: Option<Moment>,
    failures: u32,
    rest_until: Moment,
    /// The provider does not let the token do this work; asking again by then costs nothing.
    forbidden_until: Moment,
    /// Work is in the batch queue, which tells its end before then.
    queued_until: Moment,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Seat {
    brief: Option<Brief>,
    backlog: Backlog,
    last_activity: Moment,
    /// When its agent last did anything in this process's life.
    heard: Option<Moment>,
    in_progress: u32,
    stop: Option<Stop>,
    held_for: Duration,
    errands: [Errand; 2],
    /// Not before then is the curator told again that there are too many entries.
    crowd_told_until: Moment,
    /// Of every worker that has ended a job here, warm-ups included.
    health: BTreeMap<Purpose, Ladder>,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SchedulerMachine {
    idle: IdleSettings,
    distiller: DistillerSettings,
    curator: CuratorSettings,
    seats: BTreeMap<SessionId, Seat>,
}

impl SchedulerMachine {
    /// A scheduler with nobody in memory.
    #[must_use]
    pub fn new(idle: IdleSettings, distiller: DistillerSettings, curator: CuratorSettings) -> Self {
        Self { idle, distiller, curator, seats: BTreeMap::new() }
    }

    /// Takes one message in.
    pub fn on(
        &mut self,
        message: SchedulerMessage,
        now: Moment,
        effects: &mut Vec<SchedulerEffect>,
    ) -> SchedulerReply {
        match message {
            SchedulerMessage::TurnStarted(session) => {
                let seat = self.seat(session, now);
                seat.in_progress += 1;
                (seat.last_activity, seat.heard) = (now, Some(now));
            }
            SchedulerMessage::TurnEnded(session) => {
                let seat = self.seat(session, now);
                seat.in_progress = seat.in_progress.saturating_sub(1);
                (seat.last_activity, seat.heard) = (now, Some(now));
            }
            SchedulerMessage::SessionSeen(session) => {
                self.seat(session, now);
            }
            SchedulerMessage::Held(sessions) => {
                for session in sessions {
                    self.seat(session, now);
                }
            }
            SchedulerMessage::TurnRecorded { brief, backlog, stop, held_for } => {
                let seat = self.seat(brief.session.clone(), now);
                (seat.stop, seat.held_for, seat.heard) = (stop, held_for, Some(now));
                self.recorded(brief, backlog, now, effects);
            }
            SchedulerMessage::BacklogDue => effects.push(SchedulerEffect::FindBacklog),
            SchedulerMessage::BacklogFound(found) => {
                self.found(found, now);
                effects.push(SchedulerEffect::ArmBacklog(BACKLOG));
            }
            SchedulerMessage::IdleSweepDue => self.sweep(now, effects),
            SchedulerMessage::JobEnded { session, purpose, ending, backlog } => {
                self.ended(&session, purpose, &ending, backlog, now);
                effects.extend(self.felt(session, purpose, ending, now));
            }
            SchedulerMessage::WorkerRestarted(purpose) => {
                let errands = self.seats.values_mut().filter_map(|seat| errand(seat, purpose));
                errands.for_each(|errand| match purpose {
                    Purpose::Batch => errand.queued_until = Moment::default(),
                    _ => errand.out_since = None,
                });
            }
            SchedulerMessage::RetentionDue | SchedulerMessage::Retained { more: true } => {
                effects.push(SchedulerEffect::Retain);
            }
            SchedulerMessage::Retained { more: false } => {
                effects.push(SchedulerEffect::ArmRetention(RETENTION));
            }
            SchedulerMessage::Forgotten(session) => {
                self.seats.remove(&session);
                effects.push(SchedulerEffect::Evict(session));
            }
            SchedulerMessage::ListHealth => return SchedulerReply::Health(self.unwell()),
        }
        SchedulerReply::Noted
    }

    fn seat(&mut self, session: SessionId, now: Moment) -> &mut Seat {
        self.seats.entry(session).or_insert_with(|| Seat {
            brief: None,
            backlog: Backlog::default(),
            last_activity: now,
            heard: None,
            in_progress: 0,
            stop: None,
            held_for: Duration::ZERO,
            errands: [Errand::default(); 2],
            crowd_told_until: Moment::default(),
            health: BTreeMap::new(),
        })
    }

    /// Whoever has a seat already knows better than the store did when it was asked. Nearly every session has a little left that
    /// is not worth a job: it takes no seat for that.
    fn found(&mut self, mut found: Vec<LeftWork>, now: Moment) {
        found.retain(|LeftWork { brief, backlog }| {
            let is_known = self.seats.get(&brief.session).is_some_and(|seat| seat.brief.is_some());
            !is_known && (is_to_distil(*backlog, &self.distiller) || is_to_curate(*backlog, &self.curator))
        });
        for LeftWork { brief, backlog } in found.into_iter().take(FOUND_AT_ONCE) {
            let seat = self.seat(brief.session.clone(), now);
            (seat.brief, seat.backlog) = (Some(brief), backlog);
        }
    }

    /// A turn is in the store. So many pending tokens that a segment is full do not wait for idleness.
    fn recorded(&mut self, brief: Brief, backlog: Backlog, now: Moment, effects: &mut Vec<SchedulerEffect>) {
        let full = self.distiller.enabled && backlog.pending_tokens >= self.distiller.pending_tokens;
        let seat = self.seat(brief.session.clone(), now);
        (seat.brief, seat.backlog) = (Some(brief), backlog);
        if full {
            dispatch(seat, Purpose::Distill, false, now, effects);
        }
    }

    fn sweep(&mut self, now: Moment, effects: &mut Vec<SchedulerEffect>) {
        effects.push(SchedulerEffect::ArmSweep(self.idle.tick));
        let (idle, distiller, curator) = (&self.idle, &self.distiller, &self.curator);
        self.seats.retain(|session, seat| {
            let quiet = now.since(seat.last_activity);
            if is_held(seat, quiet, idle.after) {
                return true;
            }
            let wanted = wanted(seat, distiller, curator, now);
            if let Some(purpose) = wanted.filter(|purpose| !is_queued(seat, *purpose, now)) {
                let patient = seat.heard.is_none_or(|heard| now.since(heard) >= PATIENCE);
                dispatch(seat, purpose, patient, now, effects);
            }
            let kept_for = idle.evict_after.max(seat.held_for);
            let stays = quiet < kept_for || (wanted.is_some() && quiet < PENDING_LEASE);
            if !stays {
                effects.push(SchedulerEffect::Evict(session.clone()));
            }
            stays
        });
    }

    fn ended(
        &mut self,
        session: &SessionId,
        purpose: Purpose,
        ending: &Ending,
        backlog: Option<Backlog>,
        now: Moment,
    ) {
        let most = self.curator.max_entries;
        let Some(seat) = self.seats.get_mut(session) else { return };
        let was_crowded = seat.backlog.entries > most;
        seat.backlog = backlog.unwrap_or(seat.backlog);
        if purpose == Purpose::Curate && was_crowded && !is_to_be_asked_again(ending) {
            seat.crowd_told_until = now.after(CROWD_REST);
        }
        let Some(errand) = errand(seat, purpose) else { return };
        errand.out_since = None;
        if purpose == Purpose::Batch {
            errand.queued_until = Moment::default();
        }
        match ending {
            // The queue itself says so: what it says later, of the same work, is heard later.
            Ending::Queued if purpose == Purpose::Batch => errand.queued_until = now.after(PENDING_LEASE),
            Ending::Queued => {}
            Ending::Waiting { reason: WaitReason::Forbidden, ask_again_at } => {
                errand.forbidden_until = ask_again_at.unwrap_or_default();
            }
            ending if is_to_be_asked_again(ending) => {}
            Ending::Failed { .. } => {
                let rest = REST.0 * 2_u32.saturating_pow(errand.failures.min(10));
                errand.rest_until = now.after(rest.min(REST.1));
                errand.failures += 1;
            }
            Ending::Done { .. } | Ending::Nothing | Ending::Waiting { .. } => *errand = Errand::default(),
        }
    }

    /// What an ending does to the health of its worker; said only when that makes it another.
    fn felt(
        &mut self,
        session: SessionId,
        purpose: Purpose,
        ending: Ending,
        now: Moment,
    ) -> Option<SchedulerEffect> {
        let ladder = self.seats.get_mut(&session)?.health.entry(purpose).or_default();
        let level = ladder.on(&ending, now)?;
        Some(SchedulerEffect::SayHealth { health: WorkerHealth { session, purpose, level }, ending })
    }

    fn unwell(&self) -> Vec<WorkerHealth> {
        let all = self.seats.iter().flat_map(|(session, seat)| {
            seat.health.iter().map(|(purpose, ladder)| WorkerHealth {
                session: session.clone(),
                purpose: *purpose,
                level: ladder.level(),
            })
        });
        all.filter(|health| health.level != Level::Healthy).collect()
    }
}

/// The next sweep asks again: truth is pulled, a lost hint costs one tick, and the credential machine has pauses of its own.
const fn is_to_be_asked_again(ending: &Ending) -> bool {
    matches!(ending, Ending::Waiting { .. } | Ending::Failed { cause: FailureCause::Credential, .. })
}

/// The gates that cost nothing.
fn is_held(seat: &Seat, quiet: Duration, idle_after: Duration) -> bool {
    let in_progress = seat.in_progress > 0 && quiet < REQUEST_LEASE;
    let running_tool = seat.stop == Some(Stop::ToolUse) && quiet < TOOL_LEASE;
    in_progress || quiet < idle_after || running_tool
}

/// What is due in an idle session: first distil or merge, then curate what was distilled. A distiller that rests lets the
/// curator by, and so does one that the provider forbids its work: what is forbidden is so for one purpose, and may be for days.
fn wanted(
    seat: &Seat,
    distiller: &DistillerSettings,
    curator: &CuratorSettings,
    now: Moment,
) -> Option<Purpose> {
    let backlog = seat.backlog;
    let distil = is_to_distil(backlog, distiller);
    let crowded = backlog.entries > curator.max_entries && now >= seat.crowd_told_until;
    let curate = is_to_curate(backlog, curator) || (curator.enabled && crowded);
    let Errand { rest_until, forbidden_until, queued_until, .. } = seat.errands[0];
    let distiller_rests = now < rest_until.max(forbidden_until).max(queued_until);
    match (distil, curate) {
        (true, true) if distiller_rests => Some(Purpose::Curate),
        (true, _) => Some(Purpose::Distill),
        (false, true) => Some(Purpose::Curate),
        (false, false) => None,
    }
}

fn is_to_distil(backlog: Backlog, distiller: &DistillerSettings) -> bool {
    let ripe = backlog.pending_messages >= distiller.min_messages.max(1);
    distiller.enabled && (ripe || backlog.unmerged > MERGED_ABOVE)
}

fn is_to_curate(backlog: Backlog, curator: &CuratorSettings) -> bool {
    curator.enabled && backlog.turns_since_curation >= curator.after_turns.max(1)
}

/// A batch is the Distiller's errand on another way.
fn errand(seat: &mut Seat, purpose: Purpose) -> Option<&mut Errand> {
    let purpose = if purpose == Purpose::Batch { Purpose::Distill } else { purpose };
    let at = KINDS.iter().position(|kind| *kind == purpose)?;
    seat.errands.get_mut(at)
}

/// Whether the work lies in a batch already. Its agent's return with a full segment does not ask.
fn is_queued(seat: &Seat, purpose: Purpose, now: Moment) -> bool {
    purpose == Purpose::Distill && now < seat.errands[0].queued_until
}

/// Sends a worker out unless one is out already or resting. One that was never heard of again is given up after an hour.
fn dispatch(
    seat: &mut Seat,
    purpose: Purpose,
    patient: bool,
    now: Moment,
    effects: &mut Vec<SchedulerEffect>,
) {
    let Some(brief) = seat.brief.clone() else { return };
    let Some(errand) = errand(seat, purpose) else { return };
    let out = errand.out_since.is_some_and(|since| now.since(since) < REQUEST_LEASE);
    if out || now < errand.rest_until {
        return;
    }
    errand.out_since = Some(now);
    effects.push(SchedulerEffect::Dispatch(purpose, Brief { patient, ..brief }));
}
