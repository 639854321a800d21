//! What was typed: the one definition of the command line, from which help, completions and man pages come.
//!
//! Two parsers look at the arguments. The first ([`parse`]) knows the options of `ecli`; it stops at the package.
//! What follows the package belongs to the program inside it, whose options are known only once the package is
//! open: that is the second parser, `program`.

mod definition;
mod program;
mod values;

use std::ffi::{OsStr, OsString};

use clap::{CommandFactory, FromArgMatches};

use crate::exit::{Exit, Failure};
use crate::message::Messages;

pub use definition::{BuildArgs, Cli, Command, FetchArgs, Format, InfoArgs, PackageArgs, RunArgs, Time};
pub use program::{ProgramArgs, ProgramArgsError, parse_program_args, program_command};

/// The whole definition, for completions and man pages.
#[must_use]
pub fn command() -> clap::Command {
    Cli::command()
}

/// Parses the arguments, program name first. `ecli PACKAGE …` means `ecli run PACKAGE …`.
///
/// # Errors
///
/// clap's own error, which also carries help and version texts.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if let Some(first) = arguments.get(1)
        && means_run(first)
    {
        arguments.insert(1, "run".into());
    }
    let matches = command().try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Prints what clap has to say: help and version to standard output, errors to standard error as all others are: one
/// line, and one hint.
#[must_use]
pub fn show(error: &clap::Error, messages: &Messages) -> Exit {
    if error.use_stderr() {
        let (message, tip) = refusal(error);
        let hint = tip.unwrap_or_else(|| "--help lists the options".to_owned());
        messages.failure(&Failure::new(Exit::Usage, message).with_hint(Some(hint)));
        return Exit::Usage;
    }
    // A closed stream is no reason to fail: there is nobody left to tell.
    let _ = error.print();
    Exit::Done
}

/// clap's message on one line, and its tip where it has one.
fn refusal(error: &clap::Error) -> (String, Option<String>) {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n");
    let message = paragraphs.next().unwrap_or_default();
    let message = message.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let message = message.strip_prefix("error: ").unwrap_or(&message).to_owned();
    let tip = paragraphs.find_map(|paragraph| paragraph.trim().strip_prefix("tip: "));
    // What clap says of `--` is wrong here: it separates nothing before the package.
    let tip = tip.filter(|tip| !tip.starts_with("to pass "));
    (message, tip.map(|tip| tip.lines().next().unwrap_or_default().to_owned()))
}

/// Whether a command line that starts with this argument leaves out `run`.
fn means_run(first: &OsStr) -> bool {
    let Some(text) = first.to_str() else { return true };
    if matches!(text, "-h" | "--help" | "-V" | "--version" | "help") {
        return false;
    }
    !command().get_subcommands().any(|known| known.get_name() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> RunArgs {
        match parse(arguments.iter().map(OsString::from)).unwrap().command {
            Command::Run(run) => run,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn what_follows_the_package_goes_to_the_program() {
        let run = run(&["ecli", "run", "-j", "x.json", "-j", "--pid", "1", "--", "-h"]);
        assert!(run.json);
        assert_eq!(run.package.spec(), "x.json");
        assert_eq!(run.package.program_arguments(), ["-j", "--pid", "1", "--", "-h"]);
    }

    #[test]
    fn one_separator_after_the_package_is_swallowed() {
        assert_eq!(
            run(&["ecli", "run", "x.json", "--", "--pid", "1"]).package.program_arguments(),
            ["--pid", "1"]
        );
    }

    #[test]
    fn run_may_be_left_out() {
        assert_eq!(run(&["ecli", "x.json", "-h"]).package.program_arguments(), ["-h"]);
        assert!(run(&["ecli", "-j", "x.json"]).json);
        assert_eq!(run(&["ecli", "-"]).package.spec(), "-");
    }

    #[test]
    fn a_package_is_required() {
        assert_eq!(
            parse(["ecli", "run", "-j"].map(OsString::from)).unwrap_err().kind(),
            clap::error::ErrorKind::MissingRequiredArgument
        );
    }
}
