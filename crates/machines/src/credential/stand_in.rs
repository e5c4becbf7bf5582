//! Whose token may go with a session's work when its own cannot, or when it has none.

use super::CredentialMachine;
use super::slot::Held;
use super::upstream::Upstream;
use domain::access::AccessRequest;
use domain::credential::CredentialKind;
use domain::fingerprint::Fingerprint;
use domain::purpose::Purpose;
use domain::settings::GlobalFallback;
use domain::time::Moment;

impl CredentialMachine {
    /// Another session's token that may stand in for `own`, or for none.
    pub(super) fn stand_in<'u>(
        &self,
        request: &AccessRequest,
        upstream: &'u Upstream,
        own: Option<Fingerprint>,
        now: Moment,
    ) -> Option<&'u Held> {
        let rule = self.fallback(request.purpose, own.is_some());
        let alone = self.rules.own_keys.is_empty();
        let found = upstream.stand_in(request, own, (rule, now)).or_else(|| {
            let is_of_before = request.purpose == Purpose::Batch && own.is_none();
            let only = (is_of_before && rule != GlobalFallback::Off).then(|| upstream.only_key(request, now));
            only.flatten()
        });
        found.filter(|held| alone && self.allows(held.credential.kind) && serves(request.purpose, held))
    }

    /// A cache and a batch are an account's: what is warmed or looked for with another's key is never found. Only a common past
    /// makes it likely that the account is one; of a batch of before a restart, when nobody has a past, that there is one key only.
    const fn fallback(&self, purpose: Purpose, has_own: bool) -> GlobalFallback {
        match (purpose, self.rules.fallback) {
            (_, GlobalFallback::Off) => GlobalFallback::Off,
            (Purpose::Warm, _) => GlobalFallback::Lineage,
            (Purpose::Batch, _) if !has_own => GlobalFallback::Lineage,
            (_, rule) => rule,
        }
    }
}

/// Clients use API keys of several accounts side by side, so that two of one session may be two accounts'.
fn serves(purpose: Purpose, held: &Held) -> bool {
    purpose != Purpose::Warm || held.credential.kind != CredentialKind::ApiKey
}
