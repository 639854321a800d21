//! A layout made from bytes: every kind of field, at any place, inside or outside of the record.

use std::sync::Arc;

use package::Layout;
use package::layout::{Enum, Field, Type};

/// Takes bytes from the front; zeros when there are no more.
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// One to fourteen fields, and a size that need not hold them.
    pub(crate) fn layout(&mut self, depth: u8) -> Layout {
        let count = 1 + self.byte() % 14;
        let mut bit_offset = 0;
        let fields = (0..count).map(|index| self.field(index, &mut bit_offset, depth)).collect();
        Layout { name: "event".to_owned(), size_bytes: u32::from(self.byte()) * 2, fields }
    }

    fn field(&mut self, index: u8, bit_offset: &mut u32, depth: u8) -> Field {
        let ty = self.ty(depth);
        let (gap, bits) = (u32::from(self.byte()), ty.bits());
        let offset = *bit_offset + gap % 9 + if gap > 250 { 1 << 20 } else { 0 };
        *bit_offset = offset + u32::try_from(bits).unwrap_or(0) % 65_536;
        Field {
            name: format!("f{index}"),
            bit_offset: offset,
            ty,
            type_name: "some_t".to_owned(),
            bitfield: !offset.is_multiple_of(8) || !bits.is_multiple_of(8),
        }
    }

    fn ty(&mut self, depth: u8) -> Type {
        let width = u16::from(self.byte() % 128) + 1;
        let whole = [8, 16, 32, 64][usize::from(width % 4)];
        let kind = self.byte();
        match if depth == 0 { kind % 9 } else { kind % 13 } {
            0 => Type::Signed { bits: width },
            1 => Type::Unsigned { bits: width },
            2 => Type::Bool { bits: width % 8 + 1 },
            3 => Type::Text { bytes: u32::from(width) },
            4 => Type::Float { bits: if width % 2 == 0 { 32 } else { 64 } },
            5 => Type::Pointer { bits: whole },
            6 => Type::FlexibleText,
            7 => Type::Unsigned { bits: whole },
            8 => {
                let variants =
                    vec![(0, "ZERO".to_owned()), (i128::from(self.byte()), "\u{1b}[2J".to_owned())];
                Type::Enum(Arc::new(Enum {
                    name: "e".to_owned(),
                    bits: whole,
                    signed: width % 2 == 0,
                    variants,
                }))
            }
            9 => Type::Array { element: Box::new(self.ty(depth - 1)), len: u32::from(width % 12) },
            10 => Type::Flexible { element: Box::new(self.ty(depth - 1)) },
            11 => Type::Struct(Arc::new(self.layout(depth - 1))),
            _ => Type::Union(Arc::new(self.layout(depth - 1))),
        }
    }
}
