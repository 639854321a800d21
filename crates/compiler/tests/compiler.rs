//! Real sources through a real clang.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use compiler::{BuildError, BuildOptions, Built, build};
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What the committed packages were made with.
const COMMITTED_WITH: &str = "Debian clang version 14.0.6";

/// A source that holds one of everything; its header is [`HEADER`].
const SOURCE: &str = r#"
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include "all.h"
/// How many
/// to show
/// @cmdarg {"short": "n"}
const volatile u32 limit = 5;
static volatile u32 hidden = 1;
const volatile unsigned long long far = 6;
int counted = 3;
/// @sample {"interval": 500}
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, struct record);
} totals SEC(".maps");
/// @flags 2
SEC("tracepoint/syscalls/sys_enter_getsid")
int on_getsid(void *ctx)
{
	u32 key = limit + far + counted + hidden;
	bpf_map_delete_elem(&totals, &key);
	return 0;
}
SEC("raw_tp/sys_enter") int second(void *ctx) { return 0; }
/** @brief All of it
 *  @version 1.0 */
char LICENSE[] SEC("license") = "GPL";
"#;

const HEADER: &str =
    "struct record { char name[8]; struct part { int a; } part; enum kind { A, B } kind; void *at; };";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn options() -> BuildOptions {
    let clang = ["clang-14", "clang"].into_iter().find(|name| {
        std::process::Command::new(name).arg("--version").output().is_ok_and(|output| output.status.success())
    });
    BuildOptions { clang: clang.expect("clang 14 or newer is installed").into(), ..BuildOptions::default() }
}

/// A folder with `all.bpf.c`, its header, and the kernel's types.
fn folder(source: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("all.bpf.c"), source).unwrap();
    fs::write(folder.path().join("all.h"), HEADER).unwrap();
    let kernel = root().join("tests/fixtures/include/kernel.bpf.h");
    fs::copy(kernel, folder.path().join("kernel.bpf.h")).unwrap();
    folder
}

fn built(source: &str) -> Built {
    let folder = folder(source);
    build(&folder.path().join("all.bpf.c"), &options()).unwrap()
}

fn json_of(built: &Built) -> Value {
    serde_json::from_slice(&built.package_json).unwrap()
}

fn sections(object: &[u8]) -> Vec<(String, Vec<u8>)> {
    let elf = ElfFile64::<Endianness>::parse(object).unwrap();
    elf.sections()
        .map(|section| (section.name().unwrap().to_owned(), section.data().unwrap().to_vec()))
        .collect()
}

#[test]
fn the_same_sources_give_the_same_bytes_in_every_folder() {
    let (one, two) = (built(SOURCE), built(SOURCE));
    assert!(one.package_json == two.package_json);
}

#[test]
fn committed_packages_are_what_their_sources_give() {
    let folders = ["examples", "tests/fixtures/published"].map(|of| fs::read_dir(root().join(of)).unwrap());
    let mut compared = 0;
    for folder in folders.into_iter().flatten().map(|entry| entry.unwrap().path()) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        let committed = fs::read(folder.join("package.json")).unwrap();
        let built = build(&folder.join(format!("{name}.bpf.c")), &options()).unwrap();
        assert_eq!(built.diagnostics, "", "{name}");
        assert!(built.warnings.is_empty(), "{name}: {:?}", built.warnings);
        if built.clang_version == COMMITTED_WITH {
            assert!(built.package_json == committed, "{name}: other bytes than committed");
        }
        assert_eq!(model(&built.package_json), model(&committed), "{name}");
        compared += 1;
    }
    assert!(compared >= 14, "{compared}");
}

/// What every clang has to agree on: all but the object's bytes and the numbers of its types.
fn model(package: &[u8]) -> Value {
    let mut meta: Value = serde_json::from_slice::<Value>(package).unwrap()["meta"].take();
    for ty in meta["export_types"].as_array_mut().into_iter().flatten() {
        ty["type_id"].take();
    }
    meta
}

