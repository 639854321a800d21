//! Perf event arrays: a ring for each CPU and map, merged by time.
//!
//! Every record carries the kernel's time. A drain notes the time T, reads all heads, and hands over what is older
//! than T − 1 ms in order of time, straight from the rings; what is younger waits for the next drain, because another
//! CPU may still be writing something older. Of a ring that is more than half full the young records are handed over
//! too, which may put one before an older one of another ring: being late would lose records.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd};

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use crate::ledger::Loss;
use crate::streams::RawRecord;
use crate::streams::rhythm::Wakes;
use crate::sys::perf::{Entry, PerfRing};

/// How long another CPU may take between taking the time of a record and writing it.
pub(super) const SETTLED_NS: u64 = 1_000_000;
/// Part of a ring that is filled before the kernel wakes us: below a quarter wake-ups cost, above half records are
/// lost.
const WATERMARK: usize = 4;

/// Part of a ring that is given back to the kernel while a drain goes on.
const GIVEN_BACK: u64 = 4;

/// The rings of all perf event arrays.
#[derive(Debug, Default)]
pub(super) struct PerfRings {
    rings: Vec<Ring>,
    /// Those that the rings are entries of.
    maps: Vec<MapHandle>,
    /// Rings with something to hand over: time of the first record, and index.
    turns: BinaryHeap<Reverse<(u64, usize)>>,
    /// For records that wrap.
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Ring {
    stream: usize,
    /// Index in `maps`.
    map: usize,
    cpu: u32,
    memory: PerfRing,
    /// First byte that has not been handed over.
    position: u64,
    /// Bytes before this have been given back.
    released: u64,
    /// As the present drain found it.
    head: u64,
    /// Records from this time on are left for the next drain.
    limit_ns: u64,
    delivered: u64,
    reported_lost: u64,
    unordered_drains: u64,
}

impl PerfRings {
    /// Opens a ring for each CPU and puts them into the map.
    ///
    /// # Errors
    ///
    /// Those of perf_event_open(2), mmap(2) and of updating the map. Nothing is left open then.
    pub(super) fn open(
        &mut self,
        stream: usize,
        map: &MapHandle,
        cpus: &[u32],
        size: usize,
    ) -> io::Result<()> {
        let mut rings = Vec::with_capacity(cpus.len());
        for &cpu in cpus {
            match PerfRing::open(cpu, size, size / WATERMARK) {
                Ok(memory) => rings.push(Ring {
                    stream,
                    map: self.maps.len(),
                    cpu,
                    memory,
                    position: 0,
                    released: 0,
                    head: 0,
                    limit_ns: 0,
                    delivered: 0,
                    reported_lost: 0,
                    unordered_drains: 0,
                }),
                // The CPU went offline since the list was read.
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {}
                Err(error) => return Err(error),
            }
        }
        for ring in &rings {
            ring.put(map, ring.memory.as_fd())?;
        }
        self.maps.push(MapHandle::try_from(map).map_err(io::Error::other)?);
        self.rings.extend(rings);
        self.turns.reserve(self.rings.len());
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.rings.iter().map(|ring| ring.memory.as_fd())
    }

    /// Has the kernel wake us as `wakes` says, from now on; a program that is just running may still do otherwise.
    ///
    /// # Errors
    ///
    /// The kernel cannot wake us at each record, or those of updating a map.
    pub(super) fn wake(&self, wakes: Wakes) -> io::Result<()> {
        for ring in &self.rings {
            let event = match wakes {
                Wakes::Record => ring.memory.eager().ok_or(io::ErrorKind::Unsupported)?,
                Wakes::Batch => ring.memory.as_fd(),
            };
            ring.put(&self.maps[ring.map], event)?;
        }
        Ok(())
    }

