//! One value of a record, as text for people or as JSON.

use crate::bits;
use crate::number;
use crate::plan::{Element, ElementValue, Kind, Leaf, Names, Shape};
use crate::row::Row;
use crate::text::{self, Written};

/// Whether the record holds the value. Nothing is written for a missing one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    Yes,
    /// It does, and its text may take fewer places than bytes.
    NotAscii,
    /// It does, and its text is not UTF-8.
    Damaged,
    No,
}

impl From<Written> for Held {
    #[inline(always)]
    fn from(written: Written) -> Self {
        match written {
            Written::Ascii => Self::Yes,
            Written::Other => Self::NotAscii,
            Written::Damaged => Self::Damaged,
        }
    }
}

/// A number of up to 64 bits, as it lies.
#[inline(always)]
pub(crate) fn load(bytes: &[u8], leaf: &Leaf) -> Option<u64> {
    match leaf.shape {
        Shape::Byte => bytes.get(leaf.byte).copied().map(u64::from),
        Shape::Half => bits::bytes_at(bytes, leaf.byte).map(|held| u16::from_le_bytes(held).into()),
        Shape::Word => bits::bytes_at(bytes, leaf.byte).map(|held| u32::from_le_bytes(held).into()),
        Shape::Double => bits::bytes_at(bytes, leaf.byte).map(u64::from_le_bytes),
        Shape::Bits => bits::unsigned(bytes, leaf.at, leaf.bits as u32).map(|value| value as u64),
    }
}

/// Writes the value of a leaf at the start of the record.
#[inline(always)]
pub(crate) fn leaf<const JSON: bool>(row: &mut Row, record: &[u8], leaf: &Leaf) -> Held {
    match &leaf.kind {
        Kind::Unsigned if leaf.shape != Shape::Bits => {
            let Some(value) = load(record, leaf) else { return Held::No };
            number::unsigned(row, value);
            Held::Yes
        }
        Kind::Signed if leaf.shape != Shape::Bits => {
            let Some(value) = load(record, leaf) else { return Held::No };
            number::signed(row, bits::sign_extend(value, leaf.bits as u32));
            Held::Yes
        }
        Kind::Text => {
            let end = leaf.byte.saturating_add((leaf.bits / 8) as usize).min(record.len());
            match record.get(leaf.byte..end) {
                Some(held) if !held.is_empty() || leaf.tail || leaf.bits == 0 => quoted::<JSON>(row, held),
                _ => Held::No,
            }
        }
        kind => value::<JSON>(row, record, kind, leaf.at, leaf.bits, leaf.tail),
    }
}

#[inline(always)]
fn quoted<const JSON: bool>(row: &mut Row, bytes: &[u8]) -> Held {
    if JSON {
        row.byte(b'"');
    }
    let written = text::text::<JSON>(row, bytes);
    if JSON {
        row.byte(b'"');
    }
    written.into()
}

/// Any value, at any bit.
#[inline(never)]
fn value<const JSON: bool>(
    row: &mut Row,
    record: &[u8],
    kind: &Kind,
    at: u64,
    bits: u64,
    tail: bool,
) -> Held {
    match kind {
        Kind::Text | Kind::FlexibleText | Kind::Opaque => {
            let Some(held) = bytes_of(record, kind, at, bits, tail) else { return Held::No };
            if !matches!(kind, Kind::Opaque) {
                return quoted::<JSON>(row, held);
            }
            json_quote::<JSON>(row);
            number::hex_bytes(row, held);
            json_quote::<JSON>(row);
            return Held::Yes;
        }
        Kind::Array(element) => return array::<JSON>(row, record, element, at, tail),
        _ => {}
    }
    let width = bits as u32;
    let Some(value) = bits::unsigned(record, at, width) else { return Held::No };
    match kind {
        Kind::Signed => {
            let value = bits::signed(record, at, width).unwrap_or_default();
            wide::<JSON>(row, width, |row| number::signed_wide(row, value));
        }
        Kind::Bool => row.text(if value == 0 { b"false" } else { b"true" }),
        Kind::Enum(of) => {
            json_quote::<JSON>(row);
            enumerator::<JSON>(row, of, value, width);
            json_quote::<JSON>(row);
        }
        Kind::Float32 => {
            let value = f32::from_bits(value as u32);
            float::<JSON>(row, value.is_finite(), value);
        }
        Kind::Float64 => {
            let value = f64::from_bits(value as u64);
            float::<JSON>(row, value.is_finite(), value);
        }
        Kind::Pointer if !JSON => number::hex(row, value),
        _ => wide::<JSON>(row, width, |row| number::unsigned_wide(row, value)),
    }
    Held::Yes
}

/// Parsers of JSON lose digits of what does not fit 64 bits, so that is text.
fn wide<const JSON: bool>(row: &mut Row, width: u32, write: impl FnOnce(&mut Row)) {
    if width > 64 {
        json_quote::<JSON>(row);
    }
    write(row);
    if width > 64 {
        json_quote::<JSON>(row);
    }
}

