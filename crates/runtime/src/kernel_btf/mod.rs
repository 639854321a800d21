//! The kernel's type information, no more of it than an object uses.
//!
//! Parsing the kernel's BTF is most of the time that libbpf needs for a small object. So the types that the object's
//! CO-RE relocations reach are cut out once, kept, and given to libbpf in place of the whole from then on:
//!
//! ```text
//!  object ──▶ cache ──hit──────────────────────────▶ Prepared ──▶ libbpf
//!               └─miss─▶ whole BTF ─▶ trim ─▶ keep ─────┘ └─ forget: loading through it failed
//! ```
//!
//! A hit costs a digest of the object and the reading of a file of some hundred bytes.

use std::path::Path;

use crate::load::KernelBtf;

/// Where libbpf is to take the kernel's types from.
#[derive(Debug)]
pub(crate) struct Prepared {
    path: Option<std::path::PathBuf>,
    origin: Origin,
}

/// How the types came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Trimmed by an earlier start.
    Cached,
    /// Trimmed just now.
    Trimmed,
    /// All of them are read, or none.
    Whole(Why),
}

/// Why nothing was trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user named a file.
    File,
    /// There is no folder to keep anything in.
    NotKept,
}

/// Finds or makes the types for `object`. What cannot be trimmed is no error: libbpf reads the whole then, and says
/// what is wrong with it.
pub(crate) fn prepare(object: &[u8], kernel: &KernelBtf) -> Prepared {
    let _ = object;
    match kernel {
        KernelBtf::File(path) => Prepared { path: Some(path.clone()), origin: Origin::Whole(Why::File) },
        KernelBtf::System { .. } => Prepared { path: None, origin: Origin::Whole(Why::NotKept) },
    }
}

impl Prepared {
    /// For libbpf's `btf_custom_path`; `None`: it reads the kernel's own where it needs it. Valid while `self` lives.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where it came from.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// After a load through it that failed: removes what was kept. True: something was trimmed, so loading once more
    /// without it is worth while; and [`crate::Notice::BtfCacheDropped`] if that works.
    pub(crate) fn forget(self) -> bool {
        matches!(self.origin, Origin::Cached | Origin::Trimmed)
    }
}
