//! Records of a BPF program → text, by the layout of its event.
//!
//! | part | what it does |
//! |---|---|
//! | [`Decoder`] | a layout compiled to a flat list of reads; which fields are shown; whether a record has its length |
//! | [`Filter`] | an expression over the fields, compiled to comparisons on the raw bytes |
//! | [`Columns`], [`Json`], [`Csv`] | rows for people, programs, spreadsheets; [`Renderer`] is any of them |
//! | [`Histogram`] | a picture for each entry of a sampled map |
//! | [`Clock`] | the time of a row, by [`Stamp`], [`TimeStyle`] and [`Zone`] |
//!
//! Any bytes are shown somehow: a record that is too short, text without an end or not UTF-8, a value that its enumeration
//! does not name. Nothing is allocated for a record once the buffers have grown to the longest row, and no byte of a record
//! can reach a terminal as a control character.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::{Columns, Decoder, Fidelity, Renderer, Stamp};
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let layout = Layout {
//!     name: "event".into(),
//!     size_bytes: 20,
//!     fields: vec![field("pid", 0, Type::Signed { bits: 32 }), field("comm", 32, Type::Text { bytes: 16 })],
//! };
//! let mut renderer = Renderer::Columns(Columns::new(Decoder::new(&layout)));
//! let mut out = Vec::new();
//! renderer.begin(&mut out);
//! let fidelity = renderer.record(b"\x2c\x03\0\0vmtoolsd\0\0\0\0\0\0\0\0", Stamp::default(), &mut out);
//! assert_eq!(fidelity, Fidelity::Exact);
//! renderer.settle(&mut out);
//! assert_eq!(out, b"PID    COMM\n812    vmtoolsd\n");
//! ```

#![forbid(unsafe_code)]

mod bits;
mod clock;
mod columns;
mod csv;
mod decoder;
mod filter;
mod histogram;
mod json;
mod number;
mod plan;
mod renderer;
mod row;
mod select;
mod text;
mod value;

pub use clock::{Clock, Stamp, TimeStyle, Zone};
pub use columns::Columns;
pub use csv::Csv;
pub use decoder::{Decoder, Fidelity, Framing};
pub use filter::{Filter, FilterError, FilterProblem};
pub use histogram::{Histogram, HistogramError};
pub use json::Json;
pub use renderer::Renderer;
pub use select::SelectError;
