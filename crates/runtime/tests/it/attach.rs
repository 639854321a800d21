//! Attaching each kind, and leaving nothing behind.

use package::Attach;
use runtime::{AttachError, Blame, Missing, Notice};

use crate::kernel::{alone, eventually, gone, load, own_programs, parameter, plan, run, slot};

const HOOKS: &[u8] = include_bytes!("../fixtures/load_hooks.bpf.o");
const SAMPLES: &[u8] = include_bytes!("../fixtures/load_samples.bpf.o");
const UPROBE: &[u8] = include_bytes!("../fixtures/load_uprobe.bpf.o");
const ABSENT: &[u8] = include_bytes!("../fixtures/load_absent.bpf.o");

#[test]
fn every_listed_program_is_attached_and_no_other() {
    let _alone = alone();
    let mut plan = plan(&[
        ("on_tracepoint", "tp/syscalls/sys_enter_getpgid", Attach::Section),
        ("on_raw_tracepoint", "raw_tp/sys_enter", Attach::Section),
        ("never_attached", "tp/syscalls/sys_enter_getpgid", Attach::None),
    ]);
    plan.parameters = vec![parameter("target", ".rodata", -1, Some(std::process::id() as i32))];
    let running = run(HOOKS, &plan);
    assert_eq!(own_programs().len(), 3, "programs that are not attached are loaded");
    let shown: Vec<_> =
        running.attachments().iter().map(|it| (&*it.program, &*it.kind, &*it.description)).collect();
    assert_eq!(
        shown,
        [
            ("on_tracepoint", "tracepoint", "tracepoint syscalls:sys_enter_getpgid"),
            ("on_raw_tracepoint", "raw_tracepoint", "raw tracepoint sys_enter"),
        ]
    );
    rustix::process::getpgid(None).unwrap();
    assert_eq!([0, 1, 2].map(|it| slot("load_counts", it)), [1, 1, 0]);
    let programs = own_programs();
    running.stop(|_| {});
    gone(&programs);
}

#[test]
fn samples_come_from_every_cpu_at_the_packages_frequency() {
    let _alone = alone();
    let running = run(SAMPLES, &plan(&[("on_sample", "perf_event", Attach::PerfEvent { frequency: 99 })]));
    let shown = &running.attachments()[0].description;
    assert!(shown.contains("at 99 Hz on "), "{shown}");
    let on_timer = shown.starts_with("cpu-clock");
    assert_eq!(running.notices().iter().any(|it| matches!(it, Notice::SoftwareClock { .. })), on_timer);
    // This loop keeps a CPU busy, so that there is something to sample.
    eventually("ten samples", || slot("load_samples", 0) >= 10);
}

#[test]
fn a_hook_that_is_not_there_is_named_and_what_was_attached_is_gone() {
    let _alone = alone();
    let attempt = |name, section| {
        let plan = plan(&[
            ("at_tracepoint", "tp/syscalls/sys_enter_getpgid", Attach::Section),
            (name, section, Attach::Section),
        ]);
        let ready = load(ABSENT, &plan).open_streams().unwrap();
        let programs = own_programs();
        let error = ready.attach().unwrap_err();
        gone(&programs);
        error
    };
    let error = attempt("at_raw_tracepoint", "raw_tp/no_such_tracepoint");
    assert!(
        matches!(&error, AttachError::Missing(Missing::Tracepoint { tracepoint, .. }) if tracepoint == "no_such_tracepoint"),
        "{error:?}"
    );
    let error = attempt("at_symbol", "uprobe//bin/sh:no_such_symbol");
    assert!(
        matches!(&error, AttachError::Missing(Missing::Symbol { symbol, .. }) if symbol == "no_such_symbol"),
        "{error:?}"
    );
    let error = attempt("at_nothing", "socket");
    assert_eq!(
        error.to_string(),
        "program at_nothing: programs of section \"socket\" cannot be attached by ecli"
    );
    assert_eq!(error.blame(), Blame::Package);
}

#[test]
fn a_uprobe_finds_its_library_by_name() {
    let _alone = alone();
    let section = "uprobe/libc.so.6:setlocale";
    let running = run(UPROBE, &plan(&[("on_setlocale", section, Attach::Section)]));
    assert_eq!(running.attachments()[0].description, "uprobe libc.so.6:setlocale");
    std::process::Command::new("ls").arg("/").output().unwrap();
    assert!(slot("load_locales", 0) >= 1);
}
