//! Types as they stand in a BTF (kernel documentation, `bpf/btf.rst`): no more of them than trimming looks at.

use std::ffi::CStr;

use crate::sys::btf::{Btf, Composite, Reference};

/// A type. Names are offsets of strings; references are ids, 0 is void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// Integer, float, enum or forward declaration: refers to nothing.
    Leaf,
    Reference {
        kind: Reference,
        name: u32,
        to: u32,
    },
    Array {
        element: u32,
        index: u32,
        count: u32,
    },
    Composite {
        kind: Composite,
        name: u32,
        size_bytes: u32,
        members: Vec<Member>,
    },
    Signature {
        returns: u32,
        parameters: Vec<Parameter>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: u32,
    pub(super) ty: u32,
    pub(super) bit_offset: u32,
    /// 0: no bitfield.
    pub(super) bit_size: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parameter {
    pub(super) name: u32,
    pub(super) ty: u32,
}

impl Type {
    /// Type `id`. `None` for void, unknown ids, and kinds that no field or pointer leads to.
    pub(super) fn of(btf: &Btf<'_>, id: u32) -> Option<Self> {
        let bytes = btf.type_bytes(id)?;
        let words: Vec<u32> = bytes.as_chunks::<4>().0.iter().map(|word| u32::from_ne_bytes(*word)).collect();
        let [name, information, size_or_type, rest @ ..] = words.as_slice() else { return None };
        let (name, to) = (*name, *size_or_type);
        let flag = information >> 31 != 0;
        let reference = |kind| Some(Self::Reference { kind, name, to });
        let composite = |kind| {
            let members = rest.as_chunks::<3>().0.iter().map(|member| Member::of(member, flag)).collect();
            Some(Self::Composite { kind, name, size_bytes: to, members })
        };
        match (information >> 24) & 0x1f {
            libbpf_sys::BTF_KIND_INT
            | libbpf_sys::BTF_KIND_FLOAT
            | libbpf_sys::BTF_KIND_ENUM
            | libbpf_sys::BTF_KIND_ENUM64
            | libbpf_sys::BTF_KIND_FWD => Some(Self::Leaf),
            libbpf_sys::BTF_KIND_PTR => reference(Reference::Pointer),
            libbpf_sys::BTF_KIND_TYPEDEF => reference(Reference::Typedef),
            libbpf_sys::BTF_KIND_VOLATILE => reference(Reference::Volatile),
            libbpf_sys::BTF_KIND_CONST => reference(Reference::Const),
            libbpf_sys::BTF_KIND_RESTRICT => reference(Reference::Restrict),
            // With the flag it is an attribute; CO-RE sees through both alike.
            libbpf_sys::BTF_KIND_TYPE_TAG => reference(Reference::TypeTag),
            libbpf_sys::BTF_KIND_ARRAY => {
                let [element, index, count] = rest.first_chunk()?;
                Some(Self::Array { element: *element, index: *index, count: *count })
            }
            libbpf_sys::BTF_KIND_STRUCT => composite(Composite::Struct),
            libbpf_sys::BTF_KIND_UNION => composite(Composite::Union),
            libbpf_sys::BTF_KIND_FUNC_PROTO => {
                let parameters = rest.as_chunks::<2>().0.iter();
                let parameters = parameters.map(|&[name, ty]| Parameter { name, ty }).collect();
                Some(Self::Signature { returns: to, parameters })
            }
            _ => None,
        }
    }
}

impl Member {
    /// `with_bitfields`: the upper byte of the offset is the width of a bitfield.
    fn of(&[name, ty, offset]: &[u32; 3], with_bitfields: bool) -> Self {
        let (bit_offset, bit_size) =
            if with_bitfields { (offset & 0x00ff_ffff, offset >> 24) } else { (offset, 0) };
        Self { name, ty, bit_offset, bit_size }
    }
}

/// A name, empty where there is none.
pub(super) fn name<'btf>(btf: &'btf Btf<'_>, offset: u32) -> &'btf CStr {
    btf.string(offset).unwrap_or_default()
}

/// Through typedefs and modifiers.
pub(super) fn peeled(btf: &Btf<'_>, mut id: u32) -> Option<(u32, Type)> {
    loop {
        match Type::of(btf, id)? {
            Type::Reference { kind, to, .. } if kind != Reference::Pointer => id = to,
            other => return Some((id, other)),
        }
    }
}

/// The types in the section `called`, if type `id` stands for that section.
pub(super) fn section_types(btf: &Btf<'_>, id: u32, called: &CStr) -> Option<Vec<u32>> {
    let bytes = btf.type_bytes(id)?;
    let (head, entries) = bytes.split_first_chunk::<12>()?;
    let is_section = kind(head) == libbpf_sys::BTF_KIND_DATASEC && name(btf, word(head, 0)) == called;
    is_section.then(|| entries.as_chunks::<12>().0.iter().map(|entry| word(entry, 0)).collect())
}

/// Type of the variable `id`; `None`: it is none.
pub(super) fn variable_type(btf: &Btf<'_>, id: u32) -> Option<u32> {
    let head = btf.type_bytes(id)?.first_chunk::<12>()?;
    (kind(head) == libbpf_sys::BTF_KIND_VAR).then(|| word(head, 8))
}

fn kind(head: &[u8; 12]) -> u32 {
    (word(head, 4) >> 24) & 0x1f
}

fn word(bytes: &[u8; 12], at: usize) -> u32 {
    u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
