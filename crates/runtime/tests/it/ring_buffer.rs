//! Ring buffers: what is proven is true, records are whole, soon there, and nothing is spent while idle.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use runtime::Loss;

use crate::events::{PERF, RING, event, events, run_events, send, two_threads};
use crate::kernel::{alone, slot};
use crate::perf::idle_share;

#[test]
fn with_room_at_every_moment_zero_losses_are_proven() {
    let _alone = alone();
    let mut running = run_events(&events(&[RING], 64), Some(8 << 20));
    let mut numbers = [Vec::new(), Vec::new()];
    let mut take = |record: runtime::RawRecord<'_>| {
        let event = event(&record, 64);
        numbers[event.thread as usize].push(event.number);
    };
    two_threads(&mut running, 2_000, 10, &mut take);
    assert_eq!(slot("streams_refused", 1), 0);
    let ledger = running.stop(&mut take);
    assert_eq!(ledger.streams[0].lost, Loss::ProvenZero);
    assert_eq!(ledger.streams[0].delivered, 40_000);
    for numbers in numbers {
        assert!(numbers.into_iter().eq(0..20_000), "each once, and in order");
    }
}

#[test]
fn losses_are_never_proven_to_be_none_when_there_were_some() {
    let _alone = alone();
    let mut proven = 0;
    // Sizes around what the load needs, so that some runs just lose, some just do not, and the first cannot.
    for (buffer, count) in
        [(1 << 20, 1), (4096, 1), (4096, 14), (4096, 60), (8192, 40), (16384, 80), (65536, 300)]
    {
        for text in [3, 37, 200] {
            let mut running = run_events(&events(&[RING], text), Some(buffer));
            let mut seen = 0;
            two_threads(&mut running, 200, count, |record| {
                event(&record, text as usize);
                seen += 1;
            });
            let refused = slot("streams_refused", 1);
            let ledger = running.stop(|record| {
                event(&record, text as usize);
                seen += 1;
            });
            assert_eq!(ledger.streams[0].delivered, seen);
            assert_eq!(seen + refused, u64::from(2 * 200 * count));
            if refused > 0 {
                assert!(
                    matches!(ledger.streams[0].lost, Loss::Unknown { .. }),
                    "{buffer} {count}: {refused}"
                );
            } else if ledger.streams[0].lost == Loss::ProvenZero {
                proven += 1;
            }
        }
    }
    assert!(proven > 0, "a proof that never succeeds proves nothing");
}

#[test]
fn a_ring_that_was_filled_is_not_proven() {
    let _alone = alone();
    let running = run_events(&events(&[RING], 200), Some(4096));
    send(0, 1_000);
    let mut seen = 0;
    let ledger = running.stop(|_| seen += 1);
    assert!(seen > 0 && seen < 1_000);
    assert!(matches!(ledger.streams[0].lost, Loss::Unknown { full_drains: 1.. }));
}

#[test]
fn records_that_wrap_are_whole() {
    let _alone = alone();
    // 37 bytes of text: records of 80 bytes do not divide the ring.
    let mut running = run_events(&events(&[RING], 37), Some(4096));
    let mut next = 0;
    for _ in 0..500 {
        send(0, 3);
        running
            .drain(|record| {
                assert_eq!(event(&record, 37).number, next);
                next += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    assert_eq!(next, 1_500);
    assert_eq!(running.stop(|_| {}).streams[0].lost, Loss::ProvenZero);
}

#[test]
fn a_break_stops_at_once_and_loses_and_repeats_nothing() {
    let _alone = alone();
    let mut running = run_events(&events(&[RING], 0), None);
    send(0, 300);
    let mut numbers = Vec::new();
    for done in 1..=200 {
        running
            .drain(|record| {
                numbers.push(event(&record, 0).number);
                ControlFlow::Break(())
            })
            .unwrap();
        assert_eq!(numbers.len(), done);
    }
    running.stop(|record| numbers.push(event(&record, 0).number));
    assert!(numbers.into_iter().eq(0..300));
}

#[test]
fn one_lone_record_wakes_the_reader() {
    let _alone = alone();
    let mut running = run_events(&events(&[RING], 0), None);
    for number in 0..10 {
        let sent = Instant::now();
        send(0, 1);
        let mut seen = Vec::new();
        while seen.is_empty() {
            running.wait(&[], Some(sent + Duration::from_secs(1))).unwrap();
            running
                .drain(|record| {
                    seen.push(event(&record, 0).number);
                    ControlFlow::Continue(())
                })
                .unwrap();
            assert!(sent.elapsed() < Duration::from_millis(100), "{:?}", sent.elapsed());
        }
        assert_eq!(seen, [number]);
        // Until it waits for the kernel again.
        running.wait(&[], Some(Instant::now() + Duration::from_millis(5))).unwrap();
        running.drain(|_| unreachable!("nothing was sent")).unwrap();
    }
}

#[test]
fn waiting_for_nothing_costs_less_than_a_thousandth_of_a_cpu() {
    let _alone = alone();
    let mut running = run_events(&events(&[RING], 0), None);
    // It is not only before the first record that nothing comes.
    send(0, 1);
    assert!(idle_share(&mut running) < 0.001);
}

#[test]
fn a_perf_event_array_and_a_ring_buffer_are_read_side_by_side() {
    let _alone = alone();
    let mut running = run_events(&events(&[RING, PERF], 20), None);
    let mut seen = [0; 2];
    two_threads(&mut running, 500, 4, |record| {
        event(&record, 20);
        seen[record.stream] += 1;
    });
    let ledger = running.stop(|record| {
        event(&record, 20);
        seen[record.stream] += 1;
    });
    assert_eq!(seen, [4_000, 4_000]);
    assert_eq!([0, 1].map(|it| ledger.streams[it].lost), [Loss::ProvenZero, Loss::Exact(0)]);
}
