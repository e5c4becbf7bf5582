//! Handles to an actor: typed by what can be said to it and what it answers, not by who it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::desk::{Desk, Lane};
use crate::mail::{Answer, Letter, Mail, Postmark};
use crate::shell::{IN_A_ROW, Shell};
use crate::timer::Stamp;
use crate::{AskError, Cause, Message, TellError};

/// A handle to an actor that takes `M` and answers `R`.
///
/// Cheap to clone, usable from every thread, and valid before the actor exists: what is said to a
/// vacancy is handled once it is filled. Holding one does not bind the holder to the actor's type.
pub struct Mailbox<M: Message, R: Send + 'static = ()>(Arc<Slot<M, R>>);

/// Messages that are told together: to wake an actor on another thread costs more than to handle a message.
///
/// Each is let in, counted and numbered when it is told, and all arrive in that order when the bundle is sent, which it also is
/// when it is dropped.
pub struct Bundle<M: Message, R: Send + 'static = ()> {
    slot: Arc<Slot<M, R>>,
    /// When it was begun, which counts as when all of it was told: to ask a clock costs as much as to tell.
    begun: Duration,
    letters: Vec<Letter<M, R>>,
}

/// A handle that can only tell: an actor's own address, whatever it answers to others.
pub struct Address<M: Message>(Arc<dyn Post<M>>);

pub(crate) struct Slot<M: Message, R: Send + 'static> {
    shell: Addr<Shell<M, R>>,
    desk: Arc<Desk>,
}

impl<M: Message, R: Send + 'static> Mailbox<M, R> {
    pub(crate) fn new(shell: Addr<Shell<M, R>>, desk: Arc<Desk>) -> Self {
        Self(Arc::new(Slot { shell, desk }))
    }

    /// Tells a fact. At-most-once: it is lost if the actor crashes over it or ends before it.
    ///
    /// # Errors
    /// [`TellError::Full`] when `capacity` messages wait already (counted by the observer),
    /// [`TellError::Stopped`] when the actor has ended or is draining.
    pub fn tell(&self, message: M, cause: Cause) -> Result<(), TellError> {
        self.0.put(message, cause, Lane::Bounded, None, None)
    }

    /// Tells what must happen: a command, an outcome. Exempt from the bound, because the work in
    /// flight bounds it already, and accepted while the actor drains.
    ///
    /// # Errors
    /// [`TellError::Stopped`] when the actor has ended.
    pub fn tell_surely(&self, message: M, cause: Cause) -> Result<(), TellError> {
        self.0.put(message, cause, Lane::Sure, None, None)
    }

    /// Begins a bundle.
    #[must_use]
    pub fn bundle(&self) -> Bundle<M, R> {
        Bundle { slot: Arc::clone(&self.0), begun: self.0.now(), letters: Vec::new() }
    }

    /// Asks a question, and waits for the answer at most `within`, counted from the first poll.
    ///
    /// The question is posted by this call, not by the first poll of what it returns, so questions
    /// arrive in the order they were asked. A caller who leaves does not take it back.
    ///
    /// # Errors
    /// Every [`AskError`], see there.
    pub fn ask(
        &self,
        message: M,
        cause: Cause,
        within: Duration,
    ) -> impl Future<Output = Result<R, AskError>> + Send + use<M, R> {
        let (answer, coming) = oneshot::channel();
        let posted = self.0.put(message, cause, Lane::Bounded, Some(answer), None);
        async move {
            posted?;
            let answered = timeout(within, coming).await.map_err(|_elapsed| AskError::TimedOut)?;
            answered.unwrap_or(Err(AskError::Stopped))
        }
    }

    /// The actor's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.desk.name
    }

    /// How many messages wait.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.0.desk.depth()
    }

    /// How many performances run, see [`crate::Stage::run`].
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.desk.running()
    }

    /// Whether what is told may still be handled: true for a vacancy, false after the end.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        !self.0.desk.has_ended() && self.0.shell.connected()
    }

    /// Closes the doors to facts and questions, lets the actor handle what waits and finish what
    /// runs, and then ends it. After `within` it is ended with its work undone. Pending timers never ring.
    pub async fn drain(&self, within: Duration) {
        self.0.desk.drain();
        let (until, end) = oneshot::channel();
        let told = self.0.send(Mail::Drain(until));
        // The channel's other end is dropped, not used, when the actor ends: only the timeout matters.
        if told.is_ok() && timeout(within, end).await.is_err() {
            self.0.send(Mail::Stop).ok();
        }
    }

    /// A handle that can only tell.
    #[must_use]
    pub fn address(&self) -> Address<M> {
        Address(Arc::clone(&self.0) as Arc<dyn Post<M>>)
    }
}

