//! Records out of the kernel: perf event arrays, ring buffers and sampled maps, all read by one thread.
//!
//! [`Streams::wait`] sleeps until records should be read, [`Streams::drain`] hands them over, in turns:
//!
//! | source | who wakes the reader | time of a record |
//! |---|---|---|
//! | perf event array | each record while few come; else a part of a ring that is filled, or a timer | the kernel's, at the event |
//! | ring buffer | the first record; then a timer while records come | that of reading |
//! | sampled map | the interval | that of listing |

mod memory;
mod perf;
mod rhythm;
mod ring_buffer;
mod sampled;

use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore as _, MapHandle, Object, OpenObject};
use package::{Plan, Source};
use rustix::event::{PollFd, PollFlags, epoll, poll};

use crate::clock::mono_ns;
use crate::error::Blame;
use crate::ledger::{Ledger, Loss, StreamLedger};
use crate::notice::Notice;
use crate::sys::ring_buffer::RingBuffer;

use perf::PerfRings;
use rhythm::{Rhythm, Wakes};
use ring_buffer::RingBufferStream;
use sampled::{ListAt, SampledMap};

pub(crate) use memory::RingSizes;
pub use memory::StreamOptions;

/// So many descriptors can be waited for beside the rings: they are listed without allocating.
const MOST_OTHERS: usize = 14;

/// Why streams could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {
    /// No map of that name in the object.
    #[error("the BPF object has no map {map}")]
    NoMap {
        /// Name in the plan.
        map: String,
    },
    /// A map whose entries cannot be listed.
    #[error("map {map}: maps of type {kind} cannot be listed")]
    CannotList {
        /// Name of the map.
        map: String,
        /// Its type.
        kind: &'static str,
    },
    /// The kernel gives no memory, not even for small rings.
    #[error("map {map}: the kernel refuses rings of {bytes} bytes")]
    Memory {
        /// Name of the map.
        map: String,
        /// The smallest that was tried.
        bytes: usize,
        /// Its answer.
        #[source]
        source: io::Error,
    },
    /// Anything else.
    #[error("map {map} cannot be read")]
    Open {
        /// Name of the map.
        map: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl StreamError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::NoMap { .. } | Self::CannotList { .. } => Blame::Package,
            Self::Memory { .. } | Self::Open { .. } => Blame::Machine,
        }
    }

    /// What to try, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Memory { .. } => "raise kernel.perf_event_mlock_kb or the locked-memory limit (ulimit -l)",
            Self::Open { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "reading perf event arrays needs CAP_PERFMON, or root"
            }
            Self::NoMap { .. } | Self::CannotList { .. } | Self::Open { .. } => return None,
        };
        Some(hint.to_owned())
    }
}

/// One record, borrowed from its ring.
#[derive(Debug, Clone, Copy)]
pub struct RawRecord<'a> {
    /// Index in [`Plan::streams`].
    pub stream: usize,
    /// Where it happened, when the source says so.
    pub cpu: Option<u32>,
    /// CLOCK_MONOTONIC, nanoseconds.
    pub mono_ns: u64,
    /// The record. From a perf event array it may be up to 7 bytes longer than what the program sent.
    pub bytes: &'a [u8],
}

/// A descriptor that is waited for beside the records.
#[derive(Debug, Clone, Copy)]
pub enum Watched<'fd> {
    /// Until it can be read.
    Input(BorrowedFd<'fd>),
    /// Until its other end is closed.
    Closing(BorrowedFd<'fd>),
}

impl<'fd> Watched<'fd> {
    fn poll_fd(&self) -> PollFd<'fd> {
        match *self {
            Self::Input(fd) => PollFd::from_borrowed_fd(fd, PollFlags::IN),
            // Errors and hang-ups are always told.
            Self::Closing(fd) => PollFd::from_borrowed_fd(fd, PollFlags::empty()),
        }
    }
}

/// Why waiting ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wake {
    /// A bit for each descriptor.
    ready: u32,
}

impl Wake {
    /// Whether the descriptor at this index has something to tell: data, an error, or its other end closed.
    #[must_use]
    pub fn is_ready(&self, index: usize) -> bool {
        u32::try_from(index).is_ok_and(|index| self.ready.checked_shr(index).is_some_and(|it| it & 1 == 1))
    }
}

/// Maps are sized; the object is not loaded yet.
#[derive(Debug)]
pub(crate) struct Prepared {
    sizes: RingSizes,
}

