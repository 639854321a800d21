//! The ring behind a BPF ring buffer map, shared by all CPUs (kernel/bpf/ringbuf.c).
//!
//! Three mappings in a row: the consumer's page, the producer's page, and the data twice, so that no record wraps.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};

use super::mapping::{Access, Mapping};

/// `struct bpf_ringbuf_hdr`: length with two flags in front, and an offset that is of no use here.
const HEADER: usize = 8;

/// A ring buffer's memory. Positions count bytes since it was made and never wrap.
#[derive(Debug)]
pub(crate) struct RingBuffer {
    fd: OwnedFd,
    consumer: Mapping,
    producer: Mapping,
    page: usize,
    size: usize,
}

/// What is at a position.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot<'a> {
    /// Reserved and not yet submitted: nothing behind it can be read.
    Busy,
    /// Thrown away by the program; skip to the position.
    Discarded(u64),
    /// A record, and the position behind it.
    Record(&'a [u8], u64),
}

impl RingBuffer {
    /// Maps a ring buffer of `size` bytes (its `max_entries`).
    ///
    /// # Errors
    ///
    /// Those of mmap(2).
    pub(crate) fn map(fd: OwnedFd, size: usize) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let consumer = Mapping::new(&fd, page, 0, Access::ReadWrite)?;
        let producer = Mapping::new(&fd, page + 2 * size, page as u64, Access::Read)?;
        Ok(Self { fd, consumer, producer, page, size })
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where our reading goes on.
    pub(crate) fn consumed(&self) -> u64 {
        self.consumer.load_u64(0)
    }

    /// Up to where programs have reserved.
    pub(crate) fn produced(&self) -> u64 {
        self.producer.load_u64(0)
    }

    /// Gives everything before `position` back to the programs. A later reading of
    /// [`RingBuffer::produced`] covers every reservation that was made without knowing it.
    pub(crate) fn release(&self, position: u64) {
        self.consumer.store_u64(0, position);
        fence(Ordering::SeqCst);
    }

    /// What is at `position`, which lies before [`RingBuffer::produced`].
    #[inline]
    pub(crate) fn slot(&self, position: u64) -> Slot<'_> {
        let at = self.page + (position as usize & (self.size - 1));
        let header = self.producer.load_u32(at);
        if header & libbpf_sys::BPF_RINGBUF_BUSY_BIT != 0 {
            return Slot::Busy;
        }
        let len = (header & !libbpf_sys::BPF_RINGBUF_DISCARD_BIT) as usize;
        let next = position + (len + HEADER).next_multiple_of(8) as u64;
        if header & libbpf_sys::BPF_RINGBUF_DISCARD_BIT != 0 {
            return Slot::Discarded(next);
        }
        Slot::Record(self.producer.bytes(at + HEADER, len.min(self.size)), next)
    }
}

impl AsFd for RingBuffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
