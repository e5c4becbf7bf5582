//! Where the providers are today. Sessions have on record where they were spoken with; the settings may say otherwise since, and logs of agents,
//! which are brought in, never knew.

use crate::base_url;
use domain::provider::{Provider, UpstreamKey};
use domain::settings::Settings;
use upstream::transport::Uri;

/// Where credentials for each provider may go.
#[derive(Debug, Clone)]
pub struct Upstreams {
    anthropic: UpstreamKey,
    openai: UpstreamKey,
}

impl Upstreams {
    /// As the settings have it.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        // What is no base URL is refused at the start, and is where nothing can be sent.
        let key = |provider| {
            upstream_key(settings, provider)
                .unwrap_or_else(|| UpstreamKey::new(provider, base_url(settings, provider)))
        };
        Self { anthropic: key(Provider::Anthropic), openai: key(Provider::OpenAi) }
    }

    /// That of a provider.
    #[must_use]
    pub fn key(&self, provider: Provider) -> UpstreamKey {
        match provider {
            Provider::Anthropic => self.anthropic.clone(),
            Provider::OpenAi => self.openai.clone(),
        }
    }
}

/// Where credentials for a provider may go; none where its base URL is none.
#[must_use]
pub fn upstream_key(settings: &Settings, provider: Provider) -> Option<UpstreamKey> {
    origin(base_url(settings, provider)).map(|origin| UpstreamKey::new(provider, &origin))
}

/// Scheme, host and port, without whatever else a URL may hold.
fn origin(url: &str) -> Option<String> {
    let uri = Uri::try_from(url).ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
    (uri.query().is_none()).then(|| format!("{scheme}://{host}{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_alone() {
        assert_eq!(
            origin("https://user:pass@h.example:8443/prefix").as_deref(),
            Some("https://h.example:8443")
        );
        assert_eq!(origin("http://[::1]:9100").as_deref(), Some("http://[::1]:9100"));
        for none in ["h.example", "/v1", "ftp://h.example", "https://", "https://h.example/?key=1", ""] {
            assert_eq!(origin(none), None, "{none}");
        }
    }
}
