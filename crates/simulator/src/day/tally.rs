//! What a policy's day comes to, counted from its log alone: no policy counts for itself.

use super::log::{Call, Log};
use super::schedule::{Day, Exchange, Token};
use domain::time::Moment;
use std::collections::BTreeMap;
use std::time::Duration;

/// A token's passage from good to refused, until it is accepted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Episode {
    /// Whose end it was.
    pub token: Token,
    /// When the gateway first heard of it.
    pub heard: Moment,
    /// Background calls with the token that were refused.
    pub refused: usize,
    /// Background calls with the token that were on their way when the gateway first heard.
    pub on_their_way: usize,
    /// Calls that left later, to learn whether the token works.
    pub probes: usize,
}

impl Episode {
    /// Refused calls beyond those that nobody could have spared (S15).
    #[must_use]
    pub fn needless(&self) -> usize {
        self.refused.saturating_sub(self.on_their_way + self.probes)
    }
}

/// See the module.
#[derive(Debug)]
pub struct Tally {
    /// All episodes, token by token.
    pub episodes: Vec<Episode>,
    /// Background calls that were refused.
    pub refused: usize,
    /// Alerts.
    pub alerts: usize,
    /// Alerts beyond one an episode.
    pub repeated_alerts: usize,
    /// Delays of late work since it was due, shortest first.
    pub since_due: Vec<Duration>,
    /// Delays of late work since proof that its session's token works, shortest first.
    pub since_proof: Vec<Duration>,
    /// Work that was never done.
    pub lost: usize,
    /// Calls with another user's token.
    pub crossed: usize,
}

impl Tally {
    /// Counts what `log` shows of `day`.
    #[must_use]
    pub fn of(day: &Day, log: &Log) -> Self {
        let episodes: Vec<Episode> = (0..day.tokens()).flat_map(|it| episodes(day, log, Token(it))).collect();
        let crossed = |call: &&Call| day.holder(call.exchange.token) != day.owner(call.job.session);
        Self {
            refused: log.calls.iter().filter(|call| !call.exchange.accepted).count(),
            alerts: log.alerts.len(),
            repeated_alerts: repeated(&log.alerts, &episodes),
            since_due: sorted(log.late.iter().map(|late| late.since_due)),
            since_proof: sorted(log.late.iter().filter_map(|late| late.since_proof)),
            lost: log.lost.len(),
            crossed: log.calls.iter().filter(crossed).count(),
            episodes,
        }
    }

    /// Refused calls that S15 does not allow.
    #[must_use]
    pub fn needless(&self) -> usize {
        self.episodes.iter().map(Episode::needless).sum()
    }
}

/// The protocol's own rule: a success ends an episode if it began after the last known refusal ended.
fn episodes(day: &Day, log: &Log, token: Token) -> Vec<Episode> {
    let calls: Vec<&Call> = log.calls.iter().filter(|call| call.exchange.token == token).collect();
    let requests = day.requests.iter().map(|(_, request)| (request, None));
    let answers = requests.filter(|(request, _)| request.token == token);
    let mut answers: Vec<(&Exchange, Option<&Call>)> =
        answers.chain(calls.iter().map(|call| (&call.exchange, Some(*call)))).collect();
    answers.sort_by_key(|(answer, _)| answer.end);
    let (mut episodes, mut good, mut last) = (Vec::new(), true, Moment::default());
    for (answer, call) in answers {
        match (answer.accepted, good) {
            (true, _) => good = good || answer.start > last,
            (false, true) => episodes.push(begin(token, answer.end, &calls)),
            (false, false) => {}
        }
        if let (false, Some(episode)) = (answer.accepted, episodes.last_mut()) {
            (good, last) = (false, answer.end);
            let late = call.is_some_and(|call| call.probe && call.exchange.start > episode.heard);
            episode.refused += usize::from(call.is_some());
            episode.probes += usize::from(late);
        }
    }
    episodes
}

fn begin(token: Token, heard: Moment, calls: &[&Call]) -> Episode {
    let span = |call: &&&Call| call.exchange.start <= heard && heard <= call.exchange.end;
    Episode { token, heard, refused: 0, on_their_way: calls.iter().filter(span).count(), probes: 0 }
}

fn repeated(alerts: &[Token], episodes: &[Episode]) -> usize {
    let mut due: BTreeMap<Token, (usize, usize)> = BTreeMap::new();
    alerts.iter().for_each(|token| due.entry(*token).or_default().0 += 1);
    episodes.iter().for_each(|episode| due.entry(episode.token).or_default().1 += 1);
    due.values().map(|(alerts, episodes)| alerts.saturating_sub(*episodes)).sum()
}

fn sorted(delays: impl Iterator<Item = Duration>) -> Vec<Duration> {
    let mut delays: Vec<Duration> = delays.collect();
    delays.sort_unstable();
    delays
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::day::policy::Job;
    use crate::day::schedule::Session;
    use domain::purpose::Purpose;

    const TOKEN: Token = Token(0);

    fn exchange(start: u64, end: u64, accepted: bool) -> Exchange {
        let (start, end) = (Moment::from_secs(start), Moment::from_secs(end));
        Exchange { token: TOKEN, start, end, accepted }
    }

    fn call(start: u64, end: u64, probe: bool) -> Call {
        let job = Job { session: Session(0), purpose: Purpose::Distill };
        Call { job, probe, exchange: exchange(start, end, false) }
    }

    fn tally(requests: &[Exchange], calls: Vec<Call>, alerts: usize) -> Tally {
        let mut day = Day::of(1);
        day.requests = requests.iter().map(|request| (Session(0), *request)).collect();
        Tally::of(&day, &Log { calls, alerts: vec![TOKEN; alerts], ..Log::default() })
    }

    #[test]
    fn calls_on_their_way_and_probes_are_allowed_and_nothing_else() {
        let calls = vec![call(10, 12, false), call(11, 14, false), call(70, 71, true)];
        let allowed = tally(&[], calls.clone(), 1);
        assert_eq!((allowed.refused, allowed.needless(), allowed.episodes.len()), (3, 0, 1));
        let one_more = calls.into_iter().chain([call(13, 15, false)]).collect();
        assert_eq!(tally(&[], one_more, 1).needless(), 1);
    }

    #[test]
    fn when_a_client_met_the_refusal_first_no_call_is_allowed() {
        assert_eq!(tally(&[exchange(1, 2, false)], vec![call(3, 4, false)], 1).needless(), 1);
    }

    #[test]
    fn only_a_success_that_began_later_ends_an_episode() {
        let refused = [exchange(10, 11, false), exchange(30, 31, false)];
        let with = |success| tally(&[refused[0], success, refused[1]], Vec::new(), 2);
        assert_eq!(with(exchange(9, 20, true)).repeated_alerts, 1);
        assert_eq!(with(exchange(12, 20, true)).repeated_alerts, 0);
    }

    #[test]
    fn a_call_with_the_token_of_another_is_counted() {
        let day = Day::of(1);
        let stranger = (0..day.sessions()).map(Session).find(|it| day.owner(*it) != day.holder(TOKEN));
        let job = Job { session: stranger.unwrap(), purpose: Purpose::Curate };
        assert_eq!(tally(&[], vec![Call { job, ..call(1, 2, false) }], 0).crossed, 1);
    }
}
