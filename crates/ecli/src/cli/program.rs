//! The options of the program inside a package, made from its global variables.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches};
use package::layout::Type;
use package::parameter::ValueError;
use package::{Parameter, Plan};

use crate::message::printable;

/// Options that every program has; a variable of that name is set by `--program-NAME`.
const RESERVED: [&str; 2] = ["help", "version"];

/// What the package's own options were set to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ProgramArgs {
    /// Index in [`Plan::parameters`] and the bytes of the variable.
    pub values: Vec<(usize, Vec<u8>)>,
}

/// Why the program's arguments were refused.
#[derive(Debug, thiserror::Error)]
pub enum ProgramArgsError {
    /// Not an error: the program's help or version is asked for. clap's own text.
    #[error("{0}")]
    Shown(clap::Error),
    /// An option of `ecli`, placed after the package.
    #[error(
        "'{option}' is an option of ecli, and stands after the package, where the program's own options go"
    )]
    Misplaced {
        /// As typed.
        option: String,
    },
    /// Neither the program nor `ecli` has such an option.
    #[error("the program has no option '{option}'")]
    Unknown {
        /// As typed.
        option: String,
        /// What the program does have; empty when it has nothing to set.
        options: Vec<String>,
    },
    /// The value does not fit the variable.
    #[error("'{value}' does not fit '--{option}'")]
    Value {
        /// Long name of the option.
        option: String,
        /// As typed.
        value: String,
        /// What is wrong with it.
        #[source]
        cause: ValueError,
    },
    /// Anything else that clap refuses: an option given twice, a value that is missing.
    #[error("{0}")]
    Usage(String),
}

impl ProgramArgsError {
    /// What to type instead.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Misplaced { option } => {
                Some(format!("put it before the package: ecli run {option} … PACKAGE"))
            }
            Self::Unknown { options, .. } if options.is_empty() => {
                Some("this package has no parameters; options of ecli stand before the package".to_owned())
            }
            Self::Unknown { options, .. } => Some(format!("it has {}", options.join(", "))),
            Self::Value { .. } | Self::Usage(_) => {
                Some("ecli run PACKAGE --help lists the program's options".to_owned())
            }
            Self::Shown(_) => None,
        }
    }
}

/// How a variable appears on the command line.
struct Spelling {
    long: String,
    short: Option<char>,
}

fn spelling(parameter: &Parameter) -> Spelling {
    let long = if RESERVED.contains(&parameter.long.as_str()) {
        format!("program-{}", parameter.long)
    } else {
        parameter.long.clone()
    };
    Spelling { long, short: parameter.short.filter(|&short| short != 'h' && short != 'V') }
}

/// The program's own command line: one option a parameter.
#[must_use]
pub fn program_command(
    plan: &Plan,
    about: Option<&str>,
    version: Option<&str>,
    epilogue: String,
) -> clap::Command {
    let mut command = clap::Command::new(plan.object_name.clone())
        .no_binary_name(true)
        .override_usage("ecli run PACKAGE [PROGRAM ARGUMENTS]")
        .version(printable(version.unwrap_or("0.1.0")))
        .about(printable(about.unwrap_or("A packaged BPF program.")))
        .max_term_width(100)
        .after_help(epilogue);
    let mut taken: Vec<String> = Vec::new();
    for (index, parameter) in plan.parameters.iter().enumerate() {
        let Spelling { long, short } = spelling(parameter);
        if taken.contains(&long) {
            continue;
        }
        taken.push(long.clone());
        let short = short.filter(|short| {
            let name = format!("-{short}");
            let free = !taken.contains(&name);
            taken.push(name);
            free
        });
        command = if matches!(parameter.ty, Type::Bool { .. }) {
            with_switch(command, index, parameter, &long, short)
        } else {
            command.arg(with_value(index, parameter, long, short))
        };
    }
    command
}

/// The value that a variable has when nothing is given.
fn prescribed(parameter: &Parameter) -> &[u8] {
    parameter.default.as_deref().unwrap_or(&parameter.initial)
}

