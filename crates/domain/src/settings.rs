//! Settings as the gateway uses them: resolved, checked, complete. How users write them is the binary's business.

use crate::price::vendor;
use crate::provider::Provider;
use crate::proxy::Proxy;
use crate::purpose::Purpose;
use crate::secret::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that can be set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 picks a free one.
    pub listen: SocketAddr,
    /// The folder of the database.
    pub data_dir: PathBuf,
    /// A price list in place of the built-in one; see `domain::price`.
    pub prices: Option<PathBuf>,
    /// Where the providers are.
    pub upstream: UpstreamSettings,
    /// The relay's limits.
    pub relay: RelaySettings,
    /// How background work calls providers.
    pub worker: WorkerSettings,
    /// When a session counts as idle.
    pub idle: IdleSettings,
    /// The distiller.
    pub distiller: DistillerSettings,
    /// The curator.
    pub curator: CuratorSettings,
    /// The cache warmer.
    pub cache_warmer: CacheWarmerSettings,
    /// Batches.
    pub batch: BatchSettings,
    /// What of the knowledge reaches models.
    pub memory: MemorySettings,
    /// What is dropped when it is old.
    pub retention: RetentionSettings,
    /// How what was kept is found again.
    pub recall: RecallSettings,
    /// Alerts.
    pub sentry: SentrySettings,
    /// Whether actor messages are recorded and printed.
    pub trace_actors: bool,
    /// The collector that gets spans of calls to providers, as a base URL; none when not set.
    pub trace_otlp_endpoint: Option<String>,
    /// What a caller from another machine must present.
    pub access_token: Option<Secret>,
}

/// Where the providers are, as base URLs (scheme, host, port and an optional path prefix), and how they are spoken to.
#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    /// Anthropic's.
    pub anthropic: String,
    /// OpenAI's.
    pub openai: String,
    /// Whether those behind `https` that have HTTP/2 are spoken to in it.
    pub http2: bool,
    /// The proxy that those behind `https` are reached through, if they are not of this machine.
    pub proxy: Option<Proxy>,
    /// The hosts that are reached without it; see [`is_excepted`](crate::proxy::is_excepted).
    pub no_proxy: Vec<String>,
}

impl UpstreamSettings {
    /// Where `provider` is.
    #[must_use]
    pub fn of(&self, provider: Provider) -> &str {
        match provider {
            Provider::Anthropic => &self.anthropic,
            Provider::OpenAi => &self.openai,
        }
    }
}

/// Limits of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelaySettings {
    /// The largest request body, in bytes.
    pub max_body: usize,
    /// How long connecting to a provider may take.
    pub connect_timeout: Duration,
    /// How long a provider may think before the first byte of its answer.
    pub first_byte_timeout: Duration,
    /// How long a provider may be silent within an answer.
    pub idle_timeout: Duration,
    /// How long a request may take in all, from its last byte to the last of its answer.
    pub request_timeout: Duration,
    /// How many requests may be with the providers at once.
    pub max_requests: usize,
}

/// Which captured credentials background work may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientCredentials {
    /// API keys.
    pub api_key: bool,
    /// OAuth and other bearer tokens.
    pub bearer: bool,
}

/// When the global token may stand in for a session's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GlobalFallback {
    /// Never.
    Off,
    /// When both sessions once held the same proven token.
    Lineage,
    /// When both sessions belong to one project.
    SameProject,
    /// Always, within one principal and upstream.
    Any,
}

/// How background work calls providers.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The model for background work; the session's own when not set.
    pub model: Option<String>,
    /// A key of its own; then no client credential is used for background work.
    pub api_key: Option<Secret>,
    /// Whose key that is: set whenever the key is.
    pub provider: Option<Provider>,
    /// Which captured kinds may be used.
    pub use_client_credentials: ClientCredentials,
    /// When the global token may stand in.
    pub global_fallback: GlobalFallback,
    /// What all background work may spend a day (in UTC), in dollars; no limit when not set.
    pub daily_budget: Option<f64>,
    /// Retries of a call after faults; a busy provider is not one.
    pub max_retries: u32,
}

impl WorkerSettings {
    /// The model that a call of this purpose asks in a session that speaks to `own` at `provider`: a warm-up must ask that one, all
    /// else asks what the settings say, where that may be had. A model of the other vendor may only where the session's own is
    /// of that vendor, too: then a router stands between.
    #[must_use]
    pub fn asked<'m>(&'m self, purpose: Purpose, provider: Provider, own: &'m str) -> &'m str {
        let may_be_had = |model: &&str| {
            let maker = vendor(model);
            maker.is_none() || maker == Some(provider) || maker == vendor(own)
        };
        let chosen = self.model.as_deref().filter(|_| purpose != Purpose::Warm);
        chosen.filter(may_be_had).unwrap_or(own)
    }
}

