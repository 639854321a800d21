//! How large rings are.
use libbpf_rs::MapHandle;
use package::{Plan, Source};

use super::StreamError;
use super::perf::PerfRings;
use crate::notice::Notice;

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
    /// Bytes of a ring: for each CPU of a perf event array, for each ring buffer. Rounded up to a power of two, and
    /// halved while all rings together take more than 64 MiB. `None`: 1 MiB, or what a ring buffer's package says
    /// when that is more.
    pub buffer_bytes: Option<usize>,
}

/// Size of the rings of each stream of a plan: powers of two, at least a page. 0 for a sampled map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RingSizes {
    /// As asked for by the user, or the default.
    asked: Vec<usize>,
    /// The same within the limit of all rings together.
    allowed: Vec<usize>,
    /// What the kernel is asked for, and gives in the end.
    given: Vec<usize>,
    /// Whether somebody asked for a size.
    is_explicit: bool,
}

impl RingSizes {
    /// What options and package say, within the limit of all rings together.
    pub(crate) fn new(plan: &Plan, options: &StreamOptions) -> Self {
        Self::on(online_cpus().len(), plan, options)
    }

    fn on(cpus: usize, plan: &Plan, options: &StreamOptions) -> Self {
        let page = rustix::param::page_size();
        let round = |bytes: usize| bytes.clamp(page, TOTAL).next_power_of_two();
        let (mut asked, mut rings) = (Vec::new(), Vec::new());
        for stream in &plan.streams {
            let own = plan.maps[stream.map].max_entries as usize;
            let (bytes, count) = match stream.source {
                Source::PerfArray => (options.buffer_bytes.unwrap_or(DEFAULT), cpus),
                Source::RingBuffer => (options.buffer_bytes.unwrap_or(own.max(DEFAULT)), 1),
                Source::Sampled(_) => (0, 0),
            };
            asked.push(if count == 0 { 0 } else { round(bytes) });
            rings.push(count);
        }
        let mut allowed = asked.clone();
        while rings.iter().zip(&allowed).map(|(count, bytes)| count * bytes).sum::<usize>() > TOTAL {
            let largest = allowed.iter().copied().max().unwrap_or_default();
            if largest <= page {
                break;
            }
            allowed.iter_mut().filter(|bytes| **bytes == largest).for_each(|bytes| *bytes /= 2);
        }
        let is_explicit = options.buffer_bytes.is_some();
        Self { asked, given: allowed.clone(), allowed, is_explicit }
    }

    /// Bytes of each ring of a stream.
    pub(super) fn of(&self, stream: usize) -> usize {
        self.given[stream]
    }

    /// Halves the rings of the stream that reads `map`. `false`: there is no such stream, or they would be too small
    /// to be of use.
    pub(crate) fn halve(&mut self, plan: &Plan, map: &str) -> bool {
        let stream = plan.streams.iter().position(|stream| plan.maps[stream.map].name == map);
        stream.is_some_and(|stream| self.halve_stream(stream))
    }

    fn halve_stream(&mut self, stream: usize) -> bool {
        let half = self.given[stream] / 2;
        let is_enough = half >= SMALLEST;
        if is_enough {
            self.given[stream] = half;
        }
        is_enough
    }

