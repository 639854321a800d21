//! Types of BTF laid out: the rules of [`crate::layout`].

use std::collections::HashMap;
use std::sync::Arc;

use btf_rs::{BtfType, Type as Kind};

use super::{Btf, BtfError, Resolved, article, target};
use crate::layout::{Enum, Field, Layout, Type};

/// Pointers of BPF programs are 64 bits wide.
pub(crate) const POINTER_BYTES: usize = 8;

/// Memory of the layouts that one builder makes: names repeat wherever a type is used.
const MAX_BYTES: usize = 8 << 20;

/// Of a field or an enum's value, besides its name.
const FIXED_BYTES: usize = 64;

/// Lays out types; remembers each struct, so that a shared one costs once.
pub(crate) struct LayoutBuilder<'b> {
    btf: &'b Btf,
    made: HashMap<(u32, End), Made>,
    open: Vec<u32>,
    enums: HashMap<u32, Type>,
    /// Bytes that names and fields may still take.
    room: usize,
    /// Deepest step since the innermost open struct began.
    deepest: u32,
}

#[derive(Clone)]
struct Made {
    layout: Arc<Layout>,
    fields: u64,
    /// Steps below the struct itself.
    height: u32,
}

/// Whether a type ends the record: only there an array of no length is a flexible one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    OfRecord,
    Inside,
}

/// A type with the position that old INT encodings add.
struct Laid {
    ty: Type,
    bit_offset: u32,
    fields: u64,
    /// Fewer bits than its storage.
    narrow: bool,
}

impl<'b> LayoutBuilder<'b> {
    pub(crate) fn new(btf: &'b Btf) -> Self {
        Self {
            btf,
            made: HashMap::new(),
            open: Vec::new(),
            enums: HashMap::new(),
            room: MAX_BYTES,
            deepest: 0,
        }
    }

    /// The layout of a struct or union as one record.
    pub(crate) fn record(&mut self, id: u32, path: &str) -> Result<Layout, BtfError> {
        let resolved = self.btf.resolve(id, path)?;
        match &resolved.kind {
            Kind::Struct(_) | Kind::Union(_) => {
                let made = self.aggregate(resolved.id, path, End::OfRecord, 0)?;
                Ok(Arc::unwrap_or_clone(made.layout))
            }
            other => Err(BtfError::NoLayout { path: path.to_owned(), found: article(other).to_owned() }),
        }
    }

    /// A type that stands for itself: a variable, a map's key or value.
    pub(crate) fn value(&mut self, id: u32, path: &str) -> Result<Type, BtfError> {
        Ok(self.lay(id, path, End::Inside, 0)?.ty)
    }

    fn lay(&mut self, id: u32, path: &str, end: End, depth: u32) -> Result<Laid, BtfError> {
        let limit = self.btf.limits.type_nesting;
        let resolved = self.btf.resolve(id, path)?;
        let depth = depth + 1 + u32::try_from(resolved.typedefs.len()).unwrap_or(limit);
        if depth > limit {
            return Err(BtfError::TooDeep { path: path.to_owned(), limit });
        }
        self.deepest = self.deepest.max(depth);
        let plain = |ty| Laid { ty, bit_offset: 0, fields: 1, narrow: false };
        let no_layout = |found: String| BtfError::NoLayout { path: path.to_owned(), found };
        Ok(match &resolved.kind {
            Kind::Int(int) => self.integer(resolved.id, int, path)?,
            Kind::Float(float) => match float.size() {
                size @ (4 | 8) => plain(Type::Float { bits: size as u16 * 8 }),
                size => return Err(no_layout(format!("a float of {size} bytes"))),
            },
            Kind::Ptr(_) => plain(Type::Pointer { bits: POINTER_BYTES as u16 * 8 }),
            Kind::Enum(of) => {
                let value = |member: &btf_rs::EnumMember| match of.is_signed() {
                    true => member.val().cast_signed().into(),
                    false => member.val().into(),
                };
                plain(self.enumeration(&resolved, of, of.size(), of.is_signed(), &of.members, value, path)?)
            }
            Kind::Enum64(of) => {
                let value = |member: &btf_rs::Enum64Member| match of.is_signed() {
                    true => member.val().cast_signed().into(),
                    false => member.val().into(),
                };
                plain(self.enumeration(&resolved, of, of.size(), of.is_signed(), &of.members, value, path)?)
            }
            Kind::Array(of) => self.array(of, path, end, depth)?,
            Kind::Struct(_) => {
                let made = self.aggregate(resolved.id, path, end, depth)?;
                Laid { ty: Type::Struct(made.layout), bit_offset: 0, fields: made.fields, narrow: false }
            }
            Kind::Union(_) => {
                let made = self.aggregate(resolved.id, path, end, depth)?;
                Laid { ty: Type::Union(made.layout), bit_offset: 0, fields: made.fields, narrow: false }
            }
            other => return Err(no_layout(article(other).to_owned())),
        })
    }

