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
/// The pace is such that this part of the ring is filled between two drains.
const WANTED: u64 = 6;
/// A record that comes so long after the last drain does not begin a stream of them.
const LONE: Duration = Duration::from_millis(20);
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
    drained_ns: u64,
    largest: u64,
    delivered: u64,
    full_drains: u64,
}

impl RingBufferStream {
    /// A stream whose records have `record_bytes` as a rule.
    pub(super) fn new(stream: usize, memory: RingBuffer, record_bytes: u32) -> Self {
        let largest = u64::from(record_bytes).max(memory.size() as u64 / LARGEST);
        Self { stream, memory, pace: None, drained_ns: 0, largest, delivered: 0, full_drains: 0 }
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
        let elapsed = Duration::from_nanos(mono_ns.saturating_sub(self.drained_ns));
        self.drained_ns = mono_ns;
        self.pace = next_pace(self.pace, elapsed, position - start, size, is_busy);
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

    /// Delivered and lost.
    pub(super) fn books(&self) -> (u64, Loss) {
        let loss = match self.full_drains {
            0 => Loss::ProvenZero,
            full_drains => Loss::Unknown { full_drains },
        };
        (self.delivered, loss)
    }
}

/// When to read again, after `read` bytes came in `elapsed`: never before the kernel wakes us when none did.
fn next_pace(
    pace: Option<Duration>,
    elapsed: Duration,
    read: u64,
    size: u64,
    is_busy: bool,
) -> Option<Duration> {
    match pace {
        // The kernel would say at once that something is there.
        _ if is_busy => Some(PACE.0),
        _ if read == 0 => None,
        None if elapsed > LONE && read < size / 64 => None,
        None => Some(PACE.0),
        Some(pace) => {
            let wanted_ns = elapsed.as_nanos() * u128::from(size / WANTED) / u128::from(read);
            let wanted = Duration::from_nanos(u64::try_from(wanted_ns).unwrap_or(u64::MAX));
            // Growing slowly: a few records may be the first of many.
            Some(wanted.min(pace * 2).clamp(PACE.0, PACE.1))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: u64 = 1 << 20;

    #[test]
    fn the_pace_keeps_a_sixth_filled() {
        let ms = Duration::from_millis;
        let next = |pace, read| next_pace(Some(pace), pace, read, SIZE, false).unwrap();
        assert_eq!(next(ms(2), SIZE / 6), ms(2));
        assert_eq!(next(ms(2), SIZE / 6 * 2), ms(1));
        assert_eq!(next(ms(1), 64), ms(2), "at most twice as long");
        assert_eq!(next(ms(4), 64), PACE.1);
        assert_eq!(next(ms(1), SIZE), PACE.0);
    }

    #[test]
    fn a_silent_ring_and_one_with_a_record_now_and_then_are_left_to_the_kernel() {
        let long = LONE * 2;
        assert_eq!(next_pace(Some(PACE.1), PACE.1, 0, SIZE, false), None);
        assert_eq!(next_pace(None, long, 300, SIZE, false), None);
        assert_eq!(next_pace(None, PACE.1, 300, SIZE, false), Some(PACE.0), "the second of many, maybe");
        assert_eq!(next_pace(None, long, SIZE / 2, SIZE, false), Some(PACE.0), "a burst");
        assert_eq!(next_pace(None, long, 0, SIZE, true), Some(PACE.0), "a record that is being written");
    }
}
