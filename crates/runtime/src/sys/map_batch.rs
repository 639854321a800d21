//! Entries of a map, many in one call (bpf(2), `BPF_MAP_LOOKUP_BATCH`, Linux 5.6).

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

/// Whether what is read stays in the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Take {
    Copy,
    Remove,
}

/// Room for keys and values.
#[derive(Debug)]
pub(crate) struct Buffers {
    key_bytes: usize,
    value_bytes: usize,
    room: u32,
    keys: Vec<u8>,
    values: Vec<u8>,
}

impl Buffers {
    /// Room for some entries of these sizes, as the map has them. Values lie without padding, since they are not those
    /// of a map with a value for each CPU.
    pub(crate) fn new(key_bytes: usize, value_bytes: usize, entries: usize) -> Self {
        let room = u32::try_from(entries).expect("maps have fewer entries than that");
        Self {
            key_bytes,
            value_bytes,
            room,
            keys: vec![0; entries * key_bytes],
            values: vec![0; entries * value_bytes],
        }
    }

    /// Keys and values. Those beyond the number that was read are old or zero.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.keys.chunks_exact(self.key_bytes).zip(self.values.chunks_exact(self.value_bytes))
    }
}

/// Where a listing goes on: what the kernel wrote in one call, to be given back in the next.
#[derive(Debug)]
pub(crate) struct Cursor {
    // A key, or the number of a bucket (four bytes).
    token: Vec<u8>,
    is_started: bool,
}

impl Cursor {
    /// Before the first entry of a map with keys of that size.
    pub(crate) fn new(key_bytes: usize) -> Self {
        Self { token: vec![0; key_bytes.max(8)], is_started: false }
    }
}

/// What a call gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Entries at the start of the buffers.
    pub(crate) entries: usize,
    /// Whether these were the last.
    pub(crate) last: bool,
}

/// Reads the next entries, as many as there is room for. The buffers and the cursor are for the sizes of this map.
///
/// # Errors
/// `ENOSPC` when a bucket of a hash map has more entries than there is room for; `EINVAL`, `EOPNOTSUPP` or the number
/// 524 where the kernel or this type of map has no such call.
pub(crate) fn read(
    map: BorrowedFd<'_>,
    cursor: &mut Cursor,
    take: Take,
    buffers: &mut Buffers,
) -> io::Result<Batch> {
    assert!(cursor.token.len() >= buffers.key_bytes, "made for other keys");
    let call = match take {
        Take::Copy => libbpf_sys::bpf_map_lookup_batch,
        Take::Remove => libbpf_sys::bpf_map_lookup_and_delete_batch,
    };
    let token = cursor.token.as_mut_ptr();
    let from = if cursor.is_started { token } else { ptr::null_mut() };
    let mut count = buffers.room;
    let (keys, values) = (buffers.keys.as_mut_ptr(), buffers.values.as_mut_ptr());
    // SAFETY: the buffers hold `count` keys and values, the token a key or a bucket's number; the kernel has read the
    // token before it writes it; no options are given.
    let code = unsafe {
        call(
            map.as_raw_fd(),
            from.cast(),
            token.cast(),
            keys.cast(),
            values.cast(),
            &raw mut count,
            ptr::null(),
        )
    };
    let batch = Batch { entries: count as usize, last: code == -libc::ENOENT };
    if code < 0 && !batch.last {
        return Err(io::Error::from_raw_os_error(-code));
    }
    cursor.is_started = true;
    Ok(batch)
}
