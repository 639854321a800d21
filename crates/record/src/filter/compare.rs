//! One comparison of a field's bytes with a literal.

use std::cmp::Ordering;

use package::layout::{Enum, Layout, Type};
use regex::bytes::{Regex, RegexBuilder};

use super::error::FilterProblem;
use super::token::{Operator, Token};
use crate::bits;
use crate::plan::{self, Kind, Leaf, Shape};
use crate::value;

/// What a compiled regular expression, and its cache of states, may take.
const REGEX_BYTES: usize = 1 << 20;

/// A field, and what the user may be told about it.
#[derive(Debug, Clone)]
pub(super) struct Place {
    leaf: Leaf,
    type_name: String,
}

#[derive(Debug, Clone)]
pub(super) struct Comparison {
    leaf: Leaf,
    test: Test,
}

#[derive(Debug, Clone)]
enum Test {
    /// Up to 64 bits.
    Unsigned(Operator, u64),
    Signed(Operator, i64),
    UnsignedWide(Operator, u128),
    SignedWide(Operator, i128),
    Float(Operator, f64),
    Truth(bool),
    Text(Operator, Box<[u8]>),
    Match(Regex),
}

impl Place {
    pub(super) fn new(layout: &Layout, name: &str, at: u64, ty: &Type, type_name: String) -> Self {
        let mut leaf = plan::leaf(name, at, ty);
        leaf.tail = plan::compile(layout, None)
            .0
            .iter()
            .any(|other| other.tail && other.at == at && other.bits == leaf.bits);
        Self { leaf, type_name }
    }

    fn refused(&self, literal: &Token, expected: impl Into<String>) -> FilterProblem {
        let literal = match literal {
            Token::Word(word) => word.clone(),
            Token::Text(text, _) => format!("\"{}\"", text.escape_ascii()),
            _ => String::new(),
        };
        let (name, type_name) = (self.leaf.path.clone(), self.type_name.clone());
        FilterProblem::Literal { literal, name, type_name, expected: expected.into() }
    }

    fn test(&self, operator: Operator, literal: &Token) -> Result<Test, FilterProblem> {
        let no_such_operator = || FilterProblem::Operator {
            operator: operator.spelling(),
            name: self.leaf.path.clone(),
            type_name: self.type_name.clone(),
        };
        let is_text = matches!(self.leaf.kind, Kind::Text | Kind::FlexibleText);
        if operator == Operator::Match && !is_text {
            return Err(no_such_operator());
        }
        match &self.leaf.kind {
            Kind::Text | Kind::FlexibleText => self.text(operator, literal),
            Kind::Bool => {
                let truth = match literal {
                    Token::Word(word) if word == "true" || word == "1" => true,
                    Token::Word(word) if word == "false" || word == "0" => false,
                    _ => return Err(self.refused(literal, "true or false")),
                };
                match operator {
                    Operator::Equal => Ok(Test::Truth(truth)),
                    Operator::NotEqual => Ok(Test::Truth(!truth)),
                    _ => Err(no_such_operator()),
                }
            }
            Kind::Float32 | Kind::Float64 => {
                let Token::Word(word) = literal else { return Err(self.refused(literal, "a number")) };
                let value = match self.leaf.kind {
                    // 1.1 means the float nearest to it.
                    Kind::Float32 => word.parse::<f32>().map(f64::from),
                    _ => word.parse::<f64>(),
                };
                value.map(|value| Test::Float(operator, value)).map_err(|_| self.refused(literal, "a number"))
            }
            Kind::Enum(names) => self.enumerator(&names.of, operator, literal),
            kind => self.integer(matches!(kind, Kind::Signed), operator, literal),
        }
    }

    fn text(&self, operator: Operator, literal: &Token) -> Result<Test, FilterProblem> {
        let text = match literal {
            Token::Text(text, _) => text.as_slice(),
            Token::Word(word) if operator != Operator::Match && integer(word).is_some() => {
                return Err(self.refused(literal, "text (a number needs quotation marks to be one)"));
            }
            Token::Word(word) => word.as_bytes(),
            _ => return Err(self.refused(literal, "text")),
        };
        if operator != Operator::Match {
            return Ok(Test::Text(operator, text.into()));
        }
        let pattern = match literal {
            Token::Text(_, raw) => raw,
            Token::Word(word) => word,
            _ => "",
        };
        let regex = RegexBuilder::new(pattern)
            .size_limit(REGEX_BYTES)
            .dfa_size_limit(REGEX_BYTES)
            .nest_limit(64)
            .build()
            .map_err(|error| FilterProblem::Regex(last_line(&error.to_string())))?;
        Ok(Test::Match(regex))
    }

