//! `ecli run`: from a package to rows, until something ends it.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use package::{Package, Plan};
use runtime::{Blame, Clock, KernelBtf, Level, LoadOptions, Loss, Running, StreamOptions, Watched};
use rustix::event::{PollFd, PollFlags, poll};

use crate::cli::{self, ProgramArgs, ProgramArgsError, RunArgs};
use crate::exit::{Exit, Failure};
use crate::info::program_epilogue;
use crate::message::Messages;
use crate::modes::opening::{Opened, open};
use crate::output::{Flushed, Output};
use crate::session::Session;
use crate::signals::StopSignal;

/// How long a reader that stalls may keep what is left from being written at the end.
const PATIENCE: Duration = Duration::from_millis(500);

/// Loads a package, attaches its programs and prints their events.
///
/// # Errors
///
/// Everything that keeps a package from running, and an output that cannot be written.
pub fn run(args: &RunArgs, messages: &Messages) -> Result<Exit, Failure> {
    let Opened { package, plan } = open(&args.package, &args.fetch, messages)?;
    let Some(given) = program_args(args, &package, &plan)? else { return Ok(Exit::Done) };
    let mut session = Session::new(&plan, args)?;
    let mut output = open_output(args)?;
    let stop = StopSignal::install().map_err(|error| Failure::new(Exit::Failed, error))?;
    let options = load_options(args, given, messages);
    let running = start(package.object(), &plan, &options)?;
    drop(package);
    announce(&running, &plan, messages);
    let watch = Watch { deadline: args.timeout.map(|timeout| Instant::now() + timeout), stop };
    let ended = follow(running, &mut session, &mut output, &watch);
    report(ended, &session, args, messages)
}

/// What the program's own arguments set; `None` when they only asked for help.
fn program_args(args: &RunArgs, package: &Package, plan: &Plan) -> Result<Option<ProgramArgs>, Failure> {
    let doc = package.doc();
    let about = doc.brief.as_deref().or(doc.description.as_deref());
    let epilogue = program_epilogue(plan, doc.details.as_deref());
    let command = cli::program_command(plan, about, doc.version.as_deref(), epilogue);
    match cli::parse_program_args(command, plan, args.package.program_arguments()) {
        Ok(given) => Ok(Some(given)),
        Err(ProgramArgsError::Shown(text)) => {
            let _ = cli::show(&text);
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
fn start(object: &[u8], plan: &Plan, options: &LoadOptions) -> Result<Running, Failure> {
    let exit = |blame| match blame {
        Blame::Machine => Exit::Kernel,
        Blame::Package => Exit::Package,
        Blame::Caller => Exit::Failed,
    };
    let loaded = runtime::load(object, plan, options).map_err(|error| {
        let (hint, detail) = (error.hint(), verifier_lines(&error));
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
fn verifier_lines(error: &runtime::LoadError) -> Option<String> {
    const SHOWN: usize = 8;
    let runtime::LoadError::Verifier { log, .. } = error else { return None };
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

/// What ends a run from outside.
struct Watch {
    stop: StopSignal,
    deadline: Option<Instant>,
}

/// How a run ended.
struct Ended {
    ledger: runtime::Ledger,
    output: io::Result<()>,
}

/// Reads and shows records until something ends it, then stops in order: drain, read the losses, detach, flush.
fn follow(mut running: Running, session: &mut Session, output: &mut Output, watch: &Watch) -> Ended {
    session.begin(output.buffer());
    let followed = follow_until_end(&mut running, session, output, watch);
    let mut closed = !matches!(followed, Ok(End::Asked));
    let mut result = followed.map(|_| ());
    let clock = Clock::now();
    let ledger = running.stop(|raw| {
        if closed || session.is_satisfied() {
            return;
        }
        let _ = session.record(&raw, clock.wall_offset_ns(), output.buffer());
        if output.is_full() {
            closed |= !matches!(finish(output, &mut result), Some(Flushed::All));
        }
    });
    session.finish(output.buffer());
    if !closed {
        finish(output, &mut result);
    }
    Ended { ledger, output: result }
}

/// Flushes with patience; an error is kept when it is the first.
fn finish(output: &mut Output, result: &mut io::Result<()>) -> Option<Flushed> {
    match output.finish(PATIENCE) {
        Ok(flushed) => Some(flushed),
        Err(error) => {
            if result.is_ok() {
                *result = Err(error);
            }
            None
        }
    }
}

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Signal, time-out, enough rows.
    Asked,
    /// Nobody reads any more.
    Closed,
}

fn follow_until_end(
    running: &mut Running,
    session: &mut Session,
    output: &mut Output,
    watch: &Watch,
) -> io::Result<End> {
    loop {
        match output.flush()? {
            Flushed::Closed => return Ok(End::Closed),
            // The reader stalls: leave the rings alone until it goes on.
            Flushed::Blocked => {
                if wait_for_reader(output, watch)? {
                    return Ok(End::Asked);
                }
                continue;
            }
            Flushed::All if session.is_satisfied() => return Ok(End::Asked),
            Flushed::All => {}
        }
        let mut others = vec![Watched::Input(watch.stop.as_fd())];
        others.extend(output.waits_on().map(Watched::Closing));
        let wake = running.wait(&others, watch.deadline)?;
        if wake.is_ready(0) || watch.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return Ok(End::Asked);
        }
        drain(running, session, output)?;
    }
}

/// Empties the rings into the output's buffer, and the buffer into the output as often as it is full.
fn drain(running: &mut Running, session: &mut Session, output: &mut Output) -> io::Result<()> {
    let offset = Clock::now().wall_offset_ns();
    loop {
        let mut broke = false;
        running.drain(|raw| {
            let flow = session.record(&raw, offset, output.buffer());
            broke = flow.is_break() || output.is_full();
            if broke { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        session.settle(output.buffer());
        if !broke || session.is_satisfied() || output.flush()? != Flushed::All {
            return Ok(());
        }
    }
}

/// Waits for the reader, a signal or the deadline; whether it is time to end.
fn wait_for_reader(output: &Output, watch: &Watch) -> io::Result<bool> {
    let Some(reader) = output.waits_on() else { return Ok(false) };
    let mut fds = [
        PollFd::from_borrowed_fd(watch.stop.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(reader, PollFlags::OUT),
    ];
    let left = watch.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
    let timeout = left.and_then(|left| rustix::time::Timespec::try_from(left).ok());
    match poll(&mut fds, timeout.as_ref()) {
        Ok(count) => Ok(!fds[0].revents().is_empty() || (count == 0 && watch.deadline.is_some())),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The line at the end, and the exit code.
fn report(ended: Ended, session: &Session, args: &RunArgs, messages: &Messages) -> Result<Exit, Failure> {
    let Ended { ledger, output } = ended;
    output.map_err(|error| {
        let subject =
            args.output_file.as_ref().map_or("standard output".into(), |path| path.display().to_string());
        Failure::new(Exit::Failed, format!("cannot write {subject}: {error}"))
    })?;
    if ledger.streams.is_empty() {
        return Ok(Exit::Done);
    }
    let lost = ledger.streams.iter().map(|stream| stream.lost).reduce(Loss::and).unwrap_or(Loss::ProvenZero);
    let counts = session.counts();
    messages.notice(format_args!(
        "{} events, {lost} lost, {} filtered, {} faulty",
        counts.shown + counts.filtered,
        counts.filtered,
        counts.faulty
    ));
    if args.fail_on_loss && !lost.is_none() {
        return Ok(Exit::Loss);
    }
    Ok(Exit::Done)
}
