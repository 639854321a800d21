//! Packages written out by hand around the objects under `fixtures/`.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use package::{Limits, OpenError, Package, Plan, PlanError};
use serde_json::{Value, json};

pub(crate) const EVENTS: &[u8] = include_bytes!("../fixtures/events.bpf.o");
pub(crate) const TORTURE: &[u8] = include_bytes!("../fixtures/torture.bpf.o");

pub(crate) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A package of the present generation around `object`.
pub(crate) fn present(object: &[u8], meta: Value) -> Value {
    json!({"bpf_object": base64(&zlib(object)), "bpf_object_size": object.len(), "meta": meta})
}

/// The description of `events.bpf.o` as ecc writes it, with what hands add.
pub(crate) fn events_meta() -> Value {
    json!({
        "bpf_skel": {
            "obj_name": "events_bpf",
            "doc": {"brief": "Shows events", "description": "Longer", "version": "1.2"},
            "data_sections": [
                {"name": ".rodata", "variables": [
                    {"name": "targ_pid", "type": "pid_t", "description": "Process to trace",
                     "cmdarg": {"default": 0, "long": "pid", "short": "p", "help": "Process id"}},
                    {"name": "targ_failed", "type": "bool", "cmdarg": {"default": false, "long": "failed", "short": "f"}},
                    {"name": "level", "type": "unsigned char"},
                    {"name": "folded", "type": "int"}
                ]},
                {"name": ".bss", "variables": [{"name": "__eunomia_dummy_event_ptr", "type": "struct event *"}]}
            ],
            "maps": [
                {"name": "hists", "ident": "hists"},
                {"name": "events", "ident": "events"},
                {"name": "events_b.rodata", "ident": "rodata", "mmaped": true}
            ],
            "progs": [
                {"name": "enter_openat", "attach": "tracepoint/syscalls/sys_enter_openat", "link": true},
                {"name": "pass", "attach": "xdp", "link": true, "ifindex": 3, "flags": 2, "xdpopts": {"old_prog_fd": 0}},
                {"name": "classify", "attach": "tc", "link": true,
                 "tchook": {"ifindex": 2, "attach_point": "BPF_TC_EGRESS"}, "tcopts": {"handle": 5, "priority": 7}},
                {"name": "tick", "attach": "perf_event", "link": true},
                {"name": "optional", "attach": "?kprobe/never", "link": true}
            ]
        },
        "export_types": [events_type()],
        "eunomia_version": "0.3.4"
    })
}

pub(crate) fn events_type() -> Value {
    json!({"name": "event", "size": 296, "type_id": 103, "members": [
        {"name": "ts", "type": "unsigned long long"}, {"name": "pid", "type": "int"}, {"name": "uid", "type": "int"},
        {"name": "ret", "type": "int"}, {"name": "flags", "type": "int"}, {"name": "comm", "type": "char[16]"},
        {"name": "fname", "type": "char[255]"}]})
}

pub(crate) fn events() -> Value {
    present(EVENTS, events_meta())
}

pub(crate) fn open(value: &Value) -> Result<Package, OpenError> {
    package::open(value.to_string().as_bytes(), &Limits::default())
}

pub(crate) fn plan(value: &Value) -> Result<Plan, PlanError> {
    open(value).unwrap().plan(&Limits::default())
}

/// A package of autumn 2022: the record type is type `id` of a BTF blob of its own.
pub(crate) fn transitional(btf: &[u8], id: u32, name: &str) -> Value {
    let mut wrapped = String::new();
    for line in base64(btf).as_bytes().chunks(72) {
        wrapped.push_str(std::str::from_utf8(line).unwrap());
        wrapped.push('\n');
    }
    json!({
        "bpf_object": base64(&zlib(EVENTS)),
        "meta": {
            "bpf_skel": {
                "obj_name": "events_bpf",
                "data_sections": [{"name": ".rodata", "variables": [
                    {"name": "min_ns", "type": "long long unsigned int", "size": 8, "offset": 0, "align": 8}]}],
                "maps": [{"name": "rb", "ident": "rb", "mmaped": false}],
                "progs": [{"name": "enter_openat", "link": true}]
            },
            "export_types": {"export_btf": wrapped, "structs": [{"id": id, "name": name}]}
        }
    })
}
