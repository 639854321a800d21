//! A machine, as its file systems show it. Everything is below a root folder, so that tests can build one.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// A running kernel, as its file systems show it.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    root: PathBuf,
}

impl Host {
    /// The machine that this process runs on.
    pub(crate) fn system() -> Self {
        Self::at(Path::new("/"))
    }

    /// The tree below `root` instead of `/`.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// `CapEff` of this thread.
    pub(crate) fn effective_capabilities(&self) -> Option<u64> {
        let status = fs::read_to_string(self.root.join("proc/thread-self/status")).ok()?;
        let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(hex.trim(), 16).ok()
    }

    /// Whether this process' user ids are not those of the machine (`user_namespaces(7)`).
    pub(crate) fn is_user_namespace(&self) -> bool {
        let map = fs::read_to_string(self.root.join("proc/thread-self/uid_map")).unwrap_or_default();
        !map.is_empty() && !map.split_whitespace().eq(["0", "0", "4294967295"])
    }

    /// The mode in brackets (`none [integrity] confidentiality`), unless it is `none`.
    pub(crate) fn lockdown(&self) -> Option<String> {
        let modes = fs::read_to_string(self.root.join("sys/kernel/security/lockdown")).ok()?;
        let mode = modes.split_once('[')?.1.split_once(']')?.0;
        (mode != "none").then(|| mode.to_owned())
    }

    /// Whether probes of this kind (`kprobe`, `uprobe`) can be made: by a PMU since 4.17, by tracefs before.
    pub(crate) fn has_probes(&self, kind: &str) -> bool {
        self.root.join("sys/bus/event_source/devices").join(kind).exists()
            || self.tracefs().is_some_and(|it| it.join(format!("{kind}_events")).exists())
    }

    /// Where libbpf looks for tracepoints: below debugfs when that is mounted, else tracefs itself.
    fn tracefs(&self) -> Option<PathBuf> {
        let debugfs = self.root.join("sys/kernel/debug/tracing");
        let tracefs = if debugfs.exists() { debugfs } else { self.root.join("sys/kernel/tracing") };
        // An empty folder is a mount point without its file system.
        match fs::metadata(tracefs.join("events")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            _ => Some(tracefs),
        }
    }

    /// Whether a tracepoint exists and its id can be read.
    pub(crate) fn tracepoint(&self, category: &str, name: &str) -> TracepointState {
        let Some(tracefs) = self.tracefs() else { return TracepointState::NotMounted };
        let id = tracefs.join("events").join(category).join(name).join("id");
        match fs::File::open(&id) {
            Ok(_) => TracepointState::Readable,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => TracepointState::Closed(id),
            Err(_) => TracepointState::Absent,
        }
    }

    /// Whether a file exists.
    pub(crate) fn has_file(&self, path: &str) -> bool {
        self.root.join(path.trim_start_matches('/')).exists()
    }

    /// Highest frequency that a perf event may be sampled at.
    pub(crate) fn max_sample_rate(&self) -> Option<u64> {
        fs::read_to_string(self.root.join("proc/sys/kernel/perf_event_max_sample_rate"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }

    /// CPUs that run, in order.
    pub(crate) fn online_cpus(&self) -> io::Result<Vec<u32>> {
        let text = fs::read_to_string(self.root.join("sys/devices/system/cpu/online"))?;
        parse_cpus(text.trim())
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "list of online CPUs"))
    }
}

/// How tracefs answers for a tracepoint.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TracepointState {
    Readable,
    Absent,
    Closed(PathBuf),
    NotMounted,
}

/// `0-3,5` → 0, 1, 2, 3, 5.
fn parse_cpus(list: &str) -> Option<Vec<u32>> {
    let mut cpus = Vec::new();
    for range in list.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cpus.extend(first.parse::<u32>().ok()?..=last.parse::<u32>().ok()?);
    }
    Some(cpus)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A root folder with a few files.
    pub(crate) struct Tree(tempfile::TempDir);

    impl Tree {
        pub(crate) fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().unwrap();
            for (path, text) in files {
                let path = folder.path().join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(folder)
        }

        pub(crate) fn host(&self) -> Host {
            Host::at(self.0.path())
        }
    }

    #[test]
    fn lockdown_is_the_mode_in_brackets_unless_none() {
        let lockdown = |text| Tree::new(&[("sys/kernel/security/lockdown", text)]).host().lockdown();
        assert_eq!(lockdown("none [integrity] confidentiality\n").as_deref(), Some("integrity"));
        assert_eq!(lockdown("none integrity [confidentiality]\n").as_deref(), Some("confidentiality"));
        assert_eq!(lockdown("[none] integrity confidentiality\n"), None);
        assert_eq!(lockdown(""), None);
        assert_eq!(Tree::new(&[]).host().lockdown(), None);
    }

    #[test]
    fn a_user_namespace_maps_other_ids() {
        let is = |map| Tree::new(&[("proc/thread-self/uid_map", map)]).host().is_user_namespace();
        assert!(!is("         0          0 4294967295\n"));
        assert!(is("         0       1000          1\n"));
        assert!(!Tree::new(&[]).host().is_user_namespace());
    }

    #[test]
    fn tracefs_is_looked_for_where_libbpf_does() {
        let state = |files: &[(&str, &str)]| Tree::new(files).host().tracepoint("sched", "sched_switch");
        assert_eq!(state(&[]), TracepointState::NotMounted);
        assert_eq!(state(&[("sys/kernel/tracing/unrelated", "")]), TracepointState::NotMounted);
        assert_eq!(state(&[("sys/kernel/tracing/events/sched/x/id", "1")]), TracepointState::Absent);
        let id = "events/sched/sched_switch/id";
        assert_eq!(state(&[(&format!("sys/kernel/tracing/{id}"), "1")]), TracepointState::Readable);
        assert_eq!(state(&[(&format!("sys/kernel/debug/tracing/{id}"), "1")]), TracepointState::Readable);
    }

    #[test]
    fn probes_are_a_pmu_or_a_file_of_tracefs() {
        let has = |files: &[(&str, &str)]| Tree::new(files).host().has_probes("kprobe");
        assert!(has(&[("sys/bus/event_source/devices/kprobe/type", "6")]));
        assert!(has(&[("sys/kernel/tracing/events/enable", "0"), ("sys/kernel/tracing/kprobe_events", "")]));
        assert!(!has(&[
            ("sys/bus/event_source/devices/uprobe/type", "7"),
            ("sys/kernel/tracing/events/enable", "0")
        ]));
    }

    #[test]
    fn online_cpus_may_have_gaps() {
        let cpus = |text| Tree::new(&[("sys/devices/system/cpu/online", text)]).host().online_cpus().ok();
        assert_eq!(cpus("0-3,5,8-9\n"), Some(vec![0, 1, 2, 3, 5, 8, 9]));
        assert_eq!(cpus("0\n"), Some(vec![0]));
        assert_eq!(cpus("\n"), None);
        assert_eq!(cpus("0-x\n"), None);
    }
}
