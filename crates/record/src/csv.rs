//! Rows for spreadsheets and `csv` readers: RFC 4180, so lines end in CR LF and a header comes first. Values are as in
//! columns.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::{Csv, Decoder, Stamp};
//!
//! let name = Field {
//!     name: "name".into(), bit_offset: 0, ty: Type::Text { bytes: 4 }, type_name: "char[4]".into(), bitfield: false,
//! };
//! let mut csv = Csv::new(Decoder::new(&Layout { name: "event".into(), size_bytes: 4, fields: vec![name] }));
//! let mut out = Vec::new();
//! csv.begin(&mut out);
//! csv.record(b"a,\"b", Stamp::default(), &mut out);
//! assert_eq!(out, b"name\r\n\"a,\"\"b\"\r\n");
//! ```

use csv_core::WriteResult;

use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoder, Fidelity};
use crate::row::Row;
use crate::text;
use crate::value;

/// Renders comma-separated values.
#[derive(Debug)]
pub struct Csv {
    decoder: Decoder,
    clock: Option<Clock>,
    stream: Option<String>,
    header: bool,
    /// One value.
    cell: Row,
}

impl Csv {
    /// With a header, without time.
    #[must_use]
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, clock: None, stream: None, header: true, cell: Row::default() }
    }

    /// Starts every row with the time, under the name `@time`.
    #[must_use]
    pub fn time(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Shows in every row which stream it is from, under the name `@stream`.
    #[must_use]
    pub fn stream(mut self, name: &str) -> Self {
        let mut row = Row::default();
        _ = text::text::<false>(&mut row, name.as_bytes());
        self.stream = Some(String::from_utf8_lossy(row.as_slice()).into_owned());
        self
    }

    /// Leaves the header out.
    #[must_use]
    pub fn without_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Appends the header: paths of the fields as they are spelt in the source.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        if !self.header {
            return;
        }
        let time = self.clock.as_ref().map(|_| "@time");
        let stream = self.stream.as_ref().map(|_| "@stream");
        let start = out.len();
        for name in time.into_iter().chain(stream).chain(self.decoder.fields()) {
            self.cell.clear();
            _ = text::text::<false>(&mut self.cell, name.as_bytes());
            put(self.cell.as_slice(), out);
        }
        end(start, out);
    }

    /// Appends a row.
    pub fn record(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) -> Fidelity {
        let start = out.len();
        let cell = &mut self.cell;
        if let Some(clock) = &mut self.clock {
            cell.clear();
            clock.short(cell, stamp);
            put(cell.as_slice(), out);
        }
        if let Some(stream) = &self.stream {
            put(stream.as_bytes(), out);
        }
        for leaf in &self.decoder.columns {
            cell.clear();
            value::leaf::<false>(cell, record, leaf);
            put(cell.as_slice(), out);
        }
        end(start, out);
        self.decoder.fidelity(record)
    }
}

/// Appends a value and the comma behind it.
fn put(cell: &[u8], out: &mut Vec<u8>) {
    // No value holds a line break: the only other thing that RFC 4180 quotes for is escaped already.
    if memchr::memchr2(b',', b'"', cell).is_none() {
        out.extend_from_slice(cell);
    } else {
        quote(cell, out);
    }
    out.push(b',');
}

#[cold]
fn quote(cell: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let start = out.len();
    // Every byte doubled is the worst case.
    out.resize(start + cell.len() * 2, 0);
    let (result, _, written) = csv_core::quote(cell, &mut out[start..], b'"', b'"', true);
    debug_assert_eq!(result, WriteResult::InputEmpty);
    out.truncate(start + written);
    out.push(b'"');
}

/// Ends the row that started at `start`: the last comma becomes the end of the line.
fn end(start: usize, out: &mut Vec<u8>) {
    if out.len() > start {
        out.pop();
    }
    if out.len() == start {
        // One empty value, which would read as no row at all.
        out.extend_from_slice(b"\"\"");
    }
    out.extend_from_slice(b"\r\n");
}