fn with_value(index: usize, parameter: &Parameter, long: String, short: Option<char>) -> Arg {
    let default = parameter.display(prescribed(parameter));
    let mut help = printable(&parameter.help);
    if !help.is_empty() {
        help.push(' ');
    }
    help.push_str(&format!("[default: {default}]"));
    let mut arg = Arg::new(index.to_string())
        .long(long)
        .value_name(parameter.type_name.clone())
        .allow_hyphen_values(true)
        .action(ArgAction::Set)
        .help(help);
    if let Some(short) = short {
        arg = arg.short(short);
    }
    arg
}

/// `--x`, `--x=false`, `--enable-x` and `--disable-x`: every spelling that runners of the format had.
fn with_switch(
    command: clap::Command,
    index: usize,
    parameter: &Parameter,
    long: &str,
    short: Option<char>,
) -> clap::Command {
    let on = prescribed(parameter).iter().any(|&byte| byte != 0);
    let mut plain = Arg::new(index.to_string())
        .long(long.to_owned())
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
        .action(ArgAction::Set)
        .help(format!("{} [default: {on}]", printable(&parameter.help)).trim_start().to_owned());
    if let Some(short) = short {
        plain = plain.short(short);
    }
    let flag = |name: &str, shown: bool| {
        Arg::new(format!("{name}-{index}"))
            .long(format!("{name}-{long}"))
            .action(ArgAction::SetTrue)
            .overrides_with(index.to_string())
            .hide(!shown)
            .help(format!("The same as --{long}={}", name == "enable"))
    };
    command.arg(plain).arg(flag("enable", false)).arg(flag("disable", on))
}

/// Reads the program's arguments into bytes of its variables.
///
/// # Errors
///
/// [`ProgramArgsError::Shown`] when help or version were asked for; otherwise what was wrong with them.
pub fn parse_program_args(
    command: clap::Command,
    plan: &Plan,
    arguments: &[OsString],
) -> Result<ProgramArgs, ProgramArgsError> {
    let matches = command.try_get_matches_from(arguments).map_err(|error| refusal(error, plan))?;
    let mut values = Vec::new();
    for (index, parameter) in plan.parameters.iter().enumerate() {
        if let Some(text) = given(&matches, index) {
            let bytes = parameter.encode(&text).map_err(|cause| ProgramArgsError::Value {
                option: spelling(parameter).long,
                value: text.clone(),
                cause,
            })?;
            values.push((index, bytes));
        }
    }
    Ok(ProgramArgs { values })
}

/// The text that was given for a parameter, if any.
fn given(matches: &ArgMatches, index: usize) -> Option<String> {
    let flag =
        |name: &str| matches.try_get_one::<bool>(&format!("{name}-{index}")).ok().flatten() == Some(&true);
    if flag("enable") {
        return Some("true".to_owned());
    }
    if flag("disable") {
        return Some("false".to_owned());
    }
    matches.try_get_one::<String>(&index.to_string()).ok().flatten().cloned()
}

fn refusal(error: clap::Error, plan: &Plan) -> ProgramArgsError {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ProgramArgsError::Shown(error),
        ErrorKind::UnknownArgument => {
            let option = match error.get(clap::error::ContextKind::InvalidArg) {
                Some(clap::error::ContextValue::String(option)) => option.clone(),
                _ => String::new(),
            };
            if belongs_to_ecli(&option) {
                return ProgramArgsError::Misplaced { option };
            }
            let options = plan.parameters.iter().map(|parameter| format!("--{}", spelling(parameter).long));
            ProgramArgsError::Unknown { option, options: options.collect() }
        }
        _ => ProgramArgsError::Usage(super::refusal(&error).0),
    }
}

/// Whether `ecli run` has an option of this spelling.
fn belongs_to_ecli(option: &str) -> bool {
    let command = super::command();
    let Some(run) = command.find_subcommand("run") else { return false };
    let option = option.split('=').next().unwrap_or(option);
    run.get_arguments().any(|arg| match option.strip_prefix("--") {
        Some(long) => arg.get_long() == Some(long),
        None => {
            option.strip_prefix('-').and_then(|rest| rest.chars().next()) == arg.get_short()
                && arg.get_short().is_some()
        }
    })
}
