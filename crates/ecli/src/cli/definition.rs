//! The options of `ecli`.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use super::values::{duration, size};
use crate::source::Digest;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; also Ctrl-C, SIGTERM, --timeout and a closed pipe
  1  failed: unreadable file, network, HTTP status, body cut short, full disk
  2  usage: options, parameters, filter, plain http refused
  3  read, but no usable package (a folder too)
  4  this kernel or these privileges cannot run it, verifier included
  5  the digest differs from --sha256
  6  events were lost, and --fail-on-loss was given";

/// Run eBPF packages: one file with a compiled BPF program and the layout of its events.
#[derive(Debug, Parser)]
#[command(name = "ecli", version, after_help = EXIT_CODES, max_term_width = 100)]
#[command(override_usage = "ecli [run] [OPTIONS] PACKAGE [PROGRAM ARGUMENTS]\n       ecli COMMAND")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Load a package, attach its programs and print their events
    #[command(override_usage = "ecli run [OPTIONS] PACKAGE [PROGRAM ARGUMENTS]", after_help = EXIT_CODES)]
    Run(RunArgs),
    /// Show what is in a package; needs no root and loads nothing
    #[command(override_usage = "ecli info [OPTIONS] PACKAGE", after_help = EXIT_CODES)]
    Info(InfoArgs),
    /// Compile a .bpf.c, or the folder that holds one, into package.json beside it
    Build(BuildArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages of this version into a folder
    #[command(hide = true)]
    Man {
        /// Folder that exists
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

/// Which package, and what follows it.
#[derive(Debug, Args)]
pub struct PackageArgs {
    /// A file, '-' for standard input, or an http(s) URL; what follows goes to the program
    #[arg(
        required = true,
        num_args = 1..,
        trailing_var_arg = true,
        value_name = "PACKAGE",
        value_hint = ValueHint::FilePath
    )]
    words: Vec<OsString>,
}

impl PackageArgs {
    /// The package as typed.
    #[must_use]
    pub fn spec(&self) -> &OsStr {
        self.words.first().expect("clap requires the package")
    }

    /// What followed the package, without the first `--` when it comes at once.
    #[must_use]
    pub fn program_arguments(&self) -> &[OsString] {
        match &self.words[1..] {
            [separator, rest @ ..] if separator == "--" => rest,
            all => all,
        }
    }
}

/// How a package is fetched, and how large it may be.
#[derive(Debug, Args)]
#[command(next_help_heading = "Fetching")]
pub struct FetchArgs {
    /// Refuse a package whose SHA-256 differs; a URL may end in #sha256=HEX instead
    #[arg(long, value_name = "HEX")]
    pub sha256: Option<Digest>,
    /// Trust the certificate authorities in this PEM file as well
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub cacert: Option<PathBuf>,
    /// Allow plain http to hosts other than this one
    #[arg(long)]
    pub allow_http: bool,
    /// Give up on a host that does not answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub connect_timeout: Duration,
    /// Give up on a transfer that takes longer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub fetch_timeout: Duration,
    /// Refuse a larger package file
    #[arg(long, value_name = "BYTES", value_parser = size, default_value = "64M")]
    pub max_package_size: u64,
    /// Refuse a package whose BPF object is larger once inflated
    #[arg(long, value_name = "BYTES", value_parser = size, default_value = "64M")]
    pub max_object_size: u64,
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Columns for people
    Columns,
    /// One JSON object a line
    Json,
    /// RFC 4180
    Csv,
}

/// Which time rows carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Time {
    /// Local time of day; RFC 3339 in JSON
    Wall,
    /// Seconds since 1970
    Unix,
    /// Seconds of CLOCK_MONOTONIC
    Mono,
    /// No time
    None,
}

/// `ecli run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The package.
    #[command(flatten)]
    pub package: PackageArgs,

    /// One JSON object a line; the same as -o json
    #[arg(short, long, conflicts_with = "output", help_heading = "Output")]
    pub json: bool,
    /// How rows are written
    #[arg(short, long, value_name = "FORMAT", help_heading = "Output")]
    pub output: Option<Format>,
    /// Show only these fields, in this order
    #[arg(long, value_name = "A,B.C", value_delimiter = ',', help_heading = "Output")]
    pub fields: Option<Vec<String>>,
    /// Show only events for which this holds, as in 'ret < 0 && comm ~ "^ng"'
    #[arg(long, value_name = "EXPR", help_heading = "Output")]
    pub filter: Option<String>,
    /// Which time rows carry [default: wall in columns and CSV, none in JSON]
    #[arg(long, value_name = "KIND", help_heading = "Output")]
    pub time: Option<Time>,
    /// Leave out the line with the names of the columns
    #[arg(long, help_heading = "Output")]
    pub no_header: bool,
    /// Write rows to this file instead of standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Output")]
    pub output_file: Option<PathBuf>,

    /// Stop after this time
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Stopping")]
    pub timeout: Option<Duration>,
    /// Stop after this many events were shown
    #[arg(long, value_name = "N", help_heading = "Stopping")]
    pub count: Option<u64>,
    /// Exit with 6 when events were lost, or may have been
    #[arg(long, help_heading = "Stopping")]
    pub fail_on_loss: bool,

    /// Ring memory: per CPU for a perf event array, per map for a ring buffer [default: 1M, at most 64M in all]
    #[arg(long, value_name = "BYTES", value_parser = size, help_heading = "Kernel")]
    pub buffer_size: Option<u64>,
    /// Read kernel types from this BTF file instead of /sys/kernel/btf/vmlinux
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Kernel")]
    pub btf: Option<PathBuf>,
    /// Neither read nor write the cache of trimmed kernel types
    #[arg(long, help_heading = "Kernel")]
    pub no_cache: bool,

    /// Say nothing but errors on standard error
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Messages")]
    pub quiet: bool,
    /// Say more: unknown keys of the package, libbpf's log
    #[arg(short, long, help_heading = "Messages")]
    pub verbose: bool,

    /// How the package is fetched.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// `ecli info`.
#[derive(Debug, Args)]
pub struct InfoArgs {
    /// A file, '-' for standard input, or an http(s) URL
    #[arg(value_hint = ValueHint::FilePath)]
    pub package: OsString,
    /// As JSON
    #[arg(short, long, help_heading = "Output")]
    pub json: bool,
    /// Also show keys of the package that have no meaning here
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// How the package is fetched.
    #[command(flatten)]
    pub fetch: FetchArgs,
}

/// `ecli build`.
#[derive(Debug, Args)]
pub struct BuildArgs {
    /// A .bpf.c file, or a folder that holds exactly one
    #[arg(value_hint = ValueHint::AnyPath)]
    pub path: PathBuf,
    /// Where to write the package [default: package.json beside the source]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// The compiler
    #[arg(long, value_name = "CLANG", env = "CLANG")]
    pub clang: Option<PathBuf>,
}