/// The sweep.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdleSettings {
    /// How often sessions are looked at.
    pub tick: Duration,
    /// How long after its last turn a session counts as idle.
    pub after: Duration,
    /// When it leaves memory.
    pub evict_after: Duration,
}

/// The distiller.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DistillerSettings {
    /// Whether it works at all.
    pub enabled: bool,
    /// Fewer pending messages than this are left to ripen.
    pub min_messages: u32,
    /// So many pending tokens are distilled without waiting for idleness; also the size of one segment.
    pub pending_tokens: u64,
}

/// The curator.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CuratorSettings {
    /// Whether it works at all.
    pub enabled: bool,
    /// So many turns since the last time make it worth while.
    pub after_turns: u32,
    /// How many entries a project should have at most.
    pub max_entries: u32,
}

/// The cache warmer.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheWarmerSettings {
    /// Whether it works at all.
    pub enabled: bool,
    /// What it may spend a day, in dollars; no limit when not set.
    pub max_cost_per_day: Option<f64>,
}

/// Batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSettings {
    /// Whether work that nobody waits for may go into a provider's batch.
    pub enabled: bool,
}

/// What of the knowledge reaches models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemorySettings {
    /// Whether it is added to requests of sessions whose project has some.
    pub inject: bool,
}

/// What is dropped when it is old: only what is distilled, and nothing when neither is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionSettings {
    /// What is older goes.
    pub max_age: Option<Duration>,
    /// While the database is larger, in bytes, the oldest goes.
    pub max_size: Option<u64>,
}

impl RetentionSettings {
    /// Whether anything is ever dropped.
    #[must_use]
    pub const fn is_set(&self) -> bool {
        self.max_age.is_some() || self.max_size.is_some()
    }
}

/// How what was kept is found again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecallSettings {
    /// The folder of a model that says what texts mean; only words are looked for when not set.
    pub embeddings: Option<PathBuf>,
}

/// Alerts.
#[derive(Debug, Clone)]
pub struct SentrySettings {
    /// Where to send them; nowhere when not set.
    pub dsn: Option<Secret>,
    /// The environment's name.
    pub environment: String,
    /// First part of every fingerprint.
    pub fingerprint_prefix: String,
}

impl Settings {
    /// The defaults of the contract, with this data folder.
    #[must_use]
    pub fn with_data_dir(data_dir: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 4141)),
            data_dir,
            prices: None,
            upstream: UpstreamSettings {
                anthropic: "https://api.anthropic.com".to_owned(),
                openai: "https://api.openai.com".to_owned(),
                http2: false,
                proxy: None,
                no_proxy: Vec::new(),
            },
            relay: RelaySettings {
                max_body: 64 * 1024 * 1024,
                connect_timeout: Duration::from_secs(10),
                first_byte_timeout: Duration::from_secs(600),
                idle_timeout: Duration::from_secs(600),
                request_timeout: Duration::from_secs(2 * 60 * 60),
                max_requests: 1024,
            },
            worker: WorkerSettings {
                model: None,
                api_key: None,
                provider: None,
                use_client_credentials: ClientCredentials { api_key: true, bearer: true },
                global_fallback: GlobalFallback::Lineage,
                daily_budget: None,
                max_retries: 8,
            },
            idle: IdleSettings {
                tick: Duration::from_secs(30),
                after: Duration::from_secs(60),
                evict_after: Duration::from_secs(30 * 60),
            },
            distiller: DistillerSettings { enabled: true, min_messages: 5, pending_tokens: 16_384 },
            curator: CuratorSettings { enabled: true, after_turns: 3, max_entries: 40 },
            cache_warmer: CacheWarmerSettings { enabled: true, max_cost_per_day: None },
            batch: BatchSettings { enabled: true },
            memory: MemorySettings { inject: true },
            retention: RetentionSettings::default(),
            recall: RecallSettings::default(),
            sentry: SentrySettings {
                dsn: None,
                environment: "production".to_owned(),
                fingerprint_prefix: "LOREAI-GATEWAY".to_owned(),
            },
            trace_actors: false,
            trace_otlp_endpoint: None,
            access_token: None,
        }
    }
}
