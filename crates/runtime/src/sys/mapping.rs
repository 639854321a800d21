//! Memory that is shared with the kernel.

use std::io;
use std::os::fd::AsFd;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

#[cfg(target_arch = "x86_64")]
const CACHE_LINE: usize = 64;

/// A shared mapping of a ring. Unmapped when dropped.
#[derive(Debug)]
pub(crate) struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

/// What the process may do with the memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

impl Mapping {
    /// Maps `len` bytes of `fd`.
    ///
    /// # Errors
    ///
    /// Those of mmap(2): `EPERM` and `ENOMEM` mean a memory limit.
    pub(crate) fn new(fd: impl AsFd, len: usize, offset: u64, access: Access) -> io::Result<Self> {
        let protection = match access {
            Access::Read => ProtFlags::READ,
            Access::ReadWrite => ProtFlags::READ | ProtFlags::WRITE,
        };
        // SAFETY: no address is asked for, so no memory in use is replaced.
        let start = unsafe { mmap(std::ptr::null_mut(), len, protection, MapFlags::SHARED, fd, offset) }?;
        let start = NonNull::new(start.cast()).expect("mmap never gives the null page without MAP_FIXED");
        Ok(Self { start, len })
    }

    /// Reads a word that the kernel may be writing.
    pub(crate) fn load_u64(&self, offset: usize) -> u64 {
        let place = self.word(offset, 8).cast::<AtomicU64>();
        // SAFETY: `place` is inside the mapping and aligned; the kernel writes whole words only.
        unsafe { place.as_ref() }.load(Ordering::Acquire)
    }

    /// Reads a word that the kernel may be writing.
    pub(crate) fn load_u32(&self, offset: usize) -> u32 {
        let place = self.word(offset, 4).cast::<AtomicU32>();
        // SAFETY: `place` is inside the mapping and aligned; the kernel writes whole words only.
        unsafe { place.as_ref() }.load(Ordering::Acquire)
    }

    /// Writes a word for the kernel. The mapping must have been made with [`Access::ReadWrite`].
    pub(crate) fn store_u64(&self, offset: usize, value: u64) {
        let place = self.word(offset, 8).cast::<AtomicU64>();
        // SAFETY: as in `load_u64`; the callers map what they store to as writable.
        unsafe { place.as_ref() }.store(value, Ordering::Release);
    }

    /// Bytes that the kernel leaves alone until their consumer says that it has read them.
    pub(crate) fn bytes(&self, offset: usize, len: usize) -> &[u8] {
        let place = self.place(offset, len);
        // SAFETY: inside the mapping; both kinds of ring keep what lies between tail and head as it is, and the
        // readers of this crate pass nothing else.
        unsafe { std::slice::from_raw_parts(place.as_ptr(), len) }
    }

    /// Has the CPU fetch the cache lines that hold `len` bytes at `offset`, as far as they are inside the mapping.
    #[inline]
    pub(crate) fn prefetch(&self, offset: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for line in (offset..offset.saturating_add(len).min(self.len)).step_by(CACHE_LINE) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let place = self.place(line, 0).as_ptr().cast();
            // SAFETY: a hint, which reads nothing and never faults.
            unsafe { _mm_prefetch(place, _MM_HINT_T0) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (offset, len);
    }

    fn place(&self, offset: usize, len: usize) -> NonNull<u8> {
        assert!(offset <= self.len && len <= self.len - offset, "inside the mapping");
        // SAFETY: just checked.
        unsafe { self.start.add(offset) }
    }

    /// A place for a word: inside the mapping, and aligned because mappings start at a page.
    fn word(&self, offset: usize, len: usize) -> NonNull<u8> {
        assert!(offset.is_multiple_of(len), "aligned");
        self.place(offset, len)
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and every borrow of it has ended.
        let unmapped = unsafe { munmap(self.start.as_ptr().cast(), self.len) };
        debug_assert!(unmapped.is_ok());
    }
}

// SAFETY: the memory belongs to the process, not to a thread; all shared words are read and written atomically.
unsafe impl Send for Mapping {}
