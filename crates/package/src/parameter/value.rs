//! Text to the bytes of a variable and back.

use super::{Parameter, ValueError};
use crate::layout::{Enum, Type};
use crate::text::printable;

impl Parameter {
    /// Whether the option needs no value: `--x`, `--enable-x`, `--disable-x`.
    #[must_use]
    pub fn is_bool(&self) -> bool {
        matches!(self.ty, Type::Bool { .. })
    }

    /// What the variable holds when the user says nothing: the package's default, else what C says.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.default.as_deref().unwrap_or(&self.initial)
    }

    /// The variable's bytes for a value given as text.
    ///
    /// Whole numbers are decimal or `0x` hex over the type's full range, enums a name or a number, floats
    /// decimal, booleans `true`, `false`, `1` or `0`; `char[N]` takes up to N − 1 bytes of text, `char` a number
    /// or one character. All little endian.
    ///
    /// # Errors
    ///
    /// [`ValueError`], when the text is no such value, or the type cannot be set by text.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, ValueError> {
        match &self.ty {
            Type::Bool { bits } => match text {
                "true" | "1" => Ok(little_endian(1, *bits)),
                "false" | "0" => Ok(little_endian(0, *bits)),
                _ => Err(invalid("true or false")),
            },
            Type::Signed { bits: 8 } if self.type_name == "char" && character(text).is_some() => {
                Ok(character(text).into_iter().collect())
            }
            Type::Signed { bits } => self.integer(text, *bits, true),
            Type::Unsigned { bits } => self.integer(text, *bits, false),
            Type::Enum(of) => self.variant(text, of),
            Type::Float { bits } => float(text, *bits),
            Type::Text { bytes } => {
                let most = bytes.saturating_sub(1);
                if text.len() as u64 > u64::from(most) {
                    return Err(ValueError::TooLong { most });
                }
                let mut value = text.as_bytes().to_vec();
                value.resize(*bytes as usize, 0);
                Ok(value)
            }
            _ => Err(ValueError::Unsupported { type_name: self.type_name.clone() }),
        }
    }

    fn integer(&self, text: &str, bits: u16, signed: bool) -> Result<Vec<u8>, ValueError> {
        let (lowest, highest) = range(bits, signed);
        let expected = || match (bits, signed) {
            (128, false) => invalid("a whole number from 0 to 2^128 - 1"),
            _ => invalid(&format!("a whole number from {lowest} to {highest}")),
        };
        let out_of_range = || ValueError::OutOfRange { type_name: self.type_name.clone(), lowest, highest };
        let number = Number::parse(text).ok_or_else(expected)?;
        if bits == 128 && !signed {
            // Its highest value does not fit the error's i128.
            return match number {
                Number { negative: true, magnitude } if magnitude != 0 => Err(expected()),
                Number { magnitude, .. } => Ok(magnitude.to_le_bytes().to_vec()),
            };
        }
        let value =
            number.value().filter(|value| (lowest..=highest).contains(value)).ok_or_else(out_of_range)?;
        Ok(little_endian(value, bits))
    }

    fn variant(&self, text: &str, of: &Enum) -> Result<Vec<u8>, ValueError> {
        if let Some((value, _)) = of.variants.iter().find(|(_, name)| name == text) {
            return Ok(little_endian(*value, of.bits));
        }
        if Number::parse(text).is_some() {
            return self.integer(text, of.bits, of.signed);
        }
        const SHOWN: usize = 6;
        let mut names =
            of.variants.iter().take(SHOWN).map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(", ");
        if of.variants.len() > SHOWN {
            names.push_str(", …");
        }
        Err(invalid(&format!("one of {names}, or a number")))
    }

    /// A value of the variable as text that [`Parameter::encode`] takes, where it takes any.
    ///
    /// Total: short slices read as if zeros followed, control characters are escaped.
    #[must_use]
    pub fn display(&self, bytes: &[u8]) -> String {
        display(&self.ty, bytes)
    }
}

