//! One upstream: the tokens that clients sent there, and in whose slots they lie. Nothing here knows another upstream, so no
//! credential can cross to one (S2).

use super::companions::SharedCompanions;
use super::message::Affected;
use super::named::Named;
use super::pauses::Call;
use super::record::Record;
use super::slot::{Held, Slot};
use super::suspension::{Breaker, Incident, Merit};
use super::table::Table;
use super::token::Verdict;
use domain::access::AccessRequest;
use domain::credential::{Credential, CredentialKind};
use domain::evidence::{Class, Evidence};
use domain::fingerprint::Fingerprint;
use domain::ids::{Generation, Principal, ProjectId, SessionId};
use domain::settings::GlobalFallback;
use domain::time::Moment;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Records of tokens that lie in no slot any more are kept for so long, so that a dead one sent again is recognised.
const RETIRED_FOR: Duration = Duration::from_secs(24 * 3600);
/// And never more than so many: the longest retired go first.
const RETIRED: usize = 4096;
/// Sessions that are brought up to date at once when a token's verdict changes, and named in a hint. Those beyond find out
/// when they next ask.
const AT_ONCE: usize = 256;
/// So many of the newest proven tokens are looked at when one is to stand in for another.
const STAND_INS: usize = 8;

/// What is known at one upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Upstream {
    pub(super) tokens: Table<Box<Record>>,
    pub(super) tenants: BTreeMap<Principal, Tenant>,
    pub(super) incident: Incident,
    pub(super) breaker: Breaker,
    companions: SharedCompanions,
    /// Tokens by when they came to lie in no slot.
    retired: VecDeque<(Moment, Fingerprint)>,
}

/// What a principal has at an upstream.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Tenant {
    pub(super) slots: BTreeMap<Named, Slot>,
    /// Where proven tokens lie, by filling; the last one is the global slot. An index: whoever reads it looks at the verdict.
    pub(super) proven: BTreeMap<Generation, Named>,
}

/// A token's verdict changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// To proven, from anything else.
    Proven(Fingerprint),
    /// To rejected, from anything else.
    Rejected(Fingerprint),
}

/// What a token that a client brought meant for its slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// There was no slot before.
    First,
    /// The slot was filled anew.
    Anew,
    /// It lay there.
    Known,
}

/// A credential that a client brought.
pub(super) struct Offer<'o> {
    pub(super) principal: &'o Principal,
    pub(super) session: &'o SessionId,
    pub(super) credential: Arc<Credential>,
    pub(super) project: Option<String>,
    pub(super) ends: Option<Moment>,
}

impl Tenant {
    /// The slots in the order of their sessions' names, to be shown.
    pub(super) fn by_name(&self) -> BTreeMap<&SessionId, &Slot> {
        self.slots.iter().map(|(named, slot)| (&named.session, slot)).collect()
    }
}

impl Upstream {
    /// A client brought a token; `generation` is the filling that it is if its slot does not hold it.
    pub(super) fn observe(&mut self, offer: Offer<'_>, generation: Generation, now: Moment) -> Taken {
        let token = offer.credential.fingerprint;
        let record = self.tokens.entry(token).or_insert_with(|| Box::new(Record::offered(now)));
        record.ends = offer.ends;
        let is_proven = record.token.verdict() == Verdict::Proven;
        let tenant = self.tenants.entry(offer.principal.clone()).or_default();
        let entry = tenant.slots.entry(Named::from(offer.session));
        // The name that came first: all that is known of a session shares it, and those of later messages are gone with them.
        let session = entry.key().session.clone();
        let slot = entry.or_default();
        offer.project.iter().for_each(|project| slot.works_in(project));
        let known = slot.refresh(&offer.credential);
        let taken = match slot.all().next() {
            Some(_) if known => Taken::Known,
            Some(_) => Taken::Anew,
            None => Taken::First,
        };
        let is_settled = slot.is_settled(token);
        if !known {
            record.held_by((offer.principal.clone(), session.clone()));
            let held = Held::new(self.companions.shared_by(offer.credential), generation);
            let left = slot.fill(held, |token| verdict(&self.tokens, token));
            self.release(offer.principal, &session, left, now);
        }
        if is_proven && !is_settled {
            self.settle(offer.principal, offer.session, token, None, now);
        }
        self.forget_retired(now);
        taken
    }

