//! A package that has been opened.

use crate::description::Description;
use crate::{Encoding, Generation};

/// A package file, unpacked and understood; its object is known to be an ELF file for BPF.
#[derive(Debug, Clone)]
pub struct Package {
    pub(crate) generation: Generation,
    pub(crate) encoding: Encoding,
    pub(crate) size_bytes: u64,
    pub(crate) digest: String,
    pub(crate) object_digest: String,
    pub(crate) object: Vec<u8>,
    pub(crate) doc: Doc,
    pub(crate) license: Option<String>,
    pub(crate) unknown: Vec<UnknownKey>,
    pub(crate) polling: Polling,
    pub(crate) description: Description,
}

/// What the package says about itself, for people. Every part may be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Doc {
    /// One line.
    pub brief: Option<String>,
    /// A few lines.
    pub description: Option<String>,
    /// What to read after the options.
    pub details: Option<String>,
    /// Version of the program.
    pub version: Option<String>,
}

/// Wishes about polling. No reader upstream ever honoured more than the time-out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polling {
    /// Pages of a perf ring, for each CPU.
    pub perf_buffer_pages: Option<u64>,
    /// Milliseconds between two polls of the perf rings.
    pub perf_buffer_time_ms: Option<u64>,
    /// Milliseconds that one poll may take.
    pub poll_timeout_ms: Option<i64>,
}

/// A key that this generation does not define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKey {
    /// From the top of the file (`meta.bpf_skel.progs[0].note`).
    pub path: String,
    /// As compact JSON, shortened.
    pub value: String,
}

impl Package {
    /// Which of the three formats the file has.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// How the file is written.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// What libbpf and people call the object (`opensnoop_bpf`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.description.object_name
    }

    /// Size of the file.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// SHA-256 of the file, in lower-case hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// SHA-256 of the object, in lower-case hex.
    #[must_use]
    pub fn object_digest(&self) -> &str {
        &self.object_digest
    }

    /// The BPF object: an ELF file.
    #[must_use]
    pub fn object(&self) -> &[u8] {
        &self.object
    }

    /// What the package says about itself.
    #[must_use]
    pub fn doc(&self) -> &Doc {
        &self.doc
    }

    /// License of the programs, from the object's section `license`, else from the package.
    #[must_use]
    pub fn license(&self) -> Option<&str> {
        self.license.as_deref()
    }

    /// Keys that have no meaning in this generation. They have no effect.
    #[must_use]
    pub fn unknown(&self) -> &[UnknownKey] {
        &self.unknown
    }

    /// Wishes about polling.
    #[must_use]
    pub fn polling(&self) -> &Polling {
        &self.polling
    }
}
