//! Trimming against the running kernel: needs root.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::{Duration, Instant};

use libbpf_rs::ObjectBuilder;
use libbpf_sys::{BPF_CORE_TYPE_EXISTS, BPF_CORE_TYPE_MATCHES};
use tempfile::TempDir;

use super::*;

const FIELDS: &[u8] = include_bytes!("../../tests/fixtures/core_fields.bpf.o");
const TYPES: &[u8] = include_bytes!("../../tests/fixtures/core_types.bpf.o");
const ABSENT: &[u8] = include_bytes!("../../tests/fixtures/core_absent.bpf.o");
const TRAP: &[u8] = include_bytes!("../../tests/fixtures/core_trap.bpf.o");
const TYPE_ID: &[u8] = include_bytes!("../../tests/fixtures/core_type_id.bpf.o");
const LOCAL_ID: &[u8] = include_bytes!("../../tests/fixtures/core_local_id.bpf.o");
const KSYM: &[u8] = include_bytes!("../../tests/fixtures/core_ksym.bpf.o");
const UNRELOCATED: &[u8] = include_bytes!("../../tests/fixtures/load_hooks.bpf.o");
const TRACED: &[u8] = include_bytes!("../../tests/fixtures/load_traced.bpf.o");
const OPENSNOOP: &[u8] = include_bytes!("../../../../examples/opensnoop/package.json");

/// What a load makes of a program: its instructions as libbpf relocated them, and the kernel's digest of them.
type Instructions = Vec<(String, Vec<[u8; 8]>, String)>;

fn load(object: &[u8], btf: Option<&Path>) -> Result<Instructions, String> {
    let _quiet = Capture::start(None);
    let mut builder = ObjectBuilder::default();
    if let Some(path) = btf {
        builder.btf_custom_path(path).unwrap();
    }
    let open = builder.open_memory(object).unwrap();
    let loaded = open.load().map_err(|error| error.to_string())?;
    let programs = loaded.progs().map(|program| {
        let words = program.insns().iter().map(|it| {
            let mut word = [it.code, it.dst_reg() | (it.src_reg() << 4), 0, 0, 0, 0, 0, 0];
            word[2..4].copy_from_slice(&it.off.to_ne_bytes());
            // Of a map, the number of its descriptor, which is another in every load.
            let is_map = it.code == 0x18 && matches!(it.src_reg(), 1 | 2);
            word[4..].copy_from_slice(&if is_map { 0 } else { it.imm }.to_ne_bytes());
            word
        });
        let shown =
            std::fs::read_to_string(format!("/proc/self/fdinfo/{}", program.as_fd().as_raw_fd())).unwrap();
        let tag = shown.lines().find_map(|it| it.strip_prefix("prog_tag:")).unwrap().trim().to_owned();
        (program.name().to_string_lossy().into_owned(), words.collect(), tag)
    });
    Ok(programs.collect())
}

fn opensnoop() -> Vec<u8> {
    package::open(OPENSNOOP, &package::Limits::default()).unwrap().object().to_vec()
}

fn prepared(object: &[u8], folder: &TempDir) -> Prepared {
    prepare(object, &KernelBtf::System { cache_dir: Some(folder.path().to_owned()) })
}

