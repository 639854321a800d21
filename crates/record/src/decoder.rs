//! What is read from a record, and whether a record is as long as its layout says.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::Decoder;
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let layout = Layout {
//!     name: "event".into(),
//!     size_bytes: 20,
//!     fields: vec![field("pid", 0, Type::Signed { bits: 32 }), field("comm", 32, Type::Text { bytes: 16 })],
//! };
//! let decoder = Decoder::select(&layout, &["comm".into()])?;
//! assert_eq!(decoder.fields().collect::<Vec<_>>(), ["comm"]);
//! let wrong = Decoder::select(&layout, &["com".into()]).unwrap_err();
//! assert_eq!(wrong.to_string(), "no field `com` (did you mean `comm`?); the fields are pid, comm");
//! # Ok::<(), record::SelectError>(())
//! ```

use package::layout::Layout;

use crate::plan::{self, Leaf, covers};
use crate::select::{self, SelectError};

/// Whether a record had the length of its layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fidelity {
    /// It had. A record that ends inside the text or array that its layout ends with is one of variable length.
    Exact,
    /// It ended before its fields did: those that it lacks are shown empty, or null.
    Short,
    /// There was more than the layout tells about.
    Long,
}

/// How a source hands over the length of its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Framing {
    /// As the program sent it: ring buffers, entries of maps.
    #[default]
    Exact,
    /// Rounded up to 8 bytes less 4, as perf samples are (`perf_prepare_sample` in kernel/events/core.c).
    Padded,
    /// Any: the layout is of the beginning of the records only.
    OpenEnded,
}

/// A layout compiled to the reads that show it. Building one is not cheap; using it is.
#[derive(Debug, Clone)]
pub struct Decoder {
    /// In the order of columns.
    pub(crate) columns: Vec<Leaf>,
    /// In declaration order, as JSON has them.
    pub(crate) members: Vec<Leaf>,
    /// JSON after the last member.
    pub(crate) close: Box<[u8]>,
    /// Whether `key.` and `value.` are left out of the headers.
    pub(crate) entry: bool,
    least_bytes: usize,
    most_bytes: usize,
    flexible: bool,
}

impl Decoder {
    /// Shows every field.
    #[must_use]
    pub fn new(layout: &Layout) -> Self {
        let (members, close) = plan::compile(layout, None);
        let least_bytes = least(&members);
        Self {
            columns: members.clone(),
            close,
            entry: select::is_entry(layout),
            least_bytes,
            most_bytes: layout.size_bytes as usize,
            flexible: members.iter().any(Leaf::is_flexible),
            members,
        }
    }

    /// Shows the named fields (`a`, `a.b`), columns in the order of the names. The name of a struct stands for its fields.
    ///
    /// # Errors
    ///
    /// A field that does not exist, or no name at all.
    pub fn select(layout: &Layout, names: &[String]) -> Result<Self, SelectError> {
        if names.is_empty() {
            return Err(SelectError::Empty);
        }
        let paths = names.iter().map(|name| {
            let name = name.trim();
            select::full_path(layout, name).ok_or_else(|| {
                let exist = select::paths(layout);
                SelectError::Unknown { name: name.into(), nearest: select::nearest(&exist, name), exist }
            })
        });
        let paths = paths.collect::<Result<Vec<_>, _>>()?;
        let all = Self::new(layout);
        let (mut members, close) = plan::compile(layout, Some(&paths));
        for member in &mut members {
            member.tail = all.members.iter().any(|leaf| leaf.tail && leaf.path == member.path);
        }
        let mut columns: Vec<Leaf> = Vec::with_capacity(members.len());
        for wanted in &paths {
            for leaf in members.iter().filter(|leaf| covers(wanted, &leaf.path)) {
                if !columns.iter().any(|column| column.at == leaf.at && column.path == leaf.path) {
                    columns.push(leaf.clone());
                }
            }
        }
        Ok(Self { columns, members, close, ..all })
    }

    /// The same, for a source with that framing.
    #[must_use]
    pub fn framing(mut self, framing: Framing) -> Self {
        match framing {
            Framing::Exact => {}
            Framing::Padded => self.most_bytes = self.most_bytes.saturating_add(7),
            Framing::OpenEnded => self.most_bytes = usize::MAX,
        }
        self
    }

    /// Paths of what is shown, in the order of columns.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|leaf| &*leaf.path)
    }

    /// Judges the length of a record.
    #[inline]
    #[must_use]
    pub fn fidelity(&self, record: &[u8]) -> Fidelity {
        if record.len() < self.least_bytes {
            Fidelity::Short
        } else if record.len() > self.most_bytes && !self.flexible {
            Fidelity::Long
        } else {
            Fidelity::Exact
        }
    }

    /// Headings of the columns; `key.` and `value.` are left out where that is unambiguous.
    pub(crate) fn headings(&self) -> Vec<String> {
        let short = |path: &str| match (self.entry, path.split_once('.')) {
            (true, Some((_, rest))) => rest.to_owned(),
            _ => path.to_owned(),
        };
        let all: Vec<String> = self.columns.iter().map(|leaf| short(&leaf.path)).collect();
        let heading = |(i, leaf): (usize, &Leaf)| {
            let same = all.iter().filter(|other| **other == all[i]).count();
            let name = if same > 1 { &leaf.path } else { &all[i] };
            let mut row = crate::row::Row::default();
            _ = crate::text::text::<false>(&mut row, name.to_ascii_uppercase().as_bytes());
            String::from_utf8_lossy(row.as_slice()).into_owned()
        };
        self.columns.iter().enumerate().map(heading).collect()
    }
}

/// Bytes that hold every field, less those of a text or array at the very end.
fn least(leaves: &[Leaf]) -> usize {
    let end = |leaf: &Leaf| if leaf.tail { leaf.at } else { leaf.at.saturating_add(leaf.bits) };
    let bits = leaves.iter().map(end).max().unwrap_or_default();
    usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX)
}
