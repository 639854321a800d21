//! Rings of perf event arrays: one for each CPU, filled by `bpf_perf_event_output` (perf_event_open(2)).

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use libbpf_sys::{perf_event_attr, perf_event_mmap_page};

use super::mapping::{Access, Mapping};
use super::perf_event::{self, enable, write_into};

const HEAD: usize = offset_of!(perf_event_mmap_page, data_head);
const TAIL: usize = offset_of!(perf_event_mmap_page, data_tail);
/// `struct perf_event_header`: type u32, misc u16, size u16.
const HEADER: usize = 8;

/// How many records ahead memory is fetched, and how much of each: few texts fill their arrays.
const AHEAD: usize = 4;
const AHEAD_BYTES: usize = 128;

/// When the kernel wakes the reader of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WakeUp {
    /// At each record.
    Record,
    /// Each time that so many bytes more have come.
    Bytes(usize),
}

/// The ring of one CPU. Positions count bytes since it was opened and never wrap.
///
/// It has two events. Which of them a program writes through decides about the wake-up.
#[derive(Debug)]
pub(crate) struct PerfRing {
    /// Wakes the reader by watermark; the ring is its own.
    fd: OwnedFd,
    /// Wakes the reader at each record, and writes into the same ring.
    eager: Option<OwnedFd>,
    memory: Mapping,
    page: usize,
    size: usize,
    counts_losses: bool,
}

/// One entry of a ring.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry<'a> {
    /// What a program sent. `bytes` is up to 7 bytes longer than that.
    Sample { mono_ns: u64, bytes: &'a [u8] },
    /// So many were lost before the next entry.
    Lost(u64),
    /// Nothing that matters here, or damaged.
    Other,
}

impl PerfRing {
    /// Opens the ring of a CPU, of `size` bytes (a power of two, at least a page), and has the kernel wake its reader
    /// once `watermark` bytes are there.
    ///
    /// # Errors
    ///
    /// `ENOMEM`: a memory limit. `EACCES`, `EPERM`: no privilege. `ENODEV`: the CPU is not online.
    pub(crate) fn open(cpu: u32, size: usize, watermark: usize) -> io::Result<Self> {
        // PERF_FORMAT_LOST came with Linux 6.0; before, EINVAL.
        let lost = u64::from(libbpf_sys::PERF_FORMAT_LOST);
        let (fd, counts_losses) = match open_event(cpu, WakeUp::Bytes(watermark), lost) {
            Ok(fd) => (fd, true),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {
                (open_event(cpu, WakeUp::Bytes(watermark), 0)?, false)
            }
            Err(error) => return Err(error),
        };
        let page = rustix::param::page_size();
        // perf_mmap() answers EPERM when `perf_event_mlock_kb` and the locked-memory limit are used up; the event is
        // open, so privileges are not what lacks.
        let memory = Mapping::new(&fd, page + size, 0, Access::ReadWrite).map_err(|error| {
            let is_limit = error.raw_os_error() == Some(libc::EPERM);
            if is_limit { io::Error::from_raw_os_error(libc::ENOMEM) } else { error }
        })?;
        enable(&fd)?;
        let eager = open_event(cpu, WakeUp::Record, if counts_losses { lost } else { 0 })
            .and_then(|eager| write_into(&eager, &fd).and_then(|()| enable(&eager)).map(|()| eager));
        Ok(Self { fd, eager: eager.ok(), memory, page, size, counts_losses })
    }

    /// The event that wakes the reader at each record; `None` where the kernel did not give one.
    pub(crate) fn eager(&self) -> Option<BorrowedFd<'_>> {
        self.eager.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Where the kernel will write next.
    pub(crate) fn head(&self) -> u64 {
        self.memory.load_u64(HEAD)
    }

    /// Gives everything before `tail` back to the kernel.
    pub(crate) fn release(&self, tail: u64) {
        self.memory.store_u64(TAIL, tail);
    }

