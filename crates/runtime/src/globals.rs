//! Parameter values → bytes of the global variables, before the programs are loaded.

use std::collections::BTreeMap;

use libbpf_rs::OpenObject;
use package::{Parameter, Plan};

use crate::error::LoadError;

/// Writes every parameter that has a value into its section: the given one, else the package's default. What
/// has neither keeps the bytes of the object file.
///
/// # Errors
/// A section that the object does not have, a value of another size than its variable.
pub(crate) fn set(
    object: &mut OpenObject,
    plan: &Plan,
    values: &[(usize, Vec<u8>)],
) -> Result<(), LoadError> {
    for (section, writes) in writes(plan, values)? {
        let map = object
            .maps_mut()
            .find(|map| is_section(&map.name().to_string_lossy(), section) && map.initial_value().is_some());
        let Some(mut map) = map else {
            return Err(LoadError::NoSection {
                section: section.to_owned(),
                variable: writes[0].0.variable.clone(),
            });
        };
        let mut bytes = map.initial_value().map(<[u8]>::to_vec).unwrap_or_default();
        for (parameter, value) in writes {
            let start = parameter.offset_bytes as usize;
            let slot = start.checked_add(value.len()).and_then(|end| bytes.get_mut(start..end));
            let Some(slot) = slot else {
                return Err(LoadError::OutsideSection {
                    section: section.to_owned(),
                    variable: parameter.variable.clone(),
                });
            };
            slot.copy_from_slice(value);
        }
        map.set_initial_value(&bytes)
            .map_err(|source| LoadError::Section { section: section.to_owned(), source })?;
    }
    Ok(())
}

/// Name of section → what is written there.
type Writes<'a> = BTreeMap<&'a str, Vec<(&'a Parameter, &'a [u8])>>;

fn writes<'a>(plan: &'a Plan, values: &'a [(usize, Vec<u8>)]) -> Result<Writes<'a>, LoadError> {
    let mut chosen: Vec<Option<&[u8]>> = plan.parameters.iter().map(|it| it.default.as_deref()).collect();
    for (index, value) in values {
        *chosen.get_mut(*index).ok_or(LoadError::NoParameter { index: *index })? = Some(value);
    }
    let mut writes = Writes::new();
    for (parameter, value) in plan.parameters.iter().zip(chosen) {
        let Some(value) = value else { continue };
        // The bytes of the object file are never empty, and have the variable's size.
        if value.len() != parameter.initial.len() {
            return Err(LoadError::ValueSize {
                variable: parameter.variable.clone(),
                given: value.len(),
                expected: parameter.initial.len(),
            });
        }
        writes.entry(&parameter.section).or_default().push((parameter, value));
    }
    Ok(writes)
}

/// Whether libbpf's map `map` is the ELF section `section`. libbpf puts the start of the object's name before
/// `.rodata`, `.data` and `.bss`, and nothing before custom sections (`.rodata.config`).
fn is_section(map: &str, section: &str) -> bool {
    map == section || map.strip_suffix(section).is_some_and(|object| !object.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::is_section;

    #[test]
    fn a_section_is_found_whatever_the_object_is_called() {
        assert!(is_section("opensnoo.rodata", ".rodata"));
        assert!(is_section(".rodata", ".rodata"));
        assert!(is_section(".rodata.config", ".rodata.config"));
        assert!(!is_section("opensnoo.rodata", ".data"));
        assert!(!is_section(".rodata.data", ".data"));
    }
}
