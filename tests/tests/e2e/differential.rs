//! libbpf-tools' opensnoop and ours report the same opens of the same workload.

use e2e::{Opened, Scratch, Tool, Workload, difference, kernel, opensnoop};
use rustix::process::Signal;

#[test]
fn both_report_the_same_opens() {
    kernel::require_root();
    let scratch = Scratch::new();
    let folder = scratch.at("files");
    std::fs::create_dir(&folder).unwrap();
    // Every other file exists.
    (0..200).step_by(2).for_each(|n| drop(std::fs::File::create(folder.join(n.to_string())).unwrap()));

    let theirs = Tool::new("/usr/sbin/opensnoop").start();
    let ours = Tool::run_quietly().arg("-j").arg(opensnoop()).start();
    ours.wait_links(4);
    // It traces openat alone, and makes its rings after it has attached: one a CPU.
    theirs.wait_links(2);
    theirs.wait_for("rings", || kernel::perf_events_of(theirs.pid()) > 2);
    let opens = Workload::opening(&folder, 200).numbered().workers(2).run();
    assert_eq!(opens.opens, 400);

    let theirs = theirs.stop(Signal::INT);
    let ours = ours.stop(Signal::INT);
    let prefix = folder.to_str().unwrap();
    let of_the_workload = |rows: Vec<Opened>| -> Vec<Opened> {
        rows.into_iter().filter(|row| opens.pids.contains(&row.pid) && row.path.starts_with(prefix)).collect()
    };
    let ours = of_the_workload(Opened::from_json_lines(&ours.expect_code(0).out()));
    let theirs = of_the_workload(Opened::from_libbpf_tools(&theirs.out()));
    assert_eq!(theirs.len(), 400, "libbpf-tools' opensnoop itself missed some");
    assert_eq!(difference(&theirs, &ours), "", "- only theirs, + only ours");
}
