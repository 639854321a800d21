//! The object's BTF: types by id, names, and what the rest of the crate asks of them.
//!
//! btf-rs parses. On hostile bytes it returns errors, but it copies a name for each type that bears it and keeps a
//! table entry for each string, so [`check`] walks the blob first and bounds both. Ids may form cycles, and btf-rs
//! resolves one step at a time, so every walk here counts its steps.

mod check;
mod layout;
mod spelling;

pub(crate) use layout::LayoutBuilder;

use std::cell::Cell;
use std::collections::HashMap;

use btf_rs::{BtfType, Type as Kind};

use crate::Limits;
use crate::text::is_unsafe;

/// Parsed BTF.
pub(crate) struct Btf {
    types: btf_rs::Btf,
    /// INT types whose bits are not simply all of their bytes: id → (bit offset, bits).
    odd_integers: HashMap<u32, (u8, u8)>,
    sections: Vec<u32>,
    count: u32,
    limits: Limits,
    /// Types and members that may still be looked at.
    work: Cell<u64>,
}

/// btf-rs copies a type with its members at each look. A real object takes a few ten thousand; this many take a
/// fraction of a second.
const MAX_WORK: u64 = 20_000_000;

/// Why BTF cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BtfError {
    /// Bytes that are no BTF, or BTF that contradicts itself.
    #[error("damaged BTF: {reason}")]
    Damaged {
        /// What.
        reason: String,
    },
    /// BTF of another byte order.
    #[error("big-endian BTF")]
    BigEndian,
    /// More types than [`Limits::btf_types`](crate::Limits::btf_types).
    #[error("more than {limit} types or names")]
    TooManyTypes {
        /// The limit.
        limit: u32,
    },
    /// Types that refer to each other so often that reading them takes too long.
    #[error("types too many times referred to by each other")]
    TooComplex,
    /// An id without a type.
    #[error("no type has the id {id}, the highest is {highest}")]
    NoSuchType {
        /// The id.
        id: u32,
        /// The highest that exists.
        highest: u32,
    },
    /// A type that contains itself.
    #[error("{path}: the type contains itself")]
    Cyclic {
        /// The member where that was found.
        path: String,
    },
    /// Types nested deeper than [`Limits::type_nesting`](crate::Limits::type_nesting).
    #[error("{path}: types nested deeper than {limit}")]
    TooDeep {
        /// The member where that was found.
        path: String,
        /// The limit.
        limit: u32,
    },
    /// More fields than [`Limits::fields`](crate::Limits::fields).
    #[error("{path}: more than {limit} fields")]
    TooManyFields {
        /// The member where that was found.
        path: String,
        /// The limit.
        limit: u32,
    },
    /// A member of a type that has no layout.
    #[error("{path}: a member cannot be {found}")]
    NoLayout {
        /// The member.
        path: String,
        /// Its type (`a function`, `an integer of 3 bytes`).
        found: String,
    },
    /// A member that runs past the end of its struct.
    #[error("{path}: ends at bit {end}, past the {size_bytes} bytes of its struct")]
    PastEnd {
        /// The member.
        path: String,
        /// First bit after it.
        end: u64,
        /// `sizeof` the struct.
        size_bytes: u32,
    },
    /// A type that is as large as no memory is.
    #[error("{path}: larger than 4 GiB")]
    TooLarge {
        /// The member.
        path: String,
    },
}

impl BtfError {
    /// What to try.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::BigEndian => Some("compile with -target bpfel"),
            Self::NoLayout { .. } => Some("export plain values: numbers, text, arrays and structs of them"),
            Self::Damaged { .. }
            | Self::NoSuchType { .. }
            | Self::Cyclic { .. }
            | Self::TooDeep { .. }
            | Self::PastEnd { .. } => Some("the types are damaged: fetch or build the package again"),
            _ => None,
        }
    }
}

/// A type after typedefs and modifiers.
pub(crate) struct Resolved {
    pub(crate) id: u32,
    pub(crate) kind: Kind,
    /// Names of the typedefs that were seen through, outermost first.
    pub(crate) typedefs: Vec<String>,
    pub(crate) is_volatile: bool,
}

