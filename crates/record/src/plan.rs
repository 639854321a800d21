//! A layout compiled to a flat list of reads.
//!
//! Nested structs disappear here: each scalar, text or array becomes one [`Leaf`] with its place in the whole record, its
//! path (`a.b`) and the JSON text that comes before it, so that a row is one walk over the list.

use std::sync::Arc;

use package::layout::{Enum, Layout, Type};

use crate::row::Row;
use crate::text;

/// Structs in structs (and arrays in arrays) deeper than this are shown as their bytes.
const DEEPEST: usize = 32;
/// What a layout has beyond this many fields is not shown: unions of unions double at every level.
const MOST_LEAVES: usize = 4096;

/// How the bits of a value lie, so that the common cases are one load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Byte,
    Half,
    Word,
    Double,
    /// Any bit, any width.
    Bits,
}

/// What one read makes of its bits.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    Unsigned,
    Signed,
    Bool,
    Enum(Names),
    Float32,
    Float64,
    Pointer,
    Text,
    FlexibleText,
    Array(Box<Element>),
    /// Nested deeper than anybody reads.
    Opaque,
}

/// An enumeration that is looked up by value: some have hundreds.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) of: Arc<Enum>,
    /// Values in order, each once, with the place of its first name.
    by_value: Box<[(i128, usize)]>,
}

impl Names {
    fn new(of: &Arc<Enum>) -> Self {
        let mut by_value: Vec<_> =
            of.variants.iter().enumerate().map(|(i, (value, _))| (*value, i)).collect();
        by_value.sort_unstable();
        by_value.dedup_by_key(|(value, _)| *value);
        Self { of: of.clone(), by_value: by_value.into() }
    }

    pub(crate) fn of(&self, value: i128) -> Option<&str> {
        let found = self.by_value.binary_search_by_key(&value, |(value, _)| *value).ok()?;
        Some(&self.of.variants[self.by_value[found].1].1)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Element {
    pub(crate) value: ElementValue,
    pub(crate) stride_bits: u64,
    /// `None`: as many as the record holds.
    pub(crate) len: Option<u32>,
}

#[derive(Debug, Clone)]
pub(crate) enum ElementValue {
    One(Kind, u64),
    Struct(Vec<Leaf>, Box<[u8]>),
}

/// One read.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    /// `a.b`.
    pub(crate) path: String,
    /// Bit in the record (in the element, for arrays of structs).
    pub(crate) at: u64,
    pub(crate) byte: usize,
    pub(crate) bits: u64,
    pub(crate) shape: Shape,
    pub(crate) kind: Kind,
    /// The last of a record of variable length: nothing left for it is an empty value, not a missing one.
    pub(crate) tail: bool,
    /// JSON before the value: braces, comma and the name.
    pub(crate) key: Key,
    /// JSON before the exact bytes, when the text is not UTF-8.
    pub(crate) hex_key: Box<[u8]>,
}

impl Leaf {
    /// Whether it takes what the record still holds.
    pub(crate) fn is_flexible(&self) -> bool {
        match &self.kind {
            Kind::FlexibleText => true,
            Kind::Array(element) => element.len.is_none(),
            _ => false,
        }
    }
}

/// Bytes that are known before the first record; short ones are kept where one store takes them.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    short: [u8; 16],
    count: usize,
    long: Box<[u8]>,
}

impl Key {
    fn new(text: &str) -> Self {
        let mut short = [0; 16];
        let bytes = text.as_bytes();
        if bytes.len() <= short.len() {
            short[..bytes.len()].copy_from_slice(bytes);
        }
        Self { short, count: bytes.len(), long: bytes.into() }
    }

    #[inline(always)]
    pub(crate) fn write(&self, row: &mut Row) {
        if self.count <= self.short.len() {
            row.piece(&self.short, self.count);
        } else {
            row.text(&self.long);
        }
    }
}

/// Compiles the leaves of `layout` that are, or are in, one of the `wanted` paths (`None`: all of them). Also returns
/// the JSON that closes the last one.
pub(crate) fn compile(layout: &Layout, wanted: Option<&[String]>) -> (Vec<Leaf>, Box<[u8]>) {
    let mut compiler = Compiler { leaves: Vec::new(), before: "{".into(), visited: 0, wanted };
    compiler.layout(layout, 0, "", 0);
    compiler.before.push('}');
    mark_tail(&mut compiler.leaves);
    (compiler.leaves, compiler.before.into_bytes().into())
}

struct Compiler<'a> {
    leaves: Vec<Leaf>,
    /// JSON since the last leaf.
    before: String,
    /// Fields looked at.
    visited: usize,
    wanted: Option<&'a [String]>,
}

