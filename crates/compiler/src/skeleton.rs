//! What a package says about its object: programs, maps, variables, exported structs.

use std::collections::{HashMap, HashSet};

use btf_rs::{BtfType, Type};
use object::elf;
use object::read::elf::{ElfFile64, ElfSection64};
use object::{Endianness, Object, ObjectSection, ObjectSymbol, SectionFlags, SectionIndex, SymbolKind};
use serde_json::{Value, json};

use crate::BuildError;
use crate::btf::Types;
use crate::doc;
use crate::scan::Declaration;

/// Bytes of a map's name that reach the kernel.
const KERNEL_NAME_BYTES: usize = 15;

/// An object, read.
pub(crate) struct Skeleton<'a> {
    elf: ElfFile64<'a, Endianness>,
    types: Types,
    object_name: String,
    /// Offset within its section of every defined symbol.
    offsets: HashMap<(SectionIndex, String), u64>,
}

impl<'a> Skeleton<'a> {
    /// `stem` is the name of the object file without `.o`: `opensnoop.bpf`.
    pub(crate) fn read(object: &'a [u8], stem: &str) -> Result<Self, BuildError> {
        let elf = ElfFile64::parse(object).map_err(BuildError::Object)?;
        let section = elf.section_by_name(".BTF").ok_or(BuildError::NoBtf { section: ".BTF" })?;
        let types = Types::parse(section.data().map_err(BuildError::Object)?)?;
        let offsets = elf
            .symbols()
            .filter_map(|symbol| {
                Some(((symbol.section_index()?, symbol.name().ok()?.to_owned()), symbol.address()))
            })
            .collect();
        Ok(Self { elf, types, object_name: identifier(stem), offsets })
    }

    /// `meta.bpf_skel`.
    pub(crate) fn describe(
        &self,
        declarations: &[Declaration],
        warnings: &mut Vec<String>,
    ) -> Result<Value, BuildError> {
        let mut documented = |name: &str, fields: Value| {
            let mut all = doc::fields_of(name, declarations, warnings);
            if let Value::Object(fields) = fields {
                all.extend(fields);
            }
            Value::Object(all)
        };
        let sections = self.data_sections()?;
        let mut skeleton = json!({
            "obj_name": self.object_name,
            "progs": self.programs().map(|(name, section)| {
                documented(&name, json!({"name": name, "attach": section, "link": true}))
            }).collect::<Vec<_>>(),
            "maps": self.maps(&sections)?.into_iter().map(|(name, fields)| documented(&name, fields)).collect::<Vec<_>>(),
            "data_sections": sections.iter().map(|(section, variables)| {
                let variables: Vec<_> =
                    variables.iter().map(|(name, fields)| documented(name, fields.clone())).collect();
                json!({"name": section, "variables": variables})
            }).collect::<Vec<_>>(),
        });
        let about = doc::fields_of("LICENSE", declarations, warnings);
        if !about.is_empty() {
            skeleton["doc"] = Value::Object(about);
        }
        Ok(skeleton)
    }

    /// `meta.export_types`: the structs with these names. The first is what readers take for the record of a map,
    /// so structs that are only part of another one come last; otherwise the order is that of the BTF.
    pub(crate) fn exported(
        &self,
        names: &[String],
        warnings: &mut Vec<String>,
    ) -> Result<Vec<Value>, BuildError> {
        let (mut exported, mut parts) = (Vec::new(), HashSet::new());
        for (id, ty) in self.types.all() {
            let Type::Struct(of) = ty else { continue };
            let name = self.types.name(&of);
            if !names.contains(&name) {
                continue;
            }
            let mut members = Vec::new();
            for member in &of.members {
                let member_id = member.get_type_id().unwrap_or_default();
                members.push(json!({"name": self.types.name(member), "type": self.member_type(member_id)?}));
                self.types.collect_parts(member_id, &mut parts, 0)?;
            }
            let fields = json!({"name": name, "size": of.size(), "type_id": id, "members": members});
            exported.push((name, fields));
        }
        exported.sort_by_key(|(name, _)| parts.contains(name));
        if let [(first, _), (second, _), ..] = &exported[..]
            && !parts.contains(second)
        {
            warnings.push(format!(
                "struct {first}: exported first of several, so streams without an export_config have it as their record"
            ));
        }
        Ok(exported.into_iter().map(|(_, fields)| fields).collect())
    }

    /// Structs, unions and enums have a placeholder in place of their name; BTF says what they are.
    fn member_type(&self, id: u32) -> Result<String, BuildError> {
        let spelling = self.types.spelling(id)?;
        Ok(match spelling.split(' ').next() {
            Some("struct" | "union") if !spelling.ends_with(['*', ']']) => "composite".to_owned(),
            Some("enum") if !spelling.ends_with(['*', ']']) => "enum".to_owned(),
            _ => spelling,
        })
    }

    /// Global functions outside `.text`, with their section, in the order of the object.
    fn programs(&self) -> impl Iterator<Item = (String, String)> {
        let mut found: Vec<_> = self
            .elf
            .symbols()
            .filter(|symbol| symbol.kind() == SymbolKind::Text && symbol.is_global())
            .filter_map(|symbol| {
                Some((symbol.section_index()?.0, symbol.address(), symbol.name().ok()?.to_owned()))
            })
            .collect();
        found.sort();
        found.into_iter().filter_map(|(section, _, name)| {
            let section = self.elf.section_by_index(SectionIndex(section)).ok()?.name().ok()?.to_owned();
            (section != ".text").then_some((name, section))
        })
    }