#[test]
fn a_package_says_what_is_in_its_object() {
    let package = json_of(&built(SOURCE));
    let skeleton = &package["meta"]["bpf_skel"];
    assert_eq!(skeleton["obj_name"], "all_bpf");
    assert_eq!(skeleton["doc"], json!({"brief": "All of it", "version": "1.0"}));
    assert_eq!(
        skeleton["progs"],
        json!([
            {"name": "on_getsid", "attach": "tracepoint/syscalls/sys_enter_getsid", "link": true, "flags": 2},
            {"name": "second", "attach": "raw_tp/sys_enter", "link": true},
        ])
    );
    assert_eq!(
        skeleton["maps"],
        json!([
            {"name": "totals", "ident": "totals", "sample": {"interval": 500}},
            {"name": "all_bpf.rodata", "ident": "rodata", "mmaped": true},
            {"name": "all_bpf.data", "ident": "data", "mmaped": true},
            {"name": "all_bpf.bss", "ident": "bss", "mmaped": true},
        ])
    );
    assert_eq!(
        skeleton["data_sections"],
        json!([
            {"name": ".rodata", "variables": [
                {"name": "limit", "type": "u32", "description": "How many to show", "cmdarg": {"short": "n"}},
                {"name": "far", "type": "unsigned long long"},
            ]},
            {"name": ".data", "variables": [{"name": "counted", "type": "int"}]},
            {"name": ".bss", "variables": [{"name": "__eunomia_dummy_record_ptr", "type": "struct record *"}]},
        ])
    );
    let exported = &package["meta"]["export_types"];
    assert_eq!(exported[0]["size"], 24);
    assert_eq!(
        exported[0]["members"],
        json!([
            {"name": "name", "type": "char[8]"}, {"name": "part", "type": "composite"},
            {"name": "kind", "type": "enum"}, {"name": "at", "type": "void *"},
        ])
    );
    assert_eq!(exported.as_array().unwrap().len(), 1, "a nested struct is no export");
}

#[test]
fn a_struct_that_is_part_of_another_is_exported_after_it() {
    let parts = "struct part { int a; };\nstruct record { char name[8]; struct part parts[2]; };";
    let source = SOURCE.replace("#include \"all.h\"", parts);
    let folder = folder(&source);
    fs::write(folder.path().join("parts.h"), parts).unwrap();
    let with_header = BuildOptions { header: Some(folder.path().join("parts.h")), ..options() };
    let one = build(&folder.path().join("all.bpf.c"), &with_header).unwrap();
    let names = |built: &Built| -> Vec<Value> {
        json_of(built)["meta"]["export_types"]
            .as_array()
            .unwrap()
            .iter()
            .map(|ty| ty["name"].clone())
            .collect()
    };
    assert_eq!(names(&one), ["record", "part"]);
    assert!(one.warnings.is_empty());

    fs::write(folder.path().join("parts.h"), format!("{parts} struct other {{ int b; }};")).unwrap();
    fs::write(folder.path().join("all.bpf.c"), source + "struct other { int b; };").unwrap();
    let two = build(&folder.path().join("all.bpf.c"), &with_header).unwrap();
    assert_eq!(names(&two), ["record", "other", "part"]);
    assert!(two.warnings[0].starts_with("struct record: exported first of several"), "{:?}", two.warnings);
}

#[test]
fn a_package_opens_and_plans() {
    let limits = package::Limits::default();
    let package = package::open(&built(SOURCE).package_json, &limits).unwrap();
    let plan = package.plan(&limits).unwrap();
    let mut parameters: Vec<_> =
        plan.parameters.iter().map(|parameter| parameter.variable.as_str()).collect();
    parameters.sort_unstable();
    assert_eq!(parameters, ["counted", "far", "limit"]);
    assert_eq!(plan.streams.len(), 1);
    assert_eq!(plan.streams[0].name, "totals");
    assert_eq!(plan.programs.len(), 2);
}