    /// Joins evidence about one token. Evidence never creates a token (S9). Returns what the verdict became, if it changed, and
    /// what may be used again because the upstream came back into order.
    pub(super) fn judge(
        &mut self,
        evidence: &Evidence,
        call: Call<'_>,
        now: Moment,
    ) -> (Option<Passage>, BTreeSet<Fingerprint>) {
        let Some(record) = self.tokens.get_mut(&evidence.fingerprint) else { return Default::default() };
        let is_the_works = record.pauses.take(evidence, call, now);
        let before = record.token.join(evidence, now);
        if is_the_works {
            record.token.go_on_with_the_last_episode();
        }
        let after = record.token.verdict();
        let healed = self.sense(evidence, before != Verdict::Rejected && after == Verdict::Rejected, now);
        (self.pass(evidence, before, after, now), healed)
    }

    /// What an answer says about the upstream as a whole. Says which tokens may be used again when it came back into order.
    fn sense(&mut self, evidence: &Evidence, newly_rejected: bool, now: Moment) -> BTreeSet<Fingerprint> {
        let was_suspended = self.is_suspended();
        match evidence.class {
            Class::UpstreamFault => self.breaker.fault(evidence, now),
            _ => self.breaker.answered(evidence),
        }
        if newly_rejected {
            self.incident.rejected(evidence, now);
        }
        if evidence.class == Class::Ok {
            self.forgive(evidence);
        }
        let reopened = was_suspended && !self.is_suspended();
        if reopened { self.in_use() } else { BTreeSet::new() }
    }

    /// Tokens that lie in a slot, as many as are cared for at once.
    fn in_use(&self) -> BTreeSet<Fingerprint> {
        let held = self.tokens.iter().filter(|(_, record)| !record.holders.is_empty());
        held.take(AT_ONCE).map(|(token, _)| *token).collect()
    }

    fn is_suspended(&self) -> bool {
        self.incident.is_on() || self.breaker.is_open()
    }

    /// A success ends an incident. What was refused meanwhile may be tried again at once.
    fn forgive(&mut self, success: &Evidence) {
        for token in self.incident.succeeded(success) {
            self.tokens.get_mut(&token).into_iter().for_each(|record| record.token.probe_at_once());
        }
    }

    fn pass(&mut self, evidence: &Evidence, before: Verdict, after: Verdict, now: Moment) -> Option<Passage> {
        let token = evidence.fingerprint;
        match (before, after) {
            (Verdict::Unproven | Verdict::Rejected, Verdict::Proven) => {
                for (principal, session) in self.holders(token) {
                    self.settle(&principal, &session, token, Some(evidence.end), now);
                }
                Some(Passage::Proven(token))
            }
            (Verdict::Unproven | Verdict::Proven, Verdict::Rejected) => {
                for (principal, session) in self.holders(token) {
                    self.unsettle(&principal, &session, token);
                }
                Some(Passage::Rejected(token))
            }
            _ => None,
        }
    }

    /// A token of a slot is proven: it takes the place of older ones, and the global slot if it is the newest. `at` is when it
    /// was proven: tokens that could have been revoked by its birth are in doubt from then on.
    fn settle(
        &mut self,
        principal: &Principal,
        session: &SessionId,
        token: Fingerprint,
        at: Option<Moment>,
        now: Moment,
    ) {
        let Some(tenant) = self.tenants.get_mut(principal) else { return };
        let named = Named::from(session);
        let Some(slot) = tenant.slots.get_mut(&named) else { return };
        let left = slot.settle(token, |token| verdict(&self.tokens, token));
        if let Some(generation) = slot.generation(token) {
            tenant.proven.insert(generation, named);
        }
        for replaced in left.iter().filter(|held| held.credential.kind != CredentialKind::ApiKey) {
            let record = self.tokens.get_mut(&replaced.fingerprint());
            record.into_iter().zip(at).for_each(|(record, at)| record.supersede(at));
        }
        self.release(principal, session, left, now);
    }

