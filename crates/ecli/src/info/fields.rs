//! The field table of a layout: nested structs as `a.b`, as in columns and `--fields`.

use package::Layout;
use package::layout::{Field, Type};

/// One line of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct FieldRow {
    /// Path of names, joined by dots.
    pub path: String,
    /// From the start of the record.
    pub bit_offset: u64,
    /// Width; 0 for flexible arrays.
    pub bits: u64,
    /// As C spells it.
    pub type_name: String,
    /// What the bits mean.
    pub kind: &'static str,
}

impl FieldRow {
    /// Bytes, or bytes and bits where they are not whole (`4:3`).
    #[must_use]
    pub fn offset(&self) -> String {
        bytes_and_bits(self.bit_offset)
    }

    /// Bytes, or bits with a `b` where they are not whole (`3b`).
    #[must_use]
    pub fn size(&self) -> String {
        if self.bits.is_multiple_of(8) { (self.bits / 8).to_string() } else { format!("{}b", self.bits) }
    }
}

fn bytes_and_bits(bits: u64) -> String {
    if bits.is_multiple_of(8) { (bits / 8).to_string() } else { format!("{}:{}", bits / 8, bits % 8) }
}

/// Every leaf of a layout in declaration order.
#[must_use]
pub fn field_rows(layout: &Layout) -> Vec<FieldRow> {
    let mut rows = Vec::new();
    append(&mut rows, layout, "", 0);
    rows
}

fn append(rows: &mut Vec<FieldRow>, layout: &Layout, prefix: &str, base: u64) {
    for field in &layout.fields {
        let path = format!("{prefix}{}", field.name);
        let bit_offset = base + u64::from(field.bit_offset);
        match &field.ty {
            Type::Struct(inner) | Type::Union(inner) if !inner.fields.is_empty() => {
                append(rows, inner, &format!("{path}."), bit_offset);
            }
            ty => rows.push(FieldRow {
                path,
                bit_offset,
                bits: ty.bits(),
                type_name: field.type_name.clone(),
                kind: kind(field),
            }),
        }
    }
}

fn kind(field: &Field) -> &'static str {
    if field.bitfield {
        return "bitfield";
    }
    match field.ty {
        Type::Signed { .. } => "signed",
        Type::Unsigned { .. } => "unsigned",
        Type::Bool { .. } => "bool",
        Type::Text { .. } => "text",
        Type::Enum(_) => "enum",
        Type::Float { .. } => "float",
        Type::Pointer { .. } => "pointer",
        Type::Array { .. } => "array",
        Type::Flexible { .. } => "flexible array",
        Type::FlexibleText => "flexible text",
        Type::Struct(_) => "struct",
        Type::Union(_) => "union",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn nested_fields_have_paths_and_absolute_offsets() {
        let field = |name: &str, bit_offset, ty| Field {
            name: name.to_owned(),
            bit_offset,
            ty,
            type_name: "int".to_owned(),
            bitfield: false,
        };
        let inner = Layout {
            name: String::new(),
            size_bytes: 8,
            fields: vec![
                field("x", 0, Type::Signed { bits: 32 }),
                field("y", 35, Type::Unsigned { bits: 3 }),
            ],
        };
        let outer = Layout {
            name: String::new(),
            size_bytes: 16,
            fields: vec![
                field("a", 0, Type::Bool { bits: 8 }),
                field("b", 64, Type::Struct(Arc::new(inner))),
            ],
        };
        let rows = field_rows(&outer);
        let seen: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.offset(), row.size())).collect();
        assert_eq!(
            seen,
            [
                ("a", "0".to_owned(), "1".to_owned()),
                ("b.x", "8".to_owned(), "4".to_owned()),
                ("b.y", "12:3".to_owned(), "3b".to_owned())
            ]
        );
    }
}
