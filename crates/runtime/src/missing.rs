//! What a machine can lack, and what to do about it.

use std::path::PathBuf;

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
    /// Root of a user namespace is not root for BPF.
    #[error("root in a container's user namespace may not load BPF programs")]
    UserNamespace,
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
    /// More samples a second than the kernel is set to allow.
    #[error("program {program} asks for {frequency} samples a second, and the kernel allows {most}")]
    SampleRate {
        /// Function name.
        program: String,
        /// Samples a second.
        frequency: u64,
        /// The kernel's limit, which it lowers by itself when sampling takes too long.
        most: u64,
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
            Self::UserNamespace => "run it outside the container, as root of the machine".to_owned(),
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
            Self::SampleRate { frequency, .. } => {
                format!("sudo sysctl kernel.perf_event_max_sample_rate={frequency}")
            }
            Self::ProgramType { .. } | Self::MapType { .. } => "use a newer kernel".to_owned(),
            Self::KernelBtf => "use a kernel with CONFIG_DEBUG_INFO_BTF=y, or give a BTF file of this kernel".to_owned(),
        };
        Some(text)
    }
}
