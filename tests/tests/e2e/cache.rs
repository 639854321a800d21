//! The cache of trimmed kernel types may be damaged, somebody else's or not writable: the package runs all the same.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use e2e::{Ran, Scratch, Tool, kernel, opensnoop};

fn run(cache: &Path) -> Ran {
    kernel::require_root();
    let ran = Tool::run_in(cache).args(["-v", "--timeout", "100ms"]).arg(opensnoop()).run();
    ran.expect_code(0).expect_err(" lost, 0 filtered, 0 faulty");
    ran
}

fn entries(cache: &Path) -> Vec<PathBuf> {
    let folder =
        fs::read_dir(cache.join("ecli")).map(|entries| entries.flatten().map(|it| it.path()).collect());
    folder.unwrap_or_default()
}

/// A cache with one entry, and the entry.
fn filled() -> (Scratch, PathBuf, Vec<u8>) {
    let scratch = Scratch::new();
    run(scratch.path());
    let kept = entries(scratch.path());
    assert_eq!(kept.len(), 1, "{kept:?}");
    let bytes = fs::read(&kept[0]).expect("just written");
    (scratch, kept[0].clone(), bytes)
}

#[test]
fn a_damaged_entry_is_replaced() {
    let (scratch, entry, good) = filled();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 0xff;
    for damaged in [flipped, good[..good.len() / 2].to_vec(), Vec::new(), b"text".to_vec(), good.repeat(2)] {
        fs::write(&entry, &damaged).expect("it is ours");
        run(scratch.path());
        assert!(fs::read(&entry).expect("it was replaced") == good, "{} bytes of damage stay", damaged.len());
    }
}

#[test]
fn a_folder_of_somebody_else_is_not_used() {
    let (scratch, entry, good) = filled();
    let folder = entry.parent().expect("it is in a folder");
    let marked = [good, b"somebody else's".to_vec()].concat();
    fs::write(&entry, &marked).expect("it is ours");
    let others = |ran: Ran| {
        ran.expect_err("is not kept in");
        assert_eq!(fs::read(&entry).expect("it is left alone"), marked);
        assert_eq!(entries(scratch.path()).len(), 1);
    };
    chown(folder, Some(65534), None).expect("root may");
    others(run(scratch.path()));
    chown(folder, Some(0), None).expect("root may");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).expect("it is ours");
    others(run(scratch.path()));
}

#[test]
fn an_entry_of_somebody_else_is_not_read() {
    let (scratch, entry, good) = filled();
    chown(&entry, Some(65534), None).expect("root may");
    run(scratch.path());
    assert_eq!(fs::read(&entry).expect("it was replaced"), good);
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(&entry).expect("it is there"));
    assert_eq!(owner, 0, "a new file took its place");
}

#[test]
fn a_folder_that_cannot_be_made_is_said_and_done_without() {
    let scratch = Scratch::new();
    scratch.write("ecli", "a file in the folder's place");
    run(scratch.path()).expect_err("is not kept in");
    // Nobody can make a folder there, not even root.
    run("/proc".as_ref()).expect_err("is not kept in");
}

#[test]
fn two_first_starts_at_once_both_run() {
    kernel::require_root();
    let scratch = Scratch::new();
    let start = || Tool::run_in(scratch.path()).args(["--timeout", "300ms"]).arg(opensnoop()).start();
    let (first, second) = (start(), start());
    first.finish().expect_code(0);
    second.finish().expect_code(0);
    assert_eq!(entries(scratch.path()).len(), 1, "no file is left aside");
}
