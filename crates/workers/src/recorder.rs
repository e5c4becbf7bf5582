//! Takes turns in, off the request path.
//!
//! The gateway hands a turn over and never waits. The queue is bounded, see [`Waiting`]; what has no room in it is not lost,
//! because agents send their whole history with every request, and the store takes in what it does not know yet. A few turns
//! are kept at a time: they share one sync of the disk.

#[cfg(test)]
mod tests;

use crate::waiting::{Put, Waiting};
use crate::{KeptRequest, Meter, Notebook, Projects, RequestShelf, Speaker, Spoken, Turn};
use actor::{Cause, Mailbox};
use bytes::Bytes;
use domain::conversation::{Answered, Asked, CacheTtl, Digest, Message, Part, Stop, chained};
use domain::ids::ProjectId;
use domain::price::Price;
use domain::provider::Dialect;
use machines::cache_warmer::{Cold, WarmerMessage, WarmerReply, Warmth, longest_hold};
use machines::idle_scheduler::{Backlog, SchedulerMessage, SchedulerReply};
use machines::job::Brief;
use machines::warming::Awaited;
use std::borrow::Cow;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Desk, Pace, Recorded, Store, StoreError, TurnRecord};
use upstream::warmup::has_a_thinking_budget;
use upstream::{dialect, encoding};

/// The largest body that is read, decoded, in bytes; a larger one is relayed but not recorded.
const LARGEST_BODY: usize = 128 * 1024 * 1024;
/// How many turns are kept at a time.
const AT_A_TIME: usize = 16;
/// How many bytes their requests and answers may have together, unless it is a single turn: they are held once more while
/// they are kept.
const AT_A_TIME_BYTES: usize = 1024 * 1024;

/// The way in. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    waiting: Mutex<Waiting>,
    /// Whether the store will come for what waits.
    promised: AtomicBool,
    desk: Desk,
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    shelf: Arc<RequestShelf>,
    projects: Projects,
    notebook: Notebook,
    meter: Arc<dyn Meter>,
}

/// A turn that could be read, decoded.
struct Heard<'t> {
    turn: &'t Turn,
    plain: Cow<'t, [u8]>,
    asked: Asked,
    /// What the session works on, as far as its agent states it.
    project: Option<ProjectId>,
    answered: Answered,
    /// Who had been waited for before.
    after: Awaited,
}

impl Recorder {
    pub(crate) fn new(
        desk: Desk,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
        shelf: Arc<RequestShelf>,
        (projects, notebook): (Projects, Notebook),
        meter: Arc<dyn Meter>,
    ) -> Self {
        let (waiting, promised) = (Mutex::default(), AtomicBool::new(false));
        Self(Arc::new(Inner { waiting, promised, desk, scheduler, warmer, shelf, projects, notebook, meter }))
    }

    /// Takes a turn in. Where there is no room for it, or only in the place of older ones of its session, that is counted, and
    /// the session's next request, or this one, brings again what was left out. Never waits.
    pub fn record(&self, turn: Turn) {
        let put = self.0.waiting().put(turn);
        let left_out = match put {
            Put::Waits => usize::from(!self.0.promise()),
            Put::Replaces(older) => older,
            Put::Refused => 1,
        };
        (0..left_out).for_each(|_| self.0.meter.turn_shed());
    }