impl<M: Message, R: Send + 'static> Bundle<M, R> {
    /// See [`Mailbox::tell`].
    ///
    /// # Errors
    /// The same as there, but that an actor may end before the bundle is sent.
    pub fn tell(&mut self, message: M, cause: Cause) -> Result<(), TellError> {
        self.put(message, cause, Lane::Bounded)
    }

    /// See [`Mailbox::tell_surely`].
    ///
    /// # Errors
    /// The same as there, but that an actor may end before the bundle is sent.
    pub fn tell_surely(&mut self, message: M, cause: Cause) -> Result<(), TellError> {
        self.put(message, cause, Lane::Sure)
    }

    fn put(&mut self, message: M, cause: Cause, lane: Lane) -> Result<(), TellError> {
        let letter = self.slot.letter(message, cause, lane, None, None, self.begun)?;
        if self.letters.is_empty() {
            // At once: letters are large to be moved into more and more room.
            self.letters.reserve(IN_A_ROW);
        }
        self.letters.push(letter);
        if self.letters.len() >= IN_A_ROW {
            self.send();
        }
        Ok(())
    }

    fn send(&mut self) {
        let letters = std::mem::take(&mut self.letters);
        if !letters.is_empty() {
            // An actor that has ended hears nothing, as with messages that it had not come to yet.
            self.slot.send(Mail::Bundle(letters)).unwrap_or_default();
        }
    }
}

impl<M: Message, R: Send + 'static> Drop for Bundle<M, R> {
    fn drop(&mut self) {
        self.send();
    }
}

impl<M: Message> Address<M> {
    /// See [`Mailbox::tell`].
    ///
    /// # Errors
    /// The same as there.
    pub fn tell(&self, message: M, cause: Cause) -> Result<(), TellError> {
        self.0.post(message, cause, Lane::Bounded, None)
    }

    /// See [`Mailbox::tell_surely`].
    ///
    /// # Errors
    /// The same as there.
    pub fn tell_surely(&self, message: M, cause: Cause) -> Result<(), TellError> {
        self.0.post(message, cause, Lane::Sure, None)
    }

    /// Rings a timer. That the actor has ended is no error: nobody waits for the timer any more.
    pub(crate) fn ring(&self, message: M, cause: Cause, stamp: Stamp) {
        self.0.post(message, cause, Lane::Sure, Some(stamp)).ok();
    }
}

/// Takes messages for an actor, whatever it answers.
trait Post<M>: Send + Sync {
    fn post(&self, message: M, cause: Cause, lane: Lane, stamp: Option<Stamp>) -> Result<(), TellError>;
    fn name(&self) -> &'static str;
}

impl<M: Message, R: Send + 'static> Post<M> for Slot<M, R> {
    fn post(&self, message: M, cause: Cause, lane: Lane, stamp: Option<Stamp>) -> Result<(), TellError> {
        self.put(message, cause, lane, None, stamp)
    }

    fn name(&self) -> &'static str {
        self.desk.name
    }
}

impl<M: Message, R: Send + 'static> Slot<M, R> {
    fn put(
        &self,
        message: M,
        cause: Cause,
        lane: Lane,
        answer: Answer<R>,
        stamp: Option<Stamp>,
    ) -> Result<(), TellError> {
        let letter = self.letter(message, cause, lane, answer, stamp, self.now())?;
        self.send(Mail::Letter(Box::new(letter)))
    }

    fn now(&self) -> Duration {
        self.desk.environment.clock.now()
    }

    /// A letter that is let in.
    fn letter(
        &self,
        message: M,
        cause: Cause,
        lane: Lane,
        answer: Answer<R>,
        stamp: Option<Stamp>,
        now: Duration,
    ) -> Result<Letter<M, R>, TellError> {
        let environment = &self.desk.environment;
        let admission = self.desk.admit(lane).inspect_err(|error| {
            if *error == TellError::Full {
                environment.observer.shed(self.desk.name, message.name());
            }
        })?;
        let postmark = Postmark::new(environment.trace.number(), cause, stamp, now);
        Ok(Letter { message, answer, postmark, admission })
    }

    /// The one place that hands anything to actix. Its capacity is set to "unbounded", because the
    /// bound is the desk's; what is left for `try_send` to refuse is a closed mailbox, and that it
    /// says truthfully, where `do_send` is silent.
    #[expect(clippy::disallowed_methods, reason = "the mailbox wraps this call, behind the desk's admission")]
    fn send(&self, mail: Mail<M, R>) -> Result<(), TellError> {
        self.shell.try_send(mail).map_err(|_closed| TellError::Stopped)
    }
}

impl<M: Message, R: Send + 'static> Clone for Mailbox<M, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Message> Clone for Address<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: Message, R: Send + 'static> fmt::Debug for Mailbox<M, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Mailbox").field(&self.name()).finish()
    }
}

impl<M: Message> fmt::Debug for Address<M> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Address").field(&self.0.name()).finish()
    }
}
