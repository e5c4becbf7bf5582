//! Metrics as a scraper reads them.
//!
//! The library writes OpenMetrics. A scraper that does not ask for that gets the older Prometheus text, where a counter's
//! type is stated under its full name: without that, plain parsers take every counter for untyped.

use crate::telemetry::Metrics;
use prometheus_client::encoding::text;
use std::fmt;

/// The format of an exposition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus text 0.0.4.
    Prometheus,
    /// OpenMetrics 1.0.0.
    OpenMetrics,
}

impl Format {
    /// What a scraper with this `accept` header gets.
    #[must_use]
    pub fn accepted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            _ => Self::Prometheus,
        }
    }

    /// The `content-type` of an exposition in this format.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything that `metrics` holds now.
///
/// # Errors
/// Only those of the formatting library, which has none of its own.
pub(crate) fn exposition(metrics: &Metrics, format: Format) -> Result<String, fmt::Error> {
    let mut exposed = String::new();
    text::encode(&mut exposed, metrics.registry())?;
    Ok(match format {
        Format::OpenMetrics => exposed,
        Format::Prometheus => plain(&exposed),
    })
}

/// The same samples in the older format.
fn plain(exposed: &str) -> String {
    let counters: Vec<&str> = exposed.lines().filter_map(counter).collect();
    let lines = exposed.lines().filter(|line| *line != "# EOF");
    lines.map(|line| format!("{}\n", plain_line(line, &counters))).collect()
}

/// The name of the counter whose type `line` states.
fn counter(line: &str) -> Option<&str> {
    line.strip_prefix("# TYPE ")?.strip_suffix(" counter")
}

