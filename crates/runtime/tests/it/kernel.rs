//! What the tests share: plans written by hand, and the kernel's own account of what this process has in it.

use std::collections::BTreeSet;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use libbpf_rs::{MapCore as _, MapFlags, MapHandle};
use package::layout::Type;
use package::{Attach, Parameter, Plan, Program};
use runtime::{LoadOptions, Loaded, Running};

/// One test at a time: they tell their maps and programs by what this process holds.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static KERNEL: Mutex<()> = Mutex::new(());
    KERNEL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A plan with these programs (name, section, attachment) and nothing else.
pub(crate) fn plan(programs: &[(&str, &str, Attach)]) -> Plan {
    Plan {
        object_name: "load_test".into(),
        programs: programs
            .iter()
            .map(|(name, section, attach)| Program {
                name: (*name).into(),
                section: (*section).into(),
                attach: attach.clone(),
            })
            .collect(),
        maps: Vec::new(),
        streams: Vec::new(),
        parameters: Vec::new(),
        notes: Vec::new(),
    }
}

/// A variable of four bytes at the start of its section.
pub(crate) fn parameter(variable: &str, section: &str, initial: i32, default: Option<i32>) -> Parameter {
    Parameter {
        variable: variable.into(),
        section: section.into(),
        offset_bytes: 0,
        ty: Type::Signed { bits: 32 },
        type_name: "int".into(),
        long: variable.into(),
        short: None,
        help: String::new(),
        initial: initial.to_le_bytes().to_vec(),
        default: default.map(|it| it.to_le_bytes().to_vec()),
    }
}

pub(crate) fn load(object: &[u8], plan: &Plan) -> Loaded {
    runtime::load(object, plan, &LoadOptions::default()).unwrap()
}

pub(crate) fn run(object: &[u8], plan: &Plan) -> Running {
    load(object, plan).open_streams().unwrap().attach().unwrap()
}

/// The numbers that follow `key` in this process' descriptors.
fn own_ids(key: &str) -> BTreeSet<u32> {
    let descriptors = fs::read_dir("/proc/self/fdinfo").unwrap();
    let texts = descriptors.filter_map(|it| fs::read_to_string(it.ok()?.path()).ok());
    texts
        .filter_map(|text| text.lines().find_map(|line| line.strip_prefix(key)?.trim().parse().ok()))
        .collect()
}

/// Programs of this process.
pub(crate) fn own_programs() -> BTreeSet<u32> {
    own_ids("prog_id:")
}

/// A slot of an array map of this process.
pub(crate) fn slot(map: &str, slot: u32) -> u64 {
    let handles = own_ids("map_id:").into_iter().filter_map(|id| MapHandle::from_map_id(id).ok());
    let map = handles.into_iter().find(|it| it.name() == map).expect("the map is loaded");
    let value = map.lookup(&slot.to_ne_bytes(), MapFlags::ANY).unwrap().unwrap();
    u64::from_ne_bytes(value.try_into().unwrap())
}

/// Waits until `reached`, at most ten seconds.
pub(crate) fn eventually(what: &str, mut reached: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(10);
    while !reached() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::yield_now();
    }
}

/// Waits until the kernel has forgotten every one of `programs`.
pub(crate) fn gone(programs: &BTreeSet<u32>) {
    assert!(!programs.is_empty());
    eventually("the kernel frees the programs", || {
        programs.iter().all(|id| libbpf_rs::Program::fd_from_id(*id).is_err())
    });
}
