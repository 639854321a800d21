//! Which maps are read, and the package's own list against BTF.

use std::time::Duration;

use package::layout::Type;
use package::{HistogramScale, Plan, PlanError, SampleKind, Source};
use serde_json::{Value, json};

use crate::build::{EVENTS, events, events_meta, events_type, plan, present};

fn with(change: impl FnOnce(&mut Value)) -> Result<Plan, PlanError> {
    let mut meta = events_meta();
    change(&mut meta);
    plan(&present(EVENTS, meta))
}

fn refused(change: impl FnOnce(&mut Value)) -> String {
    let error = with(change).unwrap_err();
    let text = error.to_string();
    assert!(!text.contains('\n'), "{text:?}");
    text
}

fn names(plan: &Plan) -> Vec<&str> {
    plan.streams.iter().map(|stream| stream.name.as_str()).collect()
}

fn maps(meta: &mut Value, maps: Value) {
    meta["bpf_skel"]["maps"] = maps;
}

#[test]
fn maps_are_those_that_libbpf_makes() {
    let plan = plan(&events()).unwrap();
    let maps: Vec<_> = plan
        .maps
        .iter()
        .map(|m| (m.name.as_str(), m.kind, m.key_bytes, m.value_bytes, m.max_entries, m.section.is_some()))
        .collect();
    assert_eq!(
        maps,
        [
            ("hists", 1, 8, 120, 10240, false),
            ("rb", 27, 0, 0, 262_144, false),
            ("events", 4, 4, 4, 0, false),
            (".rodata", 2, 4, 88, 1, true),
            (".data", 2, 4, 4, 1, true),
            (".data.more", 2, 4, 2, 1, true),
            (".bss", 2, 4, 24, 1, true),
        ]
    );
}

#[test]
fn one_export_type_is_that_of_every_ring() {
    let plan = with(|meta| {
        maps(meta, json!([{"name": "events", "ident": "events"}, {"name": "rb", "ident": "rb"}]));
    })
    .unwrap();
    assert_eq!(names(&plan), ["events", "rb"]);
    assert_eq!(plan.streams[0].layout, plan.streams[1].layout);
    assert!(plan.notes.iter().any(|note| note.contains("2 maps export records")), "{:?}", plan.notes);
}

#[test]
fn of_several_types_and_maps_the_last_map_has_the_first_type() {
    let plan = with(|meta| {
        maps(meta, json!([{"name": "events", "ident": "events"}, {"name": "rb", "ident": "rb"}]));
        meta["export_types"] = json!([events_type(), {"name": "hist", "type_id": 13}]);
    })
    .unwrap();
    assert_eq!(names(&plan), ["rb"]);
    assert_eq!(plan.streams[0].layout.name, "event");
    assert!(plan.notes.iter().any(|note| note.contains("not read: events")), "{:?}", plan.notes);
}

#[test]
fn without_maps_to_export_from_nothing_is_read() {
    let plan = with(|meta| maps(meta, json!([{"name": "hists", "ident": "hists"}]))).unwrap();
    assert_eq!(names(&plan), Vec::<&str>::new());
}

#[test]
fn a_ring_without_a_type_is_an_error_that_says_what_to_do() {
    let mut meta = events_meta();
    meta["export_types"] = json!([]);
    let error = plan(&present(EVENTS, meta)).unwrap_err();
    assert_eq!(error.to_string(), "map `events` exports records, but the package describes none");
    assert!(error.hint().unwrap().contains("event header"));
}

#[test]
fn a_sampled_map_is_laid_out_by_its_own_types() {
    let plan = with(|meta| {
        maps(
            meta,
            json!([{"name": "hists", "ident": "hists",
                    "sample": {"interval": 1500, "type": "log2_hist", "unit": "usecs", "clear_map": true}}]),
        );
        meta["export_types"] = json!([]);
    })
    .unwrap();
    let [stream] = &plan.streams[..] else { panic!("{:?}", plan.streams) };
    let Source::Sampled(sampling) = &stream.source else { panic!("{:?}", stream.source) };
    assert_eq!((sampling.interval, sampling.clear), (Duration::from_millis(1500), Some(true)));
    let unit = "usecs".to_owned();
    assert_eq!(sampling.kind, SampleKind::Histogram { scale: HistogramScale::Log2, unit });
    let [key, value] = &stream.layout.fields[..] else { panic!("{:?}", stream.layout) };
    assert_eq!((key.name.as_str(), key.bit_offset, key.ty.bits()), ("key", 0, 64));
    assert_eq!((value.name.as_str(), value.bit_offset, value.ty.bits()), ("value", 64, 960));
    assert_eq!(stream.layout.size_bytes, 128);
    let Type::Struct(of) = &value.ty else { panic!("{:?}", value.ty) };
    assert_eq!(of.fields[0].ty, Type::Array { element: Box::new(Type::Unsigned { bits: 32 }), len: 26 });
}

