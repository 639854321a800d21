//! How large rings are.

use std::io;

use libbpf_rs::MapHandle;
use package::{Plan, Source};

use super::StreamError;
use super::perf::PerfRings;

/// Size of a ring when nobody says anything.
const DEFAULT: usize = 1 << 20;
/// All rings together.
const TOTAL: usize = 64 << 20;
/// Smaller rings are not tried when the kernel refuses memory.
const SMALLEST: usize = 64 << 10;

/// Size and number of buffers.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Bytes of a ring: for each CPU of a perf event array, for each ring buffer. Rounded up to a power of two.
    /// `None`: 1 MiB, or less where all rings together would take more than 64 MiB.
    pub buffer_bytes: Option<usize>,
}

/// Size of each ring of a plan.
pub(super) fn ring_bytes(plan: &Plan, options: &StreamOptions) -> usize {
    let page = rustix::param::page_size();
    let asked = options.buffer_bytes.unwrap_or(DEFAULT).clamp(page, TOTAL).next_power_of_two();
    let cpus = online_cpus().len();
    let rings: usize = plan
        .streams
        .iter()
        .map(|stream| match stream.source {
            Source::PerfArray => cpus,
            Source::RingBuffer => 1,
            Source::Sampled(_) => 0,
        })
        .sum();
    let mut bytes = asked;
    while bytes > page && bytes * rings > TOTAL {
        bytes /= 2;
    }
    bytes
}

/// Opens the rings of a perf event array, halved until the kernel gives the memory; how large they became.
pub(super) fn open_perf(
    rings: &mut PerfRings,
    stream: usize,
    map: &MapHandle,
    name: &str,
    asked: usize,
) -> Result<usize, StreamError> {
    let cpus = online_cpus();
    let mut bytes = asked;
    loop {
        match rings.open(stream, map, &cpus, bytes) {
            Ok(()) => return Ok(bytes),
            Err(error) if is_memory_limit(&error) && bytes / 2 >= SMALLEST => bytes /= 2,
            Err(source) if is_memory_limit(&source) => {
                return Err(StreamError::Memory { map: name.to_owned(), bytes, source });
            }
            Err(source) => return Err(StreamError::Open { map: name.to_owned(), source }),
        }
    }
}

/// perf_mmap() answers EPERM when `perf_event_mlock_kb` and the locked-memory limit are used up.
fn is_memory_limit(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::ENOMEM))
}

/// The CPUs that are online, by number.
fn online_cpus() -> Vec<u32> {
    let list = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cpus = parse_cpus(&list);
    if cpus.is_empty() { vec![0] } else { cpus }
}

/// `0-3,8` as numbers.
fn parse_cpus(list: &str) -> Vec<u32> {
    list.trim()
        .split(',')
        .filter_map(|range| {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cpus_are_ranges() {
        assert_eq!(parse_cpus("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_cpus("0\n"), [0]);
        assert!(parse_cpus("").is_empty());
    }
}
