//! Takes turns in, off the request path.
//!
//! The gateway hands a turn over and never waits. The queue is bounded and refuses when it is full; that loses nothing,
//! because agents send their whole history with every request, and the store takes in what it does not know yet.

use crate::{Meter, RequestShelf, Speaker, Spoken, Turn};
use actor::{Cause, Mailbox};
use domain::conversation::{Answered, CacheTtl, Message, chain};
use domain::provider::Dialect;
use machines::cache_warmer::{WarmerMessage, Warmth, longest_hold};
use machines::idle_scheduler::{Backlog, SchedulerMessage, SchedulerReply};
use machines::job::Brief;
use std::sync::Arc;
use std::time::Duration;
use store::{Desk, Recorded, Store, StoreError, TurnRecord};
use upstream::{dialect, encoding};

/// The largest body that is read, decoded, in bytes; a larger one is relayed but not recorded.
const LARGEST_BODY: usize = 128 * 1024 * 1024;

/// The way in. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Recorder(Arc<Inner>);

struct Inner {
    desk: Desk,
    scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
    warmer: Mailbox<Spoken<WarmerMessage>>,
    shelf: Arc<RequestShelf>,
    meter: Arc<dyn Meter>,
}

impl Recorder {
    pub(crate) fn new(
        desk: Desk,
        scheduler: Mailbox<Spoken<SchedulerMessage>, SchedulerReply>,
        warmer: Mailbox<Spoken<WarmerMessage>>,
        shelf: Arc<RequestShelf>,
        meter: Arc<dyn Meter>,
    ) -> Self {
        Self(Arc::new(Inner { desk, scheduler, warmer, shelf, meter }))
    }

    /// Takes a turn in, or refuses it when the queue is full: then it is counted, and the session's next request brings it
    /// again. Never waits.
    pub fn record(&self, turn: Turn) {
        let inner = Arc::clone(&self.0);
        let job = move |store: &mut dyn Store| inner.keep(&turn, store);
        if self.0.desk.try_write(job).is_err() {
            self.0.meter.turn_shed();
        }
    }
}

impl Inner {
    fn keep(&self, turn: &Turn, store: &mut dyn Store) -> Result<(), StoreError> {
        let answered = self.read_answer(turn);
        let recorded = store.record_turn(&record(turn, &answered))?;
        self.meter.turn_recorded();
        self.tell(turn, &answered, &recorded);
        Ok(())
    }

    fn read_answer(&self, turn: &Turn) -> Answered {
        let whole = turn.answer.concat();
        match encoding::decoded(turn.answer_encoding.as_deref(), &whole, LARGEST_BODY) {
            Ok(plain) => dialect::answered(turn.dialect, &plain),
            Err(_) => Answered::default(),
        }
    }

    fn tell(&self, turn: &Turn, answered: &Answered, recorded: &Recorded) {
        let brief = Brief {
            patient: false,
            principal: turn.principal.clone(),
            session: turn.session.clone(),
            upstream: turn.upstream.clone(),
            dialect: turn.dialect,
            model: turn.asked.model.clone(),
        };
        let backlog = Backlog {
            pending_messages: recorded.pending_messages,
            pending_tokens: recorded.pending_tokens,
            turns_since_curation: recorded.turns_since_curation,
        };
        let cause = Cause::origin("Recorder");
        let warmth = self.shelve(turn, answered);
        let held_for = warmth.as_ref().map_or(Duration::ZERO, |warmth| longest_hold(warmth.ttl));
        let seen = Spoken(WarmerMessage::TurnSeen { brief: brief.clone(), warmth });
        let recorded =
            Spoken(SchedulerMessage::TurnRecorded { brief, backlog, stop: answered.stop, held_for });
        // Both may be refused by a full mailbox: the next turn of the session says the same again.
        self.warmer.tell(seen, cause).unwrap_or_default();
        self.scheduler.tell(recorded, cause).unwrap_or_default();
    }

    /// Keeps the request for replay if its session can be kept warm: Anthropic's shape, a cache mark, an answer that ended.
    fn shelve(&self, turn: &Turn, answered: &Answered) -> Option<Warmth> {
        let ttl = warmable(turn).filter(|_| answered.stop.is_some())?;
        let plain = encoding::decoded(turn.request_encoding.as_deref(), &turn.request, LARGEST_BODY).ok()?;
        self.shelf.put(&turn.session, &turn.target, &plain);
        Some(Warmth { ttl, usage: answered.usage })
    }
}

fn warmable(turn: &Turn) -> Option<CacheTtl> {
    let fits = turn.dialect == Dialect::AnthropicMessages && turn.speaker == Speaker::Main;
    turn.asked.cache.filter(|_| fits)
}

fn record(turn: &Turn, answered: &Answered) -> TurnRecord {
    let messages = turn.asked.messages.clone();
    let whole: Vec<Message> = messages.iter().cloned().chain(answered.message.clone()).collect();
    TurnRecord {
        session: turn.session.clone(),
        principal: turn.principal.clone(),
        identity: turn.identity.clone(),
        client: turn.client.clone(),
        provider: turn.upstream.provider(),
        dialect: turn.dialect,
        model: turn.asked.model.clone(),
        upstream_origin: turn.upstream.origin().to_owned(),
        directory: turn.asked.directory.clone(),
        at: turn.at,
        head: chain(&whole).last().copied().unwrap_or(domain::conversation::Digest::START),
        messages,
        answer: answered.message.clone(),
        usage: answered.usage,
        stop: answered.stop,
        cut: answered.stop.is_none(),
    }
}
