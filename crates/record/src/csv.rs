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

use csv_core::{Terminator, WriteResult, Writer, WriterBuilder};

use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoder, Fidelity};
use crate::row::Row;
use crate::value;

/// Renders comma-separated values.
#[derive(Debug)]
pub struct Csv {
    decoder: Decoder,
    clock: Option<Clock>,
    stream: Option<String>,
    header: bool,
    writer: Writer,
    /// One value.
    cell: Row,
}

impl Csv {
    /// With a header, without time.
    #[must_use]
    pub fn new(decoder: Decoder) -> Self {
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).build();
        Self { decoder, clock: None, stream: None, header: true, writer, cell: Row::default() }
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
        self.stream = Some(name.into());
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
        for (i, name) in time.into_iter().chain(stream).chain(self.decoder.fields()).enumerate() {
            put(&mut self.writer, i, name.as_bytes(), out);
        }
        end(&mut self.writer, out);
    }

    /// Appends a row.
    pub fn record(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) -> Fidelity {
        let mut column = 0;
        let mut add = |writer: &mut Writer, cell: &[u8], out: &mut Vec<u8>| {
            put(writer, column, cell, out);
            column += 1;
        };
        if let Some(clock) = &mut self.clock {
            self.cell.clear();
            clock.short(&mut self.cell, stamp);
            add(&mut self.writer, self.cell.as_slice(), out);
        }
        if let Some(stream) = &self.stream {
            add(&mut self.writer, stream.as_bytes(), out);
        }
        for leaf in &self.decoder.columns {
            self.cell.clear();
            value::leaf::<false>(&mut self.cell, record, leaf);
            add(&mut self.writer, self.cell.as_slice(), out);
        }
        end(&mut self.writer, out);
        self.decoder.fidelity(record)
    }
}

fn put(writer: &mut Writer, column: usize, cell: &[u8], out: &mut Vec<u8>) {
    if column > 0 {
        piece(out, 4, |to| {
            let (result, written) = writer.delimiter(to);
            (result, 0, written)
        });
    }
    // Every byte doubled, and the quotation marks.
    let mut rest = cell;
    piece(out, cell.len() * 2 + 4, |to| {
        let (result, read, written) = writer.field(rest, to);
        rest = &rest[read..];
        (result, read, written)
    });
}

fn end(writer: &mut Writer, out: &mut Vec<u8>) {
    piece(out, 8, |to| {
        let (result, written) = writer.terminator(to);
        (result, 0, written)
    });
}

/// Lets `write` fill room at the end of `out`, and asks again until it has all it needs.
fn piece(out: &mut Vec<u8>, room: usize, mut write: impl FnMut(&mut [u8]) -> (WriteResult, usize, usize)) {
    loop {
        let start = out.len();
        out.resize(start + room, 0);
        let (result, _, written) = write(&mut out[start..]);
        out.truncate(start + written);
        if result == WriteResult::InputEmpty {
            return;
        }
    }
}
