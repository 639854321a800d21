//! Entries of sampled maps as records: key and value side by side.

use super::in_object;
use crate::PlanError;
use crate::btf::BtfError;
use crate::layout::{Field, Layout, Type};
use crate::object::BtfMap;
use crate::plan::{SampleKind, Sampling, Source, Stream};

/// A number where the size is one, else bytes.
pub(super) fn untyped(bytes: u32) -> (Type, String) {
    match bytes {
        1 | 2 | 4 | 8 | 16 => (Type::Unsigned { bits: bytes as u16 * 8 }, format!("__u{}", bytes * 8)),
        _ => {
            let element = Box::new(Type::Unsigned { bits: 8 });
            (Type::Array { element, len: bytes }, format!("__u8[{bytes}]"))
        }
    }
}

pub(super) fn pair(
    name: &str,
    map: &BtfMap,
    key: (Type, String),
    value: (Type, String),
) -> Result<Layout, PlanError> {
    let value_offset = u64::from(map.map.key_bytes).next_multiple_of(8);
    let size = value_offset + u64::from(map.map.value_bytes);
    let size_bytes = u32::try_from(size).ok().filter(|size| *size <= u32::MAX / 8);
    let size_bytes =
        size_bytes.ok_or_else(|| in_object(BtfError::TooLarge { path: format!("map {name}") }))?;
    let field = |name: &str, offset: u64, (ty, type_name): (Type, String)| {
        // Below `size_bytes` × 8, which was checked to fit.
        Field { name: name.to_owned(), bit_offset: (offset * 8) as u32, ty, type_name, bitfield: false }
    };
    let fields = vec![field("key", 0, key), field("value", value_offset, value)];
    Ok(Layout { name: name.to_owned(), size_bytes, fields })
}

pub(super) fn replace_value(layout: &mut Layout, value: Layout) {
    if let Some(field) = layout.fields.get_mut(1) {
        field.type_name = format!("struct {}", value.name);
        field.ty = Type::Struct(value.into());
    }
}

pub(super) fn value_name(layout: &Layout) -> Option<&String> {
    match layout.fields.get(1).map(|field| &field.ty) {
        Some(Type::Struct(value)) => Some(&value.name),
        _ => None,
    }
}

pub(super) fn drawable(stream: &Stream) -> Result<(), PlanError> {
    match &stream.source {
        Source::Sampled(Sampling { kind: SampleKind::Histogram { .. }, .. }) => {
            slots(&stream.name, &stream.layout)
        }
        _ => Ok(()),
    }
}

/// A histogram is drawn from a member `slots` of unsigned numbers.
fn slots(map: &str, layout: &Layout) -> Result<(), PlanError> {
    let wrong = |reason: String| PlanError::Export { map: map.to_owned(), reason };
    let Some(Type::Struct(value)) = layout.fields.get(1).map(|field| &field.ty) else {
        return Err(wrong("a histogram needs a struct with a member `slots` as its value".to_owned()));
    };
    match value.fields.iter().find(|field| field.name == "slots") {
        Some(Field { ty: Type::Array { element, .. }, .. })
            if matches!(**element, Type::Unsigned { .. } | Type::Signed { .. }) =>
        {
            Ok(())
        }
        Some(field) => {
            Err(wrong(format!("`slots` must be an array of numbers, found `{}`", field.type_name)))
        }
        None => {
            let names: Vec<_> = value.fields.iter().take(8).map(|field| field.name.as_str()).collect();
            Err(wrong(format!("a histogram needs a member `slots`, found {}", names.join(", "))))
        }
    }
}
