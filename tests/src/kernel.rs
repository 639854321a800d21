//! What BPF a process holds, by `/proc/PID/fdinfo`, and whether it is still in the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// Ids of what the file descriptors of a process refer to.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Held {
    /// Program ids, those behind links too.
    pub programs: BTreeSet<u32>,
    /// Map ids.
    pub maps: BTreeSet<u32>,
    /// Link ids.
    pub links: BTreeSet<u32>,
}

/// What the process holds now; nothing when it has ended.
#[must_use]
pub fn held_by(pid: u32) -> Held {
    let mut held = Held::default();
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fdinfo")) else { return held };
    for text in files.flatten().filter_map(|file| fs::read_to_string(file.path()).ok()) {
        for line in text.lines() {
            let Some((name, Ok(id))) = line.split_once(':').map(|(name, id)| (name, id.trim().parse()))
            else {
                continue;
            };
            match name {
                "prog_id" => held.programs.insert(id),
                "map_id" => held.maps.insert(id),
                "link_id" => held.links.insert(id),
                _ => false,
            };
        }
    }
    held
}

/// Perf events that the process holds: tracepoints, and rings.
#[must_use]
pub fn perf_events_of(pid: u32) -> usize {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return 0 };
    let links = files.flatten().filter_map(|file| fs::read_link(file.path()).ok());
    links.filter(|to| to.as_os_str() == "anon_inode:[perf_event]").count()
}

/// Which of these programs the kernel still has.
#[must_use]
pub fn programs_left(held: &Held) -> Vec<u32> {
    held.programs.iter().copied().filter(|id| libbpf_rs::Program::fd_from_id(*id).is_ok()).collect()
}

/// Waits until the kernel has none of these programs; it frees them a moment after their last user has gone.
///
/// # Panics
/// When some are left after five seconds, or when there were none to begin with.
#[track_caller]
pub fn expect_gone(held: &Held) {
    assert!(!held.programs.is_empty(), "nothing was loaded, so nothing can be gone");
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let left = programs_left(held);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < until, "programs {left:?} of {held:?} are left behind");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// CPU time of all threads of a process, those that have ended not counted.
#[must_use]
pub fn cpu_of(pid: u32) -> Duration {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Duration::ZERO };
    threads
        .flatten()
        .filter_map(|thread| fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse().ok())
        .map(Duration::from_nanos)
        .sum()
}

/// `VmHWM` of a process; 0 when it has ended.
#[must_use]
pub fn peak_rss_bytes_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Fails a test that needs root, and says how to start it.
///
/// # Panics
/// When the user is not root.
#[track_caller]
pub fn require_root() {
    assert!(
        rustix::process::geteuid().is_root(),
        "this test loads BPF: run it by `make e2e`, which uses sudo"
    );
}
