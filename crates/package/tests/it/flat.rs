//! The generation of 2022: everything at the top, layouts in bits.

use package::layout::Type;
use package::{Attach, Generation, Limits, OpenError, Plan, PlanError, Source};
use serde_json::{Value, json};

use crate::build::{EVENTS, base64, open};

fn flat(export: Value) -> Value {
    let mut data = String::new();
    for line in base64(EVENTS).as_bytes().chunks(72) {
        data.push_str(std::str::from_utf8(line).unwrap());
        data.push('\n');
    }
    json!({
        "name": "tool", "version": "0.1.0", "license": "GPL", "author": "", "url": "", "description": "A tool",
        "load_ebpf_script": "",
        "data_sz": EVENTS.len(), "data": data,
        "maps": [
            {"name": "hists", "type": "BPF_MAP_TYPE_HASH"},
            {"name": "events", "type": "BPF_MAP_TYPE_PERF_EVENT_ARRAY", "export_data_types": export},
            {"name": "client_b.rodata", "type": "BPF_MAP_TYPE_UNSPEC",
             "sec_data": [{"name": "targ_pid", "type": "int", "size": 4}]}
        ],
        "progs": [{"name": "enter_openat", "type": "BPF_PROG_TYPE_TRACEPOINT"}],
        "runtime_args": {"targ_pid": 7, "prefix": "/var"}
    })
}

fn field(name: &str, c: &str, llvm: &str, offset: u64) -> Value {
    json!({"Name": name, "Type": c, "LLVMType": llvm, "FieldOffset": offset})
}

fn record(bits: u64, fields: Vec<Value>) -> Value {
    json!({"Struct Name": "lost", "Size": bits, "DataSize": bits, "Alignment": 64, "Fields": fields})
}

fn planned(export: Value) -> Result<Plan, PlanError> {
    open(&flat(export)).unwrap().plan(&Limits::default())
}

#[test]
fn the_list_itself_is_the_layout() {
    let export = record(
        704,
        vec![
            field("ts", "unsigned long long", "i64", 0),
            field("delta", "long", "i64", 64),
            field("comm", "char [16]", "[16 x i8]", 128),
            field("ok", "_Bool", "i8", 256),
            field("port", "__u16", "i16", 272),
            field("mystery", "struct in6_addr", "%struct.in6_addr", 288),
            field("sock", "struct sock *", "%struct.sock*", 448),
            field("kind", "enum kind", "i32", 512),
            field("odd", "my_t", "i32", 544),
            field("slots", "unsigned int [4]", "[4 x i32]", 576),
        ],
    );
    let plan = planned(export).unwrap();
    let [stream] = &plan.streams[..] else { panic!("{:?}", plan.streams) };
    assert_eq!((stream.name.as_str(), &stream.source), ("events", &Source::PerfArray));
    assert_eq!((stream.layout.name.as_str(), stream.layout.size_bytes), ("lost", 88));
    let bytes = |len| Type::Array { element: Box::new(Type::Unsigned { bits: 8 }), len };
    let fields: Vec<_> =
        stream.layout.fields.iter().map(|f| (f.name.as_str(), f.bit_offset, f.ty.clone())).collect();
    assert_eq!(
        fields,
        [
            ("ts", 0, Type::Unsigned { bits: 64 }),
            ("delta", 64, Type::Signed { bits: 64 }),
            ("comm", 128, Type::Text { bytes: 16 }),
            ("ok", 256, Type::Bool { bits: 8 }),
            ("port", 272, Type::Unsigned { bits: 16 }),
            ("mystery", 288, bytes(20)),
            ("sock", 448, Type::Pointer { bits: 64 }),
            ("kind", 512, Type::Unsigned { bits: 32 }),
            ("odd", 544, Type::Signed { bits: 32 }),
            ("slots", 576, Type::Array { element: Box::new(Type::Unsigned { bits: 32 }), len: 4 }),
        ]
    );
}

#[test]
fn every_program_is_attached_and_arguments_are_defaults() {
    let value = flat(record(64, vec![field("a", "int", "i32", 0)]));
    let package = open(&value).unwrap();
    assert_eq!(package.generation(), Generation::Flat);
    assert_eq!((package.name(), package.doc().description.as_deref()), ("tool", Some("A tool")));
    assert_eq!(package.object(), EVENTS);
    assert_eq!(package.unknown(), []);
    let plan = package.plan(&Limits::default()).unwrap();
    let attach = |name: &str| plan.programs.iter().find(|p| p.name == name).unwrap().attach.clone();
    assert_eq!(attach("exit_openat"), Attach::Section);
    assert_eq!(attach("pass"), Attach::Xdp { ifindex: 1, flags: 0 });
    let default = |name: &str| {
        let parameter = plan.parameters.iter().find(|p| p.variable == name).unwrap();
        parameter.display(parameter.default.as_ref().unwrap())
    };
    assert_eq!((default("targ_pid"), default("prefix")), ("7".to_owned(), "/var".to_owned()));
}

#[test]
fn a_field_past_the_record_is_refused() {
    for (fields, message) in [
        (
            vec![field("a", "int", "i32", 64)],
            "record of map `events`, field `a`: starts at bit 64 of a record of 64 bits",
        ),
        (
            vec![field("a", "int", "i32", 48)],
            "record of map `events`, field `a`: ends at bit 80 of a record of 64 bits",
        ),
        (
            vec![field("a", "char [9]", "[9 x i8]", 0)],
            "record of map `events`, field `a`: ends at bit 72 of a record of 64 bits",
        ),
        (
            vec![field("a", "int", "i32", u64::MAX)],
            "record of map `events`, field `a`: starts at bit 18446744073709551615 of a record of 64 bits",
        ),
    ] {
        assert_eq!(planned(record(64, fields)).unwrap_err().to_string(), message);
    }
    assert!(planned(record(u64::MAX, vec![])).is_err());
}

#[test]
fn a_size_that_differs_names_both() {
    let mut value = flat(Value::Null);
    value["data_sz"] = json!(5);
    let error = open(&value).unwrap_err();
    assert!(matches!(error, OpenError::SizeDiffers { declared: 5, .. }), "{error}");
}

#[test]
fn a_ring_that_nothing_describes_is_left_alone_with_a_note() {
    let plan = planned(Value::Null).unwrap();
    assert!(plan.streams.is_empty());
    assert!(plan.notes.iter().any(|note| note.starts_with("map events:")), "{:?}", plan.notes);
}
