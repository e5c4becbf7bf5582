//! `stillroom completions` and `stillroom man`: what shells and `man` need to know, made from the command line's own definition.

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output::say_as_it_is;
use clap::CommandFactory as _;
use clap_complete::Shell;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Prints what `shell` needs.
pub(crate) fn perform(shell: Shell) -> ExitCode {
    say_as_it_is(&script(shell));
    ExitCode::SUCCESS
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "stillroom", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Prints the manual page, or writes all of them into `folder`.
///
/// # Errors
/// They cannot be written.
pub(crate) fn manual(folder: Option<&Path>) -> Result<ExitCode, Failure> {
    let written = match folder {
        None => page().map(|page| say_as_it_is(&page)),
        Some(folder) => pages(folder),
    };
    let unwritten = |cause| {
        let what = "the manual cannot be written";
        Failure::new(what, cause, "name a folder that you can write to with --folder")
    };
    written.map(|()| ExitCode::SUCCESS).map_err(unwritten)
}

fn page() -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn pages(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    clap_mangen::generate_to(Cli::command(), folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum as _;

    #[test]
    fn every_shell_can_complete_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for word in ["trace", "doctor", "backtest", "slower-than", "completions"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }

    #[test]
    fn the_manual_has_a_page_for_the_program_and_for_each_command() {
        let page = page().unwrap();
        assert!(page.contains(".TH stillroom 1") && page.contains("EXTRA"), "{page}");
        let folder = tempfile::tempdir().unwrap();
        pages(&folder.path().join("man1")).unwrap();
        for name in ["stillroom.1", "stillroom-trace.1", "stillroom-config-show.1"] {
            assert!(folder.path().join("man1").join(name).exists(), "{name}");
        }
    }
}
