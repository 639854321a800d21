//! Kernel C to package: the author's side of `ecli`.
//!
//! ```text
//! NAME.bpf.c ─┬─clang──▶ object ──strip──▶ object without DWARF ─┐
//!   + NAME.h  ├─markers─┘          └─ELF, BTF──▶ skeleton ───────┼──▶ package.json
//!             └─doc comments──▶ descriptions, options ───────────┘
//! ```
//!
//! * `clang` runs as a child process, in the folder of the source, with libbpf's BPF headers in reach as
//!   `<bpf/bpf_helpers.h>` and so on. No shell is involved, and nothing is written beside the source.
//! * Every struct that the event header (`NAME.h`) defines at the top level is exported: one pointer variable a
//!   struct is appended to what clang reads, which keeps the struct in the object's BTF.
//! * `///` and `/** */` comments give descriptions and options to variables, maps, programs and the package.
//!
//! The same sources and the same clang give the same bytes, in whatever folder they are.
#![forbid(unsafe_code)]

mod btf;
mod build;
mod clang;
mod doc;
mod error;
mod headers;
mod scan;
mod skeleton;
mod strip;

pub use build::{BuildOptions, Built, build};
pub use error::BuildError;