fn json_quote<const JSON: bool>(row: &mut Row) {
    if JSON {
        row.byte(b'"');
    }
}

fn float<const JSON: bool>(row: &mut Row, finite: bool, value: impl std::fmt::Debug) {
    if JSON && !finite {
        row.text(b"null");
    } else {
        number::float(row, value);
    }
}

fn enumerator<const JSON: bool>(row: &mut Row, names: &Names, value: u128, width: u32) {
    let unused = 128 - width.clamp(1, 128);
    let value = if names.of.signed { ((value << unused) as i128) >> unused } else { value as i128 };
    match names.of(value) {
        Some(name) => _ = text::text::<JSON>(row, name.as_bytes()),
        None => number::signed_wide(row, value),
    }
}

/// What a text, or the whole of an array, consists of.
pub(crate) fn bytes_of<'a>(
    record: &'a [u8],
    kind: &Kind,
    at: u64,
    bits: u64,
    tail: bool,
) -> Option<&'a [u8]> {
    let start = usize::try_from(at / 8).ok()?;
    let rest = record.get(start..)?;
    let (count, flexible) = match kind {
        Kind::FlexibleText => (rest.len(), true),
        Kind::Array(element) if element.len.is_none() => (rest.len(), true),
        _ => (usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX), false),
    };
    if rest.is_empty() && count > 0 && !tail && !flexible {
        return None;
    }
    let held = &rest[..count.min(rest.len())];
    Some(if matches!(kind, Kind::Text | Kind::FlexibleText) { text::until_nul(held) } else { held })
}

fn array<const JSON: bool>(row: &mut Row, record: &[u8], element: &Element, at: u64, tail: bool) -> Held {
    let end = record.len() as u64 * 8;
    let empty = element.len.is_none_or(|len| len == 0) || element.stride_bits == 0 || tail;
    if at > end || (at == end && !empty) {
        return Held::No;
    }
    let mut held = Held::Yes;
    row.byte(b'[');
    for i in 0..elements(element, end - at) {
        if row.is_too_long() {
            break;
        }
        if i > 0 {
            row.byte(b',');
        }
        let at = at.saturating_add(i.saturating_mul(element.stride_bits));
        let one = match &element.value {
            ElementValue::One(kind, bits) => value::<JSON>(row, record, kind, at, *bits, false),
            ElementValue::Struct(leaves, close) => group::<JSON>(row, record, leaves, close, at),
        };
        match one {
            Held::Yes => {}
            Held::NotAscii if held == Held::Damaged => {}
            Held::NotAscii | Held::Damaged => held = one,
            Held::No => missing::<JSON>(row),
        }
    }
    row.byte(b']');
    held
}

/// How many elements are shown: all that the record holds whole, and a text that it holds in part.
fn elements(element: &Element, bits_left: u64) -> u64 {
    if element.stride_bits == 0 {
        return 0;
    }
    let held = match element.value {
        ElementValue::One(Kind::Text, _) => bits_left.div_ceil(element.stride_bits),
        _ => bits_left / element.stride_bits,
    };
    element.len.map_or(held, |len| held.min(len.into()))
}

pub(crate) fn missing<const JSON: bool>(row: &mut Row) {
    if JSON {
        row.text(b"null");
    }
}

/// A struct in an array: JSON's own object, or `{a=1,b=2}`.
fn group<const JSON: bool>(row: &mut Row, record: &[u8], leaves: &[Leaf], close: &[u8], base: u64) -> Held {
    let mut held = Held::Yes;
    if !JSON {
        row.byte(b'{');
    }
    for (i, leaf) in leaves.iter().enumerate() {
        if JSON {
            leaf.key.write(row);
        } else {
            if i > 0 {
                row.byte(b',');
            }
            _ = text::text::<false>(row, leaf.path.as_bytes());
            row.byte(b'=');
        }
        let at = base.saturating_add(leaf.at);
        match value::<JSON>(row, record, &leaf.kind, at, leaf.bits, leaf.tail) {
            Held::Yes => {}
            Held::Damaged if JSON => exact_bytes(row, record, leaf, at),
            Held::Damaged | Held::NotAscii => held = Held::NotAscii,
            Held::No => missing::<JSON>(row),
        }
    }
    if JSON {
        row.text(close);
    } else {
        row.byte(b'}');
    }
    held
}

/// `,"NAME@hex":"…"` behind a text that is not UTF-8.
#[cold]
pub(crate) fn exact_bytes(row: &mut Row, record: &[u8], leaf: &Leaf, at: u64) {
    row.text(&leaf.hex_key);
    let held = bytes_of(record, &leaf.kind, at, leaf.bits, leaf.tail).unwrap_or_default();
    number::hex_bytes(row, held);
    row.byte(b'"');
}