#[test]
fn a_sample_says_nothing_about_clearing_unless_the_package_does() {
    let plan =
        with(|meta| maps(meta, json!([{"name": "hists", "ident": "hists", "sample": {"interval": 1}}])))
            .unwrap();
    let Source::Sampled(sampling) = &plan.streams[0].source else { panic!() };
    assert_eq!((sampling.clear, &sampling.kind), (None, &SampleKind::KeyValue));
}

#[test]
fn an_export_type_of_a_sampled_map_is_not_that_of_a_ring() {
    let plan = with(|meta| {
        maps(meta, json!([{"name": "hists", "ident": "hists", "sample": {"interval": 1}}, {"name": "rb", "ident": "rb"}]));
        meta["export_types"] = json!([{"name": "hist", "type_id": 13}]);
    })
    .unwrap();
    assert_eq!(names(&plan), ["hists"]);
    assert!(plan.notes.iter().any(|note| note.starts_with("map rb:")), "{:?}", plan.notes);
}

#[test]
fn listed_maps_must_exist_but_section_names_may_have_any_prefix() {
    let text = refused(|meta| maps(meta, json!([{"name": "ghost", "ident": "ghost"}])));
    assert_eq!(
        text,
        "the package lists map `ghost`, but the object has `hists`, `rb`, `events`, `.rodata`, `.data`, `.data.more`, `.bss`"
    );
    for name in ["client_b.rodata", "whatever.rodata", ".rodata"] {
        with(|meta| maps(meta, json!([{"name": name, "ident": "rodata"}, {"name": "events"}]))).unwrap();
    }
}

#[test]
fn a_listed_program_must_exist() {
    let text = refused(|meta| meta["bpf_skel"]["progs"][0]["name"] = json!("ghost"));
    assert!(
        text.starts_with(
            "the package lists program `ghost`, but the object has `enter_openat`, `exit_openat`"
        ),
        "{text}"
    );
}

#[test]
fn a_custom_tc_hook_cannot_work() {
    let text =
        refused(|meta| meta["bpf_skel"]["progs"][2]["tchook"]["attach_point"] = json!("BPF_TC_CUSTOM"));
    assert_eq!(
        text,
        "program `classify`, `tchook.attach_point`: expected BPF_TC_INGRESS or BPF_TC_EGRESS, found BPF_TC_CUSTOM"
    );
}

#[test]
fn differences_name_member_expected_and_found() {
    let member = |index: usize, key: &str, value: &str| {
        refused(|meta| meta["export_types"][0]["members"][index][key] = json!(value))
    };
    let differs = |member: &str, expected: &str, found: &str| {
        format!("struct event, member `{member}`: expected {expected}, found {found} in the object's BTF")
    };
    assert_eq!(member(2, "type", "unsigned int"), differs("uid", "`unsigned int`", "`int`"));
    assert_eq!(member(0, "type", "unsigned int"), differs("ts", "`unsigned int`", "`__u64`"));
    assert_eq!(member(5, "type", "char[15]"), differs("comm", "`char[15]`", "`char[16]`"));
    assert_eq!(member(5, "type", "char"), differs("comm", "`char`", "`char[16]`"));
    assert_eq!(member(1, "type", "composite"), differs("pid", "`composite`", "`int`"));
    assert_eq!(member(1, "type", "enum"), differs("pid", "`enum`", "`int`"));
    assert_eq!(member(1, "type", "void *"), differs("pid", "`void *`", "`int`"));
    assert_eq!(member(1, "type", "float"), differs("pid", "`float`", "`int`"));
    assert_eq!(member(1, "type", "mystery_t"), differs("pid", "`mystery_t`", "`int`"));
    assert_eq!(member(3, "name", "result"), differs("result", "`result` as member 3", "`ret`"));
    let fewer = refused(|meta| _ = meta["export_types"][0]["members"].as_array_mut().unwrap().pop());
    assert_eq!(fewer, differs("fname", "no more members", "`char[255] fname`"));
    let more = refused(|meta| {
        meta["export_types"][0]["members"].as_array_mut().unwrap().push(json!({"name": "x", "type": "int"}));
    });
    assert_eq!(more, differs("x", "`int x`", "no more members"));
    let size = refused(|meta| meta["export_types"][0]["size"] = json!(300));
    assert_eq!(size, "struct event: expected 300 bytes, found 296 in the object's BTF");
    let id = refused(|meta| meta["export_types"][0]["type_id"] = json!(2));
    assert_eq!(id, "export type `event`: expected type 2 to be a struct of that name, found `int`");
    let id = refused(|meta| meta["export_types"][0]["type_id"] = json!(9999));
    assert!(id.contains("found no type has the id 9999"), "{id}");
}