    /// Hands over what is older than `until_ns`, and all of the rings that are more than half full.
    pub(super) fn drain<F>(&mut self, until_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        self.turns.clear();
        let is_only_one = self.rings.len() == 1;
        for (index, ring) in self.rings.iter_mut().enumerate() {
            ring.look(until_ns, is_only_one);
            self.turns.extend(ring.next_ns().map(|time| Reverse((time, index))));
        }
        let flow = self.take_turns(each);
        for ring in &mut self.rings {
            ring.release();
        }
        flow
    }

    /// Reads the ring with the oldest record up to the time of the next one, again and again.
    fn take_turns<F>(&mut self, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        while let Some(Reverse((time, index))) = self.turns.pop() {
            let next = self.turns.peek().map_or(u64::MAX, |Reverse((time, _))| *time);
            let ring = &mut self.rings[index];
            // Records of the same time: this ring goes on by at least one.
            let limit_ns = next.max(time.saturating_add(1)).min(ring.limit_ns);
            ring.read(&mut self.scratch, limit_ns, each)?;
            self.turns.extend(ring.next_ns().map(|time| Reverse((time, index))));
        }
        ControlFlow::Continue(())
    }

    /// When the first of the records that were too young for the last drain is old enough.
    pub(super) fn settled_ns(&self) -> Option<u64> {
        let rings = self.rings.iter().filter(|ring| ring.memory.head() != ring.position);
        rings.map(|ring| ring.memory.time(ring.position).saturating_add(SETTLED_NS)).min()
    }

    /// Delivered, lost and unordered drains of a stream.
    pub(super) fn books(&self, stream: usize) -> (u64, Loss, u64) {
        let (mut delivered, mut unordered, mut loss) = (0, 0, Loss::Exact(0));
        for ring in self.rings.iter().filter(|ring| ring.stream == stream) {
            delivered += ring.delivered;
            unordered += ring.unordered_drains;
            loss = loss.and(match ring.memory.lost() {
                Ok(Some(count)) => Loss::Exact(count),
                Ok(None) | Err(_) => Loss::AtLeast(ring.reported_lost),
            });
        }
        (delivered, loss, unordered)
    }
}

impl Ring {
    /// Has programs on this CPU write through `event`.
    fn put(&self, map: &MapHandle, event: BorrowedFd<'_>) -> io::Result<()> {
        let fd = event.as_raw_fd();
        map.update(&self.cpu.to_ne_bytes(), &fd.to_ne_bytes(), MapFlags::ANY).map_err(io::Error::other)
    }

    /// Begins a drain: sees what is there, and decides how much of it is handed over.
    fn look(&mut self, until_ns: u64, is_only_one: bool) {
        self.head = self.memory.head();
        let is_full = self.head - self.position > self.memory.size() as u64 / 2;
        self.limit_ns = if is_full || is_only_one { u64::MAX } else { until_ns };
        self.unordered_drains += u64::from(is_full && !is_only_one);
    }

    /// Time of the next record that this drain hands over.
    fn next_ns(&self) -> Option<u64> {
        if self.position >= self.head {
            return None;
        }
        Some(self.memory.time(self.position)).filter(|time| *time < self.limit_ns)
    }

    /// Gives what was handed over back to the kernel.
    fn release(&mut self) {
        if self.released != self.position {
            self.memory.release(self.position);
            self.released = self.position;
        }
    }

    /// Hands over the records that are older than `limit_ns`.
    #[inline]
    fn read<F>(&mut self, scratch: &mut Vec<u8>, limit_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        let give_back = self.memory.size() as u64 / GIVEN_BACK;
        while self.position < self.head {
            let (entry, next) = self.memory.entry(self.position, scratch);
            match entry {
                Entry::Sample { mono_ns, bytes } => {
                    if mono_ns >= limit_ns {
                        break;
                    }
                    self.position = next;
                    self.delivered += 1;
                    each(RawRecord { stream: self.stream, cpu: Some(self.cpu), mono_ns, bytes })?;
                }
                Entry::Lost(count) => {
                    self.position = next;
                    self.reported_lost += count;
                }
                Entry::Other => self.position = next,
            }
            if self.position - self.released >= give_back {
                self.release();
            }
        }
        ControlFlow::Continue(())
    }
}
