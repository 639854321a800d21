//! The BPF object: an ELF file whose sections and symbols say which programs, maps and variables there are.
//!
//! What counts as a program or map follows libbpf 1.7 (`bpf_object__elf_collect`, `bpf_object__add_programs`).

mod elf;
mod maps;
mod variables;

pub(crate) use elf::{Object, Section, inspect};
pub(crate) use maps::{BtfMap, maps};
pub(crate) use variables::{Variable, variables};

/// Why the object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ObjectError {
    /// It does not start like an ELF file.
    #[error("expected an ELF file, found {found}")]
    NotElf {
        /// Its first bytes.
        found: String,
    },
    /// An ELF file for another machine.
    #[error("expected an ELF file for BPF (machine 247), found one for {machine}")]
    NotBpf {
        /// `e_machine` by name and number.
        machine: String,
    },
    /// A BPF object of the other byte order.
    #[error("expected little endian, found big endian")]
    BigEndian,
    /// 32 bits.
    #[error("expected a 64-bit ELF file, found a 32-bit one")]
    NotWide,
    /// Headers, sections or symbols that contradict the file.
    #[error("damaged ELF: {reason}")]
    Damaged {
        /// What.
        reason: String,
    },
}

impl ObjectError {
    /// What to try.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotElf { .. } | Self::Damaged { .. } => Some("build the package again"),
            Self::NotBpf { .. } => Some("compile with `clang -target bpf`"),
            Self::BigEndian => Some("compile with `clang -target bpfel`"),
            Self::NotWide => None,
        }
    }
}