fn plain_line(line: &str, counters: &[&str]) -> String {
    let mut words = line.splitn(4, ' ');
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some("#"), Some(keyword), Some(name), Some(rest)) if counters.contains(&name) => {
            format!("# {keyword} {name}_total {rest}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    mod documented;

    use super::*;
    use actor::{Observer, Row};
    use domain::intake::Oddity;
    use domain::provider::Provider;
    use domain::purpose::Purpose;
    use machines::health::Level;
    use machines::idle_scheduler::WorkerHealth;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;
    use std::time::Duration;
    use workers::{Meter, PassedOver};

    fn busy() -> Metrics {
        let metrics = Metrics::new();
        metrics.upstream_request(Purpose::Distill, Provider::Anthropic, 401);
        metrics.auth_failure(Provider::Anthropic, 401);
        metrics.alert("worker-auth-error");
        metrics.credential_left(Oddity::TooLong);
        metrics.stand_in(Provider::Anthropic);
        metrics.set_paused(Some(&BTreeMap::from([(Provider::Anthropic, 2)])));
        let session = "s".into();
        metrics.set_unwell(Some(&[WorkerHealth { session, purpose: Purpose::Warm, level: Level::Critical }]));
        metrics.relay_overhead(Duration::from_micros(170));
        metrics.refused("overloaded");
        metrics.opened("Distiller", Arc::new(|| 3));
        metrics.handled(&Row { actor: "Distiller", queue_wait_us: 1500, ..Row::default() });
        metrics.shed("CredentialActor", "ClientAnswered");
        metrics.turn_recorded();
        metrics.turn_shed();
        metrics.set_store_faults(2);
        metrics.dropped(&store::Dropped { messages: 3, bytes: 4096, ..store::Dropped::default() });
        metrics.passed_over(PassedOver { kind: "message", count: 4 });
        metrics.passed_over(PassedOver { kind: "session", count: 1 });
        metrics.warm_saved(0.25);
        metrics.warm_cost(0.125);
        metrics
    }

    /// A strict reader of Prometheus text: each sample must belong to the family whose type was stated last.
    fn samples(exposed: &str) -> BTreeMap<String, f64> {
        let mut family = ("", "");
        let mut found = BTreeMap::new();
        for line in exposed.lines() {
            if let Some(stated) = line.strip_prefix("# TYPE ") {
                family = stated.split_once(' ').expect("a name and a type");
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').expect("a series and a value");
                let name = series.split('{').next().expect("a name");
                assert!(belongs(name, family), "{name} stands under {family:?}");
                let value = value.parse().expect("a number");
                assert!(found.insert(series.to_owned(), value).is_none(), "{series} twice");
            }
        }
        found
    }

    fn belongs(name: &str, (family, kind): (&str, &str)) -> bool {
        let suffix = name.strip_prefix(family);
        match kind {
            "histogram" => suffix.is_some_and(|suffix| ["_bucket", "_sum", "_count"].contains(&suffix)),
            _ => suffix == Some(""),
        }
    }

    #[test]
    fn plain_text_has_exactly_the_names_and_labels_of_the_contract() {
        let found = samples(&exposition(&busy(), Format::Prometheus).expect("exposed"));
        let value = |series: &str| *found.get(series).unwrap_or_else(|| panic!("{series} in {found:?}"));
        let request =
            "stillroom_upstream_requests_total{purpose=\"distill\",provider=\"anthropic\",status=\"401\"}";
        assert_eq!(value(request), 1.0);
        assert_eq!(value("stillroom_auth_failures_total{provider=\"anthropic\",status=\"401\"}"), 1.0);
        assert_eq!(value("stillroom_alerts_total{kind=\"worker-auth-error\"}"), 1.0);
        assert_eq!(value("stillroom_credentials_left_total{reason=\"too-long\"}"), 1.0);
        assert_eq!(value("stillroom_stand_ins_total{provider=\"anthropic\"}"), 1.0);
        assert_eq!(value("stillroom_background_paused{provider=\"anthropic\"}"), 2.0);
        assert_eq!(value("stillroom_background_paused{provider=\"openai\"}"), 0.0);
        assert_eq!(value("stillroom_worker_health{worker=\"warm\",level=\"critical\"}"), 1.0);
        assert_eq!(value("stillroom_worker_health{worker=\"warm\",level=\"degraded\"}"), 0.0);
        assert_eq!(value("stillroom_worker_health{worker=\"distill\",level=\"critical\"}"), 0.0);
        assert_eq!(value("stillroom_relay_overhead_seconds_bucket{le=\"0.0001\"}"), 0.0);
        assert_eq!(value("stillroom_relay_overhead_seconds_bucket{le=\"0.00025\"}"), 1.0);
        assert_eq!(value("stillroom_relay_refusals_total{code=\"overloaded\"}"), 1.0);
        assert_eq!(value("stillroom_mailbox_depth{actor=\"Distiller\"}"), 3.0);
        assert_eq!(value("stillroom_queue_wait_seconds_count{actor=\"Distiller\"}"), 1.0);
        let shed = "stillroom_facts_shed_total{actor=\"CredentialActor\",msg=\"ClientAnswered\"}";
        assert_eq!(value(shed), 1.0);
        let turns = "stillroom_facts_shed_total{actor=\"Recorder\",msg=\"TurnCompleted\"}";
        assert_eq!(value(turns), 1.0);
        let kept = (value("stillroom_turns_recorded_total"), value("stillroom_store_faults_total"));
        let passed_over = ["message", "session"]
            .map(|kind| value(&format!("stillroom_passed_over_total{{kind=\"{kind}\"}}")));
        assert_eq!((kept, passed_over), ((1.0, 2.0), [4.0, 1.0]));
        assert_eq!(value("stillroom_retention_dropped_total{kind=\"message\"}"), 3.0);
        assert_eq!(value("stillroom_retention_dropped_total{kind=\"session\"}"), 0.0);
        assert_eq!(value("stillroom_retention_bytes_in_use"), 4096.0);
        assert_eq!(value("stillroom_cache_warm_saved_usd_total"), 0.25);
        assert_eq!(value("stillroom_cache_warm_cost_usd_total"), 0.125);
        assert_eq!(value("stillroom_cache_warm_net_usd"), 0.125);
    }

    #[test]
    fn no_metric_has_a_name_that_the_contract_does_not_know() {
        let exposed = exposition(&busy(), Format::Prometheus).expect("exposed");
        let stated = exposed.lines().filter_map(|line| line.strip_prefix("# TYPE stillroom_"));
        let names: BTreeSet<&str> = stated.filter_map(|line| line.split(' ').next()).collect();
        let contract = [
            "alerts_total",
            "auth_failures_total",
            "background_paused",
            "cache_warm_cost_usd_total",
            "cache_warm_net_usd",
            "cache_warm_saved_usd_total",
            "credentials_left_total",
            "facts_shed_total",
            "mailbox_depth",
            "passed_over_total",
            "queue_wait_seconds",
            "relay_overhead_seconds",
            "relay_refusals_total",
            "retention_bytes_in_use",
            "retention_dropped_total",
            "stand_ins_total",
            "store_faults_total",
            "turns_recorded_total",
            "upstream_requests_total",
            "worker_health",
        ];
        assert_eq!(names, BTreeSet::from(contract));
    }

    #[test]
    fn openmetrics_is_given_to_those_who_ask_for_it() {
        let exposed = exposition(&busy(), Format::OpenMetrics).expect("exposed");
        assert!(
            exposed.contains("# TYPE stillroom_turns_recorded counter\nstillroom_turns_recorded_total 1\n")
        );
        assert!(exposed.ends_with("# EOF\n"));
        let asked = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5";
        assert_eq!(Format::accepted(Some(asked)), Format::OpenMetrics);
        assert_eq!(Format::accepted(Some("text/html")), Format::Prometheus);
        assert_eq!(Format::accepted(None), Format::Prometheus);
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let metrics = busy();
        metrics.set_paused(None);
        metrics.set_unwell(None);
        let exposed = exposition(&metrics, Format::Prometheus).expect("exposed");
        assert!(!exposed.contains("background_paused{") && !exposed.contains("worker_health{"), "{exposed}");
    }

    #[test]
    fn money_only_rises_but_for_what_is_net() {
        let metrics = busy();
        [f64::NAN, f64::INFINITY, -1.0].into_iter().for_each(|usd| metrics.warm_cost(usd));
        let found = |metrics: &Metrics| samples(&exposition(metrics, Format::Prometheus).expect("exposed"));
        assert_eq!(found(&metrics)["stillroom_cache_warm_cost_usd_total"], 0.125);
        metrics.warm_cost(1.0);
        assert_eq!(found(&metrics)["stillroom_cache_warm_net_usd"], -0.875);
    }
}
