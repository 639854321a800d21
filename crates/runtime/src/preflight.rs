//! What this machine lacks for a plan, found out before anything is loaded.
//!
//! Facts about the kernel come from a [`Host`], whose root folder is a parameter; what a kind of attachment
//! needs stands with that kind, in [`crate::attach`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use package::{Attach, Plan};

use crate::attach;

/// Something that a package needs, and that the kernel or the process does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Missing {
    /// The process may not use BPF.
    #[error("loading BPF programs needs root, or the capabilities {}; this process lacks {}", needed.join(", "), lacking.join(", "))]
    Privilege {
        /// All that the package needs.
        needed: Vec<&'static str>,
        /// Those that the process does not have.
        lacking: Vec<&'static str>,
    },
    /// The kernel is locked down and refuses the type of this program.
    #[error("program {program} ({hook}) is refused: the kernel is in lockdown mode \"{mode}\"")]
    Lockdown {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
        /// As the kernel spells it.
        mode: String,
    },
    /// The kernel was built without kprobes.
    #[error("program {program} ({hook}) needs kprobes, and this kernel has none")]
    Kprobes {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
    },
    /// The kernel was built without uprobes.
    #[error("program {program} ({hook}) needs uprobes, and this kernel has none")]
    Uprobes {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
    },
    /// libbpf reads the ids of tracepoints from tracefs.
    #[error("program {program} ({hook}) needs tracefs, which is not mounted")]
    Tracefs {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
    },
    /// Tracefs is there and closed to this process.
    #[error("program {program} ({hook}) needs tracefs, and {} cannot be read", path.display())]
    TracefsClosed {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
        /// The file that could not be read.
        path: PathBuf,
    },
    /// This kernel has no such tracepoint.
    #[error("program {program} needs the tracepoint {tracepoint}, which this kernel does not have")]
    Tracepoint {
        /// Function name.
        program: String,
        /// `category:name`, or the bare name of a raw tracepoint.
        tracepoint: String,
    },
    /// This kernel has no such function, or it cannot be traced.
    #[error("program {program} ({hook}) needs a kernel function that cannot be traced here: {function}")]
    Function {
        /// Function name of the program.
        program: String,
        /// Where it would be attached.
        hook: String,
        /// Name in the kernel.
        function: String,
    },
    /// No such executable or library.
    #[error("program {program} traces {binary}, which is not on this machine")]
    Binary {
        /// Function name.
        program: String,
        /// As the package names it.
        binary: String,
    },
    /// The executable has no such function.
    #[error("program {program} traces {symbol} in {binary}, which has no such symbol")]
    Symbol {
        /// Function name.
        program: String,
        /// As the package names it.
        binary: String,
        /// Function in the binary.
        symbol: String,
    },
    /// No such network interface.
    #[error("program {program} is for network interface {ifindex}, and there is none with that number")]
    Interface {
        /// Function name.
        program: String,
        /// Interface index.
        ifindex: i32,
    },
    /// This kernel does not know the type of a program.
    #[error("this kernel does not know the type of program {program} ({kind})")]
    ProgramType {
        /// Function name.
        program: String,
        /// As libbpf spells it.
        kind: String,
    },
    /// This kernel does not know the type of a map.
    #[error("this kernel does not know the type of map {map} ({kind})")]
    MapType {
        /// Name in the object.
        map: String,
        /// As libbpf spells it.
        kind: String,
    },
    /// The object was built to be adapted to the running kernel, which does not describe itself.
    #[error("the package needs the kernel's type information (BTF), and this kernel has none")]
    KernelBtf,
}

impl Missing {
    /// What to try, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Privilege { .. } => "run it as root: sudo ecli run …".to_owned(),
            Self::Lockdown { .. } => {
                "lockdown ends only with a restart: without Secure Boot, or without lockdown= on the kernel's command line"
                    .to_owned()
            }
            Self::Kprobes { .. } => {
                "use a kernel with CONFIG_KPROBE_EVENTS=y, or a package that uses tracepoints".to_owned()
            }
            Self::Uprobes { .. } => "use a kernel with CONFIG_UPROBE_EVENTS=y".to_owned(),
            Self::Tracefs { .. } => "sudo mount -t tracefs tracefs /sys/kernel/tracing".to_owned(),
            Self::TracefsClosed { .. } => "run it as root: sudo ecli run …".to_owned(),
            Self::Tracepoint { tracepoint, .. } => match tracepoint.split_once(':') {
                Some((category, _)) => format!("see what there is: sudo ls /sys/kernel/tracing/events/{category}"),
                None => "see what there is: sudo cat /sys/kernel/tracing/available_events".to_owned(),
            },
            Self::Function { function, .. } => {
                format!("see what there is: sudo grep {function} /sys/kernel/tracing/available_filter_functions")
            }
            Self::Binary { binary, .. } => format!("install the program that holds {binary}"),
            Self::Symbol { binary, symbol, .. } => {
                format!("see what there is: nm -D {binary} | grep {symbol}")
            }
            Self::Interface { .. } => "see the numbers: ip link".to_owned(),
            Self::ProgramType { .. } | Self::MapType { .. } => "use a newer kernel".to_owned(),
            Self::KernelBtf => "use a kernel with CONFIG_DEBUG_INFO_BTF=y, or give a BTF file of this kernel".to_owned(),
        };
        Some(text)
    }
}

/// Finds the first thing that is missing for `plan`.
///
/// # Errors
/// That thing.
pub(crate) fn check(plan: &Plan, host: &Host) -> Result<(), Missing> {
    privileges(plan, host)?;
    plan.programs.iter().try_for_each(|program| attach::needs(program, host))
}

/// Bits of `include/uapi/linux/capability.h`; [`SYS_ADMIN`] stands for all of them.
const NET_ADMIN: (&str, u64) = ("CAP_NET_ADMIN", 1 << 12);
const SYS_ADMIN: u64 = 1 << 21;
const PERFMON: (&str, u64) = ("CAP_PERFMON", 1 << 38);
const BPF: (&str, u64) = ("CAP_BPF", 1 << 39);

fn privileges(plan: &Plan, host: &Host) -> Result<(), Missing> {
    // A process that cannot say what it may do is told by the kernel.
    let Some(effective) = host.effective_capabilities() else { return Ok(()) };
    let network = plan.programs.iter().any(|it| matches!(it.attach, Attach::Tc { .. } | Attach::Xdp { .. }));
    let mut needed = vec![BPF, PERFMON];
    if network {
        needed.push(NET_ADMIN);
    }
    let has =
        |(_, bit): &(&str, u64)| effective & bit != 0 || (*bit != NET_ADMIN.1 && effective & SYS_ADMIN != 0);
    let lacking: Vec<_> = needed.iter().filter(|it| !has(it)).map(|(name, _)| *name).collect();
    if lacking.is_empty() {
        return Ok(());
    }
    Err(Missing::Privilege { needed: needed.into_iter().map(|(name, _)| name).collect(), lacking })
}

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
    fn effective_capabilities(&self) -> Option<u64> {
        let status = fs::read_to_string(self.root.join("proc/thread-self/status")).ok()?;
        let hex = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        u64::from_str_radix(hex.trim(), 16).ok()
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
