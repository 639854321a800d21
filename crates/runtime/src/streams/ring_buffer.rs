//! BPF ring buffers: waited for once, then read on a timer, with the consumer's position stored once a drain.
//!
//! The kernel wakes the reader at each record that finds it caught up. Storing the position after every record would
//! therefore cost a wake-up an event; storing it once a drain costs one a drain.
//!
//! Nobody counts the records that a full ring refuses. But when what was produced at the end of a drain, seen from
//! where the reader stood at its start, leaves room for one more of the largest records, then no reservation can have
//! failed in between.

use std::ops::ControlFlow;
use std::time::Duration;

use crate::ledger::Loss;
use crate::streams::RawRecord;
use crate::sys::ring_buffer::{RingBuffer, Slot};

/// Bounds of the time between two drains while records come.
const PACE: (Duration, Duration) = (Duration::from_micros(500), Duration::from_millis(5));

/// A ring buffer with one stream of records.
#[derive(Debug)]
pub(super) struct RingBufferStream {
    pub(super) stream: usize,
    memory: RingBuffer,
    /// `None`: caught up, the kernel will wake us.
    pace: Option<Duration>,
    largest: u64,
    delivered: u64,
    drains: u64,
    full_drains: u64,
}

impl RingBufferStream {
    /// A stream whose records have `record_bytes` as a rule.
    pub(super) fn new(stream: usize, memory: RingBuffer, record_bytes: u32) -> Self {
        Self {
            stream,
            memory,
            pace: None,
            largest: u64::from(record_bytes),
            delivered: 0,
            drains: 0,
            full_drains: 0,
        }
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
        let mut position = start;
        let mut flow = ControlFlow::Continue(());
        let mut head = self.memory.produced();
        while flow.is_continue() {
            if position >= head {
                head = self.memory.produced();
                // What comes while we read is read too, but one drain covers the ring once at most.
                if position >= head || position - start >= self.memory.size() as u64 {
                    break;
                }
            }
            match self.memory.slot(position) {
                Slot::Busy => break,
                Slot::Discarded(next) => position = next,
                Slot::Record(bytes, next) => {
                    position = next;
                    self.delivered += 1;
                    self.largest = self.largest.max(bytes.len() as u64);
                    flow = each(RawRecord { stream: self.stream, cpu: None, mono_ns, bytes });
                }
            }
        }
        if position != start {
            self.memory.release(position);
        }
        self.prove(start);
        self.adapt(position - start);
        flow
    }

    /// Whether the ring had room for one more record all the time since the last drain.
    fn prove(&mut self, start: u64) {
        let produced = self.memory.produced();
        self.drains += 1;
        let one_more = (self.largest + 8).next_multiple_of(8);
        if produced - start + one_more > self.memory.size() as u64 - 1 {
            self.full_drains += 1;
        }
    }

    /// Reads sooner when much was there, later when little was, and waits for the kernel when nothing was.
    fn adapt(&mut self, read: u64) {
        let size = self.memory.size() as u64;
        self.pace = match self.pace {
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
