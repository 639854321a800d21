//! A program that runs.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use wait4::Wait4;

use crate::{Ran, Tool, kernel};

/// A running program; killed when dropped before [`Live::finish`].
#[derive(Debug)]
pub struct Live {
    child: Child,
    end: OwnedFd,
    started: Instant,
    command: String,
    patience: Duration,
    streams: Arc<Streams>,
    readers: Vec<JoinHandle<()>>,
    reaped: bool,
}

/// What the program has written so far, and a bell that rings when more comes.
#[derive(Debug, Default)]
struct Streams {
    bytes: Mutex<[Vec<u8>; 2]>,
    more: Condvar,
}

const OUT: usize = 0;
const ERR: usize = 1;

impl Streams {
    fn lock(&self) -> MutexGuard<'_, [Vec<u8>; 2]> {
        self.bytes.lock().expect("no reader panics")
    }

    fn collect(self: &Arc<Self>, stream: usize, mut from: impl Read + Send + 'static) -> JoinHandle<()> {
        let streams = Arc::clone(self);
        std::thread::spawn(move || {
            let mut chunk = vec![0; 64 << 10];
            while let Ok(len @ 1..) = from.read(&mut chunk) {
                streams.lock()[stream].extend_from_slice(&chunk[..len]);
                streams.more.notify_all();
            }
        })
    }
}

impl Live {
    pub(crate) fn start(mut command: std::process::Command, tool: Tool) -> Self {
        let shown = tool.shown();
        let started = Instant::now();
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{shown}: {why}"));
        let end =
            pidfd_open(pid_of(&child), PidfdFlags::empty()).expect("a child that is not reaped has a pidfd");
        let streams = Arc::new(Streams::default());
        let mut readers = Vec::new();
        readers.extend(child.stdout.take().map(|from| streams.collect(OUT, from)));
        readers.extend(child.stderr.take().map(|from| streams.collect(ERR, from)));
        if let Some(mut stdin) = child.stdin.take() {
            // It may end without reading all of it; that is its affair.
            std::thread::spawn(move || drop(stdin.write_all(&tool.stdin)));
        }
        Self { child, end, started, command: shown, patience: tool.patience, streams, readers, reaped: false }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// When it has ended.
    pub fn signal(&self, signal: Signal) {
        pidfd_send_signal(&self.end, signal).unwrap_or_else(|why| panic!("{}: {why}", self.command));
    }

    /// Whether it has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ends_within(Duration::ZERO)
    }

    /// Waits for its end at most that long.
    #[must_use]
    pub fn ends_within(&self, most: Duration) -> bool {
        let until = Instant::now() + most;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).expect("less than 292 years");
            match poll(&mut [PollFd::new(&self.end, PollFlags::IN)], Some(&left)) {
                Ok(ready) => return ready > 0,
                Err(rustix::io::Errno::INTR) => {}
                Err(why) => panic!("poll: {why}"),
            }
        }
    }

    /// Waits until standard output satisfies the condition; gives what has come so far.
    ///
    /// # Panics
    /// When it does not in time.
    #[track_caller]
    pub fn wait_out(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        self.wait_stream(OUT, what, holds)
    }

    /// Waits until standard error satisfies the condition; gives what has come so far.
    ///
    /// # Panics
    /// When it does not in time.
    #[track_caller]
    pub fn wait_err(&self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        self.wait_stream(ERR, what, holds)
    }

    #[track_caller]
    fn wait_stream(&self, stream: usize, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let until = self.started + self.patience;
        let mut bytes = self.streams.lock();
        loop {
            let text = String::from_utf8_lossy(&bytes[stream]).into_owned();
            if holds(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            let ended = self.ended() && self.readers.iter().all(JoinHandle::is_finished);
            if left.is_zero() || ended {
                let err = String::from_utf8_lossy(&bytes[ERR]).into_owned();
                drop(bytes);
                panic!("$ {}\nwaited in vain for {what}; so far:\n{text}\n--- stderr\n{err}", self.command);
            }
            bytes = self.streams.more.wait_timeout(bytes, left.min(POLL)).expect("no reader panics").0;
        }
    }

    /// Waits until it holds at least that many BPF links: everything is attached.
    ///
    /// # Panics
    /// When it does not in time.
    #[track_caller]
    pub fn wait_links(&self, least: usize) -> &Self {
        self.wait_for(&format!("{least} BPF links"), || kernel::held_by(self.pid()).links.len() >= least)
    }

    /// Waits until a condition outside of its streams holds.
    ///
    /// # Panics
    /// When it does not in time, or when the program ends before.
    #[track_caller]
    pub fn wait_for(&self, what: &str, holds: impl Fn() -> bool) -> &Self {
        let until = Instant::now() + self.patience.min(CONDITION);
        while !holds() {
            let err = || String::from_utf8_lossy(&self.streams.lock()[ERR]).into_owned();
            assert!(!self.ended(), "$ {}\nended before it had {what}\n--- stderr\n{}", self.command, err());
            assert!(Instant::now() < until, "$ {}\nhas no {what}\n--- stderr\n{}", self.command, err());
            std::thread::sleep(POLL);
        }
        self
    }

    /// Standard output so far.
    #[must_use]
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.streams.lock()[OUT]).into_owned()
    }

    /// CPU time of all its threads so far, to the nanosecond (`/proc/PID/task/*/schedstat`).
    #[must_use]
    pub fn cpu(&self) -> Duration {
        kernel::cpu_of(self.pid())
    }

    /// Its largest resident set so far (`VmHWM`); other than in [`Ran`], that of the harness does not count.
    #[must_use]
    pub fn peak_rss_bytes(&self) -> u64 {
        kernel::peak_rss_bytes_of(self.pid())
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it does not end in time; it is killed then.
    #[track_caller]
    pub fn finish(mut self) -> Ran {
        let left = (self.started + self.patience).saturating_duration_since(Instant::now());
        let in_time = self.ends_within(left);
        if !in_time {
            self.signal(Signal::KILL);
            assert!(self.ends_within(Duration::from_secs(10)), "{}: not even SIGKILL ends it", self.command);
        }
        let used = self.child.try_wait4().expect("a child can be waited for").expect("it has ended");
        let wall = self.started.elapsed();
        self.reaped = true;
        for reader in self.readers.drain(..) {
            reader.join().expect("no reader panics");
        }
        let [stdout, stderr] = std::mem::take(&mut *self.streams.lock());
        let ran = Ran {
            command: self.command.clone(),
            status: used.status,
            stdout,
            stderr,
            wall,
            cpu: used.rusage.utime + used.rusage.stime,
            peak_rss_bytes: used.rusage.maxrss,
        };
        assert!(in_time, "not finished after {:?}; killed\n{ran}", self.patience);
        ran
    }

    /// Sends the signal and waits for its end.
    ///
    /// # Panics
    /// As [`Live::finish`].
    #[track_caller]
    pub fn stop(self, signal: Signal) -> Ran {
        self.signal(signal);
        self.finish()
    }
}

/// How long a condition may take to hold.
const CONDITION: Duration = Duration::from_secs(20);

/// How often something that rings no bell is looked at.
const POLL: Duration = Duration::from_millis(5);

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(child.id().cast_signed()).expect("a child has an id above zero")
}

impl Drop for Live {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
