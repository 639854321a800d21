//! Records out of the kernel: rings of perf event arrays and ring buffers, sampled maps.

use std::io;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;
use std::time::Instant;

use libbpf_rs::{Object, OpenObject};
use package::Plan;

/// Size and number of buffers.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StreamOptions {}

/// Why the streams could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StreamError {}

/// Maps are sized; the object is not loaded yet.
#[derive(Debug)]
pub struct Prepared {}

/// Open streams.
#[derive(Debug)]
pub struct Streams {}

/// One record, borrowed from its ring.
#[derive(Debug)]
#[non_exhaustive]
pub struct RawRecord<'a> {
    /// The record.
    pub bytes: &'a [u8],
}

/// Why waiting ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Wake {}

/// Delivered and lost records.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Ledger {}

impl Streams {
    /// Sizes the maps that are read.
    ///
    /// # Errors
    /// None yet.
    pub fn prepare(
        _open: &mut OpenObject,
        _plan: &Plan,
        _options: &StreamOptions,
    ) -> Result<Prepared, StreamError> {
        Ok(Prepared {})
    }
    /// Waits.
    ///
    /// # Errors
    /// Always, yet.
    pub fn wait(&mut self, _others: &[BorrowedFd<'_>], _deadline: Option<Instant>) -> io::Result<Wake> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Reads.
    pub fn drain(&mut self, _each: impl FnMut(RawRecord<'_>) -> ControlFlow<()>) {}
    /// Reads the rest.
    pub fn finish(self, _each: impl FnMut(RawRecord<'_>)) -> (Ledger, Self) {
        (Ledger {}, self)
    }
}

impl Prepared {
    /// Opens.
    ///
    /// # Errors
    /// None yet.
    pub fn open(self, _object: &Object) -> Result<Streams, StreamError> {
        Ok(Streams {})
    }
}
