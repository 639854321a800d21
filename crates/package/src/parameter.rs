//! Global variables that the user can set before the programs are loaded.

mod value;

use crate::layout::Type;

/// A global variable of the object.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name of the variable.
    pub variable: String,
    /// ELF section: `.rodata`, `.data`, `.bss` or one of their named variants.
    pub section: String,
    /// From the start of the section.
    pub offset_bytes: u32,
    /// From BTF, or from the package's own spelling where the object has no BTF.
    pub ty: Type,
    /// As C spells it.
    pub type_name: String,
    /// Long option without dashes.
    pub long: String,
    /// One-letter option.
    pub short: Option<char>,
    /// For people; empty when the package says nothing.
    pub help: String,
    /// What the variable holds when nothing is given, as the section's bytes; never empty.
    pub initial: Vec<u8>,
    /// Value that the package prescribes over `initial`, already as the bytes of the variable.
    pub default: Option<Vec<u8>>,
}

/// A value that does not fit its parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not a value of that type at all.
    #[error("expected {expected}")]
    Invalid {
        /// What would fit, with an example (`a whole number from 0 to 255`).
        expected: String,
    },
    /// A number of the right kind that the type cannot hold.
    #[error("out of range: {type_name} holds {lowest} to {highest}")]
    OutOfRange {
        /// As C spells it.
        type_name: String,
        /// Smallest value.
        lowest: i128,
        /// Largest value.
        highest: i128,
    },
    /// Text of more bytes than the array holds with its NUL.
    #[error("too long: at most {most} bytes")]
    TooLong {
        /// N − 1.
        most: u32,
    },
    /// Structs, unions and arrays of other things than text.
    #[error("a variable of type {type_name} cannot be set from the command line")]
    Unsupported {
        /// As C spells it.
        type_name: String,
    },
}
