//! What became of the events, taken at the stop: after the last drain and before anything is detached.

use std::fmt;

/// The books of every stream, in the plan's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// One entry a stream.
    pub streams: Vec<StreamLedger>,
}

/// The books of one stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamLedger {
    /// Name of the map.
    pub name: String,
    /// Records handed over.
    pub delivered: u64,
    /// Records that the kernel had no room for.
    pub lost: Loss,
    /// Drains in which a ring was more than half full, so that records of several CPUs came out of order.
    pub unordered_drains: u64,
}

/// How many records were lost, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Counted by the kernel (`PERF_FORMAT_LOST`, Linux 6.0).
    Exact(u64),
    /// As far as the kernel said so before the stop; there may be more (before Linux 6.0).
    AtLeast(u64),
    /// A ring buffer that had room at every moment.
    ProvenZero,
    /// A ring buffer that may have refused records, in this many drains. Nobody counts them.
    Unknown {
        /// Drains before which the ring may have been full.
        full_drains: u64,
    },
}

impl Loss {
    /// Whether it is certain that nothing was lost.
    #[must_use]
    pub fn is_none(self) -> bool {
        matches!(self, Self::Exact(0) | Self::ProvenZero)
    }

    /// The losses of two streams together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        use Loss::{AtLeast, Exact, ProvenZero, Unknown};
        match (self, other) {
            (Unknown { full_drains: a }, Unknown { full_drains: b }) => Unknown { full_drains: a + b },
            (unknown @ Unknown { .. }, _) | (_, unknown @ Unknown { .. }) => unknown,
            (AtLeast(a), AtLeast(b) | Exact(b)) | (Exact(a), AtLeast(b)) => AtLeast(a + b),
            (Exact(a), Exact(b)) => Exact(a + b),
            (known, ProvenZero) | (ProvenZero, known) => known,
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(count) => write!(f, "{count}"),
            Self::AtLeast(count) => write!(f, "at least {count}"),
            Self::ProvenZero => f.write_str("0 (proven)"),
            Self::Unknown { full_drains } => write!(f, "unknown, full in {full_drains} drains"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_never_surer_than_its_parts() {
        assert_eq!(Loss::Exact(2).and(Loss::Exact(3)), Loss::Exact(5));
        assert_eq!(Loss::ProvenZero.and(Loss::Exact(0)), Loss::Exact(0));
        assert_eq!(Loss::AtLeast(0).and(Loss::Exact(1)), Loss::AtLeast(1));
        assert_eq!(Loss::ProvenZero.and(Loss::Unknown { full_drains: 2 }), Loss::Unknown { full_drains: 2 });
        assert!(!Loss::AtLeast(0).is_none());
    }
}
