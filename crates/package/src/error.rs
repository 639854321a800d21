//! Why a file is no usable package. One enum a stage.

/// Why bytes could not be opened as a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No bytes.
    #[error("the file is empty")]
    Empty,
}

/// Why an opened package could not be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The object carries no BTF, and the package's generation needs it.
    #[error("the BPF object has no BTF")]
    NoBtf,
}
