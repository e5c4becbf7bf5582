//! Offers on their way into a batch: collected until there are many, or the first has waited long enough.

use super::message::{Item, Offer};
use domain::fingerprint::Fingerprint;
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::time::Moment;
use std::time::Duration;

/// How long items are collected.
pub const COLLECTED_FOR: Duration = Duration::from_secs(30);
/// Items of one batch.
pub const MOST: usize = 50;

/// What may be handed in together: work of one owner, at one upstream, that one account pays for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Group {
    principal: Principal,
    upstream: UpstreamKey,
    token: Fingerprint,
    dialect: Dialect,
    /// OpenAI takes one model a batch.
    model: Option<String>,
}

impl Group {
    fn of(offer: &Offer) -> Self {
        let brief = &offer.item.brief;
        let takes_one_model = brief.upstream.provider() == Provider::OpenAi;
        Self {
            principal: brief.principal.clone(),
            upstream: brief.upstream.clone(),
            token: offer.token,
            dialect: brief.dialect,
            model: takes_one_model.then(|| brief.model.clone()),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Pile {
    group: Group,
    since: Moment,
    offers: Vec<Offer>,
}

impl Pile {
    fn is_due(&self, now: Moment) -> bool {
        self.offers.len() >= MOST || now.since(self.since) >= COLLECTED_FOR
    }
}

/// All that is being collected, the pile that was begun first in front.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Piles(Vec<Pile>);

impl Piles {
    /// Puts an offer to those of its group.
    pub(super) fn add(&mut self, offer: Offer, now: Moment) {
        let group = Group::of(&offer);
        match self.0.iter_mut().find(|pile| pile.group == group) {
            Some(pile) => pile.offers.push(offer),
            None => self.0.push(Pile { group, since: now, offers: vec![offer] }),
        }
    }

    /// Takes out what is to be handed in now, batch by batch.
    pub(super) fn take_due(&mut self, now: Moment) -> Vec<Vec<Offer>> {
        self.0.extract_if(.., |pile| pile.is_due(now)).map(|pile| pile.offers).collect()
    }

    /// When the next pile has been collected for long enough.
    pub(super) fn next_due(&self, now: Moment) -> Option<Duration> {
        let first = self.0.iter().map(|pile| pile.since.after(COLLECTED_FOR)).min()?;
        Some(first.since(now))
    }

    /// Takes out the items of these sessions; their calls are gone.
    pub(super) fn forget(&mut self, sessions: &[SessionId]) -> Vec<Item> {
        let of_these = |offer: &mut Offer| sessions.contains(&offer.item.brief.session);
        let gone = self.0.iter_mut().flat_map(|pile| pile.offers.extract_if(.., of_these));
        let gone = gone.map(|offer| offer.item).collect();
        self.0.retain(|pile| !pile.offers.is_empty());
        gone
    }

    /// How many offers there are.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|pile| pile.offers.len()).sum()
    }

    /// Whether one of them is this session's.
    pub(super) fn hold(&self, session: &SessionId) -> bool {
        self.0.iter().flat_map(|pile| &pile.offers).any(|offer| offer.item.brief.session == *session)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::offer;
    use super::*;

    #[test]
    fn only_work_of_one_owner_token_and_upstream_goes_together_and_of_one_model_at_openai() {
        let of_another_model = |session: &str| {
            let mut offer = offer(session);
            offer.item.brief.model = "another".into();
            offer
        };
        let of_another_owner = |session: &str| {
            let mut offer = offer(session);
            offer.item.brief.principal = Principal::from("somebody");
            offer
        };
        let at_openai = |mut offer: Offer, dialect| {
            offer.item.brief.upstream = UpstreamKey::new(Provider::OpenAi, "http://h");
            offer.item.brief.dialect = dialect;
            offer
        };
        let mut piles = Piles::default();
        for offer in [
            offer("a"),
            of_another_model("b"),
            of_another_owner("c"),
            Offer { token: Fingerprint::of_number(2), ..offer("d") },
            at_openai(offer("e"), Dialect::OpenAiChat),
            at_openai(offer("f"), Dialect::OpenAiChat),
            at_openai(of_another_model("g"), Dialect::OpenAiChat),
            at_openai(offer("h"), Dialect::OpenAiResponses),
        ] {
            piles.add(offer, Moment(0));
        }
        let session = |offer: Offer| offer.item.brief.session.as_str().to_owned();
        let together = |offers: Vec<Offer>| offers.into_iter().map(session).collect::<String>();
        let handed_in = piles.take_due(Moment::from_secs(30)).into_iter().map(together);
        assert_eq!(handed_in.collect::<Vec<_>>(), ["ab", "c", "d", "ef", "g", "h"]);
        assert_eq!(piles.len(), 0);
    }
}
