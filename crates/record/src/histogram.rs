//! Pictures of a distribution, one for each entry of a sampled map: the value's member `slots` as bars.
//!
//! ```
//! use std::sync::Arc;
//! use package::HistogramScale;
//! use package::layout::{Field, Layout, Type};
//! use record::Histogram;
//!
//! let field = |name: &str, bit_offset, ty| Field {
//!     name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false,
//! };
//! let slots = Type::Array { element: Box::new(Type::Unsigned { bits: 32 }), len: 3 };
//! let value = Layout { name: "hist".into(), size_bytes: 12, fields: vec![field("slots", 0, slots)] };
//! let entry = Layout {
//!     name: String::new(),
//!     size_bytes: 20,
//!     fields: vec![
//!         field("key", 0, Type::Unsigned { bits: 32 }),
//!         field("value", 64, Type::Struct(Arc::new(value))),
//!     ],
//! };
//! let mut histogram = Histogram::new(&entry, HistogramScale::Log2, "usecs")?;
//! let mut out = Vec::new();
//! histogram.record(&[7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], &mut out);
//! assert_eq!(String::from_utf8(out).unwrap(), "\
//! key =  7
//!
//!      usecs               : count    distribution
//!          0 -> 1          : 1        |********************                    |
//!          2 -> 3          : 2        |****************************************|
//!
//! ");
//! # Ok::<(), record::HistogramError>(())
//! ```

use std::fmt::Write as _;

use package::HistogramScale;
use package::layout::{Layout, Type};

use crate::bits;
use crate::decoder::{Decoder, Fidelity};
use crate::plan::{self, Leaf};
use crate::row::Row;
use crate::text;
use crate::value;

/// Rows of wide pictures have bounds of more than 10 digits.
const WIDE_FROM: usize = 33;

/// A layout that has no distribution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistogramError {
    /// No array of whole numbers named `slots`.
    #[error("no member `slots` that is an array of whole numbers, so no histogram; the members are {}", .exist.join(", "))]
    NoSlots {
        /// All paths.
        exist: Vec<String>,
    },
}

/// Renders one histogram a record.
#[derive(Debug, Clone)]
pub struct Histogram {
    decoder: Decoder,
    scale: HistogramScale,
    unit: String,
    key: Vec<Leaf>,
    /// The value's members other than `slots`.
    others: Vec<Leaf>,
    slots: Slots,
    row: Row,
}

#[derive(Debug, Clone, Copy)]
struct Slots {
    at: u64,
    width: u32,
    len: u64,
}

impl Histogram {
    /// For entries with `key` and `value`, or records with a member `slots`.
    ///
    /// # Errors
    ///
    /// There is no such member.
    pub fn new(layout: &Layout, scale: HistogramScale, unit: &str) -> Result<Self, HistogramError> {
        let slots = find_slots(layout, 0, 0)
            .ok_or_else(|| HistogramError::NoSlots { exist: crate::select::paths(layout) })?;
        let (leaves, _) = plan::compile(layout, None);
        let (key, others) = leaves.into_iter().partition(|leaf: &Leaf| plan::covers("key", &leaf.path));
        let mut others: Vec<Leaf> = others;
        others.retain(|leaf| leaf.at != slots.at || last(&leaf.path) != "slots");
        let mut clean = Row::default();
        _ = text::text::<false>(&mut clean, unit.as_bytes());
        let unit = String::from_utf8_lossy(clean.as_slice()).into_owned();
        Ok(Self { decoder: Decoder::new(layout), scale, unit, key, others, slots, row: Row::default() })
    }

    /// Appends the picture.
    pub fn record(&mut self, record: &[u8], out: &mut Vec<u8>) -> Fidelity {
        self.row.clear();
        self.write_members(record);
        let held = (record.len() as u64 * 8).saturating_sub(self.slots.at) / u64::from(self.slots.width);
        let rows = (0..self.slots.len.min(held)).rev().find(|i| self.slot(record, *i) != 0);
        if let Some(highest) = rows {
            self.write_bars(record, highest as usize);
        } else {
            self.row.byte(b'\n');
        }
        self.row.byte(b'\n');
        out.extend_from_slice(self.row.as_slice());
        self.decoder.fidelity(record)
    }

