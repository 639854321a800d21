//! Maps whose entries are listed at an interval.
//!
//! An entry becomes one record: the key, padding up to 8 bytes, the value. A listing is atomic for each entry, not for
//! the map: entries come and go while it is read.

use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::time::Instant;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};
use package::{SampleKind, Sampling};

use crate::streams::RawRecord;

/// One sampled map.
#[derive(Debug)]
pub(super) struct SampledMap {
    stream: usize,
    map: MapHandle,
    sampling: Sampling,
    next: Instant,
    /// Listed and not yet handed over.
    listed: VecDeque<Vec<u8>>,
    delivered: u64,
}

impl SampledMap {
    /// A map that is listed for the first time after one interval.
    pub(super) fn new(stream: usize, map: MapHandle, sampling: Sampling) -> Self {
        let next = Instant::now() + sampling.interval;
        Self { stream, map, sampling, next, listed: VecDeque::new(), delivered: 0 }
    }

    /// When the next listing is due.
    pub(super) fn due(&self) -> Instant {
        if self.listed.is_empty() { self.next } else { Instant::now() }
    }

    pub(super) fn stream(&self) -> usize {
        self.stream
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Lists the map when it is due, or when `now` is asked for, and hands over what was listed.
    ///
    /// # Errors
    ///
    /// Those of reading the map; a key that goes while it is read is none.
    pub(super) fn drain<F>(&mut self, at: ListAt, mono_ns: u64, each: &mut F) -> io::Result<ControlFlow<()>>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        if self.listed.is_empty() && (at == ListAt::Once || self.next <= Instant::now()) {
            self.list()?;
            // A listing that took longer than the interval is not made up for.
            self.next = (self.next + self.sampling.interval).max(Instant::now());
        }
        while let Some(record) = self.listed.pop_front() {
            self.delivered += 1;
            if each(RawRecord { stream: self.stream, cpu: None, mono_ns, bytes: &record }).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn list(&mut self) -> io::Result<()> {
        let keys: Vec<Vec<u8>> = self.map.keys().collect();
        for key in &keys {
            if let Some(value) = self.map.lookup(key, MapFlags::ANY).map_err(io::Error::other)? {
                let mut record = key.clone();
                record.resize(key.len().next_multiple_of(8), 0);
                record.extend_from_slice(&value);
                self.listed.push_back(record);
            }
        }
        if clears(&self.sampling) {
            for key in &keys {
                // It may be gone already, and an array's entries cannot be deleted.
                let _ = self.map.delete(key);
            }
        }
        Ok(())
    }
}

/// When to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ListAt {
    /// Not before the interval is over.
    Interval,
    /// Now, for the last time.
    Once,
}

/// Whether entries are deleted once listed. Where the package does not say: a histogram shows its interval, as the
/// first runners of the format had it and as tools of this kind do; other entries are kept.
fn clears(sampling: &Sampling) -> bool {
    sampling.clear.unwrap_or(matches!(sampling.kind, SampleKind::Histogram { .. }))
}
