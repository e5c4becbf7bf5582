//! The actor of a worker that works when it is told: Distiller and Curator are this with two crafts.

use crate::Spoken;
use crate::errand::Errand;
use actor::{Performer, Stage};
use domain::credential::Lease;
use domain::purpose::Purpose;
use machines::job::{Bench, Brief, JobEffect, JobMessage, Work};
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
    let (errand, cause) = (errand.clone(), stage.cause());
    match effect {
        JobEffect::Ask(brief) => {
            let lost = wrap(JobMessage::Unanswered { session: brief.session.clone() });
            stage.run(async move { wrap(errand.ask(brief, cause).await) }, lost);
        }
        JobEffect::Perform { brief, lease } => {
            let session = brief.session.clone();
            let why = "the work broke off".to_owned();
            let failed = Work::Failed { evidence: None, why };
            let lost = JobMessage::Performed { session: session.clone(), lease: lease.clone(), work: failed };
            let craft = Rc::clone(craft);
            let work = async move {
                let work = craft.work(brief, lease.clone()).await;
                wrap(JobMessage::Performed { session, lease, work })
            };
            stage.run(work, wrap(lost));
        }
        JobEffect::Report { brief, lease, work } => {
            let lost = wrap(JobMessage::Unanswered { session: brief.session.clone() });
            stage.run(async move { wrap(errand.report(brief, lease, work, cause).await) }, lost);
        }
        JobEffect::Ended { brief, ending } => {
            drop(tokio::task::spawn_local(errand.over(brief, ending, cause)));
        }
    }
}
