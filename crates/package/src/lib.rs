//! Packages of compiled BPF programs: what is in the file, and what it means.
//!
//! A *package* is one file that holds a compiled BPF object and the layout of the events that the object
//! exports. This crate reads every generation of the format ([`Generation`]) and turns it into one model:
//!
//! ```text
//! bytes ──open──▶ Package ──plan──▶ Plan { programs, maps, streams, parameters }
//! ```
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limits = package::Limits::default();
//! let package = package::open(&std::fs::read("package.json")?, &limits)?;
//! let plan = package.plan(&limits)?;
//! for field in plan.streams.iter().flat_map(|stream| &stream.layout.fields) {
//!     println!("{} at bit {}: {}", field.name, field.bit_offset, field.type_name);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//!
//! * [`open`] tells generations apart by content, unpacks the object under [`Limits`], and checks that it is a BPF
//!   object. What is no package is called by its name ([`Foreign`]). The [`Package`] knows where it came from, what it
//!   says about itself ([`Doc`]), and which keys nobody understood ([`UnknownKey`]).
//! * [`Package::plan`] compares the package's own description with the object's ELF and BTF. The [`Plan`] says how each
//!   [`Program`] is attached, which [`Map`]s there are, which of them are read ([`Stream`]) and what their records look
//!   like ([`layout`]), and what the user can set ([`parameter`]).
//! * [`OpenError`] and [`PlanError`] name what was expected, what was found, and where; their `hint` is the remedy.
//!   What has no effect, or an unusual one, is no error but a line of [`Plan::notes`].
//!
//! # What the object decides, and what the package
//!
//! The object wins wherever both speak: kinds and sizes of maps, sections of programs, types and places of variables,
//! layouts of records. The package adds what the object cannot say: which maps are exported as what, how maps are
//! sampled, interfaces, names and defaults of options, texts. Where the package repeats the object (its list of
//! members), a difference is an error, because then the two were not built together. Only the generation of 2022 brings
//! layouts that the object does not have.
//!
//! # Hostile files
//!
//! Nothing here touches the kernel, prints, or needs a privilege; a package is hostile until proven otherwise. Sizes are
//! checked before memory is taken, what inflates is refused while it inflates, type graphs may be cyclic, and every walk
//! counts its steps. Names that reach a message or a column hold no control characters. Beside the [`Limits`] there are
//! constants where they apply (values in the text, symbols, maps, streams), each many times what real packages have.
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
mod text;
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
