//! Where rows go, and records that are not what they should be: shown or counted, never fatal.

use std::path::PathBuf;
use std::process::Command;

use e2e::{Scratch, Tool, Workload, kernel, opensnoop, root};
use rustix::process::{Pid, Signal, getsid};

fn shape(name: &str) -> PathBuf {
    root().join("tests/fixtures/shapes").join(name).join("package.json")
}

/// What the shapes send for: numbers that nobody else asks for, from this one on.
fn own_numbers() -> i32 {
    0x4000_0000 | std::process::id().cast_signed() << 2
}

/// Makes the shapes' programs send their records; there is no such process.
fn trigger(number: i32) {
    let _ = getsid(Some(Pid::from_raw(number).expect("above zero")));
}

#[test]
fn head_takes_its_three_lines_and_that_is_success() {
    kernel::require_root();
    let script = "set -o pipefail; \"$0\" run -q \"$1\" | head -3";
    let live = Tool::new("bash").args(["-c", script]).arg(e2e::built("ecli")).arg(opensnoop()).start();
    let load = Workload::opening("/dev/null".as_ref(), 1_000_000).per_second(2000).start();
    let ran = live.finish();
    drop(load);
    assert_eq!(ran.expect_code(0).out().lines().count(), 3, "{ran}");
    assert!(ran.stderr.is_empty(), "{ran}");
}

/// A file system of 64 KiB, unmounted when dropped.
struct Small(Scratch);

impl Small {
    fn mount() -> Self {
        let scratch = Scratch::new();
        let mount = ["-t", "tmpfs", "-o", "size=64k", "tmpfs"];
        let status = Command::new("mount").args(mount).arg(scratch.path()).status().expect("mount is there");
        assert!(status.success(), "no tmpfs can be mounted: {status}");
        Self(scratch)
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0.path()).status();
    }
}

/// Runs while files are opened, until the output fails.
fn fails_writing(tool: Tool, subject: &str) {
    let live = tool.arg(opensnoop()).start();
    let load = Workload::opening("/dev/null".as_ref(), 1_000_000).per_second(5000).start();
    let ran = live.finish();
    drop(load);
    ran.expect_error(1, &format!("cannot write {subject}: No space left on device"));
    assert_eq!(ran.err().lines().filter(|line| line.contains("No space")).count(), 1, "{ran}");
}

#[test]
fn a_full_disk_ends_it_as_a_failure() {
    kernel::require_root();
    let small = Small::mount();
    let path = small.0.at("rows");
    fails_writing(Tool::ecli().args(["run", "--output-file"]).arg(&path), &path.display().to_string());
    fails_writing(Tool::ecli().arg("run").stdout_file("/dev/full"), "standard output");
}

#[test]
fn an_output_file_that_cannot_be_made_is_named() {
    let scratch = Scratch::new();
    let missing = scratch.at("none/rows");
    for (path, why) in [
        (missing.as_path(), "No such file or directory (os error 2)"),
        (scratch.path(), "Is a directory (os error 21)"),
    ] {
        let ran = Tool::ecli().args(["run", "--output-file"]).arg(path).arg(opensnoop()).run();
        ran.expect_refusal(1, &format!("cannot write {}: {why}", path.display()), "");
    }
}

#[test]
fn records_shorter_and_longer_than_their_layout_are_shown_and_counted() {
    kernel::require_root();
    let live = Tool::ecli().args(["run", "-j"]).arg(shape("lengths")).start();
    live.wait_err("its attachment", |err| err.contains("attached "));
    let first = own_numbers();
    (first..first + 4).for_each(trigger);
    let ran = live.stop(Signal::INT);
    let out = ran.expect_code(0).out();
    let rows: Vec<serde_json::Value> = out
        .lines()
        .map(|row| serde_json::from_str(row).unwrap_or_else(|why| panic!("{why}: {row}")))
        .collect();
    assert!(rows.len() >= 4, "{ran}");
    let err = ran.err();
    let summary = err.lines().last().expect("a summary");
    assert!(summary.contains(" lost, 0 filtered, ") && summary.ends_with(" faulty"), "{ran}");
    let faulty: u64 = summary.rsplit(' ').nth(1).and_then(|count| count.parse().ok()).expect("a number");
    assert!(faulty >= 3 && faulty < rows.len() as u64, "{summary}");
}

#[test]
fn bytes_that_are_no_text_are_shown_without_harm() {
    kernel::require_root();
    for format in ["columns", "json", "csv"] {
        let live = Tool::ecli().args(["run", "-o", format]).arg(shape("text")).start();
        live.wait_err("its attachment", |err| err.contains("attached "));
        trigger(own_numbers());
        let ran = live.stop(Signal::INT);
        let out = ran.expect_code(0).out();
        assert!(out.contains("12345678"), "{ran}");
        assert!(!ran.stdout.contains(&0x1b) && !out.contains('\u{202e}'), "it steers the terminal\n{ran}");
        ran.expect_err(" 0 faulty");
    }
}
