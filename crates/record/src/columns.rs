//! Rows for people: columns that line up, and go on lining up when a longer value comes.
//!
//! The first rows decide how wide the columns start; so they, and the header, are held back until the batch that they came
//! in is over ([`Columns::settle`]) or there are enough of them.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::{Columns, Decoder, Stamp};
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let layout = Layout {
//!     name: "event".into(),
//!     size_bytes: 8,
//!     fields: vec![field("uid", 0, Type::Unsigned { bits: 32 }), field("name", 32, Type::Text { bytes: 4 })],
//! };
//! let mut columns = Columns::new(Decoder::new(&layout));
//! let mut out = Vec::new();
//! columns.begin(&mut out);
//! columns.record(b"\x07\0\0\0init", Stamp::default(), &mut out);
//! columns.record(b"\xe8\x03\0\0a\x1bb\0", Stamp::default(), &mut out);
//! columns.finish(&mut out);
//! assert_eq!(String::from_utf8(out).unwrap(), "UID   NAME\n7     init\n1000  a\\x1bb\n");
//! ```

use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoder, Fidelity};
use crate::plan::{Kind, Leaf};
use crate::row::Row;
use crate::text;
use crate::value::{self, Held};

/// Between two columns.
const GAP: usize = 2;
/// A longer value moves the rest of its own row only.
const WIDEST: usize = 48;
/// Rows and bytes of records that are held back at most to choose the first widths.
const HELD_ROWS: usize = 64;
const HELD_BYTES: usize = 64 << 10;

/// Renders aligned columns.
#[derive(Debug)]
pub struct Columns {
    decoder: Decoder,
    clock: Option<Clock>,
    /// Name of the stream, and how wide its column is.
    stream: Option<(String, usize)>,
    header: bool,
    headings: Vec<String>,
    widths: Vec<usize>,
    row: Row,
    start: Start,
}

/// The rows that are held back.
#[derive(Debug, Default)]
struct Start {
    over: bool,
    records: Vec<(Stamp, usize)>,
    bytes: Vec<u8>,
}

impl Columns {
    /// With a header, without time.
    #[must_use]
    pub fn new(decoder: Decoder) -> Self {
        let headings = decoder.headings();
        let first_width =
            |(heading, leaf): (&String, &Leaf)| text::width(heading.as_bytes()).max(usual_width(leaf));
        let widths = headings.iter().zip(&decoder.columns).map(first_width).collect();
        let (row, start) = (Row::default(), Start::default());
        Self { decoder, clock: None, stream: None, header: true, headings, widths, row, start }
    }

    /// Starts every row with the time.
    #[must_use]
    pub fn time(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Shows in every row which stream it is from; `width` is that of the longest name.
    #[must_use]
    pub fn stream(mut self, name: &str, width: usize) -> Self {
        let mut row = Row::default();
        _ = text::text::<false>(&mut row, name.as_bytes());
        self.stream = Some((String::from_utf8_lossy(row.as_slice()).into_owned(), width.max("STREAM".len())));
        self
    }

    /// Leaves the header out.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Nothing is written before the first batch of records is known.
    pub fn begin(&mut self, _out: &mut Vec<u8>) {}

    /// Makes a row; it is in the output after [`Columns::settle`] at the latest.
    #[inline]
    pub fn record(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) -> Fidelity {
        if self.start.over {
            self.write(record, stamp);
            self.row.flush_when_full(out, self.stream.is_some());
        } else {
            self.hold(record, stamp, out);
        }
        self.decoder.fidelity(record)
    }

    /// Appends what is not in the output yet. Called at the end of a batch.
    #[inline]
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        if self.start.over {
            self.row.flush(out);
        } else if !self.start.records.is_empty() {
            self.release(out);
        }
    }

    /// Appends what is not in the output yet, and the header if there was no row.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if self.start.over {
            self.row.flush(out);
        } else {
            self.release(out);
        }
    }

    #[cold]
    fn hold(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) {
        self.start.records.push((stamp, record.len()));
        self.start.bytes.extend_from_slice(record);
        if self.start.records.len() >= HELD_ROWS || self.start.bytes.len() >= HELD_BYTES {
            self.release(out);
        }
    }

    /// Writes the held rows twice: once to learn the widths, once for good.
    #[cold]
    fn release(&mut self, out: &mut Vec<u8>) {
        let Start { records, bytes, .. } = std::mem::take(&mut self.start);
        self.start.over = true;
        for learning in [true, false] {
            if !learning && self.header {
                self.write_header(out);
            }
            let mut rest = &bytes[..];
            for (stamp, len) in &records {
                let (record, after) = rest.split_at(*len);
                rest = after;
                self.write(record, *stamp);
                if learning {
                    self.row.clear();
                } else {
                    self.row.flush(out);
                }
            }
        }
    }

    fn write_header(&mut self, out: &mut Vec<u8>) {
        let row = &mut self.row;
        if let Some(clock) = &mut self.clock {
            row.text(b"TIME");
            row.spaces(clock.width() - 4 + 1);
        }
        if let Some((_, width)) = &self.stream {
            row.text(b"STREAM");
            row.spaces(width - 6 + GAP);
        }
        for (i, (heading, width)) in self.headings.iter().zip(&self.widths).enumerate() {
            row.text(heading.as_bytes());
            if i + 1 < self.headings.len() {
                row.spaces(width.saturating_sub(text::width(heading.as_bytes())) + GAP);
            }
        }
        row.byte(b'\n');
        row.flush(out);
    }

    #[inline(always)]
    fn write(&mut self, record: &[u8], stamp: Stamp) {
        let row = &mut self.row;
        if let Some(clock) = &mut self.clock {
            let start = row.len();
            clock.short(row, stamp);
            row.spaces(clock.width().saturating_sub(row.len() - start) + 1);
        }
        if let Some((name, width)) = &self.stream {
            row.text(name.as_bytes());
            row.spaces(width.saturating_sub(name.len()) + GAP);
        }
        let Some((last, leaves)) = self.decoder.columns.split_last() else {
            return row.byte(b'\n');
        };
        for (leaf, width) in leaves.iter().zip(&mut self.widths) {
            let start = row.len();
            let held = value::leaf::<false>(row, record, leaf);
            let mut shown = row.len() - start;
            if shown > *width || held == Held::NotAscii {
                shown = widen(text::width(&row.as_slice()[start..]), width);
            }
            row.spaces(width.saturating_sub(shown) + GAP);
        }
        value::leaf::<false>(row, record, last);
        row.byte(b'\n');
    }
}

#[cold]
#[inline(never)]
fn widen(shown: usize, width: &mut usize) -> usize {
    if shown > *width {
        *width = shown.min(WIDEST).max(*width);
    }
    shown
}

/// What values of a kind usually take, so that the first rows do not move all the time.
fn usual_width(leaf: &Leaf) -> usize {
    let name = leaf.path.rsplit('.').next().unwrap_or_default();
    match leaf.kind {
        Kind::Text => (leaf.bits / 8).saturating_sub(1).min(8) as usize,
        Kind::Signed | Kind::Unsigned if name.ends_with("pid") || name.ends_with("tid") => 5,
        _ => 0,
    }
}
