//! What of the kernel's types the relocations of an object look at.
//!
//! Of a struct, its name and size and the members on the way to a field; of a pointer, its target only where types
//! are compared. Less would change an answer; more would only cost.

use std::collections::{BTreeMap, BTreeSet};

use libbpf_sys as sys;

use super::types::{Type, peeled};
use crate::sys::btf::{Btf, Reference};
use crate::sys::core_relo::Match;

/// Types by id, each with the members that stay.
#[derive(Debug)]
pub(super) struct Marks<'btf> {
    btf: &'btf Btf<'static>,
    types: BTreeMap<u32, BTreeSet<usize>>,
    seen: BTreeSet<(u32, Reach)>,
}

/// How far a comparison goes from a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// Sort and size: `bpf_core_fields_are_compat`.
    Field,
    /// Through pointers, but not into structs: `__bpf_core_types_are_compat`.
    Pointers,
    /// Everything: `__bpf_core_types_match`.
    Members,
    /// The same behind a pointer, where only the name of a struct counts.
    MembersBehindPointer,
}

impl<'btf> Marks<'btf> {
    pub(super) fn new(btf: &'btf Btf<'static>) -> Self {
        Self { btf, types: BTreeMap::new(), seen: BTreeSet::new() }
    }

    /// Keeps what led to a match of a relocation of this kind. `None`: libbpf found a way that is not there.
    pub(super) fn keep(&mut self, kind: sys::bpf_core_relo_kind, matched: &Match) -> Option<()> {
        match kind {
            sys::BPF_CORE_TYPE_EXISTS | sys::BPF_CORE_TYPE_SIZE => self.reach(matched.root, Reach::Pointers),
            sys::BPF_CORE_TYPE_MATCHES => self.reach(matched.root, Reach::Members),
            sys::BPF_CORE_ENUMVAL_EXISTS | sys::BPF_CORE_ENUMVAL_VALUE => {
                self.reach(matched.root, Reach::Field)
            }
            _ => self.keep_field(matched),
        }
    }

    /// In ascending order.
    pub(super) fn into_types(self) -> BTreeMap<u32, BTreeSet<usize>> {
        self.types
    }

    fn keep_field(&mut self, matched: &Match) -> Option<()> {
        let mut at = matched.root;
        self.reach(at, Reach::Field)?;
        for &step in matched.path.iter().skip(1) {
            let (id, ty) = peeled(self.btf, at)?;
            at = match ty {
                Type::Composite { members, .. } => {
                    let index = step as usize;
                    self.types.entry(id).or_default().insert(index);
                    members.get(index)?.ty
                }
                Type::Array { element, .. } => element,
                _ => return None,
            };
            self.reach(at, Reach::Field)?;
        }
        Some(())
    }

    fn reach(&mut self, id: u32, reach: Reach) -> Option<()> {
        if id == 0 || !self.seen.insert((id, reach)) {
            return Some(());
        }
        let ty = Type::of(self.btf, id)?;
        let members = self.types.entry(id).or_default();
        match ty {
            Type::Leaf => Some(()),
            Type::Reference { kind: Reference::Pointer, to, .. } => match reach {
                Reach::Field => Some(()),
                Reach::Pointers => self.reach(to, reach),
                Reach::Members | Reach::MembersBehindPointer => self.reach(to, Reach::MembersBehindPointer),
            },
            Type::Reference { to, .. } => self.reach(to, reach),
            Type::Array { element, index, .. } => {
                self.reach(element, reach)?;
                self.reach(index, reach)
            }
            Type::Composite { members: all, .. } if reach == Reach::Members => {
                members.extend(0..all.len());
                all.iter().try_for_each(|member| self.reach(member.ty, reach))
            }
            Type::Composite { .. } => Some(()),
            Type::Signature { returns, parameters } => {
                self.reach(returns, reach)?;
                parameters.iter().try_for_each(|parameter| self.reach(parameter.ty, reach))
            }
        }
    }
}
