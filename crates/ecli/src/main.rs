//! `ecli`, the command: parse, choose a mode, exit code. Everything else is in the library of the same name.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use ecli::cli::{self, Command};
use ecli::exit::{Exit, Failure};
use ecli::message::{Messages, Verbosity};
use ecli::modes;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return cli::show(&error, &Messages::new(Verbosity::Normal)).into(),
    };
    let messages = Messages::new(verbosity(&cli.command));
    match mode(&cli.command, &messages) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            messages.failure(&failure);
            failure.exit.into()
        }
    }
}

fn mode(command: &Command, messages: &Messages) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => modes::run(args, messages),
        Command::Info(args) => modes::info(args, messages),
        Command::Build(args) => modes::build(args, messages),
        Command::Completions { shell } => modes::completions(*shell),
        Command::Man { folder } => modes::man_pages(folder),
    }
}

fn verbosity(command: &Command) -> Verbosity {
    match command {
        Command::Run(args) if args.quiet => Verbosity::Quiet,
        Command::Run(args) if args.verbose => Verbosity::Verbose,
        _ => Verbosity::Normal,
    }
}
