//! A performer with its machine, seen by the shell without their types.

use std::borrow::Cow;
use std::time::Duration;

use crate::{Factory, Message, Performer, Stage};

/// What the shell lets an actor do.
pub(crate) trait Role<M: Message, R> {
    fn open(&mut self, stage: &mut Stage<'_, M>);
    fn act(&mut self, message: M, stage: &mut Stage<'_, M>, traced: bool) -> Done<R>;
    fn rebuild(&mut self);
}

/// How a message was handled.
pub(crate) struct Done<R> {
    pub(crate) reply: R,
    pub(crate) effects: usize,
    pub(crate) outcome: Cow<'static, str>,
}

/// One performer, its machine, and how to build the machine anew.
pub(crate) struct Cast<P: Performer> {
    performer: P,
    machine: P::Machine,
    factory: Factory<P::Machine>,
}

impl<P: Performer> Cast<P> {
    pub(crate) fn new((performer, mut factory): (P, Factory<P::Machine>)) -> Self {
        let machine = factory();
        Self { performer, machine, factory }
    }

    fn step(&mut self, message: P::Message, now: Duration) -> (P::Reply, Vec<P::Effect>) {
        let mut effects = Vec::new();
        let reply = P::step(&mut self.machine, message, now, &mut effects);
        (reply, effects)
    }
}

impl<P: Performer> Role<P::Message, P::Reply> for Cast<P> {
    fn open(&mut self, stage: &mut Stage<'_, P::Message>) {
        self.performer.opening(stage);
    }

    fn act(
        &mut self,
        message: P::Message,
        stage: &mut Stage<'_, P::Message>,
        traced: bool,
    ) -> Done<P::Reply> {
        let (reply, effects) = self.step(message, stage.now());
        let outcome = if traced { P::outcome(&reply).into() } else { "handled".into() };
        let count = effects.len();
        effects.into_iter().for_each(|effect| self.performer.perform(effect, stage));
        Done { reply, effects: count, outcome }
    }

    fn rebuild(&mut self) {
        self.machine = (self.factory)();
    }
}
