//! What the relay costs, beside nginx and beside nobody, against the same mock provider: `just bench-relay`.
//!
//! A newcomer's way in: [`mod@race`] runs the cases, [`goals`] says what we want of them, [`soak`] is the long run of the night,
//! [`exercise`] what a guided build is guided by.

mod answers;
mod asking;
mod contender;
mod exercise;
mod goals;
mod load;
mod mock;
mod process;
mod race;
mod seating;
mod soak;
mod start;
mod table;
mod words;

use clap::Parser;
use contender::Kind;
use goals::Measured;
use race::{Case, Pace};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::runtime::Builder;

/// Measures the relay against nginx on this machine. Linux only: it reads /proc.
#[derive(Debug, Parser)]
#[command(name = "relay_bench")]
struct Arguments {
    /// The build that is measured; else the one beside this program.
    #[arg(long, value_name = "PATH")]
    stillroom: Option<PathBuf>,
    /// Another build of Stillroom, for comparison in the same rounds.
    #[arg(long, value_name = "PATH")]
    against: Option<PathBuf>,
    /// nginx.
    #[arg(long, value_name = "PATH", default_value = "/usr/sbin/nginx")]
    nginx: PathBuf,
    /// Only cases whose name contains this.
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Few short rounds: the figures are rough.
    #[arg(long)]
    quick: bool,
    /// Where the figures go as lines of JSON.
    #[arg(long, value_name = "FILE", default_value = "target/relay_bench.jsonl")]
    json: PathBuf,
    /// Instead of all that: so many minutes at half load, and then nothing may have grown and nothing be lost.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<u64>,
    /// Instead of all that: a second of each case for the gateway alone, and an orderly end, for builds that are guided by what a load takes.
    #[arg(long)]
    exercise: bool,
}

fn main() -> ExitCode {
    match Builder::new_current_thread()
        .enable_all()
        .build()
        .and_then(|runtime| runtime.block_on(measure(&Arguments::parse())))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("relay_bench: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Says whether all is well; goals that are not met are no failure.
async fn measure(arguments: &Arguments) -> io::Result<bool> {
    let folder = std::env::temp_dir().join(format!("relay_bench-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let well = match arguments.soak {
        _ if arguments.exercise => exercise::run(&ours(arguments)?, &folder, mock::start()?).await,
        Some(minutes) => soak::run(&ours(arguments)?, &folder, Duration::from_secs(60 * minutes)).await,
        None => race(arguments, &folder).await.map(|()| true),
    };
    if well.is_ok() {
        fs::remove_dir_all(&folder)?;
    }
    well
}

async fn race(arguments: &Arguments, folder: &Path) -> io::Result<()> {
    let upstream = mock::start()?;
    let (mut kinds, ours) = (vec![Kind::Direct, Kind::Nginx(arguments.nginx.clone())], ours(arguments)?);
    kinds.extend(arguments.against.clone().map(|path| Kind::Stillroom("against", path)));
    kinds.push(ours.clone());
    let pace = if arguments.quick { (3, 400) } else { (7, 1500) };
    let pace = Pace { rounds: pace.0, span: Duration::from_millis(pace.1) };
    let (mut measured, mut file) = (Measured::default(), File::create(&arguments.json)?);
    for case in Case::all().into_iter().filter(|case| case.name().contains(&arguments.only)) {
        let figures = race::run(case, &kinds, folder, upstream, pace).await?;
        say(&table::case(case, &figures));
        for it in &figures {
            writeln!(file, "{}", table::line(case, it))?;
        }
        figures.iter().skip(2).for_each(|it| say(&table::threads(it)));
        measured.cases.push((case, figures));
    }
    measured.start = Some(start::measure(&ours, folder, upstream, pace.rounds).await?);
    say(&table::goals(&measured));
    Ok(())
}

fn ours(arguments: &Arguments) -> io::Result<Kind> {
    let beside = std::env::current_exe()?.with_file_name("stillroom");
    Ok(Kind::Stillroom("stillroom", arguments.stillroom.clone().unwrap_or(beside)))
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn say(text: &str) {
    print!("{text}");
    // Whoever reads along sees each case as it ends.
    drop(io::stdout().flush());
}
