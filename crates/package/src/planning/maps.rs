//! Which map of the object an entry of the package's list means.

use std::collections::{HashMap, HashSet};

use super::Facts;
use crate::PlanError;
use crate::description::{ExportConfig, MapEntry};

/// An entry of the package's list and its map's index.
pub(crate) struct Listed<'p> {
    pub(crate) entry: &'p MapEntry,
    pub(crate) map: usize,
}

/// Finds the map of every entry. Without a list, every map of the object counts as listed without a word.
pub(crate) fn listed<'p>(facts: &mut Facts<'p>) -> Result<Vec<Listed<'p>>, PlanError> {
    static SILENT: MapEntry = MapEntry {
        name: String::new(),
        ident: None,
        sample: None,
        export: ExportConfig::None,
        flat: None,
        stack_trace: false,
    };
    let Some(entries) = &facts.description.maps else {
        return Ok((0..facts.maps.len()).map(|map| Listed { entry: &SILENT, map }).collect());
    };
    let by_name: HashMap<&str, usize> =
        facts.maps.iter().enumerate().rev().map(|(index, map)| (map.map.name.as_str(), index)).collect();
    let mut sections = HashMap::new();
    for (index, map) in facts.maps.iter().enumerate().rev() {
        if let Some(section) = &map.map.section {
            sections.insert(identifier(section), index);
        }
    }
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    let mut notes = Vec::new();
    for entry in entries {
        // Names of internal maps carry a prefix that depends on the loader: the identifier decides, then what
        // follows the first dot.
        let dotted = entry.name.find('.').map(|dot| identifier(&entry.name[dot..]));
        let map = by_name
            .get(entry.name.as_str())
            .or_else(|| entry.ident.as_ref().and_then(|ident| sections.get(ident)))
            .or_else(|| dotted.as_ref().and_then(|dotted| sections.get(dotted)));
        match map {
            Some(map) if seen.insert(*map) => found.push(Listed { entry, map: *map }),
            Some(_) => notes.push(format!("map {}: listed twice, the first entry counts", entry.name)),
            None if entry.name.contains('.') => {
                notes.push(format!("map {}: the object has no such section; ignored", entry.name));
            }
            // Declared maps are found through BTF only, here and in libbpf.
            None if facts.btf.is_none() => {
                return Err(PlanError::NoBtf { needed_by: format!("map `{}`", entry.name) });
            }
            None => {
                let present = facts.maps.iter().map(|map| map.map.name.clone()).collect();
                return Err(PlanError::NoSuchMap { name: entry.name.clone(), present });
            }
        }
    }
    facts.notes.extend(notes);
    Ok(found)
}

/// bpftool's C identifier of a section: without the dot, everything odd an underscore.
fn identifier(section: &str) -> String {
    let rest = section.strip_prefix('.').unwrap_or(section);
    rest.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}
