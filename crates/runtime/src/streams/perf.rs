//! Perf event arrays: a ring for each CPU and map, merged by time.
//!
//! Every record carries the kernel's time. A drain notes the time T, reads all heads, and hands over what is older
//! than T − 1 ms in order of time, straight from the rings; what is younger waits for the next drain, because another
//! CPU may still be writing something older. A ring that is more than half full is emptied first, out of order: being
//! late would lose records.

use std::io;
use std::ops::ControlFlow;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};

use crate::ledger::Loss;
use crate::streams::RawRecord;
use crate::sys::perf::{Entry, PerfRing};

/// How long another CPU may take between taking the time of a record and writing it.
pub(super) const SETTLED_NS: u64 = 1_000_000;
/// Part of a ring that is filled before the kernel wakes us: below a quarter wake-ups cost, above half records are
/// lost.
const WATERMARK: usize = 6;

/// The rings of all perf event arrays.
#[derive(Debug, Default)]
pub(super) struct PerfRings {
    rings: Vec<Ring>,
    /// For records that wrap.
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Ring {
    stream: usize,
    cpu: u32,
    memory: PerfRing,
    position: u64,
    delivered: u64,
    reported_lost: u64,
    unordered_drains: u64,
}

/// A ring that is being read up to `head`.
struct Cursor {
    ring: usize,
    head: u64,
    time: u64,
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
                    cpu,
                    memory,
                    position: 0,
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
            let fd = std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&ring.memory));
            map.update(&ring.cpu.to_ne_bytes(), &fd.to_ne_bytes(), MapFlags::ANY)
                .map_err(io::Error::other)?;
        }
        self.rings.extend(rings);
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rings.is_empty()
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = std::os::fd::BorrowedFd<'_>> {
        self.rings.iter().map(|ring| std::os::fd::AsFd::as_fd(&ring.memory))
    }

    /// Hands over what is older than `until_ns`, and all of the rings that are more than half full.
    pub(super) fn drain<F>(&mut self, until_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        let mut cursors: Vec<Cursor> = Vec::new();
        let mut flow = ControlFlow::Continue(());
        for index in 0..self.rings.len() {
            let head = self.rings[index].memory.head();
            let filled = head - self.rings[index].position;
            if filled == 0 {
                continue;
            }
            if flow.is_continue()
                && self.rings.len() > 1
                && filled > self.rings[index].memory.size() as u64 / 2
            {
                self.rings[index].unordered_drains += 1;
                flow = self.rings[index].read(&mut self.scratch, head, u64::MAX, each);
                continue;
            }
            let time = self.rings[index].memory.time(self.rings[index].position);
            cursors.push(Cursor { ring: index, head, time });
        }
        if flow.is_continue() {
            flow = self.merge(&mut cursors, until_ns, each);
        }
        for ring in &self.rings {
            ring.memory.release(ring.position);
        }
        flow
    }

    /// Reads the ring with the oldest record up to the time of the next one, again and again.
    fn merge<F>(&mut self, cursors: &mut Vec<Cursor>, until_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        while let Some(oldest) = (0..cursors.len()).min_by_key(|&index| cursors[index].time) {
            let others = cursors.iter().enumerate().filter(|&(index, _)| index != oldest);
            let next = others.map(|(_, cursor)| cursor.time).min().unwrap_or(u64::MAX);
            let Cursor { ring, head, time } = cursors[oldest];
            if time >= until_ns {
                break;
            }
            // Records of the same time: this ring goes on by at least one.
            let limit = next.max(time + 1).min(until_ns);
            self.rings[ring].read(&mut self.scratch, head, limit, each)?;
            if self.rings[ring].position >= head {
                cursors.swap_remove(oldest);
            } else {
                cursors[oldest].time = self.rings[ring].memory.time(self.rings[ring].position);
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether a ring holds records that were too young for the last drain.
    pub(super) fn holds_back(&self) -> bool {
        self.rings.iter().any(|ring| ring.memory.head() != ring.position)
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
    /// Hands over the records before `head` that are older than `limit_ns`.
    #[inline]
    fn read<F>(&mut self, scratch: &mut Vec<u8>, head: u64, limit_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        while self.position < head {
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
        }
        ControlFlow::Continue(())
    }
}