    /// Keeps all turns that wait, for whoever has the store in hand and decides about all that was said so far.
    pub(crate) fn settle(&self, store: &mut dyn Store) {
        self.0.keep_all(store);
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that what waits is kept; not after the store was closed.
    fn promise(self: &Arc<Self>) -> bool {
        if self.promised.swap(true, Ordering::AcqRel) {
            return true;
        }
        let inner = Arc::clone(self);
        let taken = self.desk.try_write(move |store| inner.keep_some(store)).is_ok();
        if !taken {
            self.promised.store(false, Ordering::Release);
        }
        taken
    }

    /// Keeps all that waits, however much that is.
    fn keep_all(&self, store: &mut dyn Store) {
        loop {
            let turns = self.waiting().take(AT_A_TIME, AT_A_TIME_BYTES);
            if turns.is_empty() {
                return;
            }
            if let Err(error) = self.keep(&turns, store) {
                tracing::error!(%error, "turns that waited could not be recorded");
            }
        }
    }

    /// Keeps the turns that have waited longest, and promises the others again: one that cannot be kept holds up no other.
    fn keep_some(self: &Arc<Self>, store: &mut dyn Store) -> Result<Pace, StoreError> {
        // Whoever comes from here on promises anew, so that nothing is forgotten if this crashes.
        self.promised.store(false, Ordering::Release);
        let turns = self.waiting().take(AT_A_TIME, AT_A_TIME_BYTES);
        let kept = self.keep(&turns, store);
        let (is_empty, pace) = {
            let waiting = self.waiting();
            (waiting.is_empty(), waiting.pace())
        };
        // The desk is closing: nobody comes again, and what waits is kept now.
        if !is_empty && !self.promise() {
            return kept.and(self.keep_some(store));
        }
        kept.map(|()| pace)
    }

    fn keep(&self, turns: &[Turn], store: &mut dyn Store) -> Result<(), StoreError> {
        let mut heard: Vec<_> = turns.iter().filter_map(|turn| self.heard(turn)).collect();
        let records: Vec<_> = heard.iter_mut().map(record).collect();
        let outcomes = store.record_turns(&records);
        let mut failure = Ok(());
        for (heard, outcome) in heard.into_iter().zip(outcomes) {
            let done = outcome.and_then(|recorded| self.kept(heard, recorded, store));
            failure = failure.and(done);
        }
        failure
    }

    /// Tells of a turn that is on record.
    fn kept(&self, heard: Heard<'_>, recorded: Recorded, store: &mut dyn Store) -> Result<(), StoreError> {
        let Heard { turn, plain, asked, project, answered, after } = heard;
        if recorded.forgotten {
            return Ok(()); // Nothing more is done for it: a copy of its last request would hold all of it.
        }
        self.meter.turn_recorded();
        if let (Some(folder), Some(project)) = (asked.directory.as_deref().map(ProjectId::from), &project)
            && folder != *project
            && self.notebook.knows(&turn.principal, &folder)
        {
            self.notebook.publish(store)?; // What was kept under the folder has moved to the project.
        }
        let works_in = project.clone();
        let warmth = self.shelve(turn, (&asked, project, &answered), after, recorded.turns, plain);
        let held_for = match &warmth {
            Ok(warmth) => {
                let price = Price::of(turn.upstream.provider(), &asked.model);
                longest_hold(price, warmth.ttl, store.warming_mode(&turn.session)?)
            }
            Err(_) => Duration::ZERO,
        };
        self.tell(turn, (asked.model, works_in), answered.stop, recorded, (warmth, held_for));
        Ok(())
    }

    fn tell(
        &self,
        turn: &Turn,
        (model, project): (String, Option<ProjectId>),
        stop: Option<Stop>,
        recorded: Recorded,
        (warmth, held_for): (Result<Warmth, Cold>, Duration),
    ) {
        let brief = Brief {
            patient: false,
            project,
            principal: turn.principal.clone(),
            session: turn.session.clone(),
            upstream: turn.upstream.clone(),
            dialect: turn.dialect,
            model,
        };
        let backlog = Backlog {
            pending_messages: recorded.pending_messages,
            pending_tokens: recorded.pending_tokens,
            turns_since_curation: recorded.turns_since_curation,
            unmerged: recorded.unmerged,
            entries: recorded.entries,
        };
        let cause = Cause::origin("Recorder");
        let seen = Spoken(WarmerMessage::TurnSeen { brief: brief.clone(), warmth });
        let recorded = Spoken(SchedulerMessage::TurnRecorded { brief, backlog, stop, held_for });
        // Both may be refused by a full mailbox: the next turn of the session says the same again.
        self.warmer.tell(seen, cause).unwrap_or_default();
        self.scheduler.tell(recorded, cause).unwrap_or_default();
    }

    /// A turn, decoded; none when its request cannot be read. A reader that crashes costs no other turn.
    fn heard<'t>(&self, turn: &'t Turn) -> Option<Heard<'t>> {
        let read = || {
            let encoding = turn.request_encoding.as_deref();
            let plain = encoding::decoded(encoding, &turn.request, LARGEST_BODY).ok()?;
            let asked = dialect::asked(turn.dialect, &plain).ok()?;
            let project = asked.directory.as_deref().map(|it| self.projects.of(&turn.principal, it, turn.at));
            let after = waited_for(&asked);
            Some(Heard { turn, plain, asked, project, answered: read_answer(turn), after })
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
            tracing::error!(session = %turn.session, "a turn was not recorded: reading it crashed");
            None
        })
    }

    /// Keeps the request for replay if its session can be kept warm.
    fn shelve(
        &self,
        turn: &Turn,
        (asked, project, answered): (&Asked, Option<ProjectId>, &Answered),
        after: Awaited,
        turns: u32,
        plain: Cow<'_, [u8]>,
    ) -> Result<Warmth, Cold> {
        let ttl = warmable(turn, asked, answered)?;
        if has_a_thinking_budget(&plain) {
            return Err(Cold::Thinking);
        }
        let (model, upstream, target) = (asked.model.clone(), turn.upstream.clone(), turn.target.clone());
        let body = as_sent(turn, plain).ok_or(Cold::Unfinished)?;
        self.shelf.put(&turn.session, KeptRequest { model, upstream, target, body });
        let awaited = if answered.stop == Some(Stop::ToolUse) { Awaited::Tool } else { Awaited::Human };
        Ok(Warmth {
            ttl,
            usage: answered.usage,
            left: turn.left,
            answered_in: turn.took,
            awaited,
            after,
            turns,
            project: account(turn, project.as_ref()),
        })
    }
}

