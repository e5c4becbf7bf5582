//! Wiring: a mailbox can be handed around before its actor exists, so that actors who know each
//! other need no setters, and an actor is made on the thread where it lives, so that it may hold
//! what cannot travel between threads.

use std::fmt;
use std::sync::Arc;

use actix::dev::channel::{AddressReceiver, channel};
use actix::{Addr, Context};
use actix_rt::ArbiterHandle;

use crate::crash::contained;
use crate::desk::Desk;
use crate::role::Cast;
use crate::shell::Shell;
use crate::{Environment, Factory, Mailbox, Message, Performer};

/// What actix calls an unbounded mailbox. The bound is the desk's.
const UNBOUNDED: usize = 0;

/// The thread an actor lives on.
#[derive(Clone, Debug)]
pub enum Place {
    /// This thread, which must be running a `tokio::task::LocalSet` or an actix system.
    Here,
    /// An arbiter's thread.
    On(ArbiterHandle),
}

/// A mailbox whose actor is yet to come. Dropped unfilled, it closes the mailbox.
pub struct Vacancy<M: Message, R: Send + 'static = ()> {
    mail: AddressReceiver<Shell<M, R>>,
    mailbox: Mailbox<M, R>,
    desk: Arc<Desk>,
}

/// Opens a mailbox for an actor called `name`, in which at most `capacity` facts and questions wait.
///
/// What is told before [`Vacancy::fill`] waits for the actor.
#[must_use]
pub fn vacancy<M: Message, R: Send + 'static>(
    name: &'static str,
    capacity: usize,
    environment: &Environment,
) -> (Mailbox<M, R>, Vacancy<M, R>) {
    let desk = Arc::new(Desk::new(name, capacity, environment.clone()));
    let seen = Arc::downgrade(&desk);
    environment.observer.opened(name, Arc::new(move || seen.upgrade().map_or(0, |desk| desk.depth())));
    let (sender, mail) = channel(UNBOUNDED);
    let mailbox = Mailbox::new(Addr::new(sender), Arc::clone(&desk));
    (mailbox.clone(), Vacancy { mail, mailbox, desk })
}

impl<M: Message, R: Send + 'static> Vacancy<M, R> {
    /// Makes the actor on its thread and opens it. `cast` gives the performer and the factory of its
    /// machine, which is called at once and again after every crash.
    ///
    /// A `cast` that panics is fatal, see [`Environment::fatal`]; an arbiter that has stopped leaves
    /// the mailbox closed, and is logged.
    ///
    /// # Panics
    /// At [`Place::Here`] outside a `LocalSet`.
    pub fn fill<P>(self, place: &Place, cast: impl FnOnce() -> (P, Factory<P::Machine>) + Send + 'static)
    where
        P: Performer<Message = M, Reply = R>,
    {
        let name = self.desk.name;
        let enter = move || self.enter(cast);
        match place {
            Place::Here => enter(),
            Place::On(arbiter) => {
                if !arbiter.spawn_fn(enter) {
                    tracing::error!(target: "stillroom::actor", actor = name, "its arbiter has stopped");
                }
            }
        }
    }

    fn enter<P>(self, cast: impl FnOnce() -> (P, Factory<P::Machine>))
    where
        P: Performer<Message = M, Reply = R>,
    {
        let Self { mail, mailbox, desk } = self;
        match contained(|| Box::new(Cast::new(cast()))) {
            Ok(role) => drop(Context::with_receiver(mail).run(Shell::new(role, &mailbox, desk))),
            Err(crash) => {
                tracing::error!(target: "stillroom::actor", actor = desk.name, at = %crash, "it cannot be built");
                (desk.environment.fatal)(desk.name);
            }
        }
    }
}

impl<M: Message, R: Send + 'static> fmt::Debug for Vacancy<M, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Vacancy").field(&self.desk.name).finish()
    }
}
