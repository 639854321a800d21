//! Perf event arrays: nothing is lost unseen, records come in order of time, soon, and at no cost while idle.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use runtime::{Loss, Running};
use rustix::time::{ClockId, clock_gettime};

use crate::events::{
    Event, PERF, PERF_OTHER, cpus, event, events, pin, read_until, run_events, send, two_threads,
};
use crate::kernel::{alone, slot};

/// Nobody is slowed down by this many calls.
const CALLS: u32 = 2_000;

#[test]
fn every_record_of_two_cpus_comes_once_and_in_order_of_time() {
    let _alone = alone();
    // Room for a reader that waits long for its turn on a busy machine.
    let mut running = run_events(&events(&[PERF], 100), Some(8 << 20));
    let mut seen: Vec<Event> = Vec::new();
    two_threads(&mut running, CALLS, 10, |record| seen.push(event(&record, 100)));
    let ledger = running.stop(|record| seen.push(event(&record, 100)));
    assert_eq!(seen.len(), 2 * 10 * CALLS as usize);
    assert_eq!(ledger.streams[0].delivered, seen.len() as u64);
    assert_eq!(ledger.streams[0].lost, Loss::Exact(0));
    assert_eq!(ledger.streams[0].name, "perf");
    for thread in 0..2 {
        let numbers = seen.iter().filter(|it| it.thread == thread).map(|it| it.number);
        assert!(numbers.eq(0..u64::from(10 * CALLS)), "each once, and in order");
    }
    if ledger.streams[0].unordered_drains == 0 {
        assert!(seen.is_sorted_by_key(|it| it.mono_ns), "in order of time across CPUs");
    }
    assert!(seen.iter().all(|it| it.mono_ns >= it.made_ns), "the time is that of the kernel's own clock");
}

#[test]
fn records_of_two_cpus_in_turns_are_merged_by_time() {
    let _alone = alone();
    let mut running = run_events(&events(&[PERF], 0), None);
    let cpus = cpus();
    // Far less than a ring holds, so that nothing has to be read out of order.
    for turn in 0..400 {
        pin(cpus[turn % cpus.len()]);
        send(0, 2);
    }
    let mut numbers = Vec::new();
    running
        .drain(|record| {
            numbers.push(event(&record, 0).number);
            ControlFlow::Continue(())
        })
        .unwrap();
    let ledger = running.stop(|record| numbers.push(event(&record, 0).number));
    assert!(numbers.into_iter().eq(0..800), "one thread's records are in order although it moved");
    assert_eq!(ledger.streams[0].unordered_drains, 0);
}

/// Delivered and lost of a run where `make` makes records into rings of `buffer` bytes.
fn overload(buffer: usize, make: impl FnOnce(&mut Running, &mut dyn FnMut())) -> (u64, Loss) {
    let mut running = run_events(&events(&[PERF], 200), Some(buffer));
    let mut seen = 0;
    make(&mut running, &mut || seen += 1);
    let ledger = running.stop(|record| {
        event(&record, 200);
        seen += 1;
    });
    assert_eq!(ledger.streams[0].delivered, seen);
    (seen, ledger.streams[0].lost)
}

#[test]
fn what_a_full_ring_refuses_is_counted_even_when_nothing_follows() {
    let _alone = alone();
    let (delivered, lost) = overload(4096, |_, _| send(0, 1_000));
    assert!(delivered > 0 && delivered < 1_000, "{delivered}");
    assert_eq!(lost, Loss::Exact(1_000 - delivered));
}

#[test]
fn under_overload_delivered_and_lost_are_what_was_made() {
    let _alone = alone();
    let mut refused = 0;
    let (delivered, lost) = overload(8192, |running, seen| {
        two_threads(running, CALLS, 30, |record| {
            event(&record, 200);
            seen();
        });
        refused = slot("streams_refused", 0);
    });
    let Loss::Exact(lost) = lost else { panic!("{lost:?}") };
    assert!(lost > 0, "this was no overload");
    assert_eq!(delivered + lost, 2 * 30 * u64::from(CALLS));
    assert_eq!(lost, refused, "the program was told the same");
}

#[test]
fn a_break_stops_at_once_and_loses_and_repeats_nothing() {
    let _alone = alone();
    let mut running = run_events(&events(&[PERF, PERF_OTHER], 3), None);
    send(0, 1_000);
    let mut numbers = [Vec::new(), Vec::new()];
    let mut drained = 0;
    while drained < 300 {
        let mut calls = 0;
        running
            .drain(|record| {
                calls += 1;
                numbers[record.stream].push(u64::from_le_bytes(record.bytes[..8].try_into().unwrap()));
                ControlFlow::Break(())
            })
            .unwrap();
        assert!(calls <= 1);
        // None while the records are younger than a millisecond.
        drained += calls;
    }
    let ledger = running.stop(|record| {
        numbers[record.stream].push(u64::from_le_bytes(record.bytes[..8].try_into().unwrap()));
    });
    for (stream, numbers) in numbers.into_iter().enumerate() {
        assert!(numbers.into_iter().eq(0..1_000), "stream {stream}");
        assert_eq!(ledger.streams[stream].delivered, 1_000);
    }
}

#[test]
fn one_lone_record_is_handed_over_within_a_tenth_of_a_second() {
    let _alone = alone();
    let mut running = run_events(&events(&[PERF], 0), None);
    for _ in 0..10 {
        let sent = Instant::now();
        send(0, 1);
        let mut seen = 0;
        while seen == 0 {
            running.wait(&[], Some(sent + Duration::from_secs(1))).unwrap();
            running
                .drain(|_| {
                    seen += 1;
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(sent.elapsed() < Duration::from_millis(100), "{:?}", sent.elapsed());
        }
    }
}

/// CPU time of this thread.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

#[test]
fn waiting_for_nothing_costs_less_than_a_thousandth_of_a_cpu() {
    let _alone = alone();
    let mut running = run_events(&events(&[PERF], 0), None);
    assert!(idle_share(&mut running) < 0.001);
}

/// Part of a CPU that waiting costs while nothing comes: the least of three tries, since a busy machine makes every
/// wake-up dear.
pub(crate) fn idle_share(running: &mut Running) -> f64 {
    let started = Instant::now();
    // At first it looks more often.
    read_until(running, || started.elapsed() > Duration::from_millis(300), |_| {});
    let tries = [(); 3].map(|()| {
        let (start, cpu) = (Instant::now(), own_cpu());
        let end = start + Duration::from_secs(2);
        while Instant::now() < end {
            running.wait(&[], Some(end)).unwrap();
            running.drain(|_| ControlFlow::Continue(())).unwrap();
        }
        (own_cpu() - cpu).as_secs_f64() / start.elapsed().as_secs_f64()
    });
    tries.into_iter().fold(f64::MAX, f64::min)
}

#[test]
fn streams_of_one_package_are_told_apart() {
    let _alone = alone();
    let running = run_events(&events(&[PERF, PERF_OTHER], 40), None);
    send(0, 100);
    let mut seen = [0; 2];
    let ledger = running.stop(|record| {
        seen[record.stream] += 1;
        assert_eq!(record.bytes.len() < 32, record.stream == 1);
    });
    assert_eq!(seen, [100, 100]);
    assert!(ledger.streams.iter().map(|it| &*it.name).eq(["perf", "perf_other"]));
}