fn read_answer(turn: &Turn) -> Answered {
    let whole = turn.answer.concat();
    match encoding::decoded_so_far(turn.answer_encoding.as_deref(), &whole, LARGEST_BODY) {
        Ok(plain) => dialect::answered(turn.dialect, &plain),
        Err(_) => Answered::default(),
    }
}

/// Who had been waited for before this request: a tool when its last message brings a tool's result.
fn waited_for(asked: &Asked) -> Awaited {
    let parts = asked.messages.last().map_or(&[][..], |last| &last.parts);
    let brings_a_result = parts.iter().any(|part| matches!(part, Part::ToolResult { .. }));
    if brings_a_result { Awaited::Tool } else { Awaited::Human }
}

/// Where the habits of the session's owner count: in its project; without one, with all others that have none.
fn account(turn: &Turn, project: Option<&ProjectId>) -> ProjectId {
    let project = project.map_or("", ProjectId::as_str);
    format!("{} {project}", turn.principal).into()
}

/// A turn's request as it went to the provider, decoded.
fn as_sent(turn: &Turn, plain: Cow<'_, [u8]>) -> Option<Bytes> {
    match &turn.injection {
        Some(text) => dialect::with_addition(turn.dialect, &plain, text),
        None => Some(plain.into_owned().into()),
    }
}

/// How long the provider keeps the request's prefix: Anthropic's shape, a person's agent, a cache mark, an answer that ended.
fn warmable(turn: &Turn, asked: &Asked, answered: &Answered) -> Result<CacheTtl, Cold> {
    if turn.dialect != Dialect::AnthropicMessages {
        return Err(Cold::Dialect);
    }
    if turn.speaker == Speaker::Subagent {
        return Err(Cold::Subagent);
    }
    answered.stop.ok_or(Cold::Unfinished)?;
    asked.cache.ok_or(Cold::Unmarked)
}

/// What goes on record; the conversation moves there.
fn record(heard: &mut Heard<'_>) -> TurnRecord {
    let Heard { turn, asked, project, answered, .. } = heard;
    let follows = asked.goes_on_from(answered);
    let (messages, answer) = (take(&mut asked.messages), answered.message.take());
    let before = follows.unwrap_or(Digest::START);
    TurnRecord {
        session: turn.session.clone(),
        principal: turn.principal.clone(),
        identity: turn.identity.clone(),
        client: turn.client.clone(),
        provider: turn.upstream.provider(),
        dialect: turn.dialect,
        model: asked.model.clone(),
        upstream_origin: turn.upstream.origin().to_owned(),
        directory: asked.directory.clone(),
        project: project.clone(),
        injection: turn.injection.clone(),
        at: turn.at,
        head: chained(before, messages.iter().chain(&answer).map(Message::digest)).last().unwrap_or(before),
        follows,
        messages,
        answer,
        usage: answered.usage,
        stop: answered.stop,
        cut: answered.stop.is_none(),
    }
}
