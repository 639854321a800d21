//! Maps: declared in BTF's section `.maps`, and the sections that libbpf turns into maps itself.

use btf_rs::{Struct, Type as Kind};

use super::Object;
use crate::btf::{Btf, BtfError, target};
use crate::plan::Map;

/// A map with the BTF types of its entries.
#[derive(Debug, Clone)]
pub(crate) struct BtfMap {
    pub(crate) map: Map,
    pub(crate) key_type: Option<u32>,
    pub(crate) value_type: Option<u32>,
}

/// Maps of one object; a large one has a few dozen.
const MAX_MAPS: usize = 4096;

/// `BPF_MAP_TYPE_ARRAY`, which libbpf makes of a section.
const ARRAY: u32 = 2;

/// `BPF_MAP_TYPE_STRUCT_OPS`, which libbpf makes of a variable.
const STRUCT_OPS: u32 = 26;

/// Maps in libbpf's order: declared ones, then sections, then `.kconfig`, then tables of operations.
pub(crate) fn maps(object: &Object<'_>, btf: Option<&Btf>) -> Result<Vec<BtfMap>, BtfError> {
    let mut maps = Vec::new();
    let (mut kconfig, mut operations) = (None, Vec::new());
    if let Some(btf) = btf {
        for section in btf.sections()? {
            match btf.name(&section)?.as_str() {
                ".maps" => {
                    for entry in &section.variables {
                        maps.extend(declared(btf, target(entry))?);
                        limit("maps", maps.len(), MAX_MAPS)?;
                    }
                }
                ".struct_ops" | ".struct_ops.link" => {
                    for entry in &section.variables {
                        operations.extend(struct_ops(btf, target(entry))?);
                        limit("tables of operations", operations.len(), MAX_MAPS)?;
                    }
                }
                ".kconfig" => {
                    let size = section.variables.iter().map(|entry| entry.size() as u64).sum::<u64>();
                    kconfig = Some(internal(".kconfig", size.max(section.size() as u64)));
                }
                _ => {}
            }
        }
    }
    for section in &object.sections {
        if section.size_bytes > 0 && is_internal(section.name) {
            maps.push(internal(section.name, section.size_bytes));
            limit("maps", maps.len(), MAX_MAPS)?;
        }
    }
    maps.extend(kconfig);
    maps.extend(operations);
    Ok(maps)
}

pub(super) fn limit(what: &str, count: usize, most: usize) -> Result<(), BtfError> {
    if count > most {
        return Err(BtfError::Damaged { reason: format!("more than {most} {what}") });
    }
    Ok(())
}

/// Sections that become maps: `.data`, `.rodata`, `.bss` and what follows them after a dot.
pub(crate) fn is_internal(section: &str) -> bool {
    [".rodata", ".data", ".bss"]
        .iter()
        .any(|base| section.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn internal(section: &str, size_bytes: u64) -> BtfMap {
    let map = Map {
        name: section.to_owned(),
        kind: ARRAY,
        key_bytes: 4,
        value_bytes: u32::try_from(size_bytes).unwrap_or(u32::MAX),
        max_entries: 1,
        section: Some(section.to_owned()),
    };
    BtfMap { map, key_type: None, value_type: None }
}

/// One variable of `.struct_ops`.
fn struct_ops(btf: &Btf, id: u32) -> Result<Option<BtfMap>, BtfError> {
    let Kind::Var(variable) = btf.kind(id)? else { return Ok(None) };
    let name = btf.name(&variable)?;
    let value_bytes = btf.size_bytes(target(&variable), &name)?;
    let map = Map { name, kind: STRUCT_OPS, key_bytes: 4, value_bytes, max_entries: 1, section: None };
    Ok(Some(BtfMap { map, key_type: None, value_type: None }))
}

/// One variable of `.maps`; its type is a struct whose members encode the definition.
fn declared(btf: &Btf, id: u32) -> Result<Option<BtfMap>, BtfError> {
    let Kind::Var(variable) = btf.kind(id)? else { return Ok(None) };
    let name = btf.name(&variable)?;
    let Kind::Struct(definition) = btf.resolve(target(&variable), &name)?.kind else { return Ok(None) };
    let mut found = BtfMap {
        map: Map { name, kind: 0, key_bytes: 0, value_bytes: 0, max_entries: 0, section: None },
        key_type: None,
        value_type: None,
    };
    define(btf, &definition, &mut found)?;
    Ok(Some(found))
}

fn define(btf: &Btf, definition: &Struct, found: &mut BtfMap) -> Result<(), BtfError> {
    let map = &mut found.map;
    for member in &definition.members {
        let name = btf.name(member)?;
        let path = format!("map {}.{name}", map.name);
        // `__type(key, T)` is `T *key`, `__uint(type, N)` is `int (*type)[N]`.
        let Kind::Ptr(pointer) = btf.resolve(target(member), &path)?.kind else { continue };
        let pointee = target(&pointer);
        let number = match btf.resolve(pointee, &path)?.kind {
            Kind::Array(array) => u32::try_from(array.len()).ok(),
            _ => None,
        };
        match (name.as_str(), number) {
            ("type", Some(number)) => map.kind = number,
            ("max_entries", Some(number)) => map.max_entries = number,
            ("key_size", Some(number)) => map.key_bytes = number,
            ("value_size", Some(number)) => map.value_bytes = number,
            ("key", _) => {
                map.key_bytes = btf.size_bytes(pointee, &path)?;
                found.key_type = Some(pointee);
            }
            ("value", _) => {
                map.value_bytes = btf.size_bytes(pointee, &path)?;
                found.value_type = Some(pointee);
            }
            _ => {}
        }
    }
    // Maps of maps, of programs and the like hold descriptors.
    if definition.members.iter().any(|member| btf.name(member).is_ok_and(|name| name == "values")) {
        map.value_bytes = 4;
        map.key_bytes = if map.key_bytes == 0 { 4 } else { map.key_bytes };
    }
    Ok(())
}