    /// What the record does not hold counts nothing.
    fn slot(&self, record: &[u8], i: u64) -> u128 {
        let Slots { at, width, .. } = self.slots;
        bits::unsigned(record, at.saturating_add(i * u64::from(width)), width).unwrap_or_default()
    }

    fn write_members(&mut self, record: &[u8]) {
        let row = &mut self.row;
        if !self.key.is_empty() {
            row.text(b"key = ");
            for leaf in &self.key {
                row.byte(b' ');
                value::leaf::<false>(row, record, leaf);
            }
            row.byte(b'\n');
        }
        for leaf in &self.others {
            let name = leaf.path.strip_prefix("value.").unwrap_or(&leaf.path);
            _ = text::text::<false>(row, name.as_bytes());
            row.text(b" = ");
            value::leaf::<false>(row, record, leaf);
            row.byte(b'\n');
        }
        row.byte(b'\n');
    }

    fn write_bars(&mut self, record: &[u8], highest: usize) {
        let wide = highest >= WIDE_FROM;
        let (indent, heading, bound, bar) = if wide { (15, 29, 20, 20) } else { (5, 19, 10, 40) };
        let most = (0..=highest).map(|i| self.slot(record, i as u64)).max().unwrap_or(1).max(1);
        let mut row = std::mem::take(&mut self.row);
        put(&mut row, format_args!("{:indent$}{:<heading$} : count    distribution\n", "", self.unit));
        for i in 0..=highest {
            if row.is_too_long() {
                break;
            }
            match self.scale {
                HistogramScale::Log2 => {
                    let (low, high) = bounds(i as u32);
                    put(&mut row, format_args!("{low:>bound$} -> {high:<bound$}"));
                }
                HistogramScale::Linear => put(&mut row, format_args!("{i:>bound$}    {:bound$}", "")),
            }
            let count = self.slot(record, i as u64);
            // A u128 slot may be too large to multiply.
            let stars =
                count.checked_mul(bar as u128).map_or(bar, |scaled| (scaled / most) as usize).min(bar);
            put(&mut row, format_args!(" : {count:<8} |{:<bar$}|\n", Stars(stars)));
        }
        self.row = row;
    }
}

/// What a slot of a logarithmic histogram counts; beyond 128 bits there is nothing.
fn bounds(i: u32) -> (u128, u128) {
    let low = if i == 0 { 0 } else { 1_u128.checked_shl(i).unwrap_or(u128::MAX) };
    let high = 1_u128.checked_shl(i + 1).unwrap_or(0).wrapping_sub(1);
    (low, high.max(1))
}

struct Stars(usize);

impl std::fmt::Display for Stars {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const MOST: &str = "****************************************";
        f.pad(&MOST[..self.0.min(MOST.len())])
    }
}

