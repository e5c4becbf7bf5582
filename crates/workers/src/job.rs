//! The actor of a worker that works when it is told: Distiller and Curator are this with two crafts.

use crate::Spoken;
use crate::errand::Errand;
use actor::{Performer, Stage};
use domain::credential::Lease;
use domain::ids::SessionId;
use domain::purpose::Purpose;
use machines::job::{Bench, Brief, Ending, JobEffect, JobMessage, Work};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// What a worker can do that others cannot.
pub(crate) trait Craft: 'static {
    /// The actor's name.
    const NAME: &'static str;
    /// What its calls are for.
    const PURPOSE: Purpose;
    /// Does one job: prepares, calls the provider with the lease, and keeps what is worth keeping.
    fn work(&self, brief: Brief, lease: Lease) -> impl Future<Output = Work>;
}

/// See the module.
pub(crate) struct JobPerformer<C> {
    pub(crate) craft: Rc<C>,
    pub(crate) errand: Errand,
}

impl<C: Craft> Performer for JobPerformer<C> {
    const NAME: &'static str = C::NAME;
    type Machine = Bench;
    type Message = Spoken<JobMessage>;
    type Effect = JobEffect;
    type Reply = ();

    fn step(bench: &mut Bench, message: Self::Message, _now: Duration, effects: &mut Vec<JobEffect>) {
        bench.on(message.0, effects);
    }

    fn perform(&mut self, effect: JobEffect, stage: &mut Stage<'_, Self::Message>) {
        perform(&self.craft, &self.errand, effect, stage, Spoken);
    }

    fn opening(&mut self, stage: &mut Stage<'_, Self::Message>) {
        self.errand.begin(stage.cause());
    }
}

/// Does what a bench wants done; `wrap` makes the actor's message of a job's.
pub(crate) fn perform<C: Craft, M: actor::Message>(
    craft: &Rc<C>,
    errand: &Errand,
    effect: JobEffect,
    stage: &mut Stage<'_, M>,
    wrap: fn(JobMessage) -> M,
) {
    match effect {
        JobEffect::Ask(brief) => ask(errand, brief, stage, wrap),
        JobEffect::Perform { brief, lease } => {
            let (craft, session, leased) = (Rc::clone(craft), brief.session.clone(), lease.clone());
            let work = async move { craft.work(brief, leased).await };
            labour(session, lease, work, stage, wrap);
        }
        JobEffect::Report { brief, lease, work } => report(errand, brief, lease, work, stage, wrap),
        JobEffect::Ended { brief, ending } => over(errand, brief, ending, stage),
    }
}

/// Asks for a lease.
pub(crate) fn ask<M: actor::Message>(
    errand: &Errand,
    brief: Brief,
    stage: &mut Stage<'_, M>,
    wrap: fn(JobMessage) -> M,
) {
    let (errand, cause) = (errand.clone(), stage.cause());
    let lost = wrap(JobMessage::Unanswered { session: brief.session.clone() });
    stage.run(async move { wrap(errand.ask(brief, cause).await) }, lost);
}

/// Does `work` with `lease`.
pub(crate) fn labour<M: actor::Message>(
    session: SessionId,
    lease: Lease,
    work: impl Future<Output = Work> + 'static,
    stage: &mut Stage<'_, M>,
    wrap: fn(JobMessage) -> M,
) {
    let failed = Work::Failed { evidence: None, why: "the work broke off".to_owned() };
    let lost = JobMessage::Performed { session: session.clone(), lease: lease.clone(), work: failed };
    let work = async move {
        let work = work.await;
        wrap(JobMessage::Performed { session, lease, work })
    };
    stage.run(work, wrap(lost));
}

/// Tells how the work went.
pub(crate) fn report<M: actor::Message>(
    errand: &Errand,
    brief: Brief,
    lease: Lease,
    work: Work,
    stage: &mut Stage<'_, M>,
    wrap: fn(JobMessage) -> M,
) {
    let (errand, cause) = (errand.clone(), stage.cause());
    let lost = wrap(JobMessage::Unanswered { session: brief.session.clone() });
    stage.run(async move { wrap(errand.report(brief, lease, work, cause).await) }, lost);
}

/// Tells that the job is over.
pub(crate) fn over<M: actor::Message>(errand: &Errand, brief: Brief, ending: Ending, stage: &Stage<'_, M>) {
    drop(tokio::task::spawn_local(errand.clone().over(brief, ending, stage.cause())));
}
