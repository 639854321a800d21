//! How the bytes of a record are laid out: fields with bit offset, width and kind.
//!
//! A layout is the C struct with typedefs and modifiers seen through. Members of anonymous structs and unions
//! appear in the layout that contains them, as they do in C. All records are little endian.

use std::sync::Arc;

/// A struct or union as it lies in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Layout {
    /// Tag of the C struct; empty when it has none.
    pub name: String,
    /// `sizeof`, in bytes.
    pub size_bytes: u32,
    /// In declaration order. Fields of a union overlap.
    pub fields: Vec<Field>,
}

/// One member.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name in C.
    pub name: String,
    /// From the start of the containing layout.
    pub bit_offset: u32,
    /// What the bits mean.
    pub ty: Type,
    /// The type as the C source spells it, for people (`pid_t`, `char[16]`, `struct in6_addr`).
    pub type_name: String,
    /// Declared with a width (`unsigned x : 3`); the width is that of `ty`.
    pub bitfield: bool,
}

/// What the bits of a field mean.
#[derive(Debug, Clone, PartialEq)]
pub enum Type {
    /// Two's complement, 1 to 128 bits.
    Signed {
        /// Width.
        bits: u16,
    },
    /// 1 to 128 bits. Pointers are [`Type::Pointer`].
    Unsigned {
        /// Width.
        bits: u16,
    },
    /// False when every bit is zero.
    Bool {
        /// Width.
        bits: u16,
    },
    /// `char[N]`: text up to the first NUL, not necessarily UTF-8. Other one-byte arrays are [`Type::Array`].
    Text {
        /// N.
        bytes: u32,
    },
    /// An enumeration of 8 to 64 bits.
    Enum(Arc<Enum>),
    /// IEEE 754, 32 or 64 bits.
    Float {
        /// Width.
        bits: u16,
    },
    /// An address.
    Pointer {
        /// Width.
        bits: u16,
    },
    /// `len` elements, each `element.bits()` wide.
    Array {
        /// One element.
        element: Box<Type>,
        /// How many.
        len: u32,
    },
    /// `T x[]`, the last member: as many whole elements as the record still holds.
    Flexible {
        /// One element.
        element: Box<Type>,
    },
    /// `char x[]`, the last member: text up to the first NUL or the end of the record.
    FlexibleText,
    /// A nested struct.
    Struct(Arc<Layout>),
    /// A nested union; every alternative is a field.
    Union(Arc<Layout>),
}

/// An enumeration type.
#[derive(Debug, Clone, PartialEq)]
pub struct Enum {
    /// Tag; empty when it has none.
    pub name: String,
    /// Width: 8, 16, 32 or 64; less as a bitfield.
    pub bits: u16,
    /// Whether a value is sign extended.
    pub signed: bool,
    /// Value and name, in declaration order; values may repeat, the first name counts.
    pub variants: Vec<(i128, String)>,
}

impl Type {
    /// Width in bits; 0 for flexible arrays.
    #[must_use]
    pub fn bits(&self) -> u64 {
        match self {
            Self::Signed { bits } | Self::Unsigned { bits } | Self::Bool { bits } => u64::from(*bits),
            Self::Float { bits } | Self::Pointer { bits } => u64::from(*bits),
            Self::Text { bytes } => u64::from(*bytes) * 8,
            Self::Enum(of) => u64::from(of.bits),
            Self::Array { element, len } => element.bits().saturating_mul(u64::from(*len)),
            Self::Flexible { .. } | Self::FlexibleText => 0,
            Self::Struct(of) | Self::Union(of) => u64::from(of.size_bytes) * 8,
        }
    }
}