    /// The entry at `position`, which lies before the head, and where the next one is. An entry that wraps is copied
    /// to `scratch`.
    #[inline]
    pub(crate) fn entry<'a>(&'a self, position: u64, scratch: &'a mut Vec<u8>) -> (Entry<'a>, u64) {
        let at = position as usize & (self.size - 1);
        let header = self.memory.bytes(self.page + at, HEADER);
        let kind = u32::from_ne_bytes(header[..4].try_into().expect("four bytes"));
        let len = usize::from(u16::from_ne_bytes(header[6..].try_into().expect("two bytes"))).max(HEADER);
        // Another CPU wrote it: what comes soon is fetched while this one is shown. Records of a ring are of one size
        // as a rule.
        let ahead = (at + AHEAD * len) & (self.size - 1);
        self.memory.prefetch(self.page + ahead, len.min(AHEAD_BYTES));
        let entry = if at + len <= self.size {
            self.memory.bytes(self.page + at, len)
        } else {
            scratch.clear();
            let first = self.size - at;
            scratch.extend_from_slice(self.memory.bytes(self.page + at, first));
            scratch.extend_from_slice(self.memory.bytes(self.page, (len - first).min(self.size)));
            scratch.as_slice()
        };
        (parse(kind, &entry[HEADER..]), position + len as u64)
    }

    /// Time of the sample at `position`; 0 for other entries, which therefore come first.
    #[inline]
    pub(crate) fn time(&self, position: u64) -> u64 {
        let at = position as usize & (self.size - 1);
        let kind = self.memory.load_u32(self.page + at);
        if kind != libbpf_sys::PERF_RECORD_SAMPLE {
            return 0;
        }
        self.memory.load_u64(self.page + ((at + HEADER) & (self.size - 1)))
    }

    /// How many samples the kernel had no room for since the ring was opened; `None` before Linux 6.0.
    ///
    /// # Errors
    ///
    /// Those of read(2).
    pub(crate) fn lost(&self) -> io::Result<Option<u64>> {
        if !self.counts_losses {
            return Ok(None);
        }
        let mut lost = 0;
        for event in [Some(&self.fd), self.eager.as_ref()].into_iter().flatten() {
            // struct read_format with PERF_FORMAT_LOST: value, lost.
            let mut answer = [0; 16];
            if rustix::io::read(event, &mut answer)? < answer.len() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            lost += u64::from_ne_bytes(answer[8..].try_into().expect("eight bytes"));
        }
        Ok(Some(lost))
    }
}

impl AsFd for PerfRing {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What follows the header: `u64 time; u32 size; char data[size]` of a sample, `u64 id; u64 lost` of a loss.
fn parse(kind: u32, body: &[u8]) -> Entry<'_> {
    let word =
        |at: usize| body.get(at..at + 8).map(|it| u64::from_ne_bytes(it.try_into().expect("eight bytes")));
    match kind {
        libbpf_sys::PERF_RECORD_SAMPLE => {
            let (Some(mono_ns), Some((len, data))) =
                (word(0), body.get(8..).and_then(<[u8]>::split_first_chunk))
            else {
                return Entry::Other;
            };
            let len = u32::from_ne_bytes(*len) as usize;
            Entry::Sample { mono_ns, bytes: &data[..len.min(data.len())] }
        }
        libbpf_sys::PERF_RECORD_LOST => word(8).map_or(Entry::Other, Entry::Lost),
        _ => Entry::Other,
    }
}

fn open_event(cpu: u32, wake_up: WakeUp, read_format: u64) -> io::Result<OwnedFd> {
    let mut attr = perf_event_attr {
        type_: libbpf_sys::PERF_TYPE_SOFTWARE,
        config: libbpf_sys::PERF_COUNT_SW_BPF_OUTPUT.into(),
        sample_type: (libbpf_sys::PERF_SAMPLE_RAW | libbpf_sys::PERF_SAMPLE_TIME).into(),
        read_format,
        clockid: libc::CLOCK_MONOTONIC,
        ..perf_event_attr::default()
    };
    attr.__bindgen_anon_1.sample_period = 1;
    match wake_up {
        WakeUp::Record => attr.__bindgen_anon_2.wakeup_events = 1,
        WakeUp::Bytes(watermark) => {
            attr.set_watermark(1);
            attr.__bindgen_anon_2.wakeup_watermark = u32::try_from(watermark).unwrap_or(u32::MAX);
        }
    }
    attr.set_use_clockid(1);
    perf_event::open(&mut attr, cpu)
}
