//! What this kernel or this user cannot run: exit code 4, what is missing, and what to do.

use std::path::{Path, PathBuf};

use e2e::{Scratch, Tool, kernel, opensnoop, root};
use serde_json::{Value, json};

fn fixture(name: &str) -> PathBuf {
    root().join("tests/fixtures").join(name).join("package.json")
}

fn run(package: &Path) -> e2e::Ran {
    Tool::ecli().args(["run", "--timeout", "300ms"]).arg(package).run()
}

#[test]
fn without_root_it_names_the_capabilities() {
    let package = std::fs::read(opensnoop()).expect("the example is there");
    Tool::ecli().args(["run", "-"]).stdin(package).user(65534).run().expect_refusal(
        4,
        "loading BPF programs needs root, or the capabilities …; this process lacks …",
        "run it as root: sudo ecli run …",
    );
}

#[test]
fn a_tracing_program_under_lockdown_is_told_so() {
    kernel::require_root();
    let lockdown = std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    let locked = ["[integrity]", "[confidentiality]"].iter().any(|mode| lockdown.contains(mode));
    for name in ["published/fentry-link", "published/lsm-connect"] {
        let ran = run(&fixture(name));
        if locked {
            ran.expect_refusal(
                4,
                "program … (…) is refused: the kernel is in lockdown mode \"…\"",
                "lockdown ends only with a restart: …",
            );
        } else {
            ran.expect_code(0);
        }
    }
}

#[test]
fn a_kprobe_on_a_kernel_without_kprobes_is_told_so() {
    kernel::require_root();
    let ran = run(&fixture("published/kprobe-link"));
    if Path::new("/sys/bus/event_source/devices/kprobe").exists() {
        ran.expect_code(0);
    } else {
        ran.expect_refusal(
            4,
            "program … (…) needs kprobes, and this kernel has none",
            "use a kernel with CONFIG_KPROBE_EVENTS=y, or a package that uses tracepoints",
        );
    }
}

#[test]
fn a_rejected_program_shows_the_last_lines_of_the_verifier_and_all_of_them_on_request() {
    kernel::require_root();
    let short = run(&fixture("shapes/rejected"));
    short.expect_error(4, "the kernel's verifier rejects program unchecked: ").expect_err("\nhint: ");
    let err = short.err();
    let lines: Vec<_> = err.lines().collect();
    assert!(lines[0].contains("map_value_or_null"), "{short}");
    let log = &lines[1..lines.len() - 1];
    assert!(!log.is_empty() && log.len() <= 8 && log.iter().all(|line| line.starts_with("  ")), "{short}");
    assert!(lines[lines.len() - 1].starts_with("hint: ") && lines[lines.len() - 1].contains("-v"), "{short}");
    let long = Tool::ecli().args(["run", "-v"]).arg(fixture("shapes/rejected")).run();
    long.expect_error(4, "the kernel's verifier rejects program unchecked: ");
    // What the verifier says of the first instruction is far from the last lines.
    assert!(long.err().contains("R1=ctx()") && !err.contains("R1=ctx()"), "{long}");
    assert!(!long.err().contains("hint: see the verifier's whole log"), "it is there already\n{long}");
}

/// The fixture with its program on interface 2147483647.
fn elsewhere(name: &str, change: impl Fn(&mut Value)) -> (Scratch, PathBuf) {
    let bytes = std::fs::read(fixture(name)).expect("the fixture is there");
    let mut package: Value = serde_json::from_slice(&bytes).expect("the fixture is JSON");
    change(&mut package["meta"]["bpf_skel"]["progs"][0]);
    let scratch = Scratch::new();
    let path = scratch.write("package.json", package.to_string());
    (scratch, path)
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    kernel::require_root();
    let (_tc, tc) = elsewhere("published/tc", |program| program["tchook"]["ifindex"] = json!(i32::MAX));
    let (_xdp, xdp) = elsewhere("published/xdp", |program| program["ifindex"] = json!(i32::MAX));
    for package in [tc, xdp] {
        run(&package).expect_refusal(
            4,
            "program … is for network interface 2147483647, and there is none with that number",
            "see the numbers: ip link",
        );
    }
}
