//! One policy's day: a small loop over events in virtual time, the same for every policy.

use super::policy::{Job, Make, Order, Place, Policy};
use super::schedule::{ALONE, Day, Exchange, MIDNIGHT, Session, Token};
use domain::purpose::Purpose;
use domain::time::Moment;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use std::collections::BTreeMap;
use std::time::Duration;

/// The workers look for what is due this often.
pub const TICK: Duration = Duration::from_secs(30);
/// A session that was silent for so long is idle: its work is due.
const IDLE: Duration = Duration::from_secs(60);
/// Curation is due after so many turns.
const TURNS: u32 = 3;
/// A prompt cache that lives five minutes is warmed so long after its last use.
const WARM: Duration = Duration::from_secs(270);
/// And for so long after the last turn.
const WARMED_FOR: Duration = Duration::from_secs(3600);

/// Something that happens.
enum Event {
    Sent(usize),
    Answered(usize),
    Swept,
    Called(usize),
}

/// Work that is not done.
struct Pending {
    due: Moment,
    under_way: bool,
    /// It was due and could not be done.
    stood_still: bool,
    /// Since then a client's request with its session's token was accepted, and no call of its own with that token refused.
    proof: Option<Moment>,
}

/// A call for background work.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// For what.
    pub job: Job,
    /// To learn whether the token works.
    pub probe: bool,
    /// What was sent and how it was answered.
    pub exchange: Exchange,
}

/// Work that was done, but not at the first sweep that found it due.
#[derive(Debug, Clone, Copy)]
pub struct Late {
    /// From when it was due until it was done.
    pub since_due: Duration,
    /// From the first proof that its session's token works until its call left; none when it was done without such proof.
    pub since_proof: Option<Duration>,
}

/// All that is to be known of a policy's day.
#[derive(Debug, Default)]
pub struct Log {
    /// All calls for background work.
    pub calls: Vec<Call>,
    /// The token of each alert.
    pub alerts: Vec<Token>,
    /// Work that was done late.
    pub late: Vec<Late>,
    /// Work that is undone at midnight.
    pub lost: Vec<Job>,
}

/// See the module.
pub struct Run<'d> {
    day: &'d Day,
    /// One gateway for each user that has their own, and the shared one last.
    gateways: Vec<Box<dyn Policy + 'd>>,
    agenda: BTreeMap<(Moment, usize), Event>,
    /// Events that were put on the agenda.
    events: usize,
    pending: BTreeMap<Job, Pending>,
    /// Each session's newest token, its turns, and the end of the last one.
    sessions: Vec<(Option<Token>, u32, Moment)>,
    chance: StdRng,
    log: Log,
}

impl<'d> Run<'d> {
    /// `day` with a policy of this make at every gateway; `seed` decides how long calls take.
    #[must_use]
    pub fn of(day: &'d Day, make: Make, seed: u64) -> Log {
        let gateways = (0..=ALONE).map(|number| make(day, Place { shared: number == ALONE }));
        let mut run = Self {
            day,
            gateways: gateways.collect(),
            agenda: BTreeMap::new(),
            events: 0,
            pending: BTreeMap::new(),
            sessions: vec![(None, 0, Moment::default()); day.sessions()],
            chance: StdRng::seed_from_u64(seed),
            log: Log::default(),
        };
        run.live();
        run.log
    }

    fn live(&mut self) {
        for (number, (_, request)) in self.day.requests.iter().enumerate() {
            self.at(request.start, Event::Sent(number));
            self.at(request.end, Event::Answered(number));
        }
        self.at(Moment::from(TICK), Event::Swept);
        while let Some(((now, _), event)) = self.agenda.pop_first().filter(|((now, _), _)| *now < MIDNIGHT) {
            self.happen(event, now);
        }
        let undone =
            self.pending.iter().filter(|(job, work)| job.purpose != Purpose::Warm && work.due < MIDNIGHT);
        self.log.lost = undone.map(|(job, _)| *job).collect();
    }

    fn at(&mut self, moment: Moment, event: Event) {
        self.events += 1;
        self.agenda.insert((moment, self.events), event);
    }

    fn happen(&mut self, event: Event, now: Moment) {
        match event {
            Event::Sent(number) => self.sent(number, now),
            Event::Answered(number) => self.answered(number, now),
            Event::Swept => self.sweep(now),
            Event::Called(number) => self.called(number, now),
        }
    }

    fn sent(&mut self, number: usize, now: Moment) {
        let (session, request) = self.day.requests[number];
        self.sessions[session.0].0 = Some(request.token);
        self.gateway(session).sent(session, request.token, now);
    }

