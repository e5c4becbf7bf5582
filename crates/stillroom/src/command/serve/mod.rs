//! `stillroom serve`: the gateway, from its first word to its orderly end.

mod greeting;
mod refusal;
mod stops;

use super::invocation::{Invocation, wait_for};
use super::prices;
use crate::cli::{LogFormat, ServeFlags};
use crate::failure::{Exit, Failure};
use crate::output::say;
use crate::settings::Loaded;
use actor::Trace;
use gateway::telemetry::{self, Metrics, SentryAlarm, Spans};
use gateway::{Ears, Gateway};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// How long spans that wait may take to leave at the end.
const SPANS_WITHIN: Duration = Duration::from_secs(5);
/// How long alerts may take to leave at the end.
const ALERTS_WITHIN: Duration = Duration::from_secs(5);

/// Serves until it is told to stop.
///
/// # Errors
/// The settings or the log filter are wrong; the gateway cannot serve, or no longer can.
pub(crate) fn perform(invocation: &Invocation<'_>, flags: ServeFlags) -> Result<ExitCode, Failure> {
    let loaded = invocation.settings_with(&invocation.flags.flags(flags.trace_actors))?;
    prices::put_in_force(loaded.settings())?;
    let format = match flags.log_format {
        None | Some(LogFormat::Human) => telemetry::LogFormat::Human,
        Some(LogFormat::Json) => telemetry::LogFormat::Json,
    };
    install_log(format, flags.verbose)?;
    wait_for(serve(&loaded, format, flags.until_input_ends))
}

fn install_log(format: telemetry::LogFormat, verbose: u8) -> Result<(), Failure> {
    telemetry::install(format, filter(verbose)).map_err(|cause| {
        let remedy = "correct STILLROOM_LOG, or use -v instead";
        Failure::new("the log cannot be set up", cause, remedy).with_exit(Exit::WrongUse)
    })
}

/// What `-v` and `-vv` ask for: more of us, then everything; without them, whatever the environment says.
fn filter(verbose: u8) -> Option<&'static str> {
    match verbose {
        0 => None,
        1 => Some("info,stillroom=debug,gateway=debug,workers=debug,upstream=debug,store=debug,actor=debug"),
        _ => Some("trace"),
    }
}

async fn serve(
    loaded: &Loaded,
    log: telemetry::LogFormat,
    until_input_ends: bool,
) -> Result<ExitCode, Failure> {
    // Heard from before the start, so that whoever asks for the end while it starts is not lost.
    let stops = stops::listen(until_input_ends.then_some(&loaded.settings().data_dir))?;
    let settings = loaded.settings().clone();
    let alarm = Arc::new(SentryAlarm::start(&settings.sentry).map_err(|cause| refusal::of_dsn(&cause))?);
    let spans = settings.trace_otlp_endpoint.as_deref().map(Spans::start).transpose();
    let spans = spans.map_err(|cause| refusal::of_collector(&cause))?;
    let trace = trace(settings.trace_actors, log, spans.as_ref());
    let metrics = spans.iter().cloned().fold(Metrics::new(), Metrics::sending);
    let ears = Ears { metrics: Arc::new(metrics), alarm: Arc::clone(&alarm) as _, trace };
    let gateway = Gateway::open(settings, ears).await.map_err(|cause| refusal::of_gateway(&cause))?;
    say(&greeting::text(loaded, gateway.address()));
    let ended = gateway.run_until(stops).await;
    alarm.close(ALERTS_WITHIN);
    spans.iter().for_each(|spans| spans.close(SPANS_WITHIN));
    ended.map(|()| ExitCode::SUCCESS).map_err(|cause| refusal::of_gateway(&cause))
}

/// The record of messages between actors; printed as they happen when it is on, and sent to a collector if there is one.
fn trace(on: bool, log: telemetry::LogFormat, spans: Option<&Spans>) -> Trace {
    if !on {
        return Trace::off();
    }
    let trace = Trace::on();
    // Ends with the process; a closed standard error ends it earlier, and harms nobody.
    drop(actix_rt::spawn(telemetry::write_lines(trace.subscribe(), log, std::io::stderr())));
    if let Some(spans) = spans {
        drop(actix_rt::spawn(spans.clone().follow(trace.subscribe())));
    }
    trace
}
