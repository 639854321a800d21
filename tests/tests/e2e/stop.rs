//! However it is stopped: what came is printed, the programs are gone, and it does not take long.

use std::io::Read;
use std::time::Duration;

use e2e::{Live, Ran, Scratch, Tool, Workload, kernel, opensnoop};
use rustix::process::Signal;

const ATTACH_POINTS: usize = 4;

fn attached(tool: Tool) -> (Live, kernel::Held) {
    kernel::require_root();
    let live = tool.start();
    live.wait_links(ATTACH_POINTS);
    let held = kernel::held_by(live.pid());
    (live, held)
}

fn stopped_by(signal: Signal) -> Ran {
    let (live, held) = attached(Tool::ecli().args(["run", "-j"]).arg(opensnoop()));
    let opens = Workload::opening("/dev/null".as_ref(), 1000).run();
    // At once, before any flush: what is in the rings must come out all the same.
    let ran = live.stop(signal);
    kernel::expect_gone(&held);
    let pid = format!("\"pid\":{},", opens.pids[0]);
    let seen = ran.out().lines().filter(|line| line.contains(&pid) && line.contains("\"/dev/null\"")).count();
    assert_eq!(seen, 1000, "{ran}");
    ran.expect_code(0);
    ran
}

#[test]
fn sigint_drains_detaches_and_is_success() {
    stopped_by(Signal::INT);
}

#[test]
fn sigterm_drains_detaches_and_is_success() {
    stopped_by(Signal::TERM);
}

#[test]
fn the_last_line_on_standard_error_counts_what_was_delivered_and_lost() {
    let ran = stopped_by(Signal::INT);
    let err = ran.err();
    let last = err.lines().last().expect("a summary");
    assert!(last.contains("lost"), "{ran}");
}

#[test]
fn a_time_limit_is_success() {
    kernel::require_root();
    let ran = Tool::run_quietly().args(["--timeout", "500ms"]).arg(opensnoop()).run();
    ran.expect_code(0).expect_within(Duration::from_secs(3));
    assert!(ran.wall >= Duration::from_millis(500), "{ran}");
}

#[test]
fn a_count_is_exact_and_success() {
    // A name of our own: what others open must not end it before it is looked at.
    let scratch = Scratch::new();
    let ours = scratch.path().join("counted");
    let filter = format!("fname == \"{}\"", ours.display());
    let (live, held) =
        attached(Tool::run_quietly().args(["-j", "--count", "10", "--filter", &filter]).arg(opensnoop()));
    let _ = Workload::opening(&ours, 1000).run();
    let ran = live.finish();
    ran.expect_code(0);
    assert_eq!(ran.out().lines().count(), 10, "{ran}");
    kernel::expect_gone(&held);
}

#[test]
fn a_closed_pipe_is_success() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let (live, held) = attached(Tool::run_quietly().arg(opensnoop()).stdout(writer));
    reader.read_exact(&mut [0; 3]).unwrap();
    drop(reader);
    let load = Workload::opening("/dev/null".as_ref(), 1000).run();
    assert!(!load.pids.is_empty());
    let ran = live.finish();
    ran.expect_code(0);
    assert!(ran.stderr.is_empty(), "{ran}");
    kernel::expect_gone(&held);
}

#[test]
fn a_closed_pipe_is_seen_without_an_event() {
    let (reader, writer) = std::io::pipe().unwrap();
    let (live, held) =
        attached(Tool::run_quietly().args(["--filter", "ret == -4096"]).arg(opensnoop()).stdout(writer));
    drop(reader);
    assert!(live.ends_within(Duration::from_secs(2)), "still there two seconds after its pipe was closed");
    live.finish().expect_code(0);
    kernel::expect_gone(&held);
}

#[test]
fn a_time_limit_holds_while_events_come_at_full_rate() {
    let scratch = Scratch::new();
    let live = Tool::run_quietly()
        .args(["-j", "--timeout", "1s"])
        .arg(opensnoop())
        .stdout_file(scratch.at("rows"))
        .start();
    live.wait_links(ATTACH_POINTS);
    let load = Workload::opening("/dev/null".as_ref(), 1_000_000).start();
    assert!(live.ends_within(Duration::from_secs(4)), "still there after its time");
    live.finish().expect_code(0);
    drop(load);
}

/// Attached, with a full pipe that nobody reads as standard output.
fn stalled(tool: Tool) -> (Live, kernel::Held, std::io::PipeReader) {
    let (reader, writer) = std::io::pipe().expect("a pipe can be made");
    let (live, held) = attached(tool.arg(opensnoop()).stdout(writer));
    // More than a pipe holds.
    let _ = Workload::opening("/dev/null".as_ref(), 20_000).run();
    (live, held, reader)
}

#[test]
fn a_stalled_pipe_does_not_hold_up_the_time_limit() {
    let (live, held, _reader) = stalled(Tool::run_quietly().args(["--timeout", "1s"]));
    let ran = live.finish();
    ran.expect_code(0).expect_within(Duration::from_secs(2));
    kernel::expect_gone(&held);
}

#[test]
fn a_stalled_pipe_does_not_hold_up_sigint() {
    let (live, held, _reader) = stalled(Tool::run_quietly());
    live.signal(Signal::INT);
    assert!(live.ends_within(Duration::from_secs(2)), "still there two seconds after SIGINT");
    live.finish().expect_code(0);
    kernel::expect_gone(&held);
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let (first, first_held) = attached(Tool::run_quietly().arg("-j").arg(opensnoop()));
    let (second, second_held) = attached(Tool::run_quietly().arg("-j").arg(opensnoop()));
    let opens = Workload::opening("/dev/null".as_ref(), 100).run();
    let pid = format!("\"pid\":{},", opens.pids[0]);
    for (live, held) in [(first, first_held), (second, second_held)] {
        let ran = live.stop(Signal::INT);
        assert!(ran.expect_code(0).out().contains(&pid), "{ran}");
        kernel::expect_gone(&held);
    }
}