/// The same object with every question for a type's existence made one for a match.
fn matching(object: &[u8]) -> Vec<u8> {
    let file = memory(object).unwrap();
    let path = std::ffi::CString::new(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
    let (_, ext) = crate::sys::btf::Btf::of_object(&path).unwrap();
    let ext = ext.unwrap();
    let section = ext.bytes().unwrap();
    let start = object.windows(section.len()).position(|it| it == section).unwrap();
    let mut object = object.to_vec();
    for relocation in relocations::of(section).unwrap() {
        if relocation.kind == BPF_CORE_TYPE_EXISTS {
            let words = [relocation.insn_off, relocation.type_id, relocation.access_str_off, relocation.kind];
            let record: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
            let at = section.windows(16).position(|it| it == record).unwrap();
            object[start + at + 12..][..4].copy_from_slice(&BPF_CORE_TYPE_MATCHES.to_ne_bytes());
        }
    }
    object
}

fn same_with_trimmed_and_cached(what: &str, object: &[u8]) -> Instructions {
    let folder = tempfile::tempdir().unwrap();
    let whole = load(object, None).unwrap();
    let first = prepared(object, &folder);
    assert_eq!(first.origin(), Origin::Trimmed, "{what}");
    let size = std::fs::metadata(first.path().unwrap()).unwrap().len();
    assert!(size < 32 << 10, "{what}: {size} bytes");
    assert!(load(object, first.path()).unwrap() == whole, "{what}, trimmed");
    let second = prepared(object, &folder);
    assert_eq!(second.origin(), Origin::Cached, "{what}");
    assert!(load(object, second.path()).unwrap() == whole, "{what}, cached");
    whole
}

#[test]
fn instructions_are_the_same_with_the_whole_and_the_trimmed_btf() {
    for (what, object) in [
        ("fields", FIELDS),
        ("types", TYPES),
        ("absent", ABSENT),
        ("local id", LOCAL_ID),
        ("opensnoop", &opensnoop()),
        ("type matches", &matching(TYPES)),
        ("absent type matches", &matching(ABSENT)),
    ] {
        let instructions = same_with_trimmed_and_cached(what, object);
        assert!(!instructions.is_empty());
    }
}

/// Every package of the workspace that this kernel loads; the others (lockdown, no kprobes) are told apart by failing
/// with the whole BTF too.
#[test]
fn every_package_has_the_same_instructions_with_the_trimmed_btf() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut loaded = 0;
    for group in ["examples", "tests/fixtures/published", "tests/fixtures/shapes"] {
        for entry in std::fs::read_dir(root.join(group)).unwrap() {
            let path = entry.unwrap().path().join("package.json");
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let package = package::open(&bytes, &package::Limits::default()).unwrap();
            let Ok(whole) = load(package.object(), None) else { continue };
            let folder = tempfile::tempdir().unwrap();
            for start in ["first", "second"] {
                let prepared = prepared(package.object(), &folder);
                let trimmed = load(package.object(), prepared.path()).unwrap();
                assert!(trimmed == whole, "{} at the {start} start", path.display());
            }
            loaded += 1;
        }
    }
    assert!(loaded >= 20, "only {loaded} packages were loaded");
}

#[test]
fn the_fixture_of_type_matches_has_both_answers() {
    let immediate = |object: &[u8], name: &str| -> Vec<i32> {
        let all = load(object, None).unwrap();
        let (_, words, _) = all.into_iter().find(|(it, ..)| it == name).unwrap();
        words.iter().map(|it| i32::from_ne_bytes([it[4], it[5], it[6], it[7]])).collect()
    };
    let exists = immediate(TYPES, "core_type_exists");
    let matches = immediate(&matching(TYPES), "core_type_exists");
    let fewer = exists.iter().zip(&matches).filter(|(exists, matches)| matches < exists).count();
    let same = exists.iter().zip(&matches).filter(|it| *it == (&1, &1)).count();
    assert!(fewer > 0 && same > 0, "{exists:?} {matches:?}");
}