#[test]
fn spellings_of_the_same_type_are_no_difference() {
    for (index, spelling) in [
        (0, "long long unsigned int"),
        (0, "__u64"),
        (0, "u64"),
        (0, "uint64_t"),
        (1, "pid_t"),
        (1, "signed int"),
        (1, "const volatile int"),
        (1, "s32"),
        (5, "char [16]"),
        (5, ""),
    ] {
        with(|meta| meta["export_types"][0]["members"][index]["type"] = json!(spelling))
            .unwrap_or_else(|error| panic!("{spelling}: {error}"));
    }
}

#[test]
fn an_export_type_without_id_size_and_members_is_found_by_name() {
    let plan = with(|meta| meta["export_types"] = json!([{"name": "event"}])).unwrap();
    assert_eq!(plan.streams[0].layout.size_bytes, 296);
}

#[test]
fn with_multiple_exports_each_map_names_its_type() {
    let plan = with(|meta| {
        meta["enable_multiple_export_types"] = json!(true);
        meta["export_types"] = json!([]);
        maps(
            meta,
            json!([
                {"name": "events", "ident": "events", "export_config": {"btf_type_id": 103}},
                {"name": "rb", "ident": "rb", "export_config": {"custom_members": [
                    {"name": "b", "offset": 8, "btf_type_id": 2}, {"name": "a", "offset": 0, "btf_type_id": 2}]}},
                {"name": "hists", "ident": "hists", "export_config": "default", "sample": {"interval": 10}}
            ]),
        );
    })
    .unwrap();
    assert_eq!(names(&plan), ["events", "rb", "hists"]);
    assert_eq!(plan.streams[0].layout.name, "event");
    let custom = &plan.streams[1].layout;
    let places: Vec<_> = custom.fields.iter().map(|f| (f.name.as_str(), f.bit_offset)).collect();
    assert_eq!((places, custom.size_bytes), (vec![("a", 0), ("b", 64)], 12));
    let open_ended: Vec<_> = plan.streams.iter().map(|stream| stream.open_ended).collect();
    assert_eq!(open_ended, [false, true, false]);
}

#[test]
fn a_single_value_is_a_record_of_one_field() {
    let plan = with(|meta| {
        meta["enable_multiple_export_types"] = json!(true);
        maps(meta, json!([{"name": "rb", "ident": "rb", "export_config": {"btf_type_id": 2}}]));
    })
    .unwrap();
    let layout = &plan.streams[0].layout;
    assert_eq!((layout.fields[0].name.as_str(), &layout.fields[0].ty), ("value", &Type::Signed { bits: 32 }));
    assert_eq!(layout.size_bytes, 4);
}

#[test]
fn wrong_export_configs_are_refused() {
    let config = |map: &str, config: Value| {
        refused(|meta| {
            meta["enable_multiple_export_types"] = json!(true);
            maps(meta, json!([{"name": map, "ident": map, "export_config": config}]));
        })
    };
    assert!(
        config("rb", json!("default")).starts_with("map `rb`: export_config `default` is for sampled maps")
    );
    assert!(config("rb", json!({"btf_type_id": 9999})).contains("no type has the id 9999"));
    assert!(config("rb", json!({"btf_type_id": 0})).contains("a member cannot be void"));
    let overlap = json!({"custom_members": [
        {"name": "a", "offset": 0, "btf_type_id": 2}, {"name": "b", "offset": 3, "btf_type_id": 2}]});
    assert_eq!(
        config("rb", overlap),
        "map `rb`, custom member `b`: starts at byte 3, before the one before it ends at 4"
    );
}

#[test]
fn a_histogram_needs_slots() {
    let text = refused(|meta| {
        // The key has no such member, so it serves as a value without slots.
        meta["enable_multiple_export_types"] = json!(true);
        maps(
            meta,
            json!([{"name": "hists", "ident": "hists", "export_config": {"btf_type_id": 8},
                           "sample": {"interval": 1, "type": "linear_hist"}}]),
        );
    });
    assert_eq!(text, "map `hists`: a histogram needs a member `slots`, found pid, port");
}

#[test]
fn a_map_listed_twice_is_read_once() {
    let plan = with(|meta| maps(meta, json!([{"name": "rb"}, {"name": "rb"}]))).unwrap();
    assert_eq!(names(&plan), ["rb"]);
}

#[test]
fn a_type_larger_than_the_sampled_value_is_refused() {
    let text = refused(|meta| {
        meta["enable_multiple_export_types"] = json!(true);
        maps(
            meta,
            json!([{"name": "hists", "export_config": {"btf_type_id": 103}, "sample": {"interval": 1}}]),
        );
    });
    assert_eq!(text, "map `hists`: its values have 120 bytes, the type given for them 296");
}