/// Open streams.
#[derive(Debug)]
pub(crate) struct Streams {
    names: Vec<String>,
    perf: PerfRings,
    perf_events: OwnedFd,
    ring_buffers: Vec<RingBufferStream>,
    ring_buffer_events: OwnedFd,
    sampled: Vec<SampledMap>,
    rhythm: Rhythm,
    notices: Vec<Notice>,
}

impl Prepared {
    /// Sizes the maps that are read.
    ///
    /// # Errors
    ///
    /// A map that is not in the object or cannot be read.
    pub(crate) fn new(open: &mut OpenObject, plan: &Plan, sizes: RingSizes) -> Result<Self, StreamError> {
        let cpus = libbpf_rs::num_possible_cpus().map_err(|error| open_error("events", error))?;
        for (index, stream) in plan.streams.iter().enumerate() {
            let name = &plan.maps[stream.map].name;
            let mut map = open
                .maps_mut()
                .find(|map| map.name().as_encoded_bytes() == name.as_bytes())
                .ok_or_else(|| StreamError::NoMap { map: name.clone() })?;
            let entries = map.max_entries() as usize;
            let wanted = match stream.source {
                Source::RingBuffer => sizes.of(index),
                // A CPU without an entry would send nothing; 0 means one for each.
                Source::PerfArray if entries > 0 => entries.max(cpus),
                Source::PerfArray => 0,
                Source::Sampled(_) if sampled::can_list(map.map_type()) => entries,
                Source::Sampled(_) => {
                    let kind = package::map_type_name(map.map_type() as u32);
                    return Err(StreamError::CannotList { map: name.clone(), kind });
                }
            };
            if entries != wanted {
                map.set_max_entries(wanted as u32).map_err(|error| open_error(name, error))?;
            }
        }
        Ok(Self { sizes })
    }

    /// Opens every stream of a loaded object.
    ///
    /// # Errors
    ///
    /// The kernel gives no memory, or a map cannot be read.
    pub(crate) fn open(self, object: &Object, plan: &Plan) -> Result<Streams, StreamError> {
        let mut sizes = self.sizes;
        let failed = |error: io::Error| open_error("events", error);
        let epoll = || epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| failed(error.into()));
        let mut streams = Streams {
            names: plan.streams.iter().map(|stream| stream.name.clone()).collect(),
            perf: PerfRings::default(),
            perf_events: epoll()?,
            ring_buffers: Vec::new(),
            ring_buffer_events: epoll()?,
            sampled: Vec::new(),
            rhythm: Rhythm::new(Wakes::Batch, Instant::now()),
            notices: Vec::new(),
        };
        for (index, stream) in plan.streams.iter().enumerate() {
            let name = &plan.maps[stream.map].name;
            let map = handle(object, name)?;
            match &stream.source {
                Source::PerfArray => {
                    sizes.open_perf(&mut streams.perf, index, &map, name)?;
                }
                Source::RingBuffer => {
                    let size = map.max_entries() as usize;
                    let fd = map.as_fd().try_clone_to_owned().map_err(|error| open_error(name, error))?;
                    let memory = RingBuffer::map(fd, size).map_err(|error| open_error(name, error))?;
                    streams.ring_buffers.push(RingBufferStream::new(index, memory, stream.layout.size_bytes));
                }
                Source::Sampled(sampling) => {
                    streams.sampled.push(SampledMap::new(index, map, sampling.clone()));
                }
            }
        }
        streams.notices = sizes.notices();
        streams.watch().map_err(failed)?;
        streams.change(Wakes::Record);
        Ok(streams)
    }
}

