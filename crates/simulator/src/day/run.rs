//! One policy's day: a small loop over events in virtual time, the same for every policy.

use super::log::{Call, Late, Log};
use super::policy::{Gateway, Job, Make, Order, Policy};
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

/// What is known of a session.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// The newest token that its agent sent.
    token: Option<Token>,
    /// Turns since it was last curated.
    turns: u32,
    /// The end of the last one.
    last_turn: Moment,
}

/// Work that is not done.
struct Pending {
    due: Moment,
    under_way: bool,
    /// It was due and could not be done.
    stood_still: bool,
    /// When its session's token was proven, if it was since then: a client's request with it was accepted that began after
    /// the last refusal of it, and none was refused later.
    proof: Option<Moment>,
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
    sessions: Vec<Seen>,
    /// The end of the last refusal of each token, as far as the gateways have heard.
    refused: BTreeMap<Token, Moment>,
    chance: StdRng,
    log: Log,
}

impl<'d> Run<'d> {
    /// `day` with a policy of this make at every gateway; `seed` decides how long calls take.
    #[must_use]
    pub fn of(day: &'d Day, make: Make, seed: u64) -> Log {
        let own = (0..ALONE).map(|_| make(day, Gateway::Own));
        let mut run = Self {
            day,
            gateways: own.chain([make(day, Gateway::Shared)]).collect(),
            agenda: BTreeMap::new(),
            events: 0,
            pending: BTreeMap::new(),
            sessions: vec![Seen::default(); day.sessions()],
            refused: BTreeMap::new(),
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
        self.sessions[session.0].token = Some(request.token);
        let mut orders = Vec::new();
        self.gateway(session).sent(session, request.token, now, &mut orders);
        self.obey(&orders, now);
    }

    fn answered(&mut self, number: usize, now: Moment) {
        let (session, request) = self.day.requests[number];
        if request.accepted {
            self.note_proof(&request);
            self.note_turn(session, now);
        } else {
            self.note_refusal(&request);
        }
        let mut orders = Vec::new();
        self.gateway(session).answered(&request, &mut orders);
        self.obey(&orders, now);
    }

    fn note_proof(&mut self, request: &Exchange) {
        if self.refused.get(&request.token).is_none_or(|refused| *refused < request.start) {
            let waiting = self.pending_with(request.token).filter(|work| work.stood_still);
            waiting.for_each(|work| work.proof = work.proof.or(Some(request.end)));
        }
    }

    fn note_refusal(&mut self, exchange: &Exchange) {
        self.refused.insert(exchange.token, exchange.end);
        self.pending_with(exchange.token).for_each(|work| work.proof = None);
    }

    /// The work of the sessions whose newest token this is.
    fn pending_with(&mut self, token: Token) -> impl Iterator<Item = &mut Pending> {
        let sessions = &self.sessions;
        let mine = move |job: &Job| sessions[job.session.0].token == Some(token);
        self.pending.iter_mut().filter(move |(job, _)| mine(job)).map(|(_, work)| work)
    }

    fn note_turn(&mut self, session: Session, now: Moment) {
        let seen = &mut self.sessions[session.0];
        (seen.turns, seen.last_turn) = (seen.turns + 1, now);
        let is_much = seen.turns >= TURNS;
        self.expect(session, Purpose::Distill, now.after(IDLE), now);
        self.expect(session, Purpose::Warm, now.after(WARM), now);
        if is_much {
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
            job.purpose != Purpose::Warm || now <= sessions[job.session.0].last_turn.after(WARMED_FOR)
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
            self.note_refusal(&exchange);
        }
        let mut orders = Vec::new();
        self.gateway(job.session).called(job, &exchange, &mut orders);
        self.obey(&orders, now);
    }

    fn done(&mut self, job: Job, call: &Exchange) {
        let work = self.pending.remove(&job);
        match job.purpose {
            Purpose::Warm => self.expect(job.session, Purpose::Warm, call.end.after(WARM), call.end),
            Purpose::Curate => self.sessions[job.session.0].turns = 0,
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
