//! 2022-08 to 2022-10 (v0.0.1 to v0.2.2): everything at the top, the ELF as plain base64, and beside each exporting
//! map the layout of its records, in bits.

use super::{Format, Read, Schema};
use crate::description::{Description, FlatField, FlatLayout, MapEntry, VariableEntry};
use crate::package::{Doc, Polling};
use crate::tree::Node;
use crate::unpack::{Packed, Packing, unpack};
use crate::view::View;
use crate::{Generation, Limits, OpenError};

pub(crate) const FORMAT: Format = Format {
    generation: Generation::Flat,
    recognises: |top| top.has("data") && top.has("data_sz"),
    schema: &TOP,
    read,
};

const TOP: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("version", Schema::Any),
    ("license", Schema::Any),
    ("author", Schema::Any),
    ("url", Schema::Any),
    ("description", Schema::Any),
    ("load_ebpf_script", Schema::Any),
    ("data", Schema::Any),
    ("data_sz", Schema::Any),
    ("maps", Schema::Each(&MAP)),
    ("progs", Schema::Each(&Schema::Keys(&[("name", Schema::Any), ("type", Schema::Any)]))),
    ("runtime_args", Schema::Any),
]);

const MAP: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("type", Schema::Any),
    ("export_data_types", EXPORT),
    ("ring_buffer_export", EXPORT),
    (
        "sec_data",
        Schema::Each(&Schema::Keys(&[("name", Schema::Any), ("type", Schema::Any), ("size", Schema::Any)])),
    ),
]);

const EXPORT: Schema = Schema::Keys(&[
    ("Struct Name", Schema::Any),
    ("Size", Schema::Any),
    ("DataSize", Schema::Any),
    ("Alignment", Schema::Any),
    (
        "Fields",
        Schema::Each(&Schema::Keys(&[
            ("Name", Schema::Any),
            ("Type", Schema::Any),
            ("LLVMType", Schema::Any),
            ("FieldOffset", Schema::Any),
        ])),
    ),
]);

fn read(top: &View<'_, '_>, limits: &Limits) -> Result<Read, OpenError> {
    let field = top.get("data");
    let Some(Node::Text(text)) = field.node() else { return Err(field.expected("base64 text")) };
    let declared = top.get("data_sz").number("a size in bytes")?.map(|size| ("data_sz", size));
    let object =
        unpack(&Packed { path: "data", text, packing: Packing::Plain, declared }, limits.object_bytes)?;

    let text = |key| Ok::<_, OpenError>(top.get(key).text()?.filter(|text| !text.trim().is_empty()));
    let doc = Doc { description: text("description")?, version: text("version")?, ..Doc::default() };
    let mut description = Description {
        object_name: top
            .get("name")
            .name()?
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| "package".to_owned()),
        license: text("license")?,
        ..Description::default()
    };
    let mut maps = Vec::new();
    for entry in top.get("maps").list()? {
        let name = entry.get("name").required_name()?;
        variables(&entry, &mut description)?;
        maps.push(MapEntry { flat: layout(&entry)?, name, ..MapEntry::default() });
    }
    description.maps = Some(maps);
    arguments(top, &mut description)?;
    Ok(Read { object, object_path: "data", doc, polling: Polling::default(), description })
}

/// `sec_data`: the variables of a section.
fn variables(entry: &View<'_, '_>, description: &mut Description) -> Result<(), OpenError> {
    for item in entry.get("sec_data").list()? {
        let name = item.get("name").required_name()?;
        description.variables.push(VariableEntry { name, ..VariableEntry::default() });
    }
    Ok(())
}

/// `runtime_args`: values by name of the variable.
fn arguments(top: &View<'_, '_>, description: &mut Description) -> Result<(), OpenError> {
    let arguments = top.get("runtime_args").object()?;
    let Some(Node::Map(entries)) = arguments.node() else { return Ok(()) };
    for (name, _) in entries {
        let value = arguments.get(name).text()?;
        let known = description.variables.iter_mut().find(|variable| variable.name == **name);
        match known {
            Some(variable) => {
                variable.wanted = true;
                variable.default = value;
            }
            None => description.variables.push(VariableEntry {
                name: name.clone().into_owned(),
                default: value,
                wanted: true,
                ..VariableEntry::default()
            }),
        }
    }
    Ok(())
}

fn layout(entry: &View<'_, '_>) -> Result<Option<FlatLayout>, OpenError> {
    let mut export = entry.get("export_data_types").object()?;
    if export.node().is_none() {
        export = entry.get("ring_buffer_export").object()?;
    }
    if export.node().is_none() {
        return Ok(None);
    }
    let bits = |view: View<'_, '_>| view.number::<u64>("a number of bits");
    let mut fields = Vec::new();
    for field in export.get("Fields").list()? {
        let offset = field.get("FieldOffset");
        fields.push(FlatField {
            name: field.get("Name").required_name()?,
            c_type: field.get("Type").name()?.unwrap_or_default(),
            llvm_type: field.get("LLVMType").name()?.unwrap_or_default(),
            offset: bits(offset.clone())?.ok_or_else(|| offset.expected("a number of bits"))?,
        });
    }
    let (size, data_size) = (bits(export.get("Size"))?, bits(export.get("DataSize"))?);
    let Some(either) = size.or(data_size) else {
        return Err(export.get("Size").expected("a number of bits"));
    };
    Ok(Some(FlatLayout {
        name: export.get("Struct Name").name()?.unwrap_or_default(),
        size: size.unwrap_or(either),
        data_size: data_size.unwrap_or(either),
        fields,
    }))
}
