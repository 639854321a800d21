//! Records whose members the package gives one by one (`custom_members`).

use super::in_object;
use crate::PlanError;
use crate::btf::{Btf, BtfError, LayoutBuilder, article};
use crate::description::CustomMember;
use crate::layout::{Field, Layout};

/// Members by hand, which must not overlap.
pub(super) fn custom(btf: &Btf, map: &str, members: &[CustomMember]) -> Result<Layout, PlanError> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|member| member.offset_bytes);
    let wrong = |member: &CustomMember, reason: String| PlanError::CustomMember {
        map: map.to_owned(),
        member: member.name.clone(),
        reason,
    };
    if members.len() > btf.limits().fields as usize {
        let reason = format!("more than {} fields", btf.limits().fields);
        return Err(PlanError::Export { map: map.to_owned(), reason });
    }
    let mut builder = LayoutBuilder::new(btf);
    let (mut fields, mut end) = (Vec::new(), 0u64);
    for member in members {
        let path = format!("{map}.{}", member.name);
        let offset = u64::from(member.offset_bytes);
        if offset < end {
            return Err(wrong(
                member,
                format!("starts at byte {offset}, before the one before it ends at {end}"),
            ));
        }
        let kind = btf.kind(member.type_id).map_err(|error| wrong(member, error.to_string()))?;
        let ty = builder.value(member.type_id, &path).map_err(|error| match error {
            BtfError::NoLayout { .. } => wrong(member, format!("{} has no layout", article(&kind))),
            other => wrong(member, other.to_string()),
        })?;
        end = offset + ty.bits().div_ceil(8);
        let bit_offset = u32::try_from(offset * 8).map_err(|_| wrong(member, "too far out".to_owned()))?;
        let type_name = btf.spell(member.type_id).map_err(in_object)?;
        fields.push(Field { name: member.name.clone(), bit_offset, ty, type_name, bitfield: false });
    }
    let size_bytes = u32::try_from(end).ok().filter(|size| *size <= u32::MAX / 8);
    let size_bytes = size_bytes.ok_or_else(|| in_object(BtfError::TooLarge { path: map.to_owned() }))?;
    Ok(Layout { name: map.to_owned(), size_bytes, fields })
}
