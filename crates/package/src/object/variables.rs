//! Global variables: BTF names and types them, the symbol table places them.

use std::collections::HashMap;

use btf_rs::Type as Kind;

use super::maps::{is_internal, limit};
use super::{Object, Section};
use crate::btf::{Btf, BtfError, target};

/// A global variable of a section that libbpf turns into a map.
pub(crate) struct Variable<'o, 'd> {
    pub(crate) name: String,
    pub(crate) section: &'o Section<'d>,
    pub(crate) offset_bytes: u32,
    pub(crate) size_bytes: u32,
    pub(crate) type_id: u32,
    pub(crate) is_volatile: bool,
}

/// Global variables of one object; a large one has a few dozen.
const MAX_VARIABLES: usize = 4096;

/// All of them in the order of the sections of BTF. Static variables and those without a symbol are left out.
///
/// In a relocatable object BTF's own offsets are 0: libbpf fills them in from the symbols, as here.
pub(crate) fn variables<'o, 'd>(
    object: &'o Object<'d>,
    btf: &Btf,
) -> Result<Vec<Variable<'o, 'd>>, BtfError> {
    let symbols: HashMap<_, _> = object
        .symbols
        .iter()
        .filter(|symbol| !symbol.function)
        .map(|symbol| ((object.sections[symbol.section].name, symbol.name), symbol))
        .collect();
    let mut found = Vec::new();
    for section in btf.sections()? {
        let section_name = btf.name(&section)?;
        if !is_internal(&section_name) {
            continue;
        }
        for entry in &section.variables {
            let Kind::Var(variable) = btf.kind(target(entry))? else { continue };
            let name = btf.name(&variable)?;
            let Some(symbol) = symbols.get(&(section_name.as_str(), name.as_str())) else { continue };
            if !variable.is_global() {
                continue;
            }
            let type_id = target(&variable);
            let size_bytes = btf.size_bytes(type_id, &name)?;
            let section = &object.sections[symbol.section];
            let end = symbol.offset.checked_add(size_bytes.into()).filter(|end| *end <= section.size_bytes);
            let offset_bytes = end.and(u32::try_from(symbol.offset).ok());
            let offset_bytes = offset_bytes.ok_or_else(|| BtfError::Damaged {
                reason: format!("variable {name} runs past the end of {section_name}"),
            })?;
            let is_volatile =
                btf.resolve(type_id, &name)?.is_volatile || array_is_volatile(btf, type_id, &name)?;
            limit("variables", found.len(), MAX_VARIABLES)?;
            found.push(Variable { name, section, offset_bytes, size_bytes, type_id, is_volatile });
        }
    }
    Ok(found)
}

/// `const volatile char x[16]` is an array of volatile characters.
fn array_is_volatile(btf: &Btf, id: u32, name: &str) -> Result<bool, BtfError> {
    let resolved = btf.resolve(id, name)?;
    match &resolved.kind {
        Kind::Array(array) => {
            let element = btf.resolve(target(array), name)?;
            Ok(element.is_volatile || matches!(element.kind, Kind::Array(_)))
        }
        _ => Ok(false),
    }
}
