//! All connections to one provider: which of them takes a request, and when another is opened.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    time::Duration,
};

use actix_http::Uri;
use futures_core::future::LocalBoxFuture;
use futures_util::{
    FutureExt as _,
    future::{Shared, WeakShared},
};
use tokio::time::timeout;

use super::{
    super::{Fault, Phase, dial::Dialer},
    line::{self, Line, MOST_STREAMS, Seat},
};

/// See the module.
pub(super) struct Provider {
    /// Those that took requests when they were last looked at.
    lines: RefCell<Vec<Rc<Line>>>,
    dials: RefCell<Vec<Dial>>,
    /// How many requests the newest line took at once; the best guess for the next one.
    room: Cell<usize>,
    /// It was offered HTTP/2 and chose HTTP/1.1. It is not asked a second time: that would cost a connection each time.
    lacks_http2: Cell<bool>,
}

/// A connection that is being opened for those who wait for it.
struct Dial {
    /// Ends with the last who waits.
    outcome: WeakShared<Dialing>,
    waiting: usize,
}

type Dialing = LocalBoxFuture<'static, Result<(), Fault>>;

impl Provider {
    /// One that nothing is known of.
    pub(super) fn new() -> Self {
        Self {
            lines: RefCell::default(),
            dials: RefCell::default(),
            room: Cell::new(MOST_STREAMS),
            lacks_http2: Cell::new(false),
        }
    }

    /// A place for one request, on a new connection if no other has one; none when the provider lacks HTTP/2.
    ///
    /// # Errors
    /// When no connection comes about.
    pub(super) async fn seat(
        self: &Rc<Self>,
        dialer: &Dialer,
        limit: Duration,
        uri: &Uri,
    ) -> Result<Option<Seat>, Fault> {
        let mut kept = true;
        while !self.lacks_http2.get() {
            if let Some(seat) = self.free_seat(kept) {
                return Ok(Some(seat));
            }
            self.dial(dialer, limit, uri).await?;
            kept = false;
        }
        Ok(None)
    }

    /// Lets go of the lines that take no more requests: each is closed with its last seat.
    pub(super) fn let_go(&self) {
        self.lines.borrow_mut().retain(|line| line.lives());
    }

    fn free_seat(&self, kept: bool) -> Option<Seat> {
        self.let_go();
        self.lines.borrow().iter().find(|line| line.room() > 0).map(|line| Seat::on(line, kept))
    }

    /// Waits for a dial that is under way, as long as its connection will have room for one more, else for one of its own.
    fn dial(self: &Rc<Self>, dialer: &Dialer, limit: Duration, uri: &Uri) -> Shared<Dialing> {
        let mut dials = self.dials.borrow_mut();
        dials.retain(|dial| dial.outcome.upgrade().is_some_and(|outcome| outcome.peek().is_none()));
        let joinable = dials.iter_mut().filter(|dial| dial.waiting < self.room.get());
        for dial in joinable {
            if let Some(outcome) = dial.outcome.upgrade() {
                dial.waiting += 1;
                return outcome;
            }
        }
        let outcome = Rc::clone(self).open(dialer.clone(), limit, uri.clone()).boxed_local().shared();
        dials.extend(outcome.downgrade().map(|outcome| Dial { outcome, waiting: 1 }));
        outcome
    }

    async fn open(self: Rc<Self>, dialer: Dialer, limit: Duration, uri: Uri) -> Result<(), Fault> {
        let late = Fault::TimedOut { phase: Phase::Connect };
        match timeout(limit, line::open(&dialer, uri)).await.unwrap_or(Err(late))? {
            None => self.lacks_http2.set(true),
            Some(line) => {
                self.room.set(line.room());
                self.lines.borrow_mut().push(Rc::new(line));
            }
        }
        Ok(())
    }
}