    /// The enum, with its values as a read of that width and signedness yields them.
    #[allow(clippy::too_many_arguments, reason = "two kinds of enum share nothing but their parts")]
    fn enumeration<M: BtfType>(
        &mut self,
        resolved: &Resolved,
        of: &dyn BtfType,
        size: usize,
        signed: bool,
        members: &[M],
        value: impl Fn(&M) -> i128,
        path: &str,
    ) -> Result<Type, BtfError> {
        if let Some(made) = self.enums.get(&resolved.id) {
            return Ok(made.clone());
        }
        if !matches!(size, 1 | 2 | 4 | 8) {
            return Err(BtfError::NoLayout {
                path: path.to_owned(),
                found: format!("an enum of {size} bytes"),
            });
        }
        let bits = size as u16 * 8;
        // clang before 15 writes no signedness: −1 of a one-byte enum is 4294967295 in BTF and 255 in memory.
        let fit = |value: i128| if signed { value } else { value & ((1 << bits) - 1) };
        let mut variants = Vec::with_capacity(members.len());
        for member in members {
            let name = self.btf.name(member)?;
            self.take(name.len(), path)?;
            variants.push((fit(value(member)), name));
        }
        let ty = Type::Enum(Arc::new(Enum { name: self.btf.name(of)?, bits, signed, variants }));
        self.enums.insert(resolved.id, ty.clone());
        Ok(ty)
    }

    /// Accounts for a name and what it names.
    fn take(&mut self, name_bytes: usize, path: &str) -> Result<(), BtfError> {
        let too_many = || BtfError::TooManyFields { path: path.to_owned(), limit: self.btf.limits.fields };
        self.room = self.room.checked_sub(name_bytes + FIXED_BYTES).ok_or_else(too_many)?;
        Ok(())
    }

    fn integer(&self, id: u32, int: &btf_rs::Int, path: &str) -> Result<Laid, BtfError> {
        let size = int.size();
        let no_layout = |found: String| Err(BtfError::NoLayout { path: path.to_owned(), found });
        if !matches!(size, 1 | 2 | 4 | 8 | 16) {
            return no_layout(format!("an integer of {size} bytes"));
        }
        let natural = size as u16 * 8;
        // `bits` of an __int128 is 128, which fits its byte.
        let (bit_offset, bits) = match self.btf.odd_integers.get(&id) {
            Some((offset, bits)) => (u32::from(*offset), u16::from(*bits)),
            None => (0, natural),
        };
        if bits == 0 || bit_offset + u32::from(bits) > u32::from(natural) {
            return no_layout(format!(
                "an integer with bits {bit_offset} to {} of {natural}",
                bit_offset + u32::from(bits)
            ));
        }
        let ty = if int.is_bool() {
            Type::Bool { bits }
        } else if int.is_signed() {
            Type::Signed { bits }
        } else {
            Type::Unsigned { bits }
        };
        Ok(Laid { ty, bit_offset, fields: 1, narrow: bits != natural })
    }

    fn array(&mut self, of: &btf_rs::Array, path: &str, end: End, depth: u32) -> Result<Laid, BtfError> {
        let flexible = of.len() == 0 && end == End::OfRecord;
        let element = self.lay(target(of), path, End::Inside, depth)?;
        let len = u32::try_from(of.len()).map_err(|_| BtfError::TooLarge { path: path.to_owned() })?;
        let text = self.is_char(target(of))?;
        let ty = match (text, flexible) {
            (true, true) => Type::FlexibleText,
            (true, false) => Type::Text { bytes: len },
            (false, true) => Type::Flexible { element: Box::new(element.ty) },
            (false, false) => Type::Array { element: Box::new(element.ty), len },
        };
        if ty.bits() > u64::from(u32::MAX) {
            return Err(BtfError::TooLarge { path: path.to_owned() });
        }
        // An array of numbers is one read however long it is, an array of structs is many.
        let fields = if element.fields > 1 { element.fields.saturating_mul(u64::from(len)) } else { 1 };
        self.count(fields, path)?;
        Ok(Laid { ty, bit_offset: 0, fields, narrow: false })
    }

    /// `char` is the INT of that name; gcc also says so in the encoding, but for `unsigned char` as well.
    fn is_char(&self, id: u32) -> Result<bool, BtfError> {
        let Kind::Int(int) = self.btf.resolve(id, "")?.kind else { return Ok(false) };
        if int.size() != 1 {
            return Ok(false);
        }
        let name = self.btf.name(&int)?;
        Ok(name == "char" || (int.is_char() && !name.contains("signed")))
    }

    fn count(&self, fields: u64, path: &str) -> Result<(), BtfError> {
        let limit = self.btf.limits.fields;
        if fields > u64::from(limit) {
            return Err(BtfError::TooManyFields { path: path.to_owned(), limit });
        }
        Ok(())
    }

