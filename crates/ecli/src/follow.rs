//! From the first record to the last: read, show, write, until something ends it; then stop in order.
//!
//! Nothing here waits for one thing alone. A reader that stalls must not keep Ctrl-C from working, and rings that are
//! filled faster than rows are written must not keep the deadline from being seen.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use runtime::{Clock, Ledger, Running, Watched};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::time::Timespec;

use crate::output::{Flushed, Output};
use crate::session::Session;
use crate::signals::StopSignal;

/// How long a reader that stalls may keep what is left from being written at the end.
const PATIENCE: Duration = Duration::from_millis(500);

/// What ends a run from outside.
#[derive(Debug)]
pub struct Watch {
    /// SIGINT or SIGTERM.
    pub stop: StopSignal,
    /// `--timeout`.
    pub deadline: Option<Instant>,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// The books, taken before anything was detached.
    pub ledger: Ledger,
    /// Why the output could not be written, if so.
    pub output: io::Result<()>,
    /// Rows were dropped at the end, because the output's reader took nothing for half a second.
    pub stalled: bool,
}

/// Why reading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Signal, time-out, enough rows.
    Asked,
    /// Nobody reads any more.
    Closed,
}

/// Reads and shows records until something ends it, then stops: drain, read the losses, detach, flush.
pub fn follow(mut running: Running, session: &mut Session, output: &mut Output, watch: &Watch) -> Ended {
    session.begin(output.buffer());
    let mut last = match follow_until_end(&mut running, session, output, watch) {
        Ok(End::Asked) => Last::Open,
        Ok(End::Closed) => Last::Closed,
        Err(error) => Last::Failed(error),
    };
    let offset = Clock::now().wall_offset_ns();
    let ledger = running.stop(|raw| {
        if matches!(last, Last::Open) && !session.is_satisfied() {
            let _ = session.record(&raw, offset, output.buffer());
            if output.is_full() {
                last = Last::after(output.finish(PATIENCE));
            }
        }
    });
    session.finish(output.buffer());
    if matches!(last, Last::Open) {
        last = Last::after(output.finish(PATIENCE));
    }
    let stalled = matches!(last, Last::Stalled);
    let output = if let Last::Failed(error) = last { Err(error) } else { Ok(()) };
    Ended { ledger, output, stalled }
}

/// The output while the run is being ended.
enum Last {
    Open,
    Stalled,
    Closed,
    Failed(io::Error),
}

impl Last {
    fn after(flushed: io::Result<Flushed>) -> Self {
        match flushed {
            Ok(Flushed::All) => Self::Open,
            Ok(Flushed::Blocked) => Self::Stalled,
            Ok(Flushed::Closed) => Self::Closed,
            Err(error) => Self::Failed(error),
        }
    }
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
                if watch.wait_for(output)? {
                    return Ok(End::Asked);
                }
                continue;
            }
            Flushed::All if session.is_satisfied() => return Ok(End::Asked),
            Flushed::All => {}
        }
        let stop = Watched::Input(watch.stop.as_fd());
        let wake = match output.waits_on() {
            Some(reader) => running.wait(&[stop, Watched::Closing(reader)], watch.deadline),
            None => running.wait(&[stop], watch.deadline),
        }?;
        if wake.is_ready(0) || watch.is_late() {
            return Ok(End::Asked);
        }
        if wake.is_ready(1) {
            return Ok(End::Closed);
        }
        drain(running, session, output, watch)?;
    }
}

/// Empties the rings into the output's buffer, and the buffer into the output as often as it is full.
fn drain(running: &mut Running, session: &mut Session, output: &mut Output, watch: &Watch) -> io::Result<()> {
    let offset = Clock::now().wall_offset_ns();
    loop {
        let mut broke = false;
        running.drain(|raw| {
            let flow = session.record(&raw, offset, output.buffer());
            broke = flow.is_break() || output.is_full();
            if broke { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        session.settle(output.buffer());
        if !broke || session.is_satisfied() || output.flush()? != Flushed::All || watch.is_over()? {
            return Ok(());
        }
    }
}

impl Watch {
    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Whether it is time to end, without waiting.
    fn is_over(&self) -> io::Result<bool> {
        let mut fds = [PollFd::new(&self.stop, PollFlags::IN)];
        Ok(self.is_late() || poll_all(&mut fds, Some(Duration::ZERO))? > 0)
    }

    /// Waits until the output's reader goes on; whether it is time to end instead.
    fn wait_for(&self, output: &Output) -> io::Result<bool> {
        let Some(reader) = output.waits_on() else { return Ok(false) };
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let mut fds =
            [PollFd::new(&self.stop, PollFlags::IN), PollFd::from_borrowed_fd(reader, PollFlags::OUT)];
        poll_all(&mut fds, left)?;
        Ok(!fds[0].revents().is_empty() || self.is_late())
    }
}

/// poll(2) that takes an interruption for the end of the wait; the signal's own descriptor says why.
fn poll_all(fds: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<usize> {
    let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
    match poll(fds, timeout.as_ref()) {
        Ok(count) => Ok(count),
        Err(rustix::io::Errno::INTR) => Ok(0),
        Err(error) => Err(error.into()),
    }
}
