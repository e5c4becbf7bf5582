//! Nothing is measured: a gateway has a little of every case and an orderly end, so that a program built with counters writes them down.

use crate::contender::{Contender, Kind, greeting};
use crate::load::drive;
use crate::race::Case;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How long each case goes on.
const SPAN: Duration = Duration::from_secs(1);

/// Says whether all was answered and each gateway ended well.
pub(crate) async fn run(kind: &Kind, folder: &Path, upstream: SocketAddr) -> io::Result<bool> {
    let mut well = true;
    for case in Case::all() {
        let folder = folder.join(case.name().replace(' ', "-"));
        let mut contender = Contender::start(kind, &folder, upstream, &greeting()).await?;
        let round = drive(contender.address, &case.requests(), 0, SPAN).await;
        well &= round.failed == 0 && !round.whole.is_empty();
        if let Some(process) = contender.process.take() {
            well &= process.end()?;
        }
    }
    Ok(well)
}
