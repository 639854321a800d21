//! What the user should be told once, although nothing failed.

use std::fmt;

/// Something that is not as asked for. Its text is one line without a final stop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// A sampled program is driven by the kernel's timer, because the machine shows no cycle counter.
    SoftwareClock {
        /// Function name.
        program: String,
    },
    /// The trimmed kernel BTF led to a failure that the whole one does not have; its file was removed.
    BtfCacheDropped,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SoftwareClock { program } => {
                write!(f, "no hardware cycle counter on this machine: {program} is driven by the CPU's clock")
            }
            Self::BtfCacheDropped => f.write_str("a cached kernel BTF did not fit and was removed"),
        }
    }
}