    /// A token of a slot is rejected: the global slot is another's.
    fn unsettle(&mut self, principal: &Principal, session: &SessionId, token: Fingerprint) {
        let Some(tenant) = self.tenants.get_mut(principal) else { return };
        let generation = tenant.slots.get(&Named::from(session)).and_then(|slot| slot.generation(token));
        generation.and_then(|generation| tenant.proven.remove(&generation));
    }

    /// These left a slot: its secrets go with the last lease, their records when nobody remembers them.
    fn release(
        &mut self,
        principal: &Principal,
        session: &SessionId,
        left: impl IntoIterator<Item = Held>,
        now: Moment,
    ) {
        for held in left {
            let token = held.fingerprint();
            let Some(record) = self.tokens.get_mut(&token) else { continue };
            if record.token.verdict() != Verdict::Unproven {
                self.tenants.get_mut(principal).and_then(|tenant| tenant.proven.remove(&held.generation));
            }
            record.holders.remove(&(principal.clone(), session.clone()));
            if record.holders.is_empty() {
                record.retired = Some(now);
                self.retired.push_back((now, token));
            }
        }
    }

    /// Sessions in whose slots this token lies, as many as are cared for at once.
    pub(super) fn holders(&self, token: Fingerprint) -> Vec<(Principal, SessionId)> {
        let holders = self.tokens.get(&token).map(|record| record.holders.iter());
        holders.into_iter().flatten().take(AT_ONCE).cloned().collect()
    }

    /// Whom a change of these tokens concerns: the sessions that hold them, by owner.
    pub(super) fn affected(
        &self,
        upstream: &domain::provider::UpstreamKey,
        tokens: impl IntoIterator<Item = Fingerprint>,
    ) -> Vec<Affected> {
        let mut owners: BTreeMap<Principal, Vec<SessionId>> = BTreeMap::new();
        for (principal, session) in tokens.into_iter().flat_map(|token| self.holders(token)).take(AT_ONCE) {
            owners.entry(principal).or_default().push(session);
        }
        let affected =
            |(principal, sessions)| Affected { principal, upstream: upstream.clone(), sessions, epoch: 0 };
        owners.into_iter().map(affected).collect()
    }

    /// A session leaves memory. Says how many slots went.
    pub(super) fn evict(&mut self, session: &SessionId, now: Moment) -> usize {
        let named = Named::from(session);
        let owners: Vec<Principal> = self
            .tenants
            .iter()
            .filter(|(_, tenant)| tenant.slots.contains_key(&named))
            .map(|(principal, _)| principal.clone())
            .collect();
        for principal in &owners {
            let slot = self.tenants.get_mut(principal).and_then(|tenant| tenant.slots.remove(&named));
            let held: Vec<Held> = slot.iter().flat_map(Slot::all).cloned().collect();
            self.release(principal, session, held, now);
        }
        self.forget_retired(now);
        owners.len()
    }

    /// Drops the records of tokens that have lain in no slot for long, and of too many the longest retired. One that lies in
    /// a slot again was only passing through the queue.
    fn forget_retired(&mut self, now: Moment) {
        while let Some((since, token)) = self.retired.front().copied() {
            if self.retired.len() <= RETIRED && now.since(since) < RETIRED_FOR {
                return;
            }
            self.retired.pop_front();
            if self.tokens.get(&token).is_some_and(|record| record.retired == Some(since)) {
                self.tokens.remove(&token);
            }
        }
    }

    pub(super) fn slot(&self, principal: &Principal, session: &SessionId) -> Option<&Slot> {
        self.tenants.get(principal)?.slots.get(&Named::from(session))
    }

