//! The table of all settings. `docs/configuration.md` is rendered from it, but for what each is for: `just reference`.

use super::keys::Key;
use super::keys::Nature::{Plain, Secret};
use super::notation::{base_url, duration, show_duration, show_size, size};
use super::value::Value;
use super::words;
use domain::proxy::Proxy;
use domain::secret;
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::time::Duration;

const DURATION: &str = "a duration such as \"30s\", \"1m\", \"500ms\" or \"2h\"";
const BASE_URL: &str =
    "a base URL: http or https, a host, perhaps a port and a path; no user, no query, no /v1";
const TRUTH: &str = "true or false";
const COUNT: &str = "a whole number from 0";
const COUNT_FROM_ONE: &str = "a whole number from 1";
const DOLLARS: &str = "an amount of dollars from 0";
const TOKEN: &str = "text of visible ASCII characters without blanks";
const WORDS: &str = "text that is not empty";

/// Every setting there is.
pub(crate) static EVERY_KEY: &[Key] = &[
    Key {
        name: "listen",
        takes: "an IP address and a port, such as 127.0.0.1:4141",
        nature: Plain,
        set: |r, v| put(&mut r.listen, v.text()?.trim().parse().ok()),
        show: |r| json!(r.listen.to_string()),
    },
    Key {
        name: "data_dir",
        takes: "the path of a folder, without ~",
        nature: Plain,
        set: |r, v| put(&mut r.data_dir, path(v)),
        show: |r| json!(r.data_dir.display().to_string()),
    },
    Key {
        name: "prices",
        takes: "the path of a file, without ~",
        nature: Plain,
        set: |r, v| put_some(&mut r.prices, path(v)),
        show: |r| json!(r.prices.as_ref().map(|path| path.display().to_string())),
    },
    Key {
        name: "upstream.anthropic",
        takes: BASE_URL,
        nature: Plain,
        set: |r, v| put(&mut r.upstream.anthropic, base_url(v.text()?)),
        show: |r| json!(r.upstream.anthropic),
    },
    Key {
        name: "upstream.openai",
        takes: BASE_URL,
        nature: Plain,
        set: |r, v| put(&mut r.upstream.openai, base_url(v.text()?)),
        show: |r| json!(r.upstream.openai),
    },
    Key {
        name: "upstream.http2",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.upstream.http2, v.truth()),
        show: |r| json!(r.upstream.http2),
    },
    Key {
        name: "upstream.proxy",
        takes: "the URL of an HTTP proxy, such as http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or \"off\"",
        nature: Plain,
        set: |r, v| put(&mut r.upstream.proxy, proxy(v)),
        show: |r| json!(r.upstream.proxy.as_ref().map(|proxy| format!("http://{}", proxy.authority))),
    },
    Key {
        name: "upstream.no_proxy",
        takes: "a list of hosts, domains or addresses, or \"*\"",
        nature: Plain,
        set: |r, v| put(&mut r.upstream.no_proxy, v.words()),
        show: |r| json!(r.upstream.no_proxy),
    },
    Key {
        name: "relay.max_body",
        takes: "a size such as \"64MiB\"",
        nature: Plain,
        set: |r, v| put(&mut r.relay.max_body, size(v.text()?)),
        show: |r| json!(show_size(r.relay.max_body)),
    },
    Key {
        name: "relay.connect_timeout",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.relay.connect_timeout, time(v)),
        show: |r| json!(show_duration(r.relay.connect_timeout)),
    },
    Key {
        name: "relay.first_byte_timeout",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.relay.first_byte_timeout, time(v)),
        show: |r| json!(show_duration(r.relay.first_byte_timeout)),
    },
    Key {
        name: "relay.idle_timeout",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.relay.idle_timeout, time(v)),
        show: |r| json!(show_duration(r.relay.idle_timeout)),
    },
    Key {
        name: "relay.request_timeout",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.relay.request_timeout, time(v)),
        show: |r| json!(show_duration(r.relay.request_timeout)),
    },
    Key {
        name: "relay.max_requests",
        takes: COUNT_FROM_ONE,
        nature: Plain,
        set: |r, v| put(&mut r.relay.max_requests, v.positive::<u32>().map(|most| most as usize)),
        show: |r| json!(r.relay.max_requests),
    },
    Key {
        name: "worker.model",
        takes: WORDS,
        nature: Plain,
        set: |r, v| put_some(&mut r.worker.model, owned(v)),
        show: |r| json!(r.worker.model),
    },
    Key {
        name: "worker.api_key",
        takes: TOKEN,
        nature: Secret,
        set: |r, v| put_some(&mut r.worker.api_key, v.token()),
        show: |r| hidden(r.worker.api_key.as_ref()),
    },
    Key {
        name: "worker.provider",
        takes: "\"anthropic\" or \"openai\"",
        nature: Plain,
        set: |r, v| put_some(&mut r.worker.provider, words::provider(v.text()?)),
        show: |r| json!(r.worker.provider),
    },
    Key {
        name: "worker.use_client_credentials",
        takes: "a list of \"api-key\" and \"bearer\", or the empty list",
        nature: Plain,
        set: |r, v| put(&mut r.worker.use_client_credentials, words::kinds(&v.words()?)),
        show: |r| json!(words::kind_names(r.worker.use_client_credentials)),
    },
    Key {
        name: "worker.global_fallback",
        takes: "\"off\", \"lineage\", \"same-project\" or \"any\"",
        nature: Plain,
        set: |r, v| put(&mut r.worker.global_fallback, words::fallback(v.text()?)),
        show: |r| json!(words::fallback_name(r.worker.global_fallback)),
    },
    Key {
        name: "worker.daily_budget_usd",
        takes: DOLLARS,
        nature: Plain,
        set: |r, v| put_some(&mut r.worker.daily_budget, v.dollars()),
        show: |r| json!(r.worker.daily_budget),
    },
    Key {
        name: "worker.max_retries",
        takes: COUNT,
        nature: Plain,
        set: |r, v| put(&mut r.worker.max_retries, v.whole()),
        show: |r| json!(r.worker.max_retries),
    },
    Key {
        name: "idle.tick",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.idle.tick, time(v)),
        show: |r| json!(show_duration(r.idle.tick)),
    },
    Key {
        name: "idle.after",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.idle.after, time(v)),
        show: |r| json!(show_duration(r.idle.after)),
    },
    Key {
        name: "idle.evict_after",
        takes: DURATION,
        nature: Plain,
        set: |r, v| put(&mut r.idle.evict_after, time(v)),
        show: |r| json!(show_duration(r.idle.evict_after)),
    },
    Key {
        name: "distiller.enabled",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.distiller.enabled, v.truth()),
        show: |r| json!(r.distiller.enabled),
    },
    Key {
        name: "distiller.min_messages",
        takes: COUNT,
        nature: Plain,
        set: |r, v| put(&mut r.distiller.min_messages, v.whole()),
        show: |r| json!(r.distiller.min_messages),
    },
    Key {
        name: "distiller.pending_tokens",
        takes: COUNT_FROM_ONE,
        nature: Plain,
        set: |r, v| put(&mut r.distiller.pending_tokens, v.positive()),
        show: |r| json!(r.distiller.pending_tokens),
    },
    Key {
        name: "curator.enabled",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.curator.enabled, v.truth()),
        show: |r| json!(r.curator.enabled),
    },
    Key {
        name: "curator.after_turns",
        takes: COUNT_FROM_ONE,
        nature: Plain,
        set: |r, v| put(&mut r.curator.after_turns, v.positive()),
        show: |r| json!(r.curator.after_turns),
    },
    Key {
        name: "curator.max_entries",
        takes: COUNT_FROM_ONE,
        nature: Plain,
        set: |r, v| put(&mut r.curator.max_entries, v.positive()),
        show: |r| json!(r.curator.max_entries),
    },
    Key {
        name: "cache_warmer.enabled",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.cache_warmer.enabled, v.truth()),
        show: |r| json!(r.cache_warmer.enabled),
    },
    Key {
        name: "cache_warmer.max_cost_per_day",
        takes: DOLLARS,
        nature: Plain,
        set: |r, v| put_some(&mut r.cache_warmer.max_cost_per_day, v.dollars()),
        show: |r| json!(r.cache_warmer.max_cost_per_day),
    },
    Key {
        name: "batch.enabled",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.batch.enabled, v.truth()),
        show: |r| json!(r.batch.enabled),
    },
    Key {
        name: "memory.inject",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.memory.inject, v.truth()),
        show: |r| json!(r.memory.inject),
    },
    Key {
        name: "retention.max_age",
        takes: "a duration such as \"90d\" or \"12h\"",
        nature: Plain,
        set: |r, v| put_some(&mut r.retention.max_age, time(v)),
        show: |r| json!(r.retention.max_age.map(show_duration)),
    },
    Key {
        name: "retention.max_size",
        takes: "a size such as \"2GiB\"",
        nature: Plain,
        set: |r, v| put_some(&mut r.retention.max_size, size(v.text()?).map(|bytes| bytes as u64)),
        show: |r| {
            let shown = |bytes: u64| show_size(usize::try_from(bytes).unwrap_or(usize::MAX));
            json!(r.retention.max_size.map(shown))
        },
    },
    Key {
        name: "recall.embeddings",
        takes: "the path of a folder, without ~",
        nature: Plain,
        set: |r, v| put_some(&mut r.recall.embeddings, path(v)),
        show: |r| json!(r.recall.embeddings.as_ref().map(|path| path.display().to_string())),
    },
    Key {
        name: "sentry.dsn",
        takes: "a DSN as Sentry shows it, such as https://KEY@HOST/PROJECT",
        nature: Secret,
        set: |r, v| put_some(&mut r.sentry.dsn, dsn(v)),
        show: |r| hidden(r.sentry.dsn.as_ref()),
    },
    Key {
        name: "sentry.environment",
        takes: WORDS,
        nature: Plain,
        set: |r, v| put(&mut r.sentry.environment, owned(v)),
        show: |r| json!(r.sentry.environment),
    },
    Key {
        name: "sentry.fingerprint_prefix",
        takes: WORDS,
        nature: Plain,
        set: |r, v| put(&mut r.sentry.fingerprint_prefix, owned(v)),
        show: |r| json!(r.sentry.fingerprint_prefix),
    },
    Key {
        name: "trace.actors",
        takes: TRUTH,
        nature: Plain,
        set: |r, v| put(&mut r.trace_actors, v.truth()),
        show: |r| json!(r.trace_actors),
    },
    Key {
        name: "trace.otlp_endpoint",
        takes: BASE_URL,
        nature: Plain,
        set: |r, v| put_some(&mut r.trace_otlp_endpoint, base_url(v.text()?)),
        show: |r| json!(r.trace_otlp_endpoint),
    },
    Key {
        name: "access.token",
        takes: TOKEN,
        nature: Secret,
        set: |r, v| put_some(&mut r.access_token, v.token()),
        show: |r| hidden(r.access_token.as_ref()),
    },
];

fn put<T>(place: &mut T, value: Option<T>) -> Option<()> {
    *place = value?;
    Some(())
}

fn put_some<T>(place: &mut Option<T>, value: Option<T>) -> Option<()> {
    *place = Some(value?);
    Some(())
}

/// None in place of a proxy for "off".
fn proxy(value: &Value) -> Option<Option<Proxy>> {
    match value.text()?.trim() {
        "off" => Some(None),
        url => Proxy::read(url).map(Some),
    }
}

fn time(value: &Value) -> Option<Duration> {
    duration(value.text()?)
}

fn owned(value: &Value) -> Option<String> {
    value.text().map(str::to_owned)
}

fn path(value: &Value) -> Option<PathBuf> {
    std::path::absolute(value.text().filter(|path| !path.starts_with('~'))?).ok()
}

/// A token first: the reader of URLs passes over line ends and tabs inside one.
fn dsn(value: &Value) -> Option<secret::Secret> {
    value.token().filter(|text| text.reveal().parse::<sentry::types::Dsn>().is_ok())
}

fn hidden(secret: Option<&secret::Secret>) -> Json {
    json!(secret.map(|_| "(hidden)"))
}
