//! How long a start takes, and what a gateway needs that has nothing to do.

use crate::contender::{Contender, Kind, greeting};
use crate::race::median;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use tokio::time::sleep;

/// See the module.
pub(crate) struct Start {
    pub(crate) to_first_answer: Duration,
    pub(crate) idle_mib: f64,
}

/// Starts it so many times, each time with an empty database.
pub(crate) async fn measure(
    kind: &Kind,
    folder: &Path,
    upstream: SocketAddr,
    times: usize,
) -> io::Result<Start> {
    let (mut spans, mut idle) = (Vec::new(), 0);
    for number in 0..times {
        let folder = folder.join(format!("start-{number}"));
        let contender = Contender::start(kind, &folder, upstream, &greeting()).await?;
        spans.push(contender.started_in);
        sleep(Duration::from_millis(500)).await;
        idle = idle.max(contender.process.as_ref().map_or(0, |process| process.memory().resident));
    }
    Ok(Start { to_first_answer: median(spans), idle_mib: idle as f64 / 1024.0 })
}
