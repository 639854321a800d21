//! The programs that are measured, and how each is known to be ready and done.

use std::path::Path;
use std::time::{Duration, Instant};

use e2e::{Live, Ran, Tool, kernel, opensnoop};
use rustix::process::Signal;

use crate::peers::Peers;

/// A program that traces opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    Columns,
    Json,
    /// ecli, on the ring buffer package.
    Ring,
    LibbpfTools,
    Bpftrace,
    /// A batched perf reader that drops the records.
    PerfDiscard,
    /// `ring_buffer__poll`, a line a record by printf.
    RingPrint,
    /// `ring_buffer__poll`, the records dropped.
    RingDiscard,
}

impl Subject {
    /// The program with its arguments.
    pub(crate) fn tool(self, peers: &Peers) -> Tool {
        let ecli = || Tool::run_in(&peers.scratch.at("cache"));
        let reader = |mode: &str, object: &Path| Tool::new(&peers.reader).arg(mode).arg(object);
        let tool = match self {
            Self::Columns => ecli().arg(opensnoop()),
            Self::Json => ecli().arg("-j").arg(opensnoop()),
            Self::Ring => ecli().arg(&peers.ring_package),
            Self::LibbpfTools => Tool::new("/usr/sbin/opensnoop"),
            Self::Bpftrace => Tool::new("bpftrace").args(["-f", "json", "/usr/sbin/opensnoop.bt"]),
            Self::PerfDiscard => reader("perf-discard", &peers.perf_object),
            Self::RingPrint => reader("ring-print", &peers.ring_object),
            Self::RingDiscard => reader("ring-discard", &peers.ring_object),
        };
        tool.patience(Duration::from_secs(300))
    }

    /// Starts it with its rows going to a file, and waits until it is attached.
    pub(crate) fn start(self, peers: &Peers, rows: &Path) -> Live {
        let live = self.tool(peers).stdout_file(rows).start();
        self.wait_attached(&live);
        live
    }

    pub(crate) fn wait_attached(self, live: &Live) {
        match self {
            // No links: it attaches by ioctl, with perf events for four tracepoints, BEGIN and END.
            Self::Bpftrace => live.wait_for("six perf events", || kernel::perf_events_of(live.pid()) >= 6),
            // openat alone.
            Self::LibbpfTools | Self::Ring | Self::RingPrint | Self::RingDiscard => live.wait_links(2),
            _ => live.wait_links(4),
        };
        settle(live);
    }
}

/// How long a program must rest to count as done.
const REST: Duration = Duration::from_millis(250);
/// What it may use in that time: the machine's own opens go on.
const RESTING: Duration = Duration::from_millis(3);

/// Waits until the program rests: it has started, or has written all that came.
pub(crate) fn settle(live: &Live) {
    let until = Instant::now() + Duration::from_secs(20);
    let mut before = live.cpu();
    while Instant::now() < until && !live.ends_within(REST) {
        let after = live.cpu();
        if after.saturating_sub(before) < RESTING {
            return;
        }
        before = after;
    }
}

/// Ends it as a person does.
pub(crate) fn stop(live: Live) -> Ran {
    live.stop(Signal::INT)
}
