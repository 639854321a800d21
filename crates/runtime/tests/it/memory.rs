//! Rings become smaller where the kernel gives less memory than asked for, and work.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use runtime::{Loss, Notice};

use crate::events::{PERF, RING, event, events, run_events, send};
use crate::kernel::alone;

/// The test binary again, where everybody may execute it.
fn copy(folder: &Path) -> PathBuf {
    let copy = folder.join("test");
    fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    copy
}

/// Runs a test that is ignored otherwise.
fn passes(command: &mut Command, test: &str) {
    let output = command.args(["--ignored", "--exact", test]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn perf_rings_are_halved_where_locked_memory_is_limited() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("prlimit");
    command.args(["--memlock=0", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]);
    let capabilities = "-all,+bpf,+perfmon,+dac_read_search";
    for set in ["inh-caps", "ambient-caps", "bounding-set"] {
        command.arg(format!("--{set}={capabilities}"));
    }
    passes(command.arg(copy(folder.path())), "memory::with_little_locked_memory");
}

#[test]
#[ignore = "started by perf_rings_are_halved_where_locked_memory_is_limited"]
fn with_little_locked_memory() {
    let running = run_events(&events(&[PERF], 0), Some(8 << 20));
    let [Notice::SmallRings { asked, given }] = running.notices() else {
        panic!("{:?}", running.notices());
    };
    assert_eq!(*asked, 8 << 20);
    assert!(*given < 8 << 20 && *given >= 64 << 10, "{given}");
    works(running);
}

/// Records still arrive, in every stream.
fn works(running: runtime::Running) {
    send(0, 100);
    let ledger = running.stop(|record| {
        event(&record, 0);
    });
    for stream in ledger.streams {
        assert_eq!(stream.delivered, 100);
        assert!(matches!(stream.lost, Loss::Exact(0) | Loss::ProvenZero), "{:?}", stream.lost);
    }
}

/// A control group of version 1 or 2 with a memory limit. Removed when dropped.
struct Group(PathBuf);

impl Group {
    /// `None` where this process may not make one.
    fn new(limit_bytes: usize) -> Option<Self> {
        for (root, limit) in
            [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")]
        {
            let group = Path::new(root).join(format!("streams-{}", std::process::id()));
            if fs::create_dir(&group).is_err() {
                continue;
            }
            let group = Self(group);
            if fs::write(group.0.join(limit), limit_bytes.to_string()).is_ok() {
                return Some(group);
            }
        }
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _it_is_empty = fs::remove_dir(&self.0);
    }
}

#[test]
fn ring_buffers_are_halved_where_the_control_group_is_limited() {
    let _alone = alone();
    let Some(group) = Group::new(48 << 20) else { return };
    let mut command = Command::new("sh");
    command.args(["-c", "echo $$ > \"$0/cgroup.procs\" && exec \"$@\""]);
    command.arg(&group.0).arg(std::env::current_exe().unwrap());
    passes(&mut command, "memory::in_a_small_control_group");
}

#[test]
#[ignore = "started by ring_buffers_are_halved_where_the_control_group_is_limited"]
fn in_a_small_control_group() {
    let running = run_events(&events(&[RING], 0), Some(64 << 20));
    assert_eq!(running.notices(), [Notice::SmallRings { asked: 64 << 20, given: 32 << 20 }]);
    works(running);
}

#[test]
fn all_rings_together_have_a_limit_that_is_said() {
    let _alone = alone();
    let running = run_events(&events(&[PERF, RING], 0), Some(64 << 20));
    let [Notice::RingLimit { asked, given, .. }] = running.notices() else {
        panic!("{:?}", running.notices());
    };
    assert_eq!(*asked, 64 << 20);
    assert!(*given <= 32 << 20);
    works(running);
}