    /// Declared maps by their place in `.maps`, then a map a data section.
    fn maps(&self, sections: &[(String, Vec<(String, Value)>)]) -> Result<Vec<(String, Value)>, BuildError> {
        let mut maps = Vec::new();
        let mut declared = Vec::new();
        if let Some((index, variables)) = self.data_section(".maps")? {
            for variable in variables {
                declared.push((self.offset(index, &variable.name), variable.name));
            }
        }
        declared.sort();
        maps.extend(
            declared.into_iter().map(|(_, name)| (name.clone(), json!({"name": name, "ident": name}))),
        );
        for section in self.elf.sections() {
            let name = section.name().map_err(BuildError::Object)?;
            if !is_data(name) || section.size() == 0 || !is_allocated(&section) {
                continue;
            }
            let map = internal_map_name(&self.object_name, name);
            let mut fields = json!({"name": map, "ident": identifier(name.trim_start_matches('.'))});
            if sections.iter().any(|(section, _)| section == name) {
                fields["mmaped"] = Value::Bool(true);
            }
            maps.push((map, fields));
        }
        Ok(maps)
    }

    /// Sections with global variables, and these by their place.
    #[allow(clippy::type_complexity, reason = "section → (name, fields), used within this file only")]
    fn data_sections(&self) -> Result<Vec<(String, Vec<(String, Value)>)>, BuildError> {
        let mut sections = Vec::new();
        for section in self.elf.sections() {
            let name = section.name().map_err(BuildError::Object)?;
            if !is_data(name) {
                continue;
            }
            let Some((index, mut variables)) = self.data_section(name)? else { continue };
            variables.retain(|variable| !variable.is_static);
            variables.sort_by_key(|variable| self.offset(index, &variable.name));
            let mut described = Vec::new();
            let mut end = 0;
            for variable in &variables {
                let offset = self.offset(index, &variable.name);
                let alignment = self.types.alignment(variable.type_id, 0)?;
                let mut fields =
                    json!({"name": variable.name, "type": self.types.spelling(variable.type_id)?});
                if u64::next_multiple_of(end, alignment) != offset {
                    // The format's way to say that bytes lie before the variable.
                    fields["size"] = json!(offset.saturating_sub(end));
                }
                end = offset + u64::from(variable.size);
                described.push((variable.name.clone(), fields));
            }
            if !described.is_empty() {
                sections.push((name.to_owned(), described));
            }
        }
        Ok(sections)
    }

    /// The variables that BTF lists for a section.
    fn data_section(&self, name: &str) -> Result<Option<(SectionIndex, Vec<Variable>)>, BuildError> {
        let Some(section) = self.elf.section_by_name(name) else { return Ok(None) };
        let mut variables = Vec::new();
        for (_, ty) in self.types.all() {
            let Type::Datasec(of) = ty else { continue };
            if self.types.name(&of) != name {
                continue;
            }
            for entry in &of.variables {
                let Type::Var(variable) = self.types.get(entry.get_type_id().unwrap_or_default())? else {
                    continue;
                };
                variables.push(Variable {
                    name: self.types.name(&variable),
                    type_id: variable.get_type_id().unwrap_or_default(),
                    size: u32::try_from(entry.size()).unwrap_or_default(),
                    is_static: variable.is_static(),
                });
            }
        }
        Ok((!variables.is_empty()).then_some((section.index(), variables)))
    }

    fn offset(&self, section: SectionIndex, name: &str) -> u64 {
        self.offsets.get(&(section, name.to_owned())).copied().unwrap_or_default()
    }
}

struct Variable {
    name: String,
    type_id: u32,
    size: u32,
    is_static: bool,
}

fn is_data(section: &str) -> bool {
    [".rodata", ".data", ".bss"]
        .iter()
        .any(|base| section.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn is_allocated(section: &ElfSection64<'_, '_, Endianness>) -> bool {
    matches!(section.flags(), SectionFlags::Elf { sh_flags, .. } if sh_flags.contains(elf::SHF_ALLOC))
}

/// As libbpf names the map of a section (`internal_map_name` in libbpf.c): eight bytes of the object's name before
/// a plain section, nothing before one with a second dot.
fn internal_map_name(object_name: &str, section: &str) -> String {
    if section[1..].contains('.') {
        return section.to_owned();
    }
    let most = KERNEL_NAME_BYTES.saturating_sub(section.len().max(".rodata".len()));
    format!("{}{section}", &object_name[..object_name.len().min(most)])
}

/// Every byte that C does not allow in a name becomes `_`.
fn identifier(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_maps_are_named_as_libbpf_names_them() {
        assert_eq!(internal_map_name("opensnoop_bpf", ".rodata"), "opensnoo.rodata");
        assert_eq!(internal_map_name("opensnoop_bpf", ".bss"), "opensnoo.bss");
        assert_eq!(internal_map_name("tc_bpf", ".rodata"), "tc_bpf.rodata");
        assert_eq!(internal_map_name("minimal_bpf", ".rodata.str1.1"), ".rodata.str1.1");
    }
}
