//! Cuts out of the kernel's BTF what the relocations of one object look at.
//!
//! libbpf itself says which types match ([`core_relo`]), here as in the load; this file only notes what it looked at.
//! Every matching type is kept, so that an ambiguity stays one; a relocation without a match keeps nothing, so that
//! what is absent stays absent. In the end libbpf is asked everything again about the result, and must give the same
//! answers: keeping less can turn a pointer's target into void, and void has comparisons of its own.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::AsRawFd as _;

use libbpf_rs::{MapType, ObjectBuilder, ProgramType};
use libbpf_sys::{BPF_CORE_TYPE_ID_LOCAL, BPF_CORE_TYPE_ID_TARGET, bpf_core_relo};

use super::marks::Marks;
use super::types::{Type, name, peeled, section_types, variable_type};
use super::{Why, memory, relocations};
use crate::sys::btf::{Btf, BtfExt};
use crate::sys::core_relo::{self, Match};

/// The result of trimming, to be kept: it is the same for this object on this kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trimmed {
    pub(crate) body: Body,
    /// Whether it depends on which modules are loaded.
    pub(crate) modules: Modules,
}

/// What libbpf is to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    /// A raw BTF.
    Types(Vec<u8>),
    /// Nothing, so that it reads the whole.
    Whole(Why),
}

/// Where a type was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Modules {
    /// The kernel has everything by name.
    NotAsked,
    /// libbpf looks for a name that the kernel does not have in every loaded module.
    Asked,
}

/// Trims for `object`. An error names what cannot be known without the whole BTF, or is not worth being known.
pub(super) fn trim(object: &[u8], modules: &[CString]) -> Result<Trimmed, Why> {
    let (local, ext) = object_types(object).map_err(|_| Why::Undecided)?;
    let section = match &ext {
        Some(ext) => ext.bytes().map_err(|_| Why::Undecided)?,
        None => return Err(Why::NothingRelocated),
    };
    let relocations = relocations::of(section).ok_or(Why::Undecided)?;
    if relocations.is_empty() {
        return Err(Why::NothingRelocated);
    }
    if !local.is_native() || has_typed_symbols(&local) || needs_whole(object) {
        return Err(Why::ProgramNeedsIt);
    }
    let kernel = Btf::vmlinux().map_err(|_| Why::NoKernelBtf)?;
    let matches = matches(&local, &relocations, &kernel).map_err(|_| Why::Undecided)?;

    let absent = matches.iter().any(|it| it.candidates == 0 && it.is_looked_up);
    let asked = if absent { Modules::Asked } else { Modules::NotAsked };
    let whole = |why| Ok(Trimmed { body: Body::Whole(why), modules: asked });
    if absent && in_modules(&local, &relocations, &matches, &kernel, modules).map_err(|_| Why::Undecided)? {
        return whole(Why::InModule);
    }
    if relocations
        .iter()
        .zip(&matches)
        .any(|(relocation, it)| relocation.kind == BPF_CORE_TYPE_ID_TARGET && !it.found.is_empty())
    {
        return whole(Why::TypeId);
    }

    let mut marks = Marks::new(&kernel);
    for (relocation, found) in relocations.iter().zip(&matches) {
        for matched in &found.found {
            marks.keep(relocation.kind, matched).ok_or(Why::Undecided)?;
        }
    }
    let (bytes, ids) = emit(&kernel, marks).map_err(|_| Why::Undecided)?;
    if !answers_alike(&local, &relocations, &matches, &bytes, &ids) {
        return whole(Why::Differs);
    }
    Ok(Trimmed { body: Body::Types(bytes), modules: asked })
}