    fn enumerator(&self, of: &Enum, operator: Operator, literal: &Token) -> Result<Test, FilterProblem> {
        let name = match literal {
            Token::Word(word) => word.as_bytes(),
            Token::Text(text, _) => text.as_slice(),
            _ => &[],
        };
        if let Some((value, _)) = of.variants.iter().find(|(_, variant)| variant.as_bytes() == name) {
            return Ok(match of.signed {
                true => Test::SignedWide(operator, *value),
                false => Test::UnsignedWide(operator, *value as u128),
            });
        }
        self.integer(of.signed, operator, literal).map_err(|problem| match problem {
            FilterProblem::Literal { .. } => {
                let names: Vec<&str> = of.variants.iter().take(16).map(|(_, name)| &**name).collect();
                let more = if of.variants.len() > 16 { ", …" } else { "" };
                self.refused(literal, format!("{}{more} or a number", names.join(", ")))
            }
            other => other,
        })
    }

    fn integer(&self, signed: bool, operator: Operator, literal: &Token) -> Result<Test, FilterProblem> {
        let bits = self.leaf.bits.min(128) as u32;
        let number = match literal {
            Token::Word(word) => integer(word),
            _ => None,
        };
        let Some((negative, magnitude)) = number else { return Err(self.refused(literal, "a whole number")) };
        if signed {
            let half = 1_u128 << bits.saturating_sub(1);
            let most = if negative { half } else { half - 1 };
            if magnitude > most {
                return Err(
                    self.refused(literal, format!("{} to {}", (half as i128).wrapping_neg(), half - 1))
                );
            }
            let value = magnitude as i128;
            let value = if negative { value.wrapping_neg() } else { value };
            return Ok(match i64::try_from(value) {
                Ok(value) if self.leaf.shape != Shape::Bits => Test::Signed(operator, value),
                _ => Test::SignedWide(operator, value),
            });
        }
        let most = if bits == 128 { u128::MAX } else { (1 << bits) - 1 };
        if magnitude > most || (negative && magnitude > 0) {
            return Err(self.refused(literal, format!("0 to {most}")));
        }
        Ok(match u64::try_from(magnitude) {
            Ok(value) if self.leaf.shape != Shape::Bits => Test::Unsigned(operator, value),
            _ => Test::UnsignedWide(operator, magnitude),
        })
    }
}

/// Sign and magnitude.
fn integer(word: &str) -> Option<(bool, u128)> {
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word.strip_prefix('+').unwrap_or(word)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (digits, radix) = hex.map_or((digits, 10), |digits| (digits, 16));
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(digits, radix).ok().map(|magnitude| (negative, magnitude))
}

fn last_line(text: &str) -> String {
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

impl Comparison {
    pub(super) fn new(place: Place, operator: Operator, literal: &Token) -> Result<Self, FilterProblem> {
        let test = place.test(operator, literal)?;
        Ok(Self { leaf: place.leaf, test })
    }

    /// A bool by itself.
    pub(super) fn truth(place: Place) -> Option<Self> {
        matches!(place.leaf.kind, Kind::Bool).then_some(Self { leaf: place.leaf, test: Test::Truth(true) })
    }

    #[inline]
    pub(super) fn holds(&self, record: &[u8]) -> bool {
        self.test(record).unwrap_or(false)
    }

    /// `None`: the record does not hold the field.
    #[inline]
    fn test(&self, record: &[u8]) -> Option<bool> {
        let leaf = &self.leaf;
        let width = leaf.bits as u32;
        Some(match &self.test {
            Test::Unsigned(operator, than) => operator.accepts(value::load(record, leaf)?.cmp(than)),
            Test::Signed(operator, than) => {
                operator.accepts(bits::sign_extend(value::load(record, leaf)?, width).cmp(than))
            }
            Test::UnsignedWide(operator, than) => {
                operator.accepts(bits::unsigned(record, leaf.at, width)?.cmp(than))
            }
            Test::SignedWide(operator, than) => {
                operator.accepts(bits::signed(record, leaf.at, width)?.cmp(than))
            }
            Test::Float(operator, than) => {
                let held = bits::unsigned(record, leaf.at, width)?;
                let held = if width == 32 {
                    f32::from_bits(held as u32).into()
                } else {
                    f64::from_bits(held as u64)
                };
                match held.partial_cmp(than) {
                    Some(ordering) => operator.accepts(ordering),
                    None => *operator == Operator::NotEqual,
                }
            }
            Test::Truth(expected) => (bits::unsigned(record, leaf.at, width)? != 0) == *expected,
            Test::Text(operator, than) => operator.accepts(self.text(record)?.cmp(than)),
            Test::Match(regex) => regex.is_match(self.text(record)?),
        })
    }

    fn text<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        value::bytes_of(record, &self.leaf.kind, self.leaf.at, self.leaf.bits, self.leaf.tail)
    }
}

impl Operator {
    #[inline]
    fn accepts(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Match => false,
        }
    }
}