#[test]
fn every_committed_package_opens_and_plans() {
    let limits = package::Limits::default();
    let of = |folder: &str| fs::read_dir(root().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let folders =
        ["examples", "tests/fixtures/published", "tests/fixtures/shapes"].map(of).into_iter().flatten();
    let files = folders.map(|folder| folder.join("package.json")).chain(of("tests/fixtures/generations"));
    let mut opened = 0;
    for file in files {
        let package = package::open(&fs::read(&file).unwrap(), &limits);
        let plan = package.unwrap_or_else(|error| panic!("{}: {error}", file.display())).plan(&limits);
        let plan = plan.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(!plan.programs.is_empty(), "{}", file.display());
        opened += 1;
    }
    assert!(opened >= 33, "{opened}");
}

#[test]
fn a_source_may_include_the_hosts_kernel_headers() {
    let source = "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\nSEC(\"xdp\") int pass(struct xdp_md *ctx) { return XDP_PASS; }\n";
    assert_eq!(built(source).diagnostics, "");
}

#[test]
fn a_gap_that_alignment_does_not_explain_is_told() {
    let source =
        SOURCE.replace("int counted = 3;", "int counted = 3; int after __attribute__((aligned(64))) = 4;");
    let package = json_of(&built(&source.replace("+ hidden", "+ hidden + after")));
    assert_eq!(
        package["meta"]["bpf_skel"]["data_sections"][1]["variables"],
        json!([{"name": "counted", "type": "int"}, {"name": "after", "type": "int", "size": 60}])
    );
}

#[test]
fn the_object_has_its_btf_and_relocations_but_no_dwarf() {
    let built = built(SOURCE);
    let names: Vec<_> = sections(&built.object).into_iter().map(|(name, _)| name).collect();
    for kept in [".BTF", ".BTF.ext", ".reltracepoint/syscalls/sys_enter_getsid", ".maps", "license"] {
        assert!(names.iter().any(|name| name == kept), "{kept} in {names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("debug")), "{names:?}");
    assert_eq!(json_of(&built)["bpf_object_size"], built.object.len());
}

#[test]
fn a_source_without_a_header_exports_nothing() {
    let folder = folder(&SOURCE.replace("#include \"all.h\"", HEADER));
    fs::remove_file(folder.path().join("all.h")).unwrap();
    let package = json_of(&build(&folder.path().join("all.bpf.c"), &options()).unwrap());
    assert_eq!(package["meta"].get("export_types"), None);
    assert!(!package["meta"]["bpf_skel"].to_string().contains("dummy"));
}

#[test]
fn what_clang_says_is_passed_on_with_the_lines_of_the_source() {
    let folder = folder("int ok;\nint broken(void) { return missing; }\n");
    let BuildError::Clang { file, output } = build(&folder.path().join("all.bpf.c"), &options()).unwrap_err()
    else {
        panic!("not clang's error");
    };
    assert_eq!(file, "all.bpf.c");
    assert!(output.starts_with("all.bpf.c:2:27: error: use of undeclared identifier 'missing'"), "{output}");

    let warned = built(&SOURCE.replace("return 0; }", "int unused; return \"\"; }"));
    assert!(warned.diagnostics.starts_with("all.bpf.c:"), "{}", warned.diagnostics);
}

#[test]
fn a_build_leaves_nothing_beside_the_source() {
    let folder = folder(SOURCE);
    let list = || {
        let mut names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = list();
    build(&folder.path().join("all.bpf.c"), &options()).unwrap();
    assert_eq!(list(), before);
}

#[test]
fn what_is_missing_is_named() {
    let missing = build(Path::new("/nonexistent/x.bpf.c"), &options()).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read /nonexistent/x.bpf.c");
    let folder = folder(SOURCE);
    let source = folder.path().join("all.bpf.c");
    let no_clang = BuildOptions { clang: "/nonexistent/clang".into(), ..options() };
    assert_eq!(build(&source, &no_clang).unwrap_err().to_string(), "cannot run /nonexistent/clang");
    let no_header = BuildOptions { header: Some("/nonexistent/all.h".into()), ..options() };
    assert_eq!(build(&source, &no_header).unwrap_err().to_string(), "cannot read /nonexistent/all.h");
    fs::write(&source, "").unwrap();
    fs::remove_file(folder.path().join("all.h")).unwrap();
    assert!(matches!(build(&source, &options()).unwrap_err(), BuildError::NoBtf { .. }));
}
