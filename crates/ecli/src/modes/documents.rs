//! Completions and man pages, from the one definition of the command line.

use std::path::Path;

use crate::cli;
use crate::exit::{Exit, Failure};

/// Prints a completion script.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut cli::command(), "ecli", &mut script);
    super::print(&script)
}

/// Writes `ecli.1` and a page for each command into a folder.
///
/// # Errors
///
/// The folder cannot be written.
pub fn man_pages(folder: &Path) -> Result<Exit, Failure> {
    clap_mangen::generate_to(cli::command(), folder).map_err(|error| Failure::new(Exit::Failed, error))?;
    Ok(Exit::Done)
}
