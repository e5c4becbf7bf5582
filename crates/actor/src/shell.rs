//! The one implementation of actix's actor traits in the house: every machine lives in this shell.

use std::sync::Arc;
use std::time::Duration;

use actix::fut::wrap_future;
use actix::{Actor, ActorContext, AsyncContext, Context, Handler};
use tokio::sync::oneshot;
use tracing::Span;
use tracing::field::Empty;

use crate::crash::{Crash, CrashRecord, contained};
use crate::desk::Desk;
use crate::excerpt::excerpt;
use crate::mail::{Answer, Letter, Mail, Postmark};
use crate::role::{Done, Role};
use crate::stage::Backstage;
use crate::{AskError, Cause, Mailbox, Message, Row};

/// After so many letters in a row, and the rest of a bundle, the actor lets its neighbours and their timers have a turn: actix
/// itself empties a mailbox in one go, however long that takes.
pub(crate) const IN_A_ROW: usize = 64;

/// An actor that takes `M` and answers `R`, whoever plays it.
pub(crate) struct Shell<M: Message, R: Send + 'static> {
    role: Box<dyn Role<M, R>>,
    backstage: Backstage<M>,
    desk: Arc<Desk>,
    incarnation: u64,
    crashes: CrashRecord,
    /// Set once it is to end without waiting for anything.
    over: bool,
    in_a_row: usize,
    /// Whoever waits for the end; told by being dropped.
    drains: Vec<oneshot::Sender<()>>,
}

impl<M: Message, R: Send + 'static> Shell<M, R> {
    pub(crate) fn new(role: Box<dyn Role<M, R>>, mailbox: &Mailbox<M, R>, desk: Arc<Desk>) -> Self {
        Self {
            role,
            backstage: Backstage::new(mailbox.address(), Arc::clone(&desk)),
            desk,
            incarnation: 1,
            crashes: CrashRecord::default(),
            over: false,
            in_a_row: 0,
            drains: Vec::new(),
        }
    }

    fn receive(&mut self, letter: Letter<M, R>) {
        let Letter { message, answer, postmark, admission } = letter;
        drop(admission);
        if !self.backstage.is_wanted(postmark.stamp) {
            return;
        }
        let now = self.desk.environment.clock.now();
        let traced = self.desk.environment.trace.is_on();
        let mut row = Row { asked: answer.is_some(), ..self.row(&message, &postmark, now, traced) };
        let span = span(&row);
        span.follows_from(&postmark.sender);
        let result = span.in_scope(|| self.handle_contained(message, &postmark, now, traced));
        if traced || !span.is_disabled() {
            row.handle_us = micros(self.desk.environment.clock.now().saturating_sub(now));
        }
        let reply = span.in_scope(|| self.settle(result, &mut row));
        report(&span, &row);
        // Before the answer, so that whoever has it can already read how it came about.
        self.publish(row, traced);
        reply_to(answer, reply);
    }

    fn handle_contained(
        &mut self,
        message: M,
        postmark: &Postmark,
        now: Duration,
        traced: bool,
    ) -> Result<Done<R>, Crash> {
        let cause = Cause::within(self.desk.name, postmark.number, postmark.root, postmark.hops);
        let mut stage = self.backstage.set(cause, now, postmark.stamp.map(|stamp| stamp.key));
        contained(|| self.role.act(message, &mut stage, traced))
    }

    fn settle(&mut self, result: Result<Done<R>, Crash>, row: &mut Row) -> Result<R, AskError> {
        match result {
            Ok(Done { reply, effects, outcome }) => {
                (row.effects, row.outcome) = (effects, outcome);
                Ok(reply)
            }
            Err(crash) => {
                row.outcome = format!("crashed at {crash}").into();
                self.crashed(row.message, &crash);
                Err(AskError::Crashed)
            }
        }
    }

    fn crashed(&mut self, message: &'static str, crash: &Crash) {
        let (actor, incarnation) = (self.desk.name, self.incarnation);
        tracing::error!(target: "stillroom::actor", actor, incarnation, msg = message, at = %crash, "an actor crashed");
        self.desk.environment.observer.crashed(actor);
        let hopeless = self.crashes.note(self.desk.environment.clock.now());
        if !self.rebuild() || hopeless {
            (self.desk.environment.fatal)(actor);
        }
    }

    /// False if the machine cannot even be built anew; that ends the actor.
    fn rebuild(&mut self) -> bool {
        self.incarnation += 1;
        self.backstage.crashed();
        let rebuilt = contained(|| self.role.rebuild()).is_ok() && self.open().is_ok();
        self.over |= !rebuilt;
        rebuilt
    }

    /// Nothing but an observer or a message's own `Debug` can panic outside the machine's step and
    /// effects. What they left half done is unknown, so there is nothing to rebuild from.
    fn give_up(&mut self, crash: &Crash) {
        tracing::error!(target: "stillroom::actor", actor = self.desk.name, at = %crash, "an actor gave up");
        self.over = true;
        (self.desk.environment.fatal)(self.desk.name);
    }

    fn open(&mut self) -> Result<(), Crash> {
        let now = self.desk.environment.clock.now();
        let mut stage = self.backstage.set(Cause::origin(self.desk.name), now, None);
        contained(|| self.role.open(&mut stage))
    }

    fn row(&self, message: &M, postmark: &Postmark, now: Duration, traced: bool) -> Row {
        Row {
            at_unix_ms: if traced { millis(self.desk.environment.clock.unix()) } else { 0 },
            begun_us: micros(now),
            actor: self.desk.name,
            incarnation: self.incarnation,
            message: message.name(),
            detail: if traced { excerpt(message) } else { String::new() },
            session: message.session().filter(|_| traced).map(str::to_owned),
            from: postmark.from,
            mail: postmark.number,
            cause: postmark.cause,
            root: postmark.root,
            hops: postmark.hops,
            queue_wait_us: micros(now.saturating_sub(postmark.posted)),
            depth: self.desk.depth(),
            ..Row::default()
        }
    }

    fn publish(&self, row: Row, traced: bool) {
        self.desk.environment.observer.handled(&row);
        if traced {
            self.desk.environment.trace.record(row);
        }
    }

    fn is_done(&self) -> bool {
        let idle = self.desk.depth() == 0 && self.desk.running() == 0;
        self.over || (idle && !self.drains.is_empty())
    }

    /// Several letters under one guard: after a crash that reaches it no more of them are read anyway.
    fn read(&mut self, letters: impl IntoIterator<Item = Letter<M, R>>) {
        let read = contained(|| {
            for letter in letters {
                self.in_a_row += 1;
                self.receive(letter);
                if self.over {
                    break;
                }
            }
        });
        read.unwrap_or_else(|crash| self.give_up(&crash));
    }

    fn breathe(&mut self, context: &mut Context<Self>) {
        if self.in_a_row >= IN_A_ROW {
            self.in_a_row = 0;
            context.wait(wrap_future(tokio::task::yield_now()));
        }
    }
}

