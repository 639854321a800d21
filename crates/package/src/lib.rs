//! Packages of compiled BPF programs: what is in the file, and what it means.
//!
//! A *package* is one file that holds a compiled BPF object and the layout of the events that the object
//! exports. This crate reads every generation of the format ([`Generation`]) and turns it into one model:
//!
//! ```text
//! bytes ──open──▶ Package ──plan──▶ Plan { programs, maps, streams, parameters }
//! ```
//!
//! * [`open`] tells generations apart by content, unpacks the object under [`Limits`], and finds ELF and BTF.
//! * [`Package::plan`] checks the package's own description against the object's BTF and lays out every stream.
//!
//! Nothing here touches the kernel, prints, or needs a privilege; a package is hostile until proven otherwise.
#![forbid(unsafe_code)]

mod btf;
mod description;
mod error;
mod foreign;
mod format;
mod kinds;
pub mod layout;
mod limits;
mod object;
mod open;
mod package;
pub mod parameter;
mod plan;
mod planning;
mod tree;
mod unpack;
mod view;

pub use btf::BtfError;
pub use error::{OpenError, PlanError};
pub use foreign::Foreign;
pub use kinds::{map_type_name, program_type};
pub use layout::Layout;
pub use limits::Limits;
pub use object::ObjectError;
pub use open::open;
pub use package::{Doc, Package, Polling, UnknownKey};
pub use parameter::Parameter;
pub use plan::{
    Attach, HistogramScale, Map, Plan, Program, SampleKind, Sampling, Source, Stream, TcDirection,
};

/// How a package was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// 2022-08 to 2022-10: `data`, `data_sz`, layouts in bits beside each map.
    Flat,
    /// Autumn 2022, never released: `export_types` is an object with its own BTF blob.
    Transitional,
    /// Since 2022-11: `bpf_object` and `meta`.
    Present,
}

/// Text format of the package file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// RFC 8259.
    Json,
    /// YAML 1.2.
    Yaml,
}
