//! `ecli run`: from a package to rows, until something ends it.

use std::path::PathBuf;
use std::time::Instant;

use package::{Package, Plan};
use runtime::{Blame, KernelBtf, Level, LoadError, LoadOptions, Loss, Running, StreamOptions};

use crate::cli::{self, ProgramArgs, ProgramArgsError, RunArgs};
use crate::exit::{Exit, Failure};
use crate::follow::{Ended, Watch, follow};
use crate::info::program_epilogue;
use crate::message::Messages;
use crate::modes::opening::{Opened, open};
use crate::output::Output;
use crate::session::Session;
use crate::signals::StopSignal;

/// Loads a package, attaches its programs and prints their events.
///
/// # Errors
///
/// Everything that keeps a package from running, and an output that cannot be written.
pub fn run(args: &RunArgs, messages: &Messages) -> Result<Exit, Failure> {
    let Opened { package, plan } = open(args.package.spec(), &args.fetch, messages)?;
    let Some(given) = program_args(args, &package, &plan, messages)? else { return Ok(Exit::Done) };
    let mut session = Session::new(&plan, args)?;
    let mut output = open_output(args)?;
    let stop = StopSignal::install().map_err(|error| Failure::new(Exit::Failed, error))?;
    let options = load_options(args, given, messages);
    let running = start(package.object(), &plan, &options, messages)?;
    drop(package);
    announce(&running, &plan, messages);
    let deadline = args.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    let watch = Watch { stop, deadline };
    let ended = follow(running, &mut session, &mut output, &watch);
    report(ended, &session, args, messages)
}

/// What the program's own arguments set; `None` when they only asked for help.
fn program_args(
    args: &RunArgs,
    package: &Package,
    plan: &Plan,
    messages: &Messages,
) -> Result<Option<ProgramArgs>, Failure> {
    let doc = package.doc();
    let about = doc.brief.as_deref().or(doc.description.as_deref());
    let epilogue = program_epilogue(plan, doc.details.as_deref());
    let command = cli::program_command(plan, about, doc.version.as_deref(), epilogue);
    match cli::parse_program_args(command, plan, args.package.program_arguments()) {
        Ok(given) => Ok(Some(given)),
        Err(ProgramArgsError::Shown(text)) => {
            let _ = cli::show(&text, messages);
            Ok(None)
        }
        Err(error) => {
            let hint = error.hint();
            Err(Failure::new(Exit::Usage, error).with_hint(hint))
        }
    }
}

fn open_output(args: &RunArgs) -> Result<Output, Failure> {
    match &args.output_file {
        None => {
            Output::stdout().map_err(|error| Failure::new(Exit::Failed, format!("standard output: {error}")))
        }
        Some(path) => Output::file(path)
            .map_err(|error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))),
    }
}

fn load_options(args: &RunArgs, given: ProgramArgs, messages: &Messages) -> LoadOptions {
    let mut streams = StreamOptions::default();
    streams.buffer_bytes = args.buffer_size.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
    let kernel_btf = match &args.btf {
        Some(path) => KernelBtf::File(path.clone()),
        None => KernelBtf::System { cache_dir: if args.no_cache { None } else { cache_folder() } },
    };
    let shown = *messages;
    let libbpf_log = messages.is_verbose().then(|| {
        runtime::Sink::new(move |level, text| shown.detail(format_args!("libbpf {}: {text}", name(level))))
    });
    LoadOptions { values: given.values, streams, kernel_btf, libbpf_log }
}

fn name(level: Level) -> &'static str {
    match level {
        Level::Warning => "warning",
        Level::Information => "info",
        Level::Debug => "debug",
    }
}

/// XDG's folder of the effective user. Root's own one also under sudo, where HOME may be somebody else's: a folder
/// that others can write to is not used anyway.
fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || {
        if rustix::process::geteuid().is_root() {
            Some(PathBuf::from("/var/cache"))
        } else {
            named("HOME").map(|home| home.join(".cache"))
        }
    };
    let folder = named("XDG_CACHE_HOME").filter(|path| path.is_absolute()).or_else(home)?;
    Some(folder.join("ecli"))
}

/// Loads, opens the rings, attaches.
fn start(object: &[u8], plan: &Plan, options: &LoadOptions, messages: &Messages) -> Result<Running, Failure> {
    let exit = |blame| match blame {
        Blame::Machine => Exit::Kernel,
        Blame::Package => Exit::Package,
        Blame::Caller => Exit::Failed,
    };
    let loaded = runtime::load(object, plan, options).map_err(|error| {
        // With -v the log has been shown as it came; there is no more to see.
        let is_shown = messages.is_verbose() && matches!(error, LoadError::Verifier { .. });
        let (hint, detail) = if is_shown { (None, None) } else { (error.hint(), verifier_lines(&error)) };
        Failure::new(exit(error.blame()), error).with_hint(hint).with_detail(detail)
    })?;
    let ready = loaded.open_streams().map_err(|error| {
        let hint = error.hint();
        Failure::new(Exit::Kernel, error).with_hint(hint)
    })?;
    ready.attach().map_err(|error| {
        let hint = error.hint();
        Failure::new(exit(error.blame()), error).with_hint(hint)
    })
}

/// The last lines of the verifier's log; `-v` shows all of it as it comes.
fn verifier_lines(error: &LoadError) -> Option<String> {
    const SHOWN: usize = 8;
    let LoadError::Verifier { log, .. } = error else { return None };
    let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    Some(lines[lines.len().saturating_sub(SHOWN)..].join("\n"))
}

/// What is attached, and what is not as one would expect.
fn announce(running: &Running, plan: &Plan, messages: &Messages) {
    for notice in running.notices() {
        messages.notice(notice);
    }
    let attached: Vec<&str> = running.attachments().iter().map(|it| it.description.as_str()).collect();
    messages.notice(format_args!("attached {}", attached.join(", ")));
    if plan.streams.is_empty() {
        messages.notice(
            "this package exports no events; what it prints with bpf_printk is in the kernel's trace_pipe",
        );
    }
}

/// The line at the end, and the exit code.
fn report(ended: Ended, session: &Session, args: &RunArgs, messages: &Messages) -> Result<Exit, Failure> {
    let Ended { ledger, output, stalled } = ended;
    output.map_err(|error| {
        let subject =
            args.output_file.as_ref().map_or("standard output".into(), |path| path.display().to_string());
        Failure::new(Exit::Failed, format!("cannot write {subject}: {error}"))
    })?;
    if stalled {
        messages.notice("the reader of the output stalled: its last rows were dropped");
    }
    if ledger.streams.is_empty() {
        return Ok(Exit::Done);
    }
    let lost = ledger.streams.iter().map(|stream| stream.lost).reduce(Loss::and).unwrap_or(Loss::ProvenZero);
    let counts = session.counts();
    let seen = counts.shown + counts.filtered;
    messages.notice(format_args!(
        "{seen} event{}, {lost} lost, {} filtered, {} faulty",
        if seen == 1 { "" } else { "s" },
        counts.filtered,
        counts.faulty
    ));
    if args.fail_on_loss && (stalled || !lost.is_none()) {
        return Ok(Exit::Loss);
    }
    Ok(Exit::Done)
}