fn display(ty: &Type, bytes: &[u8]) -> String {
    const SHOWN: u32 = 8;
    match ty {
        Type::Bool { bits } => (unsigned(bytes, *bits) != 0).to_string(),
        Type::Signed { bits } => signed(bytes, *bits).to_string(),
        Type::Unsigned { bits } => unsigned(bytes, *bits).to_string(),
        Type::Pointer { bits } => format!("{:#x}", unsigned(bytes, *bits)),
        Type::Float { bits: 32 } => f32::from_bits(unsigned(bytes, 32) as u32).to_string(),
        Type::Float { .. } => f64::from_bits(unsigned(bytes, 64) as u64).to_string(),
        Type::Enum(of) => {
            let value = if of.signed {
                signed(bytes, of.bits)
            } else {
                // 64 bits at most.
                unsigned(bytes, of.bits) as i128
            };
            let name = of.variants.iter().find(|(number, _)| *number == value);
            name.map_or_else(|| value.to_string(), |(_, name)| name.clone())
        }
        Type::Text { .. } | Type::FlexibleText => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            printable(text)
        }
        Type::Array { element, len }
            if *len <= SHOWN && !matches!(**element, Type::Struct(_) | Type::Union(_)) =>
        {
            let size = (element.bits() / 8) as usize;
            let item = |index: u32| display(element, bytes.get(index as usize * size..).unwrap_or_default());
            format!("[{}]", (0..*len).map(item).collect::<Vec<_>>().join(","))
        }
        _ => format!("({} bytes)", bytes.len()),
    }
}

/// A whole number of up to 128 bits and its sign.
struct Number {
    negative: bool,
    magnitude: u128,
}

impl Number {
    fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
            Some(digits) => (digits, 16),
            None => (digits, 10),
        };
        if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
            return None;
        }
        // More digits than 128 bits hold are a number all the same, out of every range.
        let magnitude = u128::from_str_radix(digits, radix).unwrap_or(u128::MAX);
        Some(Self { negative, magnitude })
    }

    /// `None` beyond an i128.
    fn value(&self) -> Option<i128> {
        if self.negative {
            0i128.checked_sub_unsigned(self.magnitude)
        } else {
            self.magnitude.try_into().ok()
        }
    }
}

/// One character that is no digit: digits are numbers.
fn character(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [byte] | [b'\'', byte, b'\''] if !byte.is_ascii_digit() || text.len() == 3 => Some(*byte),
        _ => None,
    }
}

fn float(text: &str, bits: u16) -> Result<Vec<u8>, ValueError> {
    let expected = || invalid("a number such as 1.5");
    let value: f64 = text.parse().map_err(|_| expected())?;
    let overflows = |infinite: bool| infinite && !text.contains(['i', 'I']);
    if bits == 32 {
        let value: f32 = text.parse().map_err(|_| expected())?;
        if overflows(value.is_infinite()) {
            return Err(invalid("a number that a float can hold"));
        }
        return Ok(value.to_le_bytes().to_vec());
    }
    if overflows(value.is_infinite()) {
        return Err(invalid("a number that a double can hold"));
    }
    Ok(value.to_le_bytes().to_vec())
}

fn invalid(expected: &str) -> ValueError {
    ValueError::Invalid { expected: expected.to_owned() }
}

/// Lowest and highest value; that of an unsigned type of 128 bits is cut to an i128.
fn range(bits: u16, signed: bool) -> (i128, i128) {
    match (bits, signed) {
        (128, true) => (i128::MIN, i128::MAX),
        (128, false) => (0, i128::MAX),
        (bits, true) => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        (bits, false) => (0, (1 << bits) - 1),
    }
}

fn little_endian(value: i128, bits: u16) -> Vec<u8> {
    value.to_le_bytes()[..usize::from(bits.div_ceil(8))].to_vec()
}

fn unsigned(bytes: &[u8], bits: u16) -> u128 {
    let width = usize::from(bits.div_ceil(8)).min(16).min(bytes.len());
    let mut wide = [0; 16];
    wide[..width].copy_from_slice(&bytes[..width]);
    u128::from_le_bytes(wide)
}

fn signed(bytes: &[u8], bits: u16) -> i128 {
    let unused = 128 - u32::from(bits.clamp(1, 128));
    (unsigned(bytes, bits).cast_signed() << unused) >> unused
}
