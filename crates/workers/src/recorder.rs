//! Takes turns in, off the request path.
//!
//! The gateway hands a turn over and never waits. The queue is bounded, see [`Waiting`]; what has no room in it is not lost,
//! because agents send their whole history with every request, and the store takes in what it does not know yet.

use crate::waiting::{Put, Waiting};
use crate::{KeptRequest, Meter, RequestShelf, Speaker, Spoken, Turn};
use actor::{Cause, Mailbox};
use bytes::Bytes;
use domain::conversation::{Answered, Asked, CacheTtl, Message, Stop, chain};
use domain::ids::ProjectId;
use domain::price::Price;
use domain::provider::Dialect;
use machines::cache_warmer::{Cold, WarmerMessage, WarmerReply, Warmth, longest_hold};
use machines::idle_scheduler::{Backlog, SchedulerMessage, SchedulerReply};
use machines::job::Brief;
use machines::warming::Awaited;
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::{Desk, Recorded, Store, StoreError, TurnRecord};
use upstream::{dialect, encoding};

/// The largest body that is read, decoded, in bytes; a larger one is relayed but not recorded.
const LARGEST_BODY: usize = 128 * 1024 * 1024;

/// The way in. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    waiting: Mutex<Waiting>,
    desk: Desk,
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
    shelf: Arc<RequestShelf>,
    meter: Arc<dyn Meter>,
}

impl Recorder {
    pub(crate) fn new(
        desk: Desk,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>, WarmerReply>,
        shelf: Arc<RequestShelf>,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self(Arc::new(Inner { waiting: Mutex::default(), desk, scheduler, warmer, shelf, meter }))
    }

    /// Takes a turn in. Where there is no room for it, or only in the place of older ones of its session, that is counted, and
    /// the session's next request, or this one, brings again what was left out. Never waits.
    pub fn record(&self, turn: Turn) {
        let put = self.0.waiting().put(turn);
        let left_out = match put {
            Put::Waits => usize::from(!self.will_be_kept()),
            Put::Replaces(older) => older,
            Put::Refused => 1,
        };
        (0..left_out).for_each(|_| self.0.meter.turn_shed());
    }

    /// Sees to it that one turn more is kept; not after the store was closed.
    fn will_be_kept(&self) -> bool {
        let inner = Arc::clone(&self.0);
        self.0.desk.try_write(move |store| inner.keep_next(store)).is_ok()
    }
}

impl Inner {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Older turns may have given way, so that there are fewer to keep than there were promised.
    fn keep_next(&self, store: &mut dyn Store) -> Result<(), StoreError> {
        let next = self.waiting().take();
        next.map_or(Ok(()), |turn| self.keep(&turn, store))
    }

    fn keep(&self, turn: &Turn, store: &mut dyn Store) -> Result<(), StoreError> {
        let Some((plain, asked)) = read_request(turn) else { return Ok(()) };
        let answered = self.read_answer(turn);
        let recorded = store.record_turn(&record(turn, &asked, &answered))?;
        self.meter.turn_recorded();
        let warmth = self.shelve(turn, &asked, &answered, recorded.turns, plain);
        let held_for = match &warmth {
            Ok(warmth) => {
                let price = Price::of(turn.upstream.provider(), &asked.model);
                longest_hold(price, warmth.ttl, store.warming_mode(&turn.session)?)
            }
            Err(_) => Duration::ZERO,
        };
        self.tell(turn, asked.model, answered.stop, recorded, (warmth, held_for));
        Ok(())
    }

    fn read_answer(&self, turn: &Turn) -> Answered {
        let whole = turn.answer.concat();
        match encoding::decoded(turn.answer_encoding.as_deref(), &whole, LARGEST_BODY) {
            Ok(plain) => dialect::answered(turn.dialect, &plain),
            Err(_) => Answered::default(),
        }
    }

    fn tell(
        &self,
        turn: &Turn,
        model: String,
        stop: Option<Stop>,
        recorded: Recorded,
        (warmth, held_for): (Result<Warmth, Cold>, Duration),
    ) {
        let brief = Brief {
            patient: false,
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
        };
        let cause = Cause::origin("Recorder");
        let seen = Spoken(WarmerMessage::TurnSeen { brief: brief.clone(), warmth });
        let recorded = Spoken(SchedulerMessage::TurnRecorded { brief, backlog, stop, held_for });
        // Both may be refused by a full mailbox: the next turn of the session says the same again.
        self.warmer.tell(seen, cause).unwrap_or_default();
        self.scheduler.tell(recorded, cause).unwrap_or_default();
    }

    /// Keeps the request for replay if its session can be kept warm.
    fn shelve(
        &self,
        turn: &Turn,
        asked: &Asked,
        answered: &Answered,
        turns: u32,
        plain: Cow<'_, [u8]>,
    ) -> Result<Warmth, Cold> {
        let ttl = warmable(turn, asked, answered)?;
        let (model, upstream, target) = (asked.model.clone(), turn.upstream.clone(), turn.target.clone());
        let body = Bytes::from(plain.into_owned());
        self.shelf.put(&turn.session, KeptRequest { model, upstream, target, body });
        let awaited = if answered.stop == Some(Stop::ToolUse) { Awaited::Tool } else { Awaited::Human };
        Ok(Warmth {
            ttl,
            usage: answered.usage,
            age: turn.took,
            awaited,
            turns,
            project: project(turn, asked),
        })
    }
}

/// The request, decoded, and what it says.
fn read_request(turn: &Turn) -> Option<(Cow<'_, [u8]>, Asked)> {
    let plain = encoding::decoded(turn.request_encoding.as_deref(), &turn.request, LARGEST_BODY).ok()?;
    let asked = dialect::asked(turn.dialect, &plain).ok()?;
    Some((plain, asked))
}

/// What the session works on, as its owner's agents state it; without a statement, all that its owner does.
fn project(turn: &Turn, asked: &Asked) -> ProjectId {
    let folder = asked.directory.as_deref().unwrap_or_default();
    format!("{} {folder}", turn.principal).into()
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

fn record(turn: &Turn, asked: &Asked, answered: &Answered) -> TurnRecord {
    let messages = asked.messages.clone();
    let whole: Vec<Message> = messages.iter().cloned().chain(answered.message.clone()).collect();
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
        at: turn.at,
        head: chain(&whole).last().copied().unwrap_or(domain::conversation::Digest::START),
        messages,
        answer: answered.message.clone(),
        usage: answered.usage,
        stop: answered.stop,
        cut: answered.stop.is_none(),
    }
}
