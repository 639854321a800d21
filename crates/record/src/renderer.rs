//! Any of the ways to show records, chosen once at the start.

use crate::clock::Stamp;
use crate::columns::Columns;
use crate::csv::Csv;
use crate::decoder::Fidelity;
use crate::histogram::Histogram;
use crate::json::Json;

/// One way to show the records of one stream. The calls are `begin`, then any number of `record` with a `settle` after
/// each batch, then `finish`; each appends to the output.
#[derive(Debug)]
#[allow(clippy::large_enum_variant)] // there is one a stream
pub enum Renderer {
    /// Aligned columns.
    Columns(Columns),
    /// JSON lines.
    Json(Json),
    /// Comma-separated values.
    Csv(Csv),
    /// A picture a record.
    Histogram(Histogram),
}

impl Renderer {
    /// Starts the output.
    pub fn begin(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Columns(columns) => columns.begin(out),
            Self::Csv(csv) => csv.begin(out),
            Self::Json(_) | Self::Histogram(_) => {}
        }
    }

    /// Shows one record. Some rows may be held back until [`Renderer::settle`]: those that choose the first widths of
    /// columns, and up to 4 KiB of a stream that has its output for itself.
    #[inline]
    pub fn record(&mut self, record: &[u8], stamp: Stamp, out: &mut Vec<u8>) -> Fidelity {
        match self {
            Self::Columns(columns) => columns.record(record, stamp, out),
            Self::Json(json) => json.record(record, stamp, out),
            Self::Csv(csv) => csv.record(record, stamp, out),
            Self::Histogram(histogram) => histogram.record(record, out),
        }
    }

    /// Ends a batch: everything that was recorded is in the output afterwards. To be called before the output is written.
    #[inline]
    pub fn settle(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Columns(columns) => columns.settle(out),
            Self::Json(json) => json.settle(out),
            Self::Csv(_) | Self::Histogram(_) => {}
        }
    }

    /// Ends the output.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Columns(columns) => columns.finish(out),
            Self::Json(json) => json.settle(out),
            Self::Csv(_) | Self::Histogram(_) => {}
        }
    }
}