    /// What the user should be told once: for a limit of the kernel, and for that of all rings together when somebody
    /// asked for more.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let smaller = |from: &[usize], to: &[usize]| {
            let pairs = from.iter().copied().zip(to.iter().copied());
            pairs.filter(|(from, to)| to < from).min_by_key(|(_, to)| *to)
        };
        let capped = smaller(&self.asked, &self.allowed).filter(|_| self.is_explicit);
        let capped = capped.map(|(asked, given)| Notice::RingLimit { asked, given, total: TOTAL });
        let refused = smaller(&self.allowed, &self.given);
        let refused = refused.map(|(asked, given)| Notice::SmallRings { asked, given });
        capped.into_iter().chain(refused).collect()
    }

    /// Opens the rings of a perf event array, halved until the kernel gives the memory.
    pub(super) fn open_perf(
        &mut self,
        rings: &mut PerfRings,
        stream: usize,
        map: &MapHandle,
        name: &str,
    ) -> Result<(), StreamError> {
        let cpus = online_cpus();
        loop {
            let bytes = self.given[stream];
            match rings.open(stream, map, &cpus, bytes) {
                Ok(()) => return Ok(()),
                Err(error) if error.raw_os_error() == Some(libc::ENOMEM) => {
                    if !self.halve_stream(stream) {
                        return Err(StreamError::Memory { map: name.to_owned(), bytes, source: error });
                    }
                }
                Err(source) => return Err(StreamError::Open { map: name.to_owned(), source }),
            }
        }
    }
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
    use std::time::Duration;

    use package::layout::Layout;
    use package::{Map, SampleKind, Sampling, Stream};

    use super::*;

    #[test]
    fn lists_of_cpus_are_ranges() {
        assert_eq!(parse_cpus("0-2,5\n"), [0, 1, 2, 5]);
        assert_eq!(parse_cpus("0\n"), [0]);
        assert!(parse_cpus("").is_empty());
    }

    /// A plan with these streams; a number is a ring buffer's own size.
    fn plan(sources: &[(Source, u32)]) -> Plan {
        let named = |index: usize| format!("map{index}");
        let layout = Layout { name: String::new(), size_bytes: 8, fields: vec![] };
        Plan {
            object_name: String::new(),
            programs: vec![],
            maps: (0..sources.len())
                .map(|index| Map {
                    name: named(index),
                    kind: 0,
                    key_bytes: 4,
                    value_bytes: 4,
                    max_entries: sources[index].1,
                    section: None,
                })
                .collect(),
            streams: (0..sources.len())
                .map(|index| Stream {
                    name: named(index),
                    map: index,
                    source: sources[index].0.clone(),
                    layout: layout.clone(),
                    open_ended: false,
                })
                .collect(),
            parameters: vec![],
            notes: vec![],
        }
    }

    fn sizes(cpus: usize, sources: &[(Source, u32)], buffer_bytes: Option<usize>) -> Vec<usize> {
        RingSizes::on(cpus, &plan(sources), &StreamOptions { buffer_bytes }).given
    }

    #[test]
    fn a_ring_has_what_is_asked_for_else_what_the_package_says_else_a_mebibyte() {
        use Source::{PerfArray, RingBuffer};
        assert_eq!(sizes(2, &[(PerfArray, 128), (RingBuffer, 4096)], None), [1 << 20, 1 << 20]);
        assert_eq!(sizes(2, &[(PerfArray, 128), (RingBuffer, 4 << 20)], None), [1 << 20, 4 << 20]);
        assert_eq!(sizes(2, &[(PerfArray, 128), (RingBuffer, 4 << 20)], Some(65_537)), [128 << 10; 2]);
        assert_eq!(sizes(2, &[(RingBuffer, 0)], Some(1)), [4096]);
        let kind = SampleKind::KeyValue;
        let sampling = Sampling { interval: Duration::from_secs(1), kind, clear: None };
        assert_eq!(sizes(2, &[(Source::Sampled(sampling), 10_000)], None), [0]);
    }

    #[test]
    fn all_rings_together_stay_below_the_limit() {
        use Source::{PerfArray, RingBuffer};
        assert_eq!(sizes(128, &[(PerfArray, 0)], None), [512 << 10]);
        assert_eq!(sizes(1, &[(RingBuffer, 1 << 30), (RingBuffer, 4096)], None), [32 << 20, 1 << 20]);
        assert_eq!(sizes(2, &[(PerfArray, 0)], Some(usize::MAX)), [32 << 20]);
        assert_eq!(sizes(4096, &[(PerfArray, 0)], None), [16 << 10]);
        assert_eq!(sizes(100_000, &[(PerfArray, 0)], None), [4096]);
    }

    #[test]
    fn more_than_all_rings_may_take_is_said_when_somebody_asked_for_it() {
        let plan = plan(&[(Source::PerfArray, 0), (Source::RingBuffer, 1 << 30)]);
        let notices = |buffer_bytes| RingSizes::on(2, &plan, &StreamOptions { buffer_bytes }).notices();
        assert_eq!(
            notices(Some(64 << 20)),
            [Notice::RingLimit { asked: 64 << 20, given: 16 << 20, total: TOTAL }]
        );
        assert_eq!(notices(None), []);
    }

    #[test]
    fn what_the_kernel_refuses_is_halved_down_to_64_kib_and_said() {
        let plan = plan(&[(Source::PerfArray, 0), (Source::RingBuffer, 0)]);
        let mut sizes = RingSizes::on(2, &plan, &StreamOptions::default());
        assert!(!sizes.halve(&plan, "other"));
        assert_eq!(sizes.notices(), []);
        assert_eq!((0..).take_while(|_| sizes.halve(&plan, "map1")).count(), 4);
        assert_eq!(sizes.given, [1 << 20, 64 << 10]);
        assert_eq!(sizes.notices(), [Notice::SmallRings { asked: 1 << 20, given: 64 << 10 }]);
    }
}
