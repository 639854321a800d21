//! Why a package does not run. One enum a stage; [`Blame`] says whose fault it is, `hint` what to try.

use std::io;
use std::path::PathBuf;

use crate::missing::Missing;
use crate::streams::StreamError;

/// What an error is the fault of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// This kernel or these privileges cannot run the package.
    Machine,
    /// The package is no usable one anywhere.
    Package,
    /// A value or file that the caller gave.
    Caller,
}

/// Why an object could not be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// Found out before loading.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// libbpf does not understand the object.
    #[error("libbpf cannot read the BPF object: {reason}")]
    Object {
        /// libbpf's last warning, or the error number's text.
        reason: String,
    },
    /// The BTF file that was given is none.
    #[error("{} cannot be read as BTF", path.display())]
    BtfFile {
        /// As given.
        path: PathBuf,
        /// What libbpf said.
        #[source]
        source: libbpf_rs::Error,
    },
    /// The package reads a type or member that this kernel does not have (a CO-RE relocation without a match).
    #[error("the kernel does not have what program {program} uses: {what}")]
    Relocation {
        /// Function name.
        program: String,
        /// As libbpf names it: `struct task_struct.tgid`.
        what: String,
    },
    /// A value for a parameter that the plan does not have.
    #[error("there is no parameter number {index}")]
    NoParameter {
        /// Index in the plan's parameters.
        index: usize,
    },
    /// A parameter in a section that the object does not have.
    #[error("variable {variable}: the BPF object has no section {section}")]
    NoSection {
        /// ELF section.
        section: String,
        /// Name of the variable.
        variable: String,
    },
    /// A parameter beyond the end of its section.
    #[error("variable {variable} lies outside its section {section}")]
    OutsideSection {
        /// ELF section.
        section: String,
        /// Name of the variable.
        variable: String,
    },
    /// A value that does not fill its variable exactly.
    #[error("variable {variable} holds {expected} bytes, and the value has {given}")]
    ValueSize {
        /// Name of the variable.
        variable: String,
        /// Bytes of the value.
        given: usize,
        /// Bytes of the variable.
        expected: usize,
    },
    /// libbpf did not take the values of a section.
    #[error("the values of section {section} cannot be set")]
    Section {
        /// ELF section.
        section: String,
        /// What libbpf said.
        #[source]
        source: libbpf_rs::Error,
    },
    /// A program that the package lists and the object does not have.
    #[error("the BPF object has no program {program}")]
    NoProgram {
        /// Function name.
        program: String,
    },
    /// The verifier rejected a program.
    #[error("the kernel's verifier rejects program {program}: {}", verdict(log))]
    Verifier {
        /// Function name.
        program: String,
        /// All that it said, many lines.
        log: String,
    },
    /// Not enough memory for the maps or programs.
    #[error("the kernel has not enough memory for {subject}")]
    Memory {
        /// A program or map, by name.
        subject: String,
    },
    /// The kernel refused, and not for a reason that is known here.
    #[error("the kernel does not take {subject}")]
    Refused {
        /// A program or map, by name.
        subject: String,
        /// Its answer.
        #[source]
        source: io::Error,
    },
    /// The maps could not be prepared for reading.
    #[error(transparent)]
    Streams(#[from] StreamError),
}

impl LoadError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::BtfFile { .. } | Self::NoParameter { .. } | Self::ValueSize { .. } => Blame::Caller,
            Self::Object { .. }
            | Self::NoSection { .. }
            | Self::OutsideSection { .. }
            | Self::Section { .. }
            | Self::NoProgram { .. } => Blame::Package,
            Self::Missing(_)
            | Self::Relocation { .. }
            | Self::Verifier { .. }
            | Self::Memory { .. }
            | Self::Refused { .. } => Blame::Machine,
            Self::Streams(error) => error.blame(),
        }
    }

    /// What to try, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(missing) => missing.hint(),
            Self::Streams(error) => error.hint(),
            Self::Relocation { .. } => {
                Some("the package was made for other kernel versions: look for a newer one".to_owned())
            }
            Self::Verifier { .. } => Some("see the verifier's whole log: -v".to_owned()),
            Self::Memory { .. } => Some("use smaller buffers: --buffer-size".to_owned()),
            Self::Refused { source, .. }
                if matches!(source.raw_os_error(), Some(libc::EPERM | libc::ENOSYS)) =>
            {
                Some("a container or a security module may forbid BPF: run it outside, as root".to_owned())
            }
            Self::Refused { .. } => Some("see libbpf's log: -v".to_owned()),
            _ => None,
        }
    }
}

/// The line of a verifier log that says why: the last one, but for its statistics.
fn verdict(log: &str) -> &str {
    let is_statistic = |line: &&str| {
        ["processed ", "peak_states ", "mark_read ", "verification time ", "stack depth "]
            .iter()
            .any(|start| line.starts_with(start))
    };
    log.lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .find(|line| !is_statistic(line))
        .unwrap_or("no reason given")
}

/// Why a loaded program could not be attached. What was attached before it is detached again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AttachError {
    /// Found out while attaching.
    #[error(transparent)]
    Missing(#[from] Missing),
    /// Nobody knows how to attach programs of this section.
    #[error("program {program}: programs of section \"{section}\" cannot be attached by ecli")]
    Unsupported {
        /// Function name.
        program: String,
        /// ELF section.
        section: String,
    },
    /// Somebody else's program is there.
    #[error("program {program}: {hook} is taken by another program")]
    Taken {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
        /// Command that shows who is there.
        look: String,
    },
    /// The kernel refused, and not for a reason that is known here.
    #[error("program {program} cannot be attached: {hook}")]
    Refused {
        /// Function name.
        program: String,
        /// Where it would be attached.
        hook: String,
        /// Its answer.
        #[source]
        source: io::Error,
    },
}

impl AttachError {
    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::Unsupported { .. } => Blame::Package,
            Self::Missing(_) | Self::Taken { .. } | Self::Refused { .. } => Blame::Machine,
        }
    }

    /// What to try, when there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Missing(missing) => missing.hint(),
            Self::Taken { look, .. } => Some(format!("see what is there: {look}")),
            Self::Refused { .. } => Some("see libbpf's log: -v".to_owned()),
            Self::Unsupported { .. } => None,
        }
    }
}
