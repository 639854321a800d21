//! The package's list of members compared with the object's BTF.

use btf_rs::Type as Kind;

use super::ctype::{Base, CType};
use super::in_object;
use crate::PlanError;
use crate::btf::{Btf, BtfError, target};
use crate::description::ExportType;

/// Finds the struct of an export type and compares all that the package says about it.
pub(crate) fn checked(btf: &Btf, export: &ExportType) -> Result<u32, PlanError> {
    let id = find(btf, export)?;
    let Kind::Struct(found) = btf.kind(id).map_err(in_object)? else {
        return Err(other(btf, export, id));
    };
    if let Some(members) = &export.members {
        compare(btf, export, members, &found)?;
    }
    match export.size_bytes {
        Some(expected) if expected != found.size() as u64 => Err(PlanError::SizeDiffers {
            structure: export.name.clone(),
            expected,
            found: found.size() as u64,
        }),
        _ => Ok(id),
    }
}

/// By id when the package gives one, else by name.
fn find(btf: &Btf, export: &ExportType) -> Result<u32, PlanError> {
    let is_struct = |id: u32| matches!(btf.kind(id), Ok(Kind::Struct(_)));
    match export.type_id {
        Some(id) => match btf.kind(id) {
            Ok(Kind::Struct(found)) if btf.name(&found).map_err(in_object)? == export.name => Ok(id),
            _ => Err(other(btf, export, id)),
        },
        None => btf.named(&export.name).into_iter().find(|id| is_struct(*id)).ok_or_else(|| {
            let found = "no struct of that name".to_owned();
            PlanError::ExportType { name: export.name.clone(), id: 0, found }
        }),
    }
}

fn other(btf: &Btf, export: &ExportType, id: u32) -> PlanError {
    let found = btf.spell(id).map_or_else(|error| error.to_string(), |text| format!("`{text}`"));
    PlanError::ExportType { name: export.name.clone(), id, found }
}

fn compare(
    btf: &Btf,
    export: &ExportType,
    listed: &[(String, String)],
    found: &btf_rs::Struct,
) -> Result<(), PlanError> {
    let differs = |member: &str, expected: String, found: String| PlanError::MemberDiffers {
        structure: export.name.clone(),
        member: member.to_owned(),
        expected,
        found,
    };
    for (index, member) in found.members.iter().enumerate() {
        let name = btf.name(member).map_err(in_object)?;
        let spelled = btf.spell(target(member)).map_err(in_object)?;
        let Some((listed_name, listed_type)) = listed.get(index) else {
            return Err(differs(&name, "no more members".to_owned(), format!("`{spelled} {name}`")));
        };
        if *listed_name != name {
            return Err(differs(
                listed_name,
                format!("`{listed_name}` as member {index}"),
                format!("`{name}`"),
            ));
        }
        let same =
            listed_type.is_empty() || same_type(btf, target(member), listed_type).map_err(in_object)?;
        if !same {
            return Err(differs(listed_name, format!("`{listed_type}`"), format!("`{spelled}`")));
        }
    }
    match listed.get(found.members.len()) {
        Some((name, ty)) => Err(differs(name, format!("`{ty} {name}`"), "no more members".to_owned())),
        None => Ok(()),
    }
}

/// Whether a spelling means that type: by kind and width where it can be understood, else by the very text.
fn same_type(btf: &Btf, id: u32, text: &str) -> Result<bool, BtfError> {
    if btf.spell(id)? == text {
        return Ok(true);
    }
    let Some(wanted) = CType::parse(text) else { return Ok(false) };
    let mut id = id;
    let mut lengths = wanted.lengths.iter();
    loop {
        let resolved = btf.resolve(id, "")?;
        // A typedef of an array may be spelled by its own name.
        if let (Base::Named(name), []) = (&wanted.base, lengths.as_slice())
            && resolved.typedefs.contains(name)
        {
            return Ok(true);
        }
        let Kind::Array(array) = &resolved.kind else {
            return Ok(lengths.len() == 0 && same_base(btf, &resolved.kind, &wanted.base)?);
        };
        match lengths.next() {
            Some(length) if *length == array.len() as u64 => id = target(array),
            _ => return Ok(false),
        }
    }
}

fn same_base(btf: &Btf, kind: &Kind, wanted: &Base) -> Result<bool, BtfError> {
    let tagged = |tag: &Option<String>, name: String| tag.as_ref().is_none_or(|tag| *tag == name);
    Ok(match (wanted, kind) {
        (Base::Char, Kind::Int(int)) => int.size() == 1 && !int.is_bool(),
        (Base::Bool, Kind::Int(int)) => int.is_bool(),
        (Base::Integer { bits, signed }, Kind::Int(int)) => {
            int.size() as u64 * 8 == u64::from(*bits) && int.is_signed() == *signed && !int.is_bool()
        }
        (Base::Float { bits }, Kind::Float(float)) => float.size() as u64 * 8 == u64::from(*bits),
        (Base::Pointer, Kind::Ptr(_)) => true,
        (Base::Aggregate(tag), Kind::Struct(of) | Kind::Union(of)) => tagged(tag, btf.name(of)?),
        (Base::Enum(tag), Kind::Enum(of)) => tagged(tag, btf.name(of)?),
        (Base::Enum(tag), Kind::Enum64(of)) => tagged(tag, btf.name(of)?),
        // A typedef that the member's type does not go through: compare with what the object says that it is.
        (Base::Named(name), kind) => {
            let mut same = false;
            for id in btf.named(name) {
                if matches!(btf.kind(id)?, Kind::Typedef(_)) {
                    let other = btf.resolve(id, name)?.kind;
                    same |= other == *kind;
                }
            }
            same
        }
        _ => false,
    })
}