    /// What background work of a session would use. If all that lies there is rejected, the one whose probe is due first: each
    /// refusal puts a token's own probe off, so they take turns, and none that is good after all is never tried (L2).
    pub(super) fn own(&self, principal: &Principal, session: &SessionId) -> Option<&Held> {
        let slot = self.slot(principal, session)?;
        let best = slot.best(|token| self.verdict(token))?;
        if self.verdict(best.fingerprint()) != Verdict::Rejected {
            return Some(best);
        }
        let due = |held: &&Held| self.tokens.get(&held.fingerprint()).map(|record| record.token.probe_due());
        slot.all().min_by_key(due)
    }

    /// The newest proven token of an owner, in whatever session: the global slot.
    pub(super) fn global(&self, principal: &Principal) -> Option<&Held> {
        self.proven(self.tenants.get(principal)?).next().map(|(held, _)| held)
    }

    /// The newest good token of another filling that may stand in for one that is not, where the settings let it.
    pub(super) fn stand_in(
        &self,
        request: &AccessRequest,
        own: Option<Fingerprint>,
        (fallback, now): (GlobalFallback, Moment),
    ) -> Option<&Held> {
        if fallback == GlobalFallback::Off {
            return None; // Each session asks, and after a refusal of a token of many all of theirs would be gone through.
        }
        let tenant = self.tenants.get(&request.principal)?;
        let slot = tenant.slots.get(&Named::from(&request.session));
        let stated = slot.and_then(|slot| slot.project.as_deref());
        let project = stated.or(request.project.as_ref().map(ProjectId::as_str));
        let fits = |other: &Slot| match fallback {
            GlobalFallback::Off => false,
            GlobalFallback::Lineage => slot.is_some_and(|slot| slot.is_related(other)),
            GlobalFallback::SameProject => project.is_some_and(|project| other.is_of(project)),
            GlobalFallback::Any => true,
        };
        self.proven(tenant)
            .take(STAND_INS)
            .find(|(held, origin)| {
                own != Some(held.fingerprint()) && fits(origin) && self.is_good(held.fingerprint(), now)
            })
            .map(|(held, _)| held)
    }

    /// The API key of an owner who has only one, if it is good: what was begun before this process can be with no other that is known.
    pub(super) fn only_key(&self, request: &AccessRequest, now: Moment) -> Option<&Held> {
        let proven = self.proven(self.tenants.get(&request.principal)?).map(|(held, _)| held);
        let mut keys = proven.filter(|held| held.credential.kind == CredentialKind::ApiKey);
        let first = keys.next()?;
        let is_only = keys.all(|other| other.fingerprint() == first.fingerprint());
        (is_only && self.is_good(first.fingerprint(), now)).then_some(first)
    }

    fn proven<'u>(&'u self, tenant: &'u Tenant) -> impl Iterator<Item = (&'u Held, &'u Slot)> {
        tenant.proven.iter().rev().filter_map(|(generation, named)| {
            let slot = tenant.slots.get(named)?;
            let held = slot.all().find(|held| held.generation == *generation)?;
            (self.verdict(held.fingerprint()) == Verdict::Proven).then_some((held, slot))
        })
    }

    /// Whether this token can be used without a question.
    pub(super) fn is_good(&self, token: Fingerprint, now: Moment) -> bool {
        self.tokens.get(&token).is_some_and(|record| record.is_good(now))
    }

    /// What is to be hoped of a call with this token while others are refused.
    pub(super) fn merit(&self, token: Fingerprint, now: Moment) -> Merit {
        match self.verdict(token) {
            Verdict::Rejected => Merit::Refused,
            _ if self.is_good(token, now) => Merit::Good,
            _ => Merit::Open,
        }
    }

    pub(super) fn verdict(&self, token: Fingerprint) -> Verdict {
        verdict(&self.tokens, token)
    }

    /// Every moment in it.
    pub(super) fn moments(&mut self) -> impl Iterator<Item = &mut Moment> {
        let retired = self.retired.iter_mut().map(|(since, _)| since);
        let whole = self.incident.moments().chain(self.breaker.moments()).chain(retired);
        whole.chain(self.tokens.values_mut().flat_map(|record| record.moments()))
    }
}

fn verdict(tokens: &Table<Box<Record>>, token: Fingerprint) -> Verdict {
    tokens.get(&token).map_or(Verdict::Unproven, |record| record.token.verdict())
}
