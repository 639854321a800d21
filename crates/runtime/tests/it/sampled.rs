//! Sampled maps: listed at the interval, cleared as the package says, read whole.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use package::{Attach, Plan, SampleKind, Sampling, Source, Stream};
use runtime::{Blame, LoadError, Running};
use rustix::process::{Pid, getpgid};

use crate::events::{layout, map, read_until};
use crate::kernel::{alone, parameter, plan, run};

const OBJECT: &[u8] = include_bytes!("../fixtures/streams_sampled.bpf.o");
/// Above any process.
const FIRST: u32 = 1 << 23;

fn sampled(name: &str, interval_ms: u64, clear: Option<bool>) -> Plan {
    let mut plan = plan(&[("on_getpgid", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    plan.parameters = vec![parameter("target", ".rodata", -1, Some(std::process::id() as i32))];
    plan.maps = vec![map(name)];
    let interval = Duration::from_millis(interval_ms);
    plan.streams = vec![Stream {
        name: name.into(),
        map: 0,
        source: Source::Sampled(Sampling { interval, kind: SampleKind::KeyValue, clear }),
        layout: layout(24),
        open_ended: false,
    }];
    plan
}

/// One call that is counted under `key`.
fn call(key: u32) {
    let _there_may_be_such_a_process = getpgid(Pid::from_raw(key as i32));
}

/// Key and number of calls; the value holds the key once more.
fn entry(bytes: &[u8]) -> (u32, u64) {
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(bytes.len(), 24);
    assert_eq!(bytes[4..8], [0; 4], "padding up to the value");
    let calls = u64::from_le_bytes(bytes[8..16].try_into().unwrap());
    assert!(calls == 0 || u32_at(16) == u32_at(0), "the value is that of its key");
    (u32_at(0), calls)
}

/// Everything that the last listing has.
fn stop(running: Running) -> BTreeMap<u32, u64> {
    let mut entries = BTreeMap::new();
    running.stop(|record| {
        let (key, calls) = entry(record.bytes);
        assert!(entries.insert(key, calls).is_none(), "each key once");
    });
    entries
}

#[test]
fn entries_are_listed_once_an_interval() {
    let _alone = alone();
    let mut running = run(OBJECT, &sampled("by_hash", 200, None));
    let start = Instant::now();
    call(FIRST);
    let mut times = Vec::new();
    let second = start + Duration::from_secs(1);
    read_until(
        &mut running,
        || Instant::now() >= second,
        |record| {
            assert_eq!(entry(record.bytes), (FIRST, 1));
            assert_eq!(record.cpu, None);
            times.push(record.mono_ns);
        },
    );
    assert!((2..=5).contains(&times.len()), "{times:?}");
    assert!(times.iter().min().unwrap() > &0);
    // A listing may be late, and the one after it is then on time.
    assert!(times.windows(2).all(|pair| pair[1] > pair[0]), "{times:?}");
    let ledger = running.stop(|_| {});
    assert_eq!(ledger.streams[0].delivered, times.len() as u64 + 1, "once more at the end");
    assert!(ledger.streams[0].lost.is_none());
}

#[test]
fn the_wait_ends_when_a_listing_is_due() {
    let _alone = alone();
    let mut running = run(OBJECT, &sampled("by_hash", 300, None));
    call(FIRST);
    let start = Instant::now();
    let mut seen = 0;
    while seen == 0 {
        running.wait(&[], Some(start + Duration::from_secs(10))).unwrap();
        running
            .drain(|_| {
                seen += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn a_map_larger_than_a_batch_is_listed_whole() {
    let _alone = alone();
    for name in ["by_hash", "by_lru"] {
        let running = run(OBJECT, &sampled(name, 60_000, None));
        for key in FIRST..FIRST + 3_000 {
            call(key);
            call(key);
        }
        let entries = stop(running);
        assert_eq!(entries.len(), 3_000, "{name}");
        assert!(entries.into_iter().eq((FIRST..FIRST + 3_000).map(|key| (key, 2))), "{name}");
    }
}

#[test]
fn an_array_is_listed_with_every_element() {
    let _alone = alone();
    let running = run(OBJECT, &sampled("by_array", 60_000, None));
    // The array has the lowest 13 bits.
    call(FIRST + 7);
    let entries = stop(running);
    assert_eq!(entries.len(), 10_000);
    assert_eq!(entries[&7], 1);
    assert_eq!(entries.values().sum::<u64>(), 1);
}

#[test]
fn cleared_entries_begin_anew_and_no_call_is_lost_or_seen_twice() {
    let _alone = alone();
    for name in ["by_hash", "by_array"] {
        let mut running = run(OBJECT, &sampled(name, 20, Some(true)));
        let mut calls = 0;
        let mut made = 0;
        let mut listings = 0;
        let end = Instant::now() + Duration::from_millis(300);
        while Instant::now() < end {
            (0..50).for_each(|key| call(FIRST + key));
            made += 50;
            let mut last = 0;
            running
                .drain(|record| {
                    calls += entry(record.bytes).1;
                    listings += u32::from(record.mono_ns != last);
                    last = record.mono_ns;
                    ControlFlow::Continue(())
                })
                .unwrap();
        }
        assert!(listings > 1);
        calls += stop(running).values().sum::<u64>();
        assert_eq!(calls, made, "{name}");
    }
}

#[test]
fn entries_are_kept_unless_the_package_says_otherwise() {
    let _alone = alone();
    let mut running = run(OBJECT, &sampled("by_hash", 10, None));
    call(FIRST);
    let seen = Cell::new(0);
    let enough = || {
        call(FIRST);
        seen.get() >= 5
    };
    read_until(&mut running, enough, |record| seen.set(entry(record.bytes).1));
    assert!(stop(running)[&FIRST] >= 5);
}

#[test]
fn a_break_in_a_listing_loses_and_repeats_nothing() {
    let _alone = alone();
    let mut running = run(OBJECT, &sampled("by_hash", 1, Some(true)));
    (FIRST..FIRST + 100).for_each(call);
    let mut keys = Vec::new();
    let end = Instant::now() + Duration::from_secs(10);
    while keys.len() < 60 {
        assert!(Instant::now() < end);
        running.wait(&[], Some(end)).unwrap();
        running
            .drain(|record| {
                keys.push(entry(record.bytes).0);
                ControlFlow::Break(())
            })
            .unwrap();
    }
    running.stop(|record| keys.push(entry(record.bytes).0));
    keys.sort_unstable();
    assert!(keys.into_iter().eq(FIRST..FIRST + 100));
}

#[test]
fn a_map_with_a_value_for_each_cpu_is_refused_with_its_type() {
    let _alone = alone();
    let error = runtime::load(OBJECT, &sampled("by_cpu", 100, None), &Default::default()).unwrap_err();
    let LoadError::Streams(streams) = &error else { panic!("{error:?}") };
    assert!(streams.to_string().starts_with("map by_cpu: maps of type "), "{streams}");
    assert_eq!(error.blame(), Blame::Package);
}

#[test]
fn a_map_that_is_not_in_the_object_is_the_packages_fault() {
    let _alone = alone();
    let error = runtime::load(OBJECT, &sampled("absent", 100, None), &Default::default()).unwrap_err();
    assert_eq!(error.to_string(), "the BPF object has no map absent");
    assert_eq!(error.blame(), Blame::Package);
}
