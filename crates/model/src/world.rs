//! What a model is about: who talks to the gateway with which tokens, what may go wrong and how often, and which mechanism of
//! the protocol is taken out.

use crate::seed::Policy;
use domain::companions::Companions;
use domain::credential::{Credential, CredentialKind};
use domain::fingerprint::Fingerprint;
use domain::ids::{Principal, SessionId};
use domain::provider::{Dialect, Provider, UpstreamKey};
use domain::secret::Secret;
use domain::settings::{ClientCredentials, GlobalFallback};
use machines::credential::{CredentialRules, SlotKey};
use machines::job::Brief;
use std::sync::Arc;

/// A small number that names a token.
pub type Token = u8;

/// The protocol as it is, with one mechanism taken out, or what came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// All of it.
    Ours,
    /// Evidence is not about the token that was sent, but about the session's newest.
    WithoutTagging,
    /// Evidence counts from when it arrives.
    WithoutIntervals,
    /// All principals are one.
    WithoutScope,
    /// A job that was told to wait is only woken by a hint.
    WithoutPull,
    /// What clients are answered is not told.
    WithoutProofOfLife,
    /// A rejected token is never tried again.
    WithoutProbe,
    /// A rejected token counts as good when a client sends it again.
    ResentClears,
    /// After a refusal a job goes on with whatever it is offered, as often as it is.
    WithoutRetryGuard,
    /// A job is over, and its lease given back, before its report was taken in.
    WithoutAcknowledgement,
    /// One of the policies before this protocol.
    Seed(Policy),
}

/// How often things may happen in one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// A client sends a request.
    pub requests: u8,
    /// A token dies.
    pub revocations: u8,
    /// The provider refuses a good token.
    pub false_alarms: u8,
    /// A report of a client's answer is taken in and comes again.
    pub repetitions: u8,
    /// A hint arrives.
    pub hints: u8,
    /// Time passes until something is due.
    pub waits: u8,
    /// CredentialActor dies.
    pub crashes: u8,
    /// The worker dies.
    pub worker_crashes: u8,
    /// A session leaves memory.
    pub evictions: u8,
}

/// A session of a client.
#[derive(Debug, Clone)]
pub struct Session {
    /// Where its credential lies.
    pub slot: SlotKey,
    /// What its client may send: also what is long dead, for clients do.
    pub tokens: Vec<Token>,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct World {
    /// Which protocol.
    pub variant: Variant,
    /// Whose sessions.
    pub sessions: Vec<Session>,
    /// How much may happen.
    pub limits: Limits,
    /// When the global token may stand in.
    pub fallback: GlobalFallback,
    /// Violations of other rules are overlooked: for the shortest run that breaks a given one.
    pub watched: Option<&'static str>,
}

impl World {
    /// These sessions, each as its principal's name and its client's tokens. Tokens of one principal are its own.
    #[must_use]
    pub fn new(variant: Variant, sessions: &[(&str, &[Token])], limits: Limits) -> Self {
        let upstream = UpstreamKey::new(Provider::Anthropic, "http://h");
        let session = |(number, (principal, tokens)): (usize, &(&str, &[Token]))| Session {
            slot: SlotKey {
                principal: match variant {
                    Variant::WithoutScope => Principal::local(),
                    _ => Principal::from(principal),
                },
                upstream: upstream.clone(),
                session: SessionId::from(format!("{principal}{number}")),
            },
            tokens: tokens.to_vec(),
        };
        let sessions = sessions.iter().enumerate().map(session).collect();
        Self { variant, sessions, limits, fallback: GlobalFallback::Any, watched: None }
    }

    /// Overlooks violations of all rules but this.
    #[must_use]
    pub fn watching(self, rule: &'static str) -> Self {
        Self { watched: Some(rule), ..self }
    }

    pub(crate) fn rules(&self) -> CredentialRules {
        CredentialRules {
            client_credentials: ClientCredentials { api_key: true, bearer: true },
            fallback: self.fallback,
            own_keys: Vec::new(),
        }
    }

    pub(crate) fn slot(&self, session: usize) -> &SlotKey {
        &self.sessions[session].slot
    }

    /// Which session this is; the first, should it be none of them.
    pub(crate) fn number(&self, session: &SessionId) -> usize {
        self.sessions.iter().position(|it| it.slot.session == *session).unwrap_or_default()
    }

    pub(crate) fn brief(&self, session: usize) -> Brief {
        let SlotKey { principal, upstream, session } = self.slot(session).clone();
        Brief {
            principal,
            session,
            upstream,
            dialect: Dialect::AnthropicMessages,
            model: "m".into(),
            patient: false,
            project: None,
        }
    }
}

/// The credential that a token is.
pub(crate) fn credential(token: Token) -> Arc<Credential> {
    Arc::new(Credential {
        header: "authorization",
        value: Secret::new(""),
        kind: CredentialKind::Bearer,
        fingerprint: Fingerprint::of_number(token),
        companions: Companions::default(),
        ends: None,
    })
}

/// The number behind a token's name.
pub(crate) fn token(fingerprint: Fingerprint) -> Token {
    fingerprint.low_bits().to_be_bytes()[0]
}
