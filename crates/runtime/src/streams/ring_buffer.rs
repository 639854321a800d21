//! BPF ring buffers: waited for once, then read on a timer, with the consumer's position stored once a drain.
//!
//! The kernel wakes the reader at each record that finds it caught up. Storing the position after every record would
//! therefore cost a wake-up an event; storing it once a drain costs one a drain.
//!
//! Nobody counts the records that a full ring refuses. But when what was produced at the end of a drain, seen from
//! where the reader stood before it, leaves room for one more of the largest records, then no reservation can have
//! failed in between.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::ledger::Loss;
use crate::streams::RawRecord;
use crate::sys::ring_buffer::{RingBuffer, Slot};

/// Bounds of the time between two drains while records come.
const PACE: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(5));
/// Part of a ring that is given back to the programs while a drain goes on.
const GIVEN_BACK: u64 = 4;
/// The proof demands room for a record of this part of the ring: a program may send larger ones than the layout says,
/// and nobody sees those that are refused.
const LARGEST: u64 = 8;

/// A ring buffer with one stream of records.
#[derive(Debug)]
pub(super) struct RingBufferStream {
    pub(super) stream: usize,
    memory: RingBuffer,
    /// `None`: caught up, the kernel will wake us.
    pace: Option<Duration>,
    largest: u64,
    delivered: u64,
    full_drains: u64,
}

impl RingBufferStream {
    /// A stream whose records have `record_bytes` as a rule.
    pub(super) fn new(stream: usize, memory: RingBuffer, record_bytes: u32) -> Self {
        let largest = u64::from(record_bytes).max(memory.size() as u64 / LARGEST);
        Self { stream, memory, pace: None, largest, delivered: 0, full_drains: 0 }
    }

    /// How long until the next drain; `None`: until the kernel wakes us.
    pub(super) fn pace(&self) -> Option<Duration> {
        self.pace
    }

    pub(super) fn memory(&self) -> &RingBuffer {
        &self.memory
    }

    /// Hands over what is there.
    pub(super) fn drain<F>(&mut self, mono_ns: u64, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        let start = self.memory.consumed();
        let size = self.memory.size() as u64;
        let (mut position, mut released) = (start, start);
        let mut flow = ControlFlow::Continue(());
        let mut head = self.memory.produced();
        let (mut is_busy, mut had_room) = (false, true);
        while flow.is_continue() {
            if position >= head {
                head = self.memory.produced();
                // What comes while we read is read too, but one drain covers the ring once at most.
                if position >= head || position - start >= size {
                    break;
                }
            }
            match self.memory.slot(position) {
                Slot::Busy => {
                    is_busy = true;
                    break;
                }
                Slot::Discarded(next) => position = next,
                Slot::Record(bytes, next) => {
                    position = next;
                    self.delivered += 1;
                    self.largest = self.largest.max(bytes.len() as u64);
                    flow = each(RawRecord { stream: self.stream, cpu: None, mono_ns, bytes });
                }
            }
            if position - released >= size / GIVEN_BACK {
                had_room &= self.release(released, position);
                released = position;
            }
        }
        had_room &= self.release(released, position);
        self.full_drains += u64::from(!had_room);
        self.adapt(position - start, is_busy);
        flow
    }

    /// Gives the records before `position` back, and tells whether the ring had room for one more record all the time
    /// since that was done for those before `released`: the kernel refuses what would end further than the size from
    /// where it knows the reader to be.
    fn release(&mut self, released: u64, position: u64) -> bool {
        if position != released {
            self.memory.release(position);
        }
        let one_more = (self.largest + 8).next_multiple_of(8);
        self.memory.produced() - released + one_more < self.memory.size() as u64
    }

    /// Reads sooner when much was there, later when little was, and waits for the kernel when nothing was.
    fn adapt(&mut self, read: u64, is_busy: bool) {
        let size = self.memory.size() as u64;
        self.pace = match self.pace {
            // The kernel would say at once that something is there.
            _ if is_busy => Some(PACE.0),
            _ if read == 0 => None,
            None => Some(PACE.0),
            Some(pace) if read > size / 4 => Some((pace / 2).max(PACE.0)),
            Some(pace) if read < size / 16 => Some((pace * 2).min(PACE.1)),
            same => same,
        };
    }

    /// Delivered and lost.
    pub(super) fn books(&self) -> (u64, Loss) {
        let loss = match self.full_drains {
            0 => Loss::ProvenZero,
            full_drains => Loss::Unknown { full_drains },
        };
        (self.delivered, loss)
    }
}
