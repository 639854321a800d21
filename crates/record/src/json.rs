//! Rows for programs: one JSON object a line, fields in declaration order under their own names.
//!
//! ```
//! use package::layout::{Field, Layout, Type};
//! use record::{Decoder, Json, Stamp};
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let layout = Layout {
//!     name: "event".into(),
//!     size_bytes: 8,
//!     fields: vec![field("ret", 0, Type::Signed { bits: 32 }), field("name", 32, Type::Text { bytes: 4 })],
//! };
//! let mut json = Json::new(Decoder::new(&layout));
//! let mut out = Vec::new();
//! json.record(b"\xff\xff\xff\xffa\xffb\0", Stamp::default(), &mut out);
//! json.settle(&mut out);
//! assert_eq!(String::from_utf8(out).unwrap(), "{\"ret\":-1,\"name\":\"a\u{fffd}b\",\"name@hex\":\"61ff62\"}\n");
//! ```

use crate::clock::{Clock, Stamp};
use crate::decoder::{Decoder, Fidelity};
use crate::row::Row;
use crate::text;
use crate::value::{self, Held};

/// Renders JSON lines.
#[derive(Debug)]
pub struct Json {
    decoder: Decoder,
    clock: Option<Clock>,
    /// `"@stream":"…"`.
    stream: Option<Vec<u8>>,
    row: Row,
}

impl Json {
    /// The fields and nothing else.
    #[must_use]
    pub fn new(decoder: Decoder) -> Self {
        Self { decoder, clock: None, stream: None, row: Row::default() }
    }

    /// Adds `@time` after the fields.
    #[must_use]
    pub fn time(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Adds `@stream`, last.
    #[must_use]
    pub fn stream(mut self, name: &str) -> Self {
        let mut row = Row::default();
        row.text(b"\"@stream\":\"");
        _ = text::text::<true>(&mut row, name.as_bytes());
        row.byte(b'"');
        self.stream = Some(row.as_slice().to_vec());
        self
    }

    /// Makes a line; it is in the output after [`Json::settle`] at the latest.
    #[inline]
    pub fn record(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) -> Fidelity {
        let row = &mut self.row;
        let start = row.len();
        for leaf in &self.decoder.members {
            leaf.key.write(row);
            match value::leaf::<true>(row, record, leaf) {
                Held::Yes | Held::NotAscii => {}
                Held::Damaged => value::exact_bytes(row, record, leaf, leaf.at),
                Held::No => value::missing::<true>(row),
            }
        }
        row.text(&self.decoder.close);
        if self.clock.is_some() || self.stream.is_some() {
            self.add(start, stamp);
        }
        self.row.byte(b'\n');
        self.row.flush_when_full(out, self.stream.is_some());
        self.decoder.fidelity(record)
    }

    /// Appends what is not in the output yet. Called at the end of a batch.
    #[inline]
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        self.row.flush(out);
    }

    /// Opens the object again for what is not from the record.
    fn add(&mut self, start: usize, stamp: Stamp) {
        let row = &mut self.row;
        row.truncate(row.len() - 1);
        let mut first = row.as_slice()[start..] == *b"{";
        let mut separate = |row: &mut Row| {
            if !std::mem::take(&mut first) {
                row.byte(b',');
            }
        };
        if let Some(clock) = &mut self.clock {
            separate(row);
            row.text(b"\"@time\":");
            clock.json(row, stamp);
        }
        if let Some(stream) = &self.stream {
            separate(row);
            row.text(stream);
        }
        row.byte(b'}');
    }
}
