//! Nothing lost with the defaults; a loss that is forced is counted and never reported as 0.

use e2e::{Scratch, Tool, Workload, kernel, opensnoop};
use rustix::process::Signal;

#[test]
fn nothing_is_lost_at_full_rate_from_two_processes() {
    kernel::require_root();
    let scratch = Scratch::new();
    let out = scratch.at("rows");
    let live = Tool::ecli().args(["run", "-j", "--fail-on-loss"]).arg(opensnoop()).stdout_file(&out).start();
    live.wait_links(4);
    let opens = Workload::opening("/dev/null".as_ref(), 100_000).workers(2).run();
    let ran = live.stop(Signal::INT);
    ran.expect_code(0);
    let rows = std::fs::read_to_string(&out).unwrap();
    let pids: Vec<_> = opens.pids.iter().map(|pid| format!("\"pid\":{pid},")).collect();
    let seen = rows
        .lines()
        .filter(|row| row.contains("\"/dev/null\"") && pids.iter().any(|pid| row.contains(pid)))
        .count();
    assert_eq!(seen as u64, opens.opens, "{ran}");
}

#[test]
fn every_open_is_delivered_or_counted_as_lost() {
    kernel::require_root();
    let (_reader, writer) = std::io::pipe().unwrap();
    // Nobody reads: the rings fill up.
    let live = Tool::ecli()
        .args(["run", "--buffer-size", "64K", "--fail-on-loss"])
        .arg(opensnoop())
        .stdout(writer)
        .start();
    live.wait_links(4);
    let _ = Workload::opening("/dev/null".as_ref(), 50_000).run();
    let ran = live.stop(Signal::INT);
    ran.expect_code(6);
    let err = ran.err();
    let summary =
        err.lines().find(|line| line.contains("lost")).unwrap_or_else(|| panic!("no summary\n{ran}"));
    assert!(!summary.contains(" 0 lost") && !summary.contains("lost 0"), "{summary}");
}

#[test]
fn a_full_disk_is_a_failure_of_its_own() {
    kernel::require_root();
    let live = Tool::ecli().args(["run", "--output-file", "/dev/full"]).arg(opensnoop()).start();
    let load = Workload::opening("/dev/null".as_ref(), 10_000).per_second(2000).start();
    let ran = live.finish();
    ran.expect_error(1, "/dev/full");
    drop(load);
}