impl<M: Message, R: Send + 'static> Actor for Shell<M, R> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        if let Err(crash) = self.open() {
            self.crashed("opening", &crash);
        }
        if self.over {
            context.stop();
        }
    }
}

impl<M: Message, R: Send + 'static> Handler<Mail<M, R>> for Shell<M, R> {
    type Result = ();

    fn handle(&mut self, mail: Mail<M, R>, context: &mut Self::Context) {
        match mail {
            Mail::Letter(letter) => self.read([*letter]),
            Mail::Bundle(letters) => self.read(letters),
            Mail::Drain(until_the_end) => self.drains.push(until_the_end),
            Mail::Stop => self.over = true,
        }
        if self.is_done() {
            context.stop();
        } else {
            self.breathe(context);
        }
    }
}

impl<M: Message, R: Send + 'static> Drop for Shell<M, R> {
    /// However the actor ends, nobody must go on believing that it lives.
    fn drop(&mut self) {
        self.desk.end();
    }
}

fn reply_to<R>(answer: Answer<R>, reply: Result<R, AskError>) {
    if let Some(answer) = answer {
        // An error only says that whoever asked has left.
        answer.send(reply).ok();
    }
}

/// At debug level: to write down the fields of every message costs more than to handle it.
fn span(row: &Row) -> Span {
    tracing::debug_span!(
        target: "stillroom::actor",
        parent: None,
        "mail",
        actor = row.actor,
        incarnation = row.incarnation,
        msg = row.message,
        from = row.from,
        mail = row.mail,
        cause = row.cause,
        root = row.root,
        queue_wait_us = row.queue_wait_us,
        depth = row.depth,
        handle_us = Empty,
        effects = Empty,
        outcome = Empty,
    )
}

fn report(span: &Span, row: &Row) {
    if span.is_disabled() {
        return; // It would look for each field by its name all the same.
    }
    span.record("handle_us", row.handle_us);
    span.record("effects", row.effects);
    span.record("outcome", &*row.outcome);
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
