//! What the tests of streams share: a package that sends numbered records, and threads that ask for them.

use std::ops::ControlFlow;
use std::thread;
use std::time::{Duration, Instant};

use package::layout::{Layout, Type};
use package::{Attach, Map, Parameter, Plan, Source, Stream};
use runtime::{LoadOptions, RawRecord, Running, StreamOptions};
use rustix::process::{Pid, getpgid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::kernel::plan;

const OBJECT: &[u8] = include_bytes!("../fixtures/streams_events.bpf.o");

/// Where the package can send records.
pub(crate) const PERF: (&str, i32, Source) = ("perf", 1, Source::PerfArray);
pub(crate) const RING: (&str, i32, Source) = ("ring", 2, Source::RingBuffer);
pub(crate) const PERF_OTHER: (&str, i32, Source) = ("perf_other", 4, Source::PerfArray);

/// A record as the package makes it, but for its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) number: u64,
    pub(crate) thread: u32,
    /// The program's own clock, a moment before the record was sent.
    pub(crate) made_ns: u64,
    /// Time of the record as it was handed over.
    pub(crate) mono_ns: u64,
    pub(crate) cpu: u32,
}

/// A layout without fields: the runtime looks at its size only.
pub(crate) fn layout(size_bytes: u32) -> Layout {
    Layout { name: "event".into(), size_bytes, fields: Vec::new() }
}

/// A plan that sends records of `text_bytes` beyond their 32 to these streams, for calls of this process.
pub(crate) fn events(streams: &[(&str, i32, Source)], text_bytes: i32) -> Plan {
    let mut plan = plan(&[("on_getpgid", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    let sinks = streams.iter().map(|(_, bit, _)| bit).sum();
    let values = [("target", std::process::id() as i32), ("sinks", sinks), ("text_bytes", text_bytes)];
    plan.parameters = (0..).zip(values).map(|(index, (name, value))| variable(name, index, value)).collect();
    for (name, _, source) in streams {
        plan.maps.push(map(name));
        plan.streams.push(Stream {
            name: (*name).into(),
            map: plan.maps.len() - 1,
            source: source.clone(),
            layout: layout(32 + text_bytes as u32),
            open_ended: false,
        });
    }
    plan
}

/// The name is all that reading needs.
pub(crate) fn map(name: &str) -> Map {
    Map { name: name.into(), kind: 0, key_bytes: 4, value_bytes: 4, max_entries: 0, section: None }
}

fn variable(name: &str, index: u32, value: i32) -> Parameter {
    Parameter {
        variable: name.into(),
        section: ".rodata".into(),
        offset_bytes: index * 4,
        ty: Type::Signed { bits: 32 },
        type_name: "int".into(),
        long: name.into(),
        short: None,
        help: String::new(),
        initial: vec![0; 4],
        default: Some(value.to_le_bytes().to_vec()),
    }
}

/// Runs a plan of [`events`] with rings of so many bytes.
pub(crate) fn run_events(plan: &Plan, buffer_bytes: Option<usize>) -> Running {
    let options = options(buffer_bytes);
    runtime::load(OBJECT, plan, &options).unwrap().open_streams().unwrap().attach().unwrap()
}

pub(crate) fn options(buffer_bytes: Option<usize>) -> LoadOptions {
    let mut streams = StreamOptions::default();
    streams.buffer_bytes = buffer_bytes;
    LoadOptions { streams, ..Default::default() }
}

/// Reads a record and checks that it is whole.
pub(crate) fn event(record: &RawRecord<'_>, text_bytes: usize) -> Event {
    let bytes = record.bytes;
    let u64_at = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let u32_at = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (number, made_ns, cpu, thread) = (u64_at(0), u64_at(8), u32_at(16), u32_at(20));
    assert_eq!(
        u32_at(24),
        (number as u32).wrapping_mul(2_654_435_761) ^ thread,
        "record {number} is damaged"
    );
    assert_eq!(u32_at(28) as usize, text_bytes, "record {number} is damaged");
    let text = &bytes[32..32 + text_bytes];
    assert!(text.iter().all(|&byte| byte == number as u8), "record {number} is torn");
    assert!(bytes.len() - (32 + text_bytes) < 8, "record {number} is longer than it was");
    assert!(record.cpu.is_none_or(|it| it == cpu), "record {number} is of another CPU");
    Event { number, thread, made_ns, mono_ns: record.mono_ns, cpu }
}

/// One call that makes `count` records, numbered for `thread` (below 64).
pub(crate) fn send(thread: u32, count: u32) {
    assert!(thread < 64 && count < 1 << 24);
    // No process has so high a number; the call is what counts.
    getpgid(Pid::from_raw(((thread + 1) << 24 | count) as i32)).unwrap_err();
}

/// CPUs that this process may run on.
pub(crate) fn cpus() -> Vec<u32> {
    let set = sched_getaffinity(None).unwrap();
    (0..CpuSet::MAX_CPU as u32).filter(|&cpu| set.is_set(cpu as usize)).collect()
}

/// Pins the calling thread.
pub(crate) fn pin(cpu: u32) {
    let mut set = CpuSet::new();
    set.set(cpu as usize);
    sched_setaffinity(None, &set).unwrap();
}

/// Two threads, each on a CPU of its own, make `calls` calls of `count` records, while this thread reads.
pub(crate) fn two_threads(running: &mut Running, calls: u32, count: u32, each: impl FnMut(RawRecord<'_>)) {
    let cpus = cpus();
    let threads: Vec<_> = (0..2)
        .map(|index| {
            let cpu = cpus[index % cpus.len()];
            thread::spawn(move || {
                pin(cpu);
                (0..calls).for_each(|_| send(index as u32, count));
            })
        })
        .collect();
    read_until(running, || threads.iter().all(thread::JoinHandle::is_finished), each);
    threads.into_iter().for_each(|it| it.join().unwrap());
}

/// Waits and drains until `done`, at most half a minute.
pub(crate) fn read_until(
    running: &mut Running,
    mut done: impl FnMut() -> bool,
    mut each: impl FnMut(RawRecord<'_>),
) {
    let end = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < end, "does not end");
        running.wait(&[], Some(Instant::now() + Duration::from_millis(20))).unwrap();
        running
            .drain(|record| {
                each(record);
                ControlFlow::Continue(())
            })
            .unwrap();
    }
}
