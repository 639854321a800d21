//! Layouts of the flat generation: the package's own list is all there is, in bits.

use super::ctype::{Base, CType};
use crate::PlanError;
use crate::description::{FlatField, FlatLayout};
use crate::layout::{Field, Layout, Type};

pub(crate) fn layout(map: &str, flat: &FlatLayout, most_fields: u32) -> Result<Layout, PlanError> {
    let wrong = |field: &str, reason: String| PlanError::FlatField {
        map: map.to_owned(),
        field: field.to_owned(),
        reason,
    };
    let end = flat.data_size.min(flat.size);
    let size_bytes = u32::try_from(flat.size.div_ceil(8)).ok().filter(|size| *size <= u32::MAX / 8);
    let size_bytes =
        size_bytes.ok_or_else(|| wrong(&flat.name, format!("a record of {} bits", flat.size)))?;
    if flat.fields.len() > most_fields as usize {
        return Err(wrong(&flat.name, format!("more than {most_fields} fields")));
    }
    let mut fields = Vec::new();
    for (index, field) in flat.fields.iter().enumerate() {
        // The next field that starts later, because the alternatives of a union start together.
        let later = flat.fields[index + 1..].iter().map(|next| next.offset).find(|next| *next > field.offset);
        let room = later.unwrap_or(end).checked_sub(field.offset);
        let Some(room) = room.filter(|room| *room > 0 && field.offset < end) else {
            let reason = format!("starts at bit {} of a record of {end} bits", field.offset);
            return Err(wrong(&field.name, reason));
        };
        let ty = field_type(field, room);
        let past_end = field.offset.saturating_add(ty.bits());
        if past_end > end {
            let reason = format!("ends at bit {past_end} of a record of {end} bits");
            return Err(wrong(&field.name, reason));
        }
        fields.push(Field {
            name: field.name.clone(),
            bit_offset: u32::try_from(field.offset)
                .map_err(|_| wrong(&field.name, "too far out".to_owned()))?,
            ty,
            type_name: field.c_type.clone(),
            bitfield: false,
        });
    }
    Ok(Layout { name: flat.name.clone(), size_bytes, fields })
}

/// By the C type, else by the LLVM type; what neither explains is bytes up to the next field.
fn field_type(field: &FlatField, room: u64) -> Type {
    let llvm = llvm(&field.llvm_type);
    if let Some(c) = CType::parse(&field.c_type)
        && let Some(element) = element(&c.base, llvm.as_ref())
    {
        return arrays(element, matches!(c.base, Base::Char), &c.lengths);
    }
    match llvm {
        Some(llvm) => arrays(llvm.element, false, &llvm.lengths),
        None => {
            let len = u32::try_from(room / 8).unwrap_or(u32::MAX);
            Type::Array { element: Box::new(Type::Unsigned { bits: 8 }), len }
        }
    }
}

fn element(base: &Base, llvm: Option<&Llvm>) -> Option<Type> {
    Some(match base {
        Base::Char => Type::Signed { bits: 8 },
        Base::Integer { bits, signed: true } => Type::Signed { bits: *bits },
        Base::Integer { bits, signed: false } => Type::Unsigned { bits: *bits },
        Base::Bool => Type::Bool { bits: 8 },
        Base::Float { bits } => Type::Float { bits: *bits },
        Base::Pointer => Type::Pointer { bits: 64 },
        // An enum without names is a number of the width that LLVM gives.
        Base::Enum(_) => match llvm {
            Some(Llvm { element: Type::Signed { bits } | Type::Unsigned { bits }, .. }) => {
                Type::Unsigned { bits: *bits }
            }
            _ => Type::Unsigned { bits: 32 },
        },
        Base::Aggregate(_) | Base::Named(_) => return None,
    })
}

fn arrays(element: Type, text: bool, lengths: &[u64]) -> Type {
    let mut lengths: Vec<u32> =
        lengths.iter().map(|length| u32::try_from(*length).unwrap_or(u32::MAX)).collect();
    let mut ty = match lengths.last() {
        Some(bytes) if text => {
            let ty = Type::Text { bytes: *bytes };
            lengths.pop();
            ty
        }
        _ => element,
    };
    for len in lengths.into_iter().rev() {
        ty = Type::Array { element: Box::new(ty), len };
    }
    ty
}

/// `[4 x [16 x i8]]`.
struct Llvm {
    element: Type,
    lengths: Vec<u64>,
}

fn llvm(text: &str) -> Option<Llvm> {
    const DEEPEST: usize = 8;
    let mut text = text.trim();
    let mut lengths = Vec::new();
    while let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let (length, rest) = inner.split_once(" x ")?;
        lengths.push(length.trim().parse().ok()?);
        text = rest.trim();
        if lengths.len() > DEEPEST {
            return None;
        }
    }
    let element = match text {
        "float" => Type::Float { bits: 32 },
        "double" => Type::Float { bits: 64 },
        "i1" => Type::Bool { bits: 8 },
        pointer if pointer.ends_with('*') || pointer == "ptr" => Type::Pointer { bits: 64 },
        integer => {
            let bits: u16 = integer.strip_prefix('i')?.parse().ok()?;
            let bits = Some(bits).filter(|bits| matches!(bits, 8 | 16 | 32 | 64 | 128))?;
            // As upstream read what it knew by the LLVM type only: 32 bits signed, all else unsigned.
            if bits == 32 { Type::Signed { bits } } else { Type::Unsigned { bits } }
        }
    };
    Some(Llvm { element, lengths })
}