fn put(row: &mut Row, text: std::fmt::Arguments<'_>) {
    row.write_fmt(text).expect("a row takes everything");
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

/// `slots`, at the top or in `value`.
fn find_slots(layout: &Layout, base: u64, depth: usize) -> Option<Slots> {
    layout.fields.iter().find_map(|field| {
        let at = base.saturating_add(field.bit_offset.into());
        match &field.ty {
            Type::Array { element, len } if field.name == "slots" => match **element {
                Type::Unsigned { bits } | Type::Signed { bits } if (1..=128).contains(&bits) => {
                    Some(Slots { at, width: bits.into(), len: (*len).into() })
                }
                _ => None,
            },
            Type::Struct(of) if depth == 0 && field.name == "value" => find_slots(of, at, 1),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use package::layout::Field;

    use super::*;

    fn field(name: &str, bit_offset: u32, ty: Type) -> Field {
        Field { name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false }
    }

    fn entry(bits: u16, len: u32) -> Layout {
        let array = Type::Array { element: Box::new(Type::Unsigned { bits }), len };
        let size_bytes = u32::from(bits) / 8 * len + 8;
        let fields = vec![field("cnt", 0, Type::Unsigned { bits: 32 }), field("slots", 64, array)];
        let value = Layout { name: "hist".into(), size_bytes, fields };
        let key = Layout {
            name: "key".into(),
            size_bytes: 8,
            fields: vec![
                field("pid", 0, Type::Unsigned { bits: 32 }),
                field("name", 32, Type::Text { bytes: 4 }),
            ],
        };
        let fields = vec![
            field("key", 0, Type::Struct(Arc::new(key))),
            field("value", 64, Type::Struct(Arc::new(value))),
        ];
        Layout { name: String::new(), size_bytes: 8 + size_bytes, fields }
    }

    fn picture(layout: &Layout, scale: HistogramScale, slots: &[(usize, u64)]) -> String {
        let mut record = vec![0; layout.size_bytes as usize];
        record[..10].copy_from_slice(b"\x02\0\0\0n\x1b\0\0\x05\0");
        let bytes = (record.len() - 16) / slots_len(layout);
        for (i, count) in slots {
            record[16 + i * bytes..][..bytes].copy_from_slice(&count.to_le_bytes()[..bytes]);
        }
        let mut out = Vec::new();
        let fidelity = Histogram::new(layout, scale, "usecs").unwrap().record(&record, &mut out);
        assert_eq!(fidelity, Fidelity::Exact);
        String::from_utf8(out).unwrap()
    }

    fn slots_len(layout: &Layout) -> usize {
        find_slots(layout, 0, 0).unwrap().len as usize
    }

    #[test]
    fn key_other_members_and_bars_are_shown() {
        let expected = "\
key =  2 n\\x1b
cnt = 5

     usecs               : count    distribution
         0 -> 1          : 0        |                                        |
         2 -> 3          : 7        |****************************************|

";
        assert_eq!(picture(&entry(32, 4), HistogramScale::Log2, &[(1, 7)]), expected);
    }

    #[test]
    fn bounds_beyond_32_bits_get_room() {
        let wide = picture(&entry(64, 64), HistogramScale::Log2, &[(33, u64::MAX), (63, 1)]);
        assert!(
            wide.contains("\n               usecs                         : count    distribution\n"),
            "{wide}"
        );
        let top = " 9223372036854775808 -> 18446744073709551615 : 1        |                    |\n";
        assert!(wide.contains(top), "{wide}");
    }

    #[test]
    fn linear_slots_are_numbered() {
        let linear = picture(&entry(32, 4), HistogramScale::Linear, &[(0, 2), (1, 1)]);
        assert!(linear.contains("         1               : 1        |********************  "), "{linear}");
    }

    #[test]
    fn a_distribution_of_nothing_is_an_empty_line() {
        assert_eq!(picture(&entry(32, 4), HistogramScale::Log2, &[]), "key =  2 n\\x1b\ncnt = 5\n\n\n\n");
    }

    #[test]
    fn without_slots_there_is_no_histogram() {
        let layout = Layout {
            name: String::new(),
            size_bytes: 4,
            fields: vec![field("n", 0, Type::Signed { bits: 32 })],
        };
        let error = Histogram::new(&layout, HistogramScale::Log2, "").unwrap_err();
        assert_eq!(error, HistogramError::NoSlots { exist: vec!["n".into()] });
    }

    #[test]
    fn only_slots_that_the_record_holds_are_looked_at() {
        let slots = Type::Array { element: Box::new(Type::Unsigned { bits: 32 }), len: u32::MAX };
        let layout =
            Layout { name: String::new(), size_bytes: u32::MAX, fields: vec![field("slots", 0, slots)] };
        let mut histogram = Histogram::new(&layout, HistogramScale::Log2, "n").unwrap();
        let mut out = Vec::new();
        let started = std::time::Instant::now();
        for _ in 0..1000 {
            histogram.record(&[1, 0, 0, 0, 2, 0], &mut out);
        }
        assert!(started.elapsed().as_secs() < 5);
        assert_eq!(out.iter().filter(|byte| **byte == b'\n').count(), 4 * 1000);
    }

    #[test]
    fn any_index_has_bounds() {
        assert_eq!(bounds(0), (0, 1));
        assert_eq!(bounds(126), (1 << 126, (1 << 127) - 1));
        assert_eq!(bounds(127), (1 << 127, u128::MAX));
        assert_eq!(bounds(4000), (u128::MAX, u128::MAX));
    }
}