fn open_error(map: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StreamError {
    StreamError::Open { map: map.to_owned(), source: io::Error::other(error) }
}

fn handle(object: &Object, name: &str) -> Result<MapHandle, StreamError> {
    let map = object
        .maps()
        .find(|map| map.name().as_encoded_bytes() == name.as_bytes())
        .ok_or_else(|| StreamError::NoMap { map: name.to_owned() })?;
    MapHandle::try_from(&map).map_err(|error| open_error(name, error))
}

impl Streams {
    fn watch(&self) -> io::Result<()> {
        for fd in self.perf.fds() {
            epoll::add(&self.perf_events, fd, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        for ring in &self.ring_buffers {
            epoll::add(
                &self.ring_buffer_events,
                ring.memory(),
                epoll::EventData::new_u64(0),
                epoll::EventFlags::IN,
            )?;
        }
        Ok(())
    }

    /// What the user should be told once.
    pub(crate) fn notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// Sleeps until there may be records, one of `others` (at most [`MOST_OTHERS`]) has something to tell, or
    /// `deadline` has come.
    pub(crate) fn wait(&mut self, others: &[Watched<'_>], deadline: Option<Instant>) -> io::Result<Wake> {
        assert!(others.len() <= MOST_OTHERS, "at most {MOST_OTHERS} descriptors can be waited for");
        let own = [self.perf_events.as_fd(), self.ring_buffer_events.as_fd()].map(Watched::Input);
        let mut fds: [_; MOST_OTHERS + 2] = std::array::from_fn(|index| {
            others.get(index).unwrap_or(&own[usize::from(index > others.len())]).poll_fd()
        });
        // While records come, the timer says when to read; the kernel's wake-ups are not listened to.
        let is_idle = self.ring_buffers.iter().all(|ring| ring.pace().is_none());
        let fds = &mut fds[..others.len() + 1 + usize::from(is_idle)];
        let timeout = self.timeout(deadline).and_then(|left| rustix::time::Timespec::try_from(left).ok());
        match poll(fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |index: &usize| !fds[*index].revents().is_empty();
        Ok(Wake { ready: (0..others.len()).filter(is_ready).fold(0, |ready, index| ready | 1 << index) })
    }

    /// The shortest of all reasons to wake up.
    fn timeout(&self, deadline: Option<Instant>) -> Option<Duration> {
        let now = Instant::now();
        let young =
            self.perf.settled_ns().map(|settled| Duration::from_nanos(settled.saturating_sub(mono_ns())));
        let flush = (!self.perf.is_empty()).then(|| self.rhythm.timeout(now, young));
        let paces = self.ring_buffers.iter().filter_map(RingBufferStream::pace);
        let due = self.sampled.iter().map(|map| map.due().saturating_duration_since(now));
        let deadline = deadline.map(|deadline| deadline.saturating_duration_since(now));
        flush.into_iter().chain(paces).chain(due).chain(deadline).min()
    }

    /// Hands over what is there, until `each` breaks; what it has not seen then stays where it is.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(RawRecord<'_>) -> ControlFlow<()>) -> io::Result<()> {
        let now = mono_ns();
        let mut records = 0;
        let mut counted = |record: RawRecord<'_>| {
            records += 1;
            each(record)
        };
        let flow = self.perf.drain(now.saturating_sub(perf::SETTLED_NS), &mut counted);
        if let Some(wakes) = self.rhythm.drained(Instant::now(), records) {
            self.change(wakes);
        }
        if flow.is_break() {
            return Ok(());
        }
        self.drain_others(now, ListAt::Interval, &mut each)
    }

    fn change(&mut self, wakes: Wakes) {
        match self.perf.wake(wakes) {
            Ok(()) => self.rhythm.changed(wakes, Instant::now()),
            // Some rings may have changed already: the timer, which goes with batches, suits both.
            Err(_) => self.rhythm = Rhythm::new(Wakes::Batch, Instant::now()),
        }
    }

    fn drain_others<F>(&mut self, now: u64, at: ListAt, each: &mut F) -> io::Result<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        for ring in &mut self.ring_buffers {
            if ring.drain(now, each).is_break() {
                return Ok(());
            }
        }
        for map in &mut self.sampled {
            if map.drain(at, now, each)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Hands over everything that was made until now and reads the losses. To be called before anything is detached,
    /// which takes a fraction of a second.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(RawRecord<'_>)) -> Ledger {
        let mut each = |record: RawRecord<'_>| {
            each(record);
            ControlFlow::Continue(())
        };
        let now = mono_ns();
        // What has its time already can be seen after this.
        std::thread::sleep(Duration::from_nanos(perf::SETTLED_NS));
        let _ = self.perf.drain(now, &mut each);
        // A map that cannot be read any more has nothing to add.
        let _ = self.drain_others(now, ListAt::Once, &mut each);
        self.ledger()
    }

    fn ledger(&self) -> Ledger {
        let streams = self.names.iter().enumerate().map(|(index, name)| {
            let name = name.clone();
            if let Some(ring) = self.ring_buffers.iter().find(|ring| ring.stream == index) {
                let (delivered, lost) = ring.books();
                return StreamLedger { name, delivered, lost, unordered_drains: 0 };
            }
            if let Some(map) = self.sampled.iter().find(|map| map.stream() == index) {
                return StreamLedger {
                    name,
                    delivered: map.delivered(),
                    lost: Loss::Exact(0),
                    unordered_drains: 0,
                };
            }
            let (delivered, lost, unordered_drains) = self.perf.books(index);
            StreamLedger { name, delivered, lost, unordered_drains }
        });
        Ledger { streams: streams.collect() }
    }
}
