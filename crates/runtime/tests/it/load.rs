//! Loading: parameters, what is missing, what the kernel refuses.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::sync::{Arc, Mutex};

use package::{Attach, Plan};
use runtime::{Blame, KernelBtf, Level, LoadError, LoadOptions, Missing, Sink};

use crate::kernel::{alone, gone, load, own_programs, parameter, plan, run, slot};

const HOOKS: &[u8] = include_bytes!("../fixtures/load_hooks.bpf.o");
const REJECTED: &[u8] = include_bytes!("../fixtures/load_rejected.bpf.o");
const MAP_KIND: &[u8] = include_bytes!("../fixtures/load_map_kind.bpf.o");
const MAP_HUGE: &[u8] = include_bytes!("../fixtures/load_map_huge.bpf.o");
const TRACED: &[u8] = include_bytes!("../fixtures/load_traced.bpf.o");

const RELOCATED: &[u8] = include_bytes!("../fixtures/load_relocated.bpf.o");
const UNRELOCATED: &[u8] = include_bytes!("../fixtures/load_unrelocated.bpf.o");

fn relocated() -> Plan {
    let mut plan = plan(&[("reads_task", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    plan.parameters = vec![parameter("target", ".rodata", -1, Some(std::process::id() as i32))];
    plan
}

fn hooks() -> Plan {
    let mut plan = plan(&[("on_tracepoint", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    plan.parameters = vec![
        parameter("target", ".rodata", -1, None),
        parameter("step", ".data", 1, Some(10)),
        parameter("extra", ".bss", 0, None),
    ];
    plan
}

fn getpgid() {
    rustix::process::getpgid(None).unwrap();
}

fn failure(object: &[u8], plan: &Plan) -> LoadError {
    runtime::load(object, plan, &LoadOptions::default()).unwrap_err()
}

#[test]
fn a_given_value_wins_over_the_packages_default_and_that_over_the_objects_bytes() {
    let _alone = alone();
    let own = (std::process::id() as i32).to_le_bytes().to_vec();
    let mut options = LoadOptions {
        values: vec![(0, own.clone()), (2, 3_i32.to_le_bytes().to_vec())],
        ..Default::default()
    };
    let running = runtime::load(HOOKS, &hooks(), &options).unwrap().open_streams().unwrap().attach().unwrap();
    getpgid();
    assert_eq!(slot("load_counts", 0), 10 + 3);
    drop(running);

    options.values = vec![(0, own), (1, 100_i32.to_le_bytes().to_vec())];
    let running = runtime::load(HOOKS, &hooks(), &options).unwrap().open_streams().unwrap().attach().unwrap();
    getpgid();
    assert_eq!(slot("load_counts", 0), 100);
    drop(running);

    let running = run(HOOKS, &hooks());
    getpgid();
    assert_eq!(slot("load_counts", 0), 0, "the object's target is no process");
    drop(running);
}

#[test]
fn values_that_do_not_fit_are_refused() {
    let _alone = alone();
    let with = |value| LoadOptions { values: vec![value], ..Default::default() };
    let plan = hooks();
    let error = runtime::load(HOOKS, &plan, &with((0, vec![1]))).unwrap_err();
    assert_eq!(error.to_string(), "variable target holds 4 bytes, and the value has 1");
    assert_eq!(error.blame(), Blame::Caller);
    let error = runtime::load(HOOKS, &plan, &with((9, vec![1]))).unwrap_err();
    assert_eq!(error.to_string(), "there is no parameter number 9");

    let mut elsewhere = hooks();
    elsewhere.parameters[1].section = ".data.other".into();
    assert!(matches!(failure(HOOKS, &elsewhere), LoadError::NoSection { .. }));
    let mut outside = hooks();
    outside.parameters[1].offset_bytes = u32::MAX;
    assert!(matches!(failure(HOOKS, &outside), LoadError::OutsideSection { .. }));
}

#[test]
fn nothing_stays_in_the_kernel_after_any_phase() {
    let _alone = alone();
    let loaded = load(HOOKS, &hooks());
    let programs = own_programs();
    assert_eq!(programs.len(), 3);
    drop(loaded);
    gone(&programs);

    let ready = load(HOOKS, &hooks()).open_streams().unwrap();
    let programs = own_programs();
    drop(ready);
    gone(&programs);

    let running = run(HOOKS, &hooks());
    let programs = own_programs();
    drop(running);
    gone(&programs);
    assert!(own_programs().is_empty());
}

#[test]
fn a_rejected_program_comes_with_the_verifiers_log() {
    let _alone = alone();
    let plan = plan(&[("reads_anywhere", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    let error = failure(REJECTED, &plan);
    assert_eq!(
        error.to_string(),
        "the kernel's verifier rejects program reads_anywhere: R1 invalid mem access 'scalar'"
    );
    assert_eq!(error.blame(), Blame::Machine);
    let LoadError::Verifier { log, .. } = error else { panic!("{error:?}") };
    assert!(log.lines().count() > 2, "{log}");
}

#[test]
fn libbpfs_messages_go_to_the_sink_and_nowhere_else() {
    let _alone = alone();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let lines = Arc::clone(&lines);
        Sink::new(move |level, text| lines.lock().unwrap().push((level, text.to_owned())))
    };
    let plan = plan(&[("reads_anywhere", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    let options = LoadOptions { libbpf_log: Some(sink), ..Default::default() };
    runtime::load(REJECTED, &plan, &options).unwrap_err();
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|(level, _)| *level == Level::Debug));
    assert!(
        lines.iter().any(|(level, text)| *level == Level::Warning && text.contains("BEGIN PROG LOAD LOG"))
    );
    assert!(lines.iter().all(|(_, text)| !text.ends_with('\n') && !text.starts_with("libbpf")));
}

#[test]
fn names_that_are_no_text_reach_the_sink_as_text() {
    let _alone = alone();
    let (name, damaged) = (b"load_counts", b"load_\xff\xfets");
    let mut object = HOOKS.to_vec();
    let places: Vec<_> = (0..object.len()).filter(|&at| object[at..].starts_with(name)).collect();
    places.iter().for_each(|&at| object[at..at + name.len()][..damaged.len()].copy_from_slice(damaged));
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = {
        let lines = Arc::clone(&lines);
        Sink::new(move |_, text| lines.lock().unwrap().push(text.to_owned()))
    };
    let options = LoadOptions { libbpf_log: Some(sink), ..Default::default() };
    let _refused_or_not = runtime::load(&object, &hooks(), &options);
    let lines = lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.contains("load_\u{fffd}\u{fffd}ts")), "{lines:?}");
}

#[test]
fn a_map_of_an_unknown_type_is_named() {
    let _alone = alone();
    let mut plan = plan(&[("uses_map", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    plan.maps = vec![package::Map {
        name: "load_map".into(),
        kind: 200,
        key_bytes: 4,
        value_bytes: 8,
        max_entries: 1,
        section: None,
    }];
    let error = failure(MAP_KIND, &plan);
    assert!(
        matches!(&error, LoadError::Missing(Missing::MapType { map, .. }) if map == "load_map"),
        "{error:?}"
    );
}

#[test]
fn a_map_that_memory_cannot_hold_is_named() {
    let _alone = alone();
    let plan = plan(&[("uses_map", "tp/syscalls/sys_enter_getpgid", Attach::Section)]);
    let error = failure(MAP_HUGE, &plan);
    assert!(matches!(&error, LoadError::Memory { subject } if subject == "map load_map"), "{error:?}");
}

#[test]
fn an_object_that_libbpf_cannot_read_is_the_packages_fault() {
    let _alone = alone();
    for object in [&b""[..], b"not an object", &HOOKS[..HOOKS.len() / 2]] {
        let error = failure(object, &plan(&[]));
        assert!(matches!(error, LoadError::Object { .. }), "{error:?}");
        assert_eq!(error.blame(), Blame::Package);
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let error = failure(HOOKS, &plan(&[("not_there", "tp/syscalls/sys_enter_getpgid", Attach::Section)]));
    assert_eq!(error.to_string(), "the BPF object has no program not_there");
}

#[test]
fn what_this_kernel_lacks_is_said_before_loading() {
    let _alone = alone();
    let missing = |section, attach| match failure(b"never read", &plan(&[("p", section, attach)])) {
        LoadError::Missing(missing) => missing,
        other => panic!("{other:?}"),
    };
    assert!(matches!(missing("tp/syscalls/sys_enter_nothing", Attach::Section), Missing::Tracepoint { .. }));
    assert!(matches!(missing("uprobe//no/such/file:f", Attach::Section), Missing::Binary { .. }));
    assert!(matches!(missing("xdp", Attach::Xdp { ifindex: 99_999, flags: 0 }), Missing::Interface { .. }));
    let often = Attach::PerfEvent { frequency: u64::MAX };
    assert!(matches!(missing("perf_event", often), Missing::SampleRate { .. }));
    assert!(matches!(missing("xdp", Attach::Xdp { ifindex: -1, flags: 0 }), Missing::Interface { .. }));
}

#[test]
fn a_btf_file_that_is_none_is_blamed() {
    let _alone = alone();
    for path in ["/no/such/file", "/etc/passwd"] {
        let options = LoadOptions { kernel_btf: KernelBtf::File(path.into()), ..Default::default() };
        let error = runtime::load(RELOCATED, &relocated(), &options).unwrap_err();
        assert_eq!(error.to_string(), format!("{path} cannot be read as BTF"));
        assert_eq!(error.blame(), Blame::Caller);
    }
}

#[test]
fn relocations_use_the_kernels_types() {
    let _alone = alone();
    for kernel_btf in [KernelBtf::default(), KernelBtf::File("/sys/kernel/btf/vmlinux".into())] {
        let options = LoadOptions { kernel_btf, ..Default::default() };
        let running = runtime::load(RELOCATED, &relocated(), &options)
            .unwrap()
            .open_streams()
            .unwrap()
            .attach()
            .unwrap();
        getpgid();
        assert_eq!(slot("load_pids", 0), u64::from(std::process::id()));
        drop(running);
    }
}

#[test]
fn a_member_that_this_kernel_lacks_is_named() {
    let _alone = alone();
    let error = failure(UNRELOCATED, &relocated());
    assert_eq!(
        error.to_string(),
        "the kernel does not have what program reads_task uses: struct task_struct.no_such_member"
    );
}

#[test]
fn a_kprobe_on_a_kernel_without_kprobes_is_explained() {
    if std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        return;
    }
    let error = failure(b"never read", &plan(&[("p", "kretprobe/do_unlinkat", Attach::Section)]));
    assert_eq!(
        error.to_string(),
        "program p (kretprobe do_unlinkat) needs kprobes, and this kernel has none"
    );
    assert!(error.hint().is_some());
    assert_eq!(error.blame(), Blame::Machine);
}

#[test]
fn a_tracing_program_that_lockdown_refuses_is_explained() {
    let lockdown = std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    if !lockdown.contains("[integrity]") || libbpf_rs::ProgramType::Tracing.is_supported().unwrap() {
        return;
    }
    for (section, hook) in
        [("fentry/do_unlinkat", "fentry do_unlinkat"), ("lsm/socket_connect", "lsm socket_connect")]
    {
        let error = failure(TRACED, &plan(&[("at_function", section, Attach::Section)]));
        assert_eq!(
            error.to_string(),
            format!("program at_function ({hook}) is refused: the kernel is in lockdown mode \"integrity\"")
        );
        assert!(error.hint().unwrap().contains("Secure Boot"));
    }
}

#[test]
fn a_process_without_privileges_is_told_what_it_lacks() {
    let test = std::env::current_exe().unwrap();
    let folder = tempfile::tempdir().unwrap();
    // The build folder may be closed to others.
    let copy = folder.path().join("test");
    std::fs::copy(test, &copy).unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"])
        .arg(&copy)
        .args(["--ignored", "--exact", "load::started_without_privileges"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && output.status.signal().is_none(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}

#[test]
fn root_of_a_user_namespace_is_told_that_it_is_none() {
    let test = std::env::current_exe().unwrap();
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user"])
        .arg(&test)
        .args(["--ignored", "--exact", "load::started_in_a_user_namespace"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
#[ignore = "started by root_of_a_user_namespace_is_told_that_it_is_none"]
fn started_in_a_user_namespace() {
    let error = failure(HOOKS, &hooks());
    assert_eq!(error.to_string(), "root in a container's user namespace may not load BPF programs");
}

#[test]
#[ignore = "started by a_process_without_privileges_is_told_what_it_lacks"]
fn started_without_privileges() {
    let error = failure(HOOKS, &hooks());
    assert_eq!(
        error.to_string(),
        "loading BPF programs needs root, or the capabilities CAP_BPF, CAP_PERFMON; \
         this process lacks CAP_BPF, CAP_PERFMON"
    );
    assert_eq!(error.hint().unwrap(), "run it as root: sudo ecli run …");
}