impl Compiler<'_> {
    fn layout(&mut self, layout: &Layout, base: u64, prefix: &str, depth: usize) {
        let mut first = true;
        for field in &layout.fields {
            let path = format!("{prefix}{}", field.name);
            let nested = match &field.ty {
                Type::Struct(of) | Type::Union(of) if depth < DEEPEST => Some(of),
                _ => None,
            };
            let leads_to =
                |wanted: &String| covers(wanted, &path) || nested.is_some() && covers(&path, wanted);
            self.visited += 1;
            if self.visited > MOST_LEAVES || self.wanted.is_some_and(|wanted| !wanted.iter().any(leads_to)) {
                continue;
            }
            if !first {
                self.before.push(',');
            }
            first = false;
            self.before.push_str(&format!("\"{}\":", escaped(&field.name)));
            let at = base.saturating_add(u64::from(field.bit_offset));
            if let Some(of) = nested {
                self.before.push('{');
                self.layout(of, at, &format!("{path}."), depth + 1);
                self.before.push('}');
            } else {
                let mut leaf = read(path, at, &field.ty, depth);
                leaf.key = Key::new(&std::mem::take(&mut self.before));
                leaf.hex_key = format!(",\"{}@hex\":\"", escaped(&field.name)).into_bytes().into();
                self.leaves.push(leaf);
            }
        }
    }
}

/// The read of one value by itself.
pub(crate) fn leaf(path: &str, at: u64, ty: &Type) -> Leaf {
    read(path.into(), at, ty, 0)
}

fn read(path: String, at: u64, ty: &Type, depth: usize) -> Leaf {
    let (kind, bits) = kind(ty, depth);
    let (byte, shape) = (usize::try_from(at / 8).unwrap_or(usize::MAX), shape(at, bits));
    Leaf { path, at, byte, bits, shape, kind, tail: false, key: Key::new(""), hex_key: Box::default() }
}

/// Whether showing `wanted` shows `path`.
pub(crate) fn covers(wanted: &str, path: &str) -> bool {
    path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn shape(at: u64, bits: u64) -> Shape {
    match (at % 8, bits) {
        (0, 8) => Shape::Byte,
        (0, 16) => Shape::Half,
        (0, 32) => Shape::Word,
        (0, 64) => Shape::Double,
        _ => Shape::Bits,
    }
}

/// Numbers wider than 128 bits do not exist; a layout that has one gets its lower 128.
fn kind(ty: &Type, depth: usize) -> (Kind, u64) {
    let number = |kind, bits: u16| (kind, u64::from(bits.min(128)));
    match ty {
        Type::Signed { bits } => number(Kind::Signed, *bits),
        Type::Unsigned { bits } => number(Kind::Unsigned, *bits),
        Type::Bool { bits } => number(Kind::Bool, *bits),
        Type::Pointer { bits } => number(Kind::Pointer, *bits),
        Type::Enum(of) => number(Kind::Enum(Names::new(of)), of.bits),
        Type::Float { bits: 32 } => (Kind::Float32, 32),
        Type::Float { bits: 64 } => (Kind::Float64, 64),
        Type::Text { .. } => (Kind::Text, ty.bits()),
        Type::FlexibleText => (Kind::FlexibleText, 0),
        Type::Array { element, len } if depth < DEEPEST => (array(element, Some(*len), depth), ty.bits()),
        Type::Flexible { element } if depth < DEEPEST => (array(element, None, depth), 0),
        Type::Float { .. }
        | Type::Array { .. }
        | Type::Flexible { .. }
        | Type::Struct(_)
        | Type::Union(_) => (Kind::Opaque, ty.bits()),
    }
}

fn array(element: &Type, len: Option<u32>, depth: usize) -> Kind {
    let stride_bits = element.bits();
    let value = match element {
        Type::Struct(of) | Type::Union(of) => {
            let mut compiler = Compiler { leaves: Vec::new(), before: "{".into(), visited: 0, wanted: None };
            compiler.layout(of, 0, "", depth + 1);
            compiler.before.push('}');
            ElementValue::Struct(compiler.leaves, compiler.before.into_bytes().into())
        }
        _ => {
            let (kind, bits) = kind(element, depth + 1);
            ElementValue::One(kind, bits)
        }
    };
    Kind::Array(Box::new(Element { value, stride_bits, len }))
}

/// A name as it stands between quotation marks in JSON.
fn escaped(name: &str) -> String {
    let mut row = Row::default();
    text::text::<true>(&mut row, name.as_bytes());
    String::from_utf8_lossy(row.as_slice()).into_owned()
}

/// Marks the text or array that ends a record of variable length.
fn mark_tail(leaves: &mut [Leaf]) {
    let Some(last) = leaves.iter_mut().max_by_key(|leaf| (leaf.at.saturating_add(leaf.bits), leaf.at)) else {
        return;
    };
    last.tail = matches!(last.kind, Kind::Text | Kind::FlexibleText | Kind::Array(_));
}