    fn answered(&mut self, number: usize, now: Moment) {
        let (session, request) = self.day.requests[number];
        if request.accepted {
            self.note_proof(request.token, now);
            self.note_turn(session, now);
        }
        let mut orders = Vec::new();
        self.gateway(session).answered(&request, &mut orders);
        self.obey(&orders, now);
    }

    fn note_proof(&mut self, token: Token, now: Moment) {
        for (job, work) in self.pending.iter_mut().filter(|(_, work)| work.stood_still) {
            if self.sessions[job.session.0].0 == Some(token) {
                work.proof.get_or_insert(now);
            }
        }
    }

    fn note_turn(&mut self, session: Session, now: Moment) {
        let (_, turns, last) = &mut self.sessions[session.0];
        (*turns, *last) = (*turns + 1, now);
        let curate = *turns >= TURNS;
        self.expect(session, Purpose::Distill, now.after(IDLE), now);
        self.expect(session, Purpose::Warm, now.after(WARM), now);
        if curate {
            self.expect(session, Purpose::Curate, now.after(IDLE), now);
        }
    }

    /// Work will be due; what is due already stays so, but a request warms the cache itself.
    fn expect(&mut self, session: Session, purpose: Purpose, due: Moment, now: Moment) {
        let fresh = Pending { due, under_way: false, stood_still: false, proof: None };
        let work = self.pending.entry(Job { session, purpose }).or_insert(fresh);
        if work.due > now {
            work.due = due;
        }
    }

    fn sweep(&mut self, now: Moment) {
        let sessions = &self.sessions;
        self.pending.retain(|job, _| {
            job.purpose != Purpose::Warm || now <= sessions[job.session.0].2.after(WARMED_FOR)
        });
        let due = self.pending.iter().filter(|(_, work)| work.due <= now && !work.under_way);
        let due: Vec<Job> = due.map(|(job, _)| *job).collect();
        for job in &due {
            let mut orders = Vec::new();
            self.gateway(job.session).wanted(*job, now, &mut orders);
            self.obey(&orders, now);
        }
        for job in due {
            let waits = self.pending.get_mut(&job).filter(|work| !work.under_way);
            waits.into_iter().for_each(|work| work.stood_still = true);
        }
        self.at(now.after(TICK), Event::Swept);
    }

    fn called(&mut self, number: usize, now: Moment) {
        let Call { job, exchange, .. } = self.log.calls[number];
        if exchange.accepted {
            self.done(job, &exchange);
        } else if let Some(work) = self.pending.get_mut(&job) {
            (work.under_way, work.stood_still) = (false, true);
            let about_its_own = self.sessions[job.session.0].0 == Some(exchange.token);
            work.proof = work.proof.filter(|_| !about_its_own);
        }
        let mut orders = Vec::new();
        self.gateway(job.session).called(job, &exchange, &mut orders);
        self.obey(&orders, now);
    }

    fn done(&mut self, job: Job, call: &Exchange) {
        let work = self.pending.remove(&job);
        match job.purpose {
            Purpose::Warm => self.expect(job.session, Purpose::Warm, call.end.after(WARM), call.end),
            Purpose::Curate => self.sessions[job.session.0].1 = 0,
            _ => {}
        }
        if let Some(work) = work.filter(|work| work.stood_still && job.purpose != Purpose::Warm) {
            let since_proof = work.proof.map(|proof| call.start.since(proof));
            self.log.late.push(Late { since_due: call.end.since(work.due), since_proof });
        }
    }

    fn obey(&mut self, orders: &[Order], now: Moment) {
        for order in orders {
            match *order {
                Order::Alert(token) => self.log.alerts.push(token),
                Order::Call { job, token, probe } => self.call(job, token, probe, now),
            }
        }
    }

    fn call(&mut self, job: Job, token: Token, probe: bool, start: Moment) {
        let end = start.after(Duration::from_millis(self.chance.random_range(200..500)));
        let accepted = self.day.accepts(token, start);
        self.at(end, Event::Called(self.log.calls.len()));
        self.log.calls.push(Call { job, probe, exchange: Exchange { token, start, end, accepted } });
        self.pending.get_mut(&job).into_iter().for_each(|work| work.under_way = true);
    }

    fn gateway(&mut self, session: Session) -> &mut (dyn Policy + 'd) {
        let number = self.day.owner(session).0.min(ALONE);
        self.gateways[number].as_mut()
    }
}