/// The object's BTF, by libbpf, which reads it from a file.
fn object_types(object: &[u8]) -> io::Result<(Btf<'static>, Option<BtfExt>)> {
    let file = memory(object)?;
    let path = CString::new(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Btf::of_object(&path)
}

/// Whether libbpf reads the kernel's BTF for a program or a map, with or without relocations.
fn needs_whole(object: &[u8]) -> bool {
    let mut builder = ObjectBuilder::default();
    // What is wrong with it, the load says.
    let Ok(open) = builder.open_memory(object) else { return true };
    let program = open.progs().any(|it| {
        matches!(
            it.prog_type(),
            ProgramType::Tracing | ProgramType::Lsm | ProgramType::StructOps | ProgramType::Ext
        )
    });
    program || open.maps().any(|it| it.map_type() == MapType::StructOps)
}

/// Whether it names variables or functions of the kernel with their types, for which libbpf reads the kernel's BTF.
fn has_typed_symbols(local: &Btf<'_>) -> bool {
    let mut sections = (1..local.type_count()).filter_map(|id| section_types(local, id, c".ksyms"));
    sections.any(|types| {
        types.iter().any(|&id| match variable_type(local, id) {
            Some(ty) => peeled(local, ty).is_some(),
            None => true,
        })
    })
}

/// The answers to one relocation.
struct Answers {
    /// Not for a type's own id in the object, which needs no kernel.
    is_looked_up: bool,
    candidates: usize,
    found: Vec<Match>,
}

fn matches(local: &Btf<'_>, relocations: &[bpf_core_relo], target: &Btf<'_>) -> io::Result<Vec<Answers>> {
    let mut by_type = BTreeMap::new();
    let answer = |relocation: &bpf_core_relo| {
        if relocation.kind == BPF_CORE_TYPE_ID_LOCAL {
            return Ok(Answers { is_looked_up: false, candidates: 0, found: Vec::new() });
        }
        let candidates = match by_type.entry(relocation.type_id) {
            std::collections::btree_map::Entry::Occupied(it) => it.into_mut(),
            std::collections::btree_map::Entry::Vacant(it) => {
                it.insert(core_relo::candidates(local, relocation.type_id, target, 1)?)
            }
        };
        let found = candidates.iter().map(|it| core_relo::matching(local, relocation, target, *it));
        let found = found.filter_map(Result::transpose).collect::<io::Result<_>>()?;
        Ok(Answers { is_looked_up: true, candidates: candidates.len(), found })
    };
    relocations.iter().map(answer).collect()
}

/// Whether a module has a match for what the kernel has no name for.
fn in_modules(
    local: &Btf<'_>,
    relocations: &[bpf_core_relo],
    answers: &[Answers],
    kernel: &Btf<'static>,
    modules: &[CString],
) -> io::Result<bool> {
    let absent = || relocations.iter().zip(answers).filter(|(_, it)| it.candidates == 0 && it.is_looked_up);
    for module in modules {
        let Ok(module) = Btf::module(module, kernel) else { continue };
        for (relocation, _) in absent() {
            for id in core_relo::candidates(local, relocation.type_id, &module, kernel.type_count())? {
                if core_relo::matching(local, relocation, &module, id)?.is_some() {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// Kernel id to new id.
type Ids = BTreeMap<u32, u32>;

/// Writes down what was marked, in the kernel's order, which is the order of candidates.
fn emit(kernel: &Btf<'static>, marks: Marks<'_>) -> io::Result<(Vec<u8>, Ids)> {
    let types = marks.into_types();
    let ids: Ids = types.keys().copied().zip(1..).collect();
    let new = |id: u32| ids.get(&id).copied().unwrap_or_default();
    let mut trimmed = Btf::empty()?;
    for (&id, kept) in &types {
        let added = match Type::of(kernel, id).ok_or(io::ErrorKind::NotFound)? {
            Type::Leaf => trimmed.add_copy(kernel, id)?,
            Type::Reference { kind, name: called, to } => {
                trimmed.add_reference(kind, name(kernel, called), new(to))?
            }
            Type::Array { element, index, count } => trimmed.add_array(new(index), new(element), count)?,
            Type::Composite { kind, name: called, size_bytes, members } => {
                let added = trimmed.add_composite(kind, name(kernel, called), size_bytes)?;
                for member in kept.iter().filter_map(|index| members.get(*index)) {
                    let called: &CStr = name(kernel, member.name);
                    trimmed.add_member(called, new(member.ty), member.bit_offset, member.bit_size)?;
                }
                added
            }
            Type::Signature { returns, parameters } => {
                let added = trimmed.add_signature(new(returns))?;
                for parameter in parameters {
                    trimmed.add_parameter(name(kernel, parameter.name), new(parameter.ty))?;
                }
                added
            }
        };
        debug_assert_eq!(added, new(id));
    }
    Ok((trimmed.bytes()?.to_vec(), ids))
}

/// Whether libbpf finds the same matches in the trimmed types as it found in the kernel's.
fn answers_alike(
    local: &Btf<'_>,
    relocations: &[bpf_core_relo],
    whole: &[Answers],
    trimmed: &[u8],
    ids: &Ids,
) -> bool {
    let Ok(trimmed) = Btf::parse(trimmed) else { return false };
    let Ok(answers) = matches(local, relocations, &trimmed) else { return false };
    whole.iter().zip(&answers).all(|(whole, trimmed)| {
        let whole = whole.found.iter().map(|it| (ids.get(&it.root).copied(), it.value));
        whole.eq(trimmed.found.iter().map(|it| (Some(it.root), it.value)))
    })
}
