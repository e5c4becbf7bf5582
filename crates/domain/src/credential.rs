//! What an agent authenticates with, and the leases under which background work may use it.

use crate::companions::Companions;
use crate::fingerprint::Fingerprint;
use crate::ids::{Generation, LeaseId, Principal};
use crate::provider::UpstreamKey;
use crate::secret::Secret;
use crate::time::UnixMillis;
use serde::Serialize;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// What a token is, read from its value and the headers beside it. Never from the header it came in: recent SDKs send API
/// keys as `Bearer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialKind {
    /// A key that does not expire by itself.
    ApiKey,
    /// An OAuth access token of a subscription, or any other bearer token.
    Bearer,
    /// Three dotted parts: a bearer token that may state when it ends.
    Jwt,
}

impl CredentialKind {
    /// The kind of `value` (without its scheme), given the request's `anthropic-beta` header. `api_key_header` says that the
    /// value came in a header that only ever holds keys, which decides where the value itself says nothing.
    #[must_use]
    pub fn read(value: &str, beta: Option<&str>, api_key_header: bool) -> Self {
        let oauth_beta = beta.is_some_and(|beta| beta.contains("oauth-"));
        if value.starts_with("sk-ant-oat") || (oauth_beta && !value.starts_with("sk-ant-api")) {
            Self::Bearer
        } else if value.starts_with("sk-") || value.starts_with("AIza") {
            Self::ApiKey
        } else if value.split('.').filter(|part| !part.is_empty()).count() == 3
            && value.matches('.').count() == 2
        {
            Self::Jwt
        } else if api_key_header {
            Self::ApiKey
        } else {
            Self::Bearer
        }
    }

    /// The name used in settings and answers: an API key, or a bearer token of whatever make.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::Bearer | Self::Jwt => "bearer",
        }
    }
}

/// Whether a key can be nobody's but Anthropic's. OpenAI's begin like those of many a server that speaks as it does.
#[must_use]
pub fn is_anthropics(key: &str) -> bool {
    key.starts_with("sk-ant-")
}

/// The exact auth-bearing header of a client's request, and what must stand beside it to be accepted. Sent again as it came.
#[derive(Debug)]
pub struct Credential {
    /// The header's name, in lower case.
    pub header: &'static str,
    /// The header's whole value, scheme included.
    pub value: Secret,
    /// What the token is.
    pub kind: CredentialKind,
    /// Its name.
    pub fingerprint: Fingerprint,
    /// Headers that came with it and without which a provider may refuse it.
    pub companions: Companions,
    /// When the token itself says that it ends. Only a hint (R14): the provider decides.
    pub ends: Option<UnixMillis>,
}

impl Credential {
    /// Whether both are sent in the same words. Of one token that is no matter of course: the headers beside it may change, and
    /// so may the case of its scheme.
    #[must_use]
    pub fn is_sent_like(&self, other: &Self) -> bool {
        (self.header, self.value.reveal()) == (other.header, other.value.reveal())
            && self.companions == other.companions
    }
}

/// Two credentials are one when their fingerprints are: the fingerprint covers header name and value.
impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for Credential {}

impl Hash for Credential {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// Permission to use one credential for one background job at one upstream. Only the credential machine gives one
/// ([`Lease::grant`] is closed to everybody else by a lint), and without one there is no call (R8).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Lease {
    /// Names this permission.
    pub id: LeaseId,
    /// The filling of the slot it came from.
    pub generation: Generation,
    /// Whose it is.
    pub principal: Principal,
    /// The only place where it may be used.
    pub upstream: UpstreamKey,
    /// The secret, kept alive as long as the lease.
    pub credential: Arc<Credential>,
    /// It is sent to learn whether the token works: the verdict is not known to be good.
    pub probe: bool,
    /// It is another session's, of the same owner.
    pub stand_in: bool,
}

impl Lease {
    /// A permission to use `credential`, which lies in a slot of `principal` for `upstream` as filling `generation`.
    #[must_use]
    pub fn grant(
        id: LeaseId,
        (principal, upstream): (Principal, UpstreamKey),
        credential: Arc<Credential>,
        generation: Generation,
        probe: bool,
    ) -> Self {
        Self { id, generation, principal, upstream, credential, probe, stand_in: false }
    }

    /// The name of the leased token.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.credential.fingerprint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_is_read_from_the_value_not_from_the_header() {
        let kind = |value| CredentialKind::read(value, None, false);
        assert_eq!(kind("sk-ant-api03-abc"), CredentialKind::ApiKey);
        assert_eq!(kind("sk-proj-abc"), CredentialKind::ApiKey);
        assert_eq!(kind("sk-ant-oat01-abc"), CredentialKind::Bearer);
        assert_eq!(kind("dummy-refreshed-access-token"), CredentialKind::Bearer);
        assert_eq!(kind("eyJhbGci.eyJzdWIi.c2ln"), CredentialKind::Jwt);
        assert_eq!(kind("not..jwt"), CredentialKind::Bearer);
        assert_eq!(CredentialKind::read("plain", None, true), CredentialKind::ApiKey);
    }

    #[test]
    fn one_token_may_be_sent_in_other_words() {
        let sent = |value: &str, beta| Credential {
            header: "authorization",
            value: Secret::new(value),
            kind: CredentialKind::Bearer,
            fingerprint: Fingerprint::of_number(1),
            companions: Companions::from_iter([("anthropic-beta", beta)]),
            ends: None,
        };
        assert!(sent("Bearer t", "a").is_sent_like(&sent("Bearer t", "a")));
        assert!(!sent("Bearer t", "a").is_sent_like(&sent("bearer t", "a")));
        assert!(!sent("Bearer t", "a").is_sent_like(&sent("Bearer t", "b")));
        assert_eq!(sent("Bearer t", "a"), sent("bearer t", "b"));
    }

    #[test]
    fn the_oauth_beta_marks_a_bearer_token_of_any_spelling() {
        let beta = Some("claude-code-20250219,oauth-2025-04-20");
        assert_eq!(CredentialKind::read("odd-token", beta, false), CredentialKind::Bearer);
        assert_eq!(CredentialKind::read("sk-ant-api03-abc", beta, false), CredentialKind::ApiKey);
    }
}
