//! Maps whose entries are listed at an interval.
//!
//! An entry becomes one record: the key, padding up to 8 bytes, the value. A listing is atomic for each entry, not for
//! the map: entries come and go while it is read. All records of a listing have the same time.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::time::Instant;

use libbpf_rs::{MapCore as _, MapFlags, MapHandle, MapType};
use package::{SampleKind, Sampling};

use crate::streams::RawRecord;
use crate::sys::map_batch::{self, Batch, Buffers, Cursor, Take};

/// Entries that are asked for at once, at first.
const BATCH: usize = 256;
/// The kernel's own number for "this map has no such operation"; no header for programs names it.
const ENOTSUPP: i32 = 524;

/// Whether maps of this type can be listed. Those with a value for each CPU cannot: nobody says how to join them.
pub(super) fn can_list(kind: MapType) -> bool {
    matches!(kind, MapType::Hash | MapType::LruHash | MapType::Array | MapType::LpmTrie)
}

/// One sampled map.
#[derive(Debug)]
pub(super) struct SampledMap {
    stream: usize,
    map: MapHandle,
    sampling: Sampling,
    shape: Shape,
    next: Instant,
    /// One record after the other; those from `handed` on have not been handed over.
    listed: Vec<u8>,
    handed: usize,
    listed_ns: u64,
    has_batches: bool,
    delivered: u64,
}

/// Sizes in bytes, and the number of entries.
#[derive(Debug, Clone, Copy)]
struct Shape {
    key: usize,
    value: usize,
    value_at: usize,
    record: usize,
    entries: usize,
}

impl SampledMap {
    /// A map that is listed for the first time after one interval.
    pub(super) fn new(stream: usize, map: MapHandle, sampling: Sampling) -> Self {
        let (key, value) = (map.key_size() as usize, map.value_size() as usize);
        let value_at = key.next_multiple_of(8);
        let shape =
            Shape { key, value, value_at, record: value_at + value, entries: map.max_entries() as usize };
        let next = Instant::now() + sampling.interval;
        Self {
            stream,
            map,
            sampling,
            shape,
            next,
            listed: Vec::new(),
            handed: 0,
            listed_ns: 0,
            has_batches: true,
            delivered: 0,
        }
    }

    /// When the next listing is due.
    pub(super) fn due(&self) -> Instant {
        if self.is_handed_over() { self.next } else { Instant::now() }
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
        if self.hand_over(each).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if at == ListAt::Once || self.next <= Instant::now() {
            self.list(mono_ns)?;
            // A listing that took longer than the interval is not made up for.
            self.next = (self.next + self.sampling.interval).max(Instant::now());
        }
        Ok(self.hand_over(each))
    }

    fn is_handed_over(&self) -> bool {
        self.handed == self.listed.len()
    }

    fn hand_over<F>(&mut self, each: &mut F) -> ControlFlow<()>
    where
        F: FnMut(RawRecord<'_>) -> ControlFlow<()>,
    {
        while !self.is_handed_over() {
            let end = self.handed + self.shape.record;
            let bytes = &self.listed[self.handed..end];
            self.handed = end;
            self.delivered += 1;
            each(RawRecord { stream: self.stream, cpu: None, mono_ns: self.listed_ns, bytes })?;
        }
        ControlFlow::Continue(())
    }

    fn list(&mut self, mono_ns: u64) -> io::Result<()> {
        self.listed.clear();
        self.handed = 0;
        self.listed_ns = mono_ns;
        if self.has_batches {
            match self.list_in_batches() {
                Err(error) if is_unsupported(&error) && self.listed.is_empty() => self.has_batches = false,
                done => return done,
            }
        }
        self.list_one_by_one()
    }

    /// Many entries a call. Where they are deleted, what is counted in between is not lost: the kernel reads and
    /// deletes an entry in one step.
    fn list_in_batches(&mut self) -> io::Result<()> {
        let Shape { key, value, entries: most, .. } = self.shape;
        let take = match self.ends() {
            End::Delete => Take::Remove,
            End::Keep | End::Zero => Take::Copy,
        };
        let mut room = BATCH.min(most);
        let mut buffers = Buffers::new(key, value, room);
        let mut cursor = Cursor::new(key);
        loop {
            let Batch { entries, last } =
                match map_batch::read(self.map.as_fd(), &mut cursor, take, &mut buffers) {
                    // So many in one bucket.
                    Err(error) if error.raw_os_error() == Some(libc::ENOSPC) && room < most => {
                        room = (room * 4).min(most);
                        buffers = Buffers::new(key, value, room);
                        continue;
                    }
                    read => read?,
                };
            for (key, value) in buffers.entries().take(entries) {
                self.push(key, value);
                if self.ends() == End::Zero {
                    self.zero(key)?;
                }
            }
            if last {
                return Ok(());
            }
        }
    }

    fn list_one_by_one(&mut self) -> io::Result<()> {
        // A walk starts anew at a key that has gone: all are collected before any is deleted, and programs delete too,
        // hence the limit.
        let keys: Vec<Vec<u8>> = self.map.keys().take(self.shape.entries).collect();
        for key in keys {
            let Some(value) = self.map.lookup(&key, MapFlags::ANY).map_err(io::Error::other)? else {
                continue;
            };
            self.push(&key, &value);
            match self.ends() {
                End::Keep => {}
                End::Zero => self.zero(&key)?,
                End::Delete => match self.map.delete(&key) {
                    // The program was quicker.
                    Err(error) if error.kind() == libbpf_rs::ErrorKind::NotFound => {}
                    done => done.map_err(io::Error::other)?,
                },
            }
        }
        Ok(())
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        let start = self.listed.len();
        self.listed.extend_from_slice(key);
        self.listed.resize(start + self.shape.value_at, 0);
        self.listed.extend_from_slice(value);
        self.listed.resize(start + self.shape.record, 0);
    }

    fn zero(&self, key: &[u8]) -> io::Result<()> {
        self.map.update(key, &vec![0; self.shape.value], MapFlags::ANY).map_err(io::Error::other)
    }

    fn ends(&self) -> End {
        match (clears(&self.sampling), self.map.map_type()) {
            (false, _) => End::Keep,
            (true, MapType::Array) => End::Zero,
            (true, _) => End::Delete,
        }
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

/// What becomes of an entry that was listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Keep,
    Delete,
    /// Elements of arrays cannot be deleted.
    Zero,
}

/// Whether entries are deleted once listed. Where the package does not say: a histogram shows its interval, as the
/// first runners of the format had it and as tools of this kind do; other entries are kept.
fn clears(sampling: &Sampling) -> bool {
    sampling.clear.unwrap_or(matches!(sampling.kind, SampleKind::Histogram { .. }))
}

/// Whether the kernel has no such call for this type of map, or none at all (before 5.6).
fn is_unsupported(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP | ENOTSUPP))
}