#[test]
fn what_trimming_would_change_is_not_trimmed_and_that_is_kept() {
    for (why, object) in [(Why::TypeId, TYPE_ID), (Why::Differs, &matching(TRAP))] {
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..2 {
            let prepared = prepared(object, &folder);
            assert_eq!((prepared.path(), prepared.origin()), (None, Origin::Whole(why)));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

#[test]
fn nothing_is_kept_of_an_object_that_needs_no_trimming() {
    let garbage = [0; 100];
    for (why, object) in [
        (Why::NothingRelocated, UNRELOCATED),
        (Why::NothingRelocated, TRACED),
        (Why::ProgramNeedsIt, KSYM),
        (Why::Undecided, &garbage[..]),
        (Why::Undecided, &[]),
        (Why::Undecided, &FIELDS[..FIELDS.len() / 2]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let prepared = prepared(object, &folder);
        assert_eq!((prepared.path(), prepared.origin()), (None, Origin::Whole(why)));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    let prepared = prepare(FIELDS, &KernelBtf::System { cache_dir: None });
    assert_eq!((prepared.path(), prepared.origin()), (None, Origin::Whole(Why::NotKept)));
    let path = PathBuf::from("/some/file");
    let prepared = prepare(FIELDS, &KernelBtf::File(path.clone()));
    assert_eq!((prepared.path(), prepared.origin()), (Some(path.as_path()), Origin::Whole(Why::File)));
}

#[test]
fn every_damaged_object_is_left_to_libbpf() {
    let folder = tempfile::tempdir().unwrap();
    for at in (0..ABSENT.len()).step_by(29) {
        let mut object = ABSENT.to_vec();
        object[at] ^= 0xff;
        let _any_answer_will_do = prepared(&object, &folder);
    }
}

#[test]
fn an_entry_that_asked_modules_counts_for_these_modules_only() {
    let root = tempfile::tempdir().unwrap();
    let sys = root.path().join("sys");
    std::fs::create_dir_all(sys.join("kernel/btf")).unwrap();
    let folder = root.path().join("cache");
    let kernel = Kernel::at(&sys);
    let origins = |object| [0, 1].map(|_| prepare_in(object, &folder, &kernel).origin());
    assert_eq!(origins(ABSENT), [Origin::Trimmed, Origin::Cached]);
    assert_eq!(origins(FIELDS), [Origin::Trimmed, Origin::Cached]);
    std::fs::write(sys.join("kernel/btf/no_such_module"), b"").unwrap();
    assert_eq!(origins(ABSENT), [Origin::Trimmed, Origin::Cached]);
    assert_eq!(origins(FIELDS), [Origin::Cached, Origin::Cached]);
}

#[test]
fn what_failed_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let first = prepared(FIELDS, &folder);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    assert!(first.forget());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(!prepare(FIELDS, &KernelBtf::System { cache_dir: None }).forget());
}

#[test]
fn without_a_folder_of_its_own_the_trimmed_btf_is_in_memory() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o770)).unwrap();
    let prepared = prepared(FIELDS, &folder);
    assert_eq!(prepared.origin(), Origin::Trimmed);
    let expected = format!(
        "the kernel BTF of this package is not kept in {}: others can write to it (mode 770)",
        folder.path().display()
    );
    assert_eq!(prepared.remark().unwrap().to_string(), expected);
    assert!(load(FIELDS, prepared.path()).unwrap() == load(FIELDS, None).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Not a proof of a rule: prints what the README quotes. `cargo test -p runtime figures -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
#[allow(clippy::print_stdout, reason = "it is there to print")]
fn figures() {
    for (what, object) in
        [("opensnoop", &opensnoop()[..]), ("fields", FIELDS), ("types", TYPES), ("absent", ABSENT)]
    {
        let folder = tempfile::tempdir().unwrap();
        let timed = |act: &dyn Fn()| {
            let mut times: Vec<Duration> = (0..15)
                .map(|_| {
                    let start = Instant::now();
                    act();
                    start.elapsed()
                })
                .collect();
            times.sort_unstable();
            times[times.len() / 2]
        };
        let whole = timed(&|| drop(load(object, None).unwrap()));
        let miss = timed(&|| {
            let prepared = prepared(object, &folder);
            load(object, prepared.path()).unwrap();
            assert!(prepared.forget());
        });
        let first = prepared(object, &folder);
        let hit = timed(&|| drop(prepared(object, &folder)));
        let second = timed(&|| drop(load(object, prepared(object, &folder).path()).unwrap()));
        let size = std::fs::metadata(first.path().unwrap()).unwrap().len();
        println!(
            "{what:10} trimmed {size:5} B; load: whole {whole:?}, first {miss:?}, second {second:?}, of it prepare {hit:?}"
        );
    }
}