    fn aggregate(&mut self, id: u32, path: &str, end: End, depth: u32) -> Result<Made, BtfError> {
        if let Some(made) = self.made.get(&(id, end)) {
            let limit = self.btf.limits.type_nesting;
            if depth + made.height > limit {
                return Err(BtfError::TooDeep { path: path.to_owned(), limit });
            }
            self.deepest = self.deepest.max(depth + made.height);
            return Ok(made.clone());
        }
        if self.open.contains(&id) {
            return Err(BtfError::Cyclic { path: path.to_owned() });
        }
        let (of, is_union) = match self.btf.kind(id)? {
            Kind::Struct(of) => (of, false),
            Kind::Union(of) => (of, true),
            other => {
                return Err(BtfError::NoLayout { path: path.to_owned(), found: article(&other).to_owned() });
            }
        };
        self.open.push(id);
        let outer = std::mem::replace(&mut self.deepest, depth);
        let name = self.btf.name(&of)?;
        let size_bytes = u32::try_from(of.size()).ok().filter(|size| *size < u32::MAX / 8);
        let size_bytes = size_bytes.ok_or_else(|| BtfError::TooLarge { path: path.to_owned() })?;
        let (mut fields, mut count) = (Vec::new(), 0);
        for (index, member) in of.members.iter().enumerate() {
            let last = is_union || index + 1 == of.members.len();
            let end = if last { end } else { End::Inside };
            let name = self.btf.name(member)?;
            let path = format!("{path}.{}", if name.is_empty() { "(anonymous)" } else { &name });
            count += self.member(member, name, &path, size_bytes, end, depth, &mut fields)?;
            self.count(count, &path)?;
        }
        self.open.pop();
        let height = self.deepest - depth;
        self.deepest = self.deepest.max(outer);
        let made = Made { layout: Arc::new(Layout { name, size_bytes, fields }), fields: count, height };
        self.made.insert((id, end), made.clone());
        Ok(made)
    }

    /// Adds one member to `fields`, an anonymous struct's members instead of itself. Returns how many reads it is.
    #[allow(clippy::too_many_arguments, reason = "a member is a place in three things")]
    fn member(
        &mut self,
        member: &btf_rs::Member,
        name: String,
        path: &str,
        size_bytes: u32,
        end: End,
        depth: u32,
        fields: &mut Vec<Field>,
    ) -> Result<u64, BtfError> {
        let laid = self.lay(target(member), path, end, depth)?;
        let (mut ty, mut bitfield) = (laid.ty, laid.narrow);
        let declared = member.bitfield_size().filter(|bits| *bits != 0);
        if let Some(bits) = declared {
            if let Type::Enum(of) = &ty {
                self.take(of.variants.iter().map(|(_, name)| name.len() + FIXED_BYTES).sum(), path)?;
            }
            ty = narrowed(ty, bits).map_err(|found| BtfError::NoLayout { path: path.to_owned(), found })?;
            bitfield = true;
        }
        let start = u64::from(member.bit_offset()) + u64::from(laid.bit_offset);
        let past_end = start + ty.bits();
        let bit_offset = u32::try_from(start).ok().filter(|_| past_end <= u64::from(size_bytes) * 8);
        let Some(bit_offset) = bit_offset else {
            return Err(BtfError::PastEnd { path: path.to_owned(), end: past_end, size_bytes });
        };
        if name.is_empty() {
            if let Type::Struct(inner) | Type::Union(inner) = &ty {
                for field in &inner.fields {
                    self.take(field.name.len() + field.type_name.len(), path)?;
                }
                let hoisted = inner.fields.iter().cloned();
                fields.extend(
                    hoisted.map(|field| Field { bit_offset: field.bit_offset + bit_offset, ..field }),
                );
                return Ok(laid.fields);
            }
            // Padding that was written as an unnamed bitfield.
            return Ok(0);
        }
        let type_name = self.btf.spell(target(member))?;
        self.take(name.len() + type_name.len(), path)?;
        fields.push(Field { name, bit_offset, ty, type_name, bitfield });
        Ok(laid.fields.max(1))
    }
}

/// The same kind of value in fewer bits.
fn narrowed(ty: Type, bits: u32) -> Result<Type, String> {
    let whole = ty.bits();
    let bits = match u16::try_from(bits) {
        Ok(bits) if u64::from(bits) <= whole => bits,
        _ => return Err(format!("a bitfield of {bits} bits in a type of {whole}")),
    };
    match ty {
        Type::Signed { .. } => Ok(Type::Signed { bits }),
        Type::Unsigned { .. } => Ok(Type::Unsigned { bits }),
        Type::Bool { .. } => Ok(Type::Bool { bits }),
        Type::Enum(of) => Ok(Type::Enum(Arc::new(Enum { bits, ..(*of).clone() }))),
        _ => Err("a bitfield of a type that is no number".to_owned()),
    }
}
