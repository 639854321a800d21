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
    /// More was asked for than all rings together may take.
    RingLimit {
        /// Bytes of each ring as asked for.
        asked: usize,
        /// As it is.
        given: usize,
        /// Bytes of all rings together.
        total: usize,
    },
    /// The kernel's memory limits allow smaller rings only.
    SmallRings {
        /// Bytes of each ring as asked for.
        asked: usize,
        /// As it is.
        given: usize,
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
            Self::RingLimit { asked, given, total } => write!(
                f,
                "rings have {} KiB instead of {}: all together take at most {} MiB",
                given >> 10,
                asked >> 10,
                total >> 20
            ),
            Self::SmallRings { asked, given } => write!(
                f,
                "rings have {} KiB instead of {}: the memory limits (kernel.perf_event_mlock_kb, locked memory, \
                 control group) allow no more",
                given >> 10,
                asked >> 10
            ),
            Self::BtfCacheDropped => f.write_str("a cached kernel BTF did not fit and was removed"),
        }
    }
}
