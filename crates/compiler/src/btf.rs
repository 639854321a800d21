//! The object's BTF: names as C spells them, sizes and alignments.

use std::collections::HashSet;

use btf_rs::{Btf, BtfType, Type};

use crate::BuildError;

/// How deep a type may refer to others before clang's output is taken for damaged.
const DEEPEST: usize = 64;

/// BTF that clang made for one object.
pub(crate) struct Types(Btf);

impl Types {
    pub(crate) fn parse(section: &[u8]) -> Result<Self, BuildError> {
        Btf::from_bytes(section).map(Self).map_err(BuildError::Btf)
    }

    pub(crate) fn get(&self, id: u32) -> Result<Type, BuildError> {
        self.0.resolve_type_by_id(id).map_err(BuildError::Btf)
    }

    pub(crate) fn name(&self, of: &dyn BtfType) -> String {
        self.0.resolve_name(of).unwrap_or_default()
    }

    /// Every type with its id, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = (u32, Type)> {
        (1..).map_while(|id| self.0.resolve_type_by_id(id).ok().map(|ty| (id, ty)))
    }

    /// The type as C spells it, without `const` and `volatile`: `unsigned long long`, `char[16]`, `struct event *`.
    pub(crate) fn spelling(&self, id: u32) -> Result<String, BuildError> {
        self.spell(id, String::new(), 0)
    }

    /// `suffix` is what array declarators have added so far, outermost first.
    fn spell(&self, id: u32, suffix: String, depth: usize) -> Result<String, BuildError> {
        let ty = self.get(id)?;
        if depth > DEEPEST {
            return Ok("?".to_owned());
        }
        let tagged = |keyword: &str, of: &dyn BtfType| {
            let name = self.name(of);
            if name.is_empty() { keyword.to_owned() } else { format!("{keyword} {name}") }
        };
        let base = match &ty {
            Type::Const(of) | Type::Volatile(of) | Type::Restrict(of) => {
                return self.referred(of, suffix, depth);
            }
            Type::TypeTag(of) => return self.referred(of, suffix, depth),
            Type::Array(of) => return self.referred(of, format!("{suffix}[{}]", of.len()), depth),
            Type::Ptr(of) => {
                let to = self.referred(of, String::new(), depth)?;
                if to.ends_with('*') { format!("{to}*") } else { format!("{to} *") }
            }
            Type::Struct(of) => tagged("struct", of),
            Type::Union(of) => tagged("union", of),
            Type::Enum(of) => tagged("enum", of),
            Type::Enum64(of) => tagged("enum", of),
            Type::Fwd(of) => tagged(if of.is_struct() { "struct" } else { "union" }, of),
            Type::FuncProto(_) => "void (void)".to_owned(),
            Type::Void => "void".to_owned(),
            other => other.as_btf_type().map(|of| self.name(of)).unwrap_or_default(),
        };
        Ok(base + &suffix)
    }

    fn referred(&self, of: &dyn BtfType, suffix: String, depth: usize) -> Result<String, BuildError> {
        self.spell(of.get_type_id().unwrap_or_default(), suffix, depth + 1)
    }

    /// Adds the tags of all structs that lie within a value of the type, at any depth.
    pub(crate) fn collect_parts(
        &self,
        id: u32,
        tags: &mut HashSet<String>,
        depth: usize,
    ) -> Result<(), BuildError> {
        if depth > DEEPEST {
            return Ok(());
        }
        match self.seen_through(id)? {
            Type::Array(of) => self.collect_parts(of.get_type_id().unwrap_or_default(), tags, depth + 1),
            Type::Struct(of) | Type::Union(of) => {
                tags.insert(self.name(&of));
                let mut members = of.members.iter().map(|member| member.get_type_id().unwrap_or_default());
                members.try_for_each(|member| self.collect_parts(member, tags, depth + 1))
            }
            _ => Ok(()),
        }
    }

    /// The type with typedefs and modifiers seen through.
    pub(crate) fn seen_through(&self, id: u32) -> Result<Type, BuildError> {
        let mut ty = self.get(id)?;
        for _ in 0..DEEPEST {
            let to = match &ty {
                Type::Typedef(of) => of.get_type_id(),
                Type::Const(of) | Type::Volatile(of) | Type::Restrict(of) => of.get_type_id(),
                Type::TypeTag(of) => of.get_type_id(),
                _ => None,
            };
            let Some(to) = to else { break };
            ty = self.get(to)?;
        }
        Ok(ty)
    }

    /// Alignment that C gives the type, in bytes.
    pub(crate) fn alignment(&self, id: u32, depth: usize) -> Result<u64, BuildError> {
        if depth > DEEPEST {
            return Ok(1);
        }
        Ok(match self.seen_through(id)? {
            Type::Ptr(_) => 8,
            Type::Int(of) => of.size().clamp(1, 16) as u64,
            Type::Float(of) => of.size().clamp(1, 16) as u64,
            Type::Enum(of) => of.size().max(1) as u64,
            Type::Enum64(_) => 8,
            Type::Array(of) => self.alignment(of.get_type_id().unwrap_or_default(), depth + 1)?,
            Type::Struct(of) | Type::Union(of) => {
                let mut most = 1;
                for member in &of.members {
                    most = most.max(self.alignment(member.get_type_id().unwrap_or_default(), depth + 1)?);
                }
                most
            }
            _ => 1,
        })
    }
}