impl Btf {
    /// Checks and parses a blob.
    pub(crate) fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, BtfError> {
        let checked = check::check(bytes, limits)?;
        let types = btf_rs::Btf::from_bytes(bytes)
            .map_err(|error| BtfError::Damaged { reason: error.to_string() })?;
        Ok(Self {
            types,
            odd_integers: checked.odd_integers,
            sections: checked.sections,
            count: checked.types,
            limits: limits.clone(),
            work: Cell::new(MAX_WORK),
        })
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The DATASEC types: variables by ELF section.
    pub(crate) fn sections(&self) -> Result<Vec<btf_rs::Datasec>, BtfError> {
        let mut sections = Vec::new();
        for id in &self.sections {
            if let Kind::Datasec(section) = self.kind(*id)? {
                sections.push(section);
            }
        }
        Ok(sections)
    }

    pub(crate) fn kind(&self, id: u32) -> Result<Kind, BtfError> {
        let kind = self
            .types
            .resolve_type_by_id(id)
            .map_err(|_| BtfError::NoSuchType { id, highest: self.count })?;
        let members = match &kind {
            Kind::Struct(of) | Kind::Union(of) => of.members.len(),
            Kind::Enum(of) => of.members.len(),
            Kind::Enum64(of) => of.members.len(),
            Kind::FuncProto(of) => of.parameters.len(),
            Kind::Datasec(of) => of.variables.len(),
            _ => 0,
        };
        let left = self.work.get().checked_sub(1 + members as u64).ok_or(BtfError::TooComplex)?;
        self.work.set(left);
        Ok(kind)
    }

    /// Name of a type, member or value; empty when it has none.
    pub(crate) fn name(&self, of: &dyn BtfType) -> Result<String, BtfError> {
        match of.get_name_offset() {
            None | Some(0) => Ok(String::new()),
            Some(offset) => {
                let damaged = |reason: String| BtfError::Damaged { reason };
                let name = self
                    .types
                    .resolve_name(of)
                    .map_err(|_| damaged(format!("no name starts at offset {offset}")))?;
                if name.contains(is_unsafe) {
                    return Err(damaged(format!("the name at offset {offset} holds control characters")));
                }
                Ok(name)
            }
        }
    }

    /// Ids of the types of that name.
    pub(crate) fn named(&self, name: &str) -> Vec<u32> {
        self.types.resolve_ids_by_name(name).unwrap_or_default()
    }

    /// Sees through typedefs and modifiers. `path` is for messages.
    pub(crate) fn resolve(&self, id: u32, path: &str) -> Result<Resolved, BtfError> {
        let mut resolved = Resolved { id, kind: self.kind(id)?, typedefs: Vec::new(), is_volatile: false };
        for _ in 0..=self.limits.type_nesting {
            resolved.id = match &resolved.kind {
                Kind::Typedef(typedef) => {
                    resolved.typedefs.push(self.name(typedef)?);
                    target(typedef)
                }
                Kind::Volatile(of) => {
                    resolved.is_volatile = true;
                    target(of)
                }
                Kind::Const(of) | Kind::Restrict(of) => target(of),
                Kind::TypeTag(of) => target(of),
                _ => return Ok(resolved),
            };
            resolved.kind = self.kind(resolved.id)?;
        }
        Err(BtfError::TooDeep { path: path.to_owned(), limit: self.limits.type_nesting })
    }

    /// `sizeof`; an error for functions and the like.
    pub(crate) fn size_bytes(&self, id: u32, path: &str) -> Result<u32, BtfError> {
        let mut id = id;
        let mut factor = 1u64;
        for _ in 0..=self.limits.type_nesting {
            let resolved = self.resolve(id, path)?;
            let size = match &resolved.kind {
                Kind::Int(of) => of.size(),
                Kind::Ptr(_) => layout::POINTER_BYTES,
                Kind::Struct(of) | Kind::Union(of) => of.size(),
                Kind::Enum(of) => of.size(),
                Kind::Enum64(of) => of.size(),
                Kind::Float(of) => of.size(),
                Kind::Array(of) => {
                    factor = factor.saturating_mul(of.len() as u64);
                    id = target(of);
                    continue;
                }
                other => {
                    return Err(BtfError::NoLayout {
                        path: path.to_owned(),
                        found: article(other).to_owned(),
                    });
                }
            };
            return u32::try_from(factor.saturating_mul(size as u64))
                .map_err(|_| BtfError::TooLarge { path: path.to_owned() });
        }
        Err(BtfError::TooDeep { path: path.to_owned(), limit: self.limits.type_nesting })
    }
}

/// The type that another one refers to; 0 is `void`.
pub(crate) fn target(of: &dyn BtfType) -> u32 {
    of.get_type_id().unwrap_or(0)
}

/// For messages.
pub(crate) fn article(kind: &Kind) -> &'static str {
    match kind {
        Kind::Void => "void",
        Kind::Int(_) => "an integer",
        Kind::Ptr(_) => "a pointer",
        Kind::Array(_) => "an array",
        Kind::Struct(_) => "a struct",
        Kind::Union(_) => "a union",
        Kind::Enum(_) | Kind::Enum64(_) => "an enum",
        Kind::Fwd(_) => "a struct that is declared only",
        Kind::Func(_) | Kind::FuncProto(_) => "a function",
        Kind::Float(_) => "a float",
        Kind::Var(_) => "a variable",
        Kind::Datasec(_) => "a section",
        _ => "a type of another kind",
    }
}
