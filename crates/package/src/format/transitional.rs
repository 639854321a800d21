//! Autumn 2022, never released: as the present generation, but `export_types` is an object with BTF of its own,
//! programs name no attach point, and the object's size is not given.

use super::{Format, Read, Schema, present};
use crate::description::ExportType;
use crate::package::Polling;
use crate::tree::Node;
use crate::unpack::{Packed, Packing, unpack};
use crate::view::View;
use crate::{Generation, Limits, OpenError};

pub(crate) const FORMAT: Format =
    Format { generation: Generation::Transitional, recognises, schema: &TOP, read };

const TOP: Schema = Schema::Keys(&[
    ("bpf_object", Schema::Any),
    ("bpf_object_size", Schema::Any),
    ("meta", Schema::Keys(&[("bpf_skel", present::SKELETON), ("export_types", EXPORT_TYPES)])),
]);

const EXPORT_TYPES: Schema = Schema::Keys(&[
    ("export_btf", Schema::Any),
    ("raw_btf", Schema::Any),
    ("structs", Schema::Each(&Schema::Keys(&[("id", Schema::Any), ("name", Schema::Any)]))),
]);

/// `export_types` decides. Where it is missing, the present generation's size and attach points do, and its later
/// keys.
fn recognises(top: &Node<'_>) -> bool {
    if !matches!(top.get("bpf_object"), Some(Node::Text(_))) {
        return false;
    }
    let Some(meta) = top.get("meta") else { return false };
    match meta.get("export_types") {
        Some(Node::Map(_)) => true,
        Some(Node::List(_)) => false,
        _ if meta.has("eunomia_version") || meta.has("enable_multiple_export_types") => false,
        _ => {
            let programs = meta.get("bpf_skel").and_then(|skeleton| skeleton.get("progs"));
            let unattached = match programs {
                Some(Node::List(programs)) => programs.iter().any(|program| !program.has("attach")),
                _ => false,
            };
            unattached || !top.has("bpf_object_size")
        }
    }
}

fn read(top: &View<'_, '_>, limits: &Limits) -> Result<Read, OpenError> {
    let object = present::object(top, limits)?;
    let meta = top.get("meta").object()?;
    let skeleton = meta.get("bpf_skel").object()?;
    let exports = meta.get("export_types").object()?;
    let mut description = present::description(&skeleton)?;
    description.export_btf = export_btf(&exports, limits)?;
    description.exports = exports.get("structs").list()?.iter().map(export_type).collect::<Result<_, _>>()?;
    Ok(Read {
        object,
        object_path: "bpf_object",
        doc: present::doc(&skeleton)?,
        polling: Polling::default(),
        description,
    })
}

/// `export_btf` is base64 of the blob, `raw_btf` base64 of its zlib data.
fn export_btf(exports: &View<'_, '_>, limits: &Limits) -> Result<Option<Vec<u8>>, OpenError> {
    for (key, packing) in [("export_btf", Packing::Plain), ("raw_btf", Packing::Zlib)] {
        let field = exports.get(key);
        match field.node() {
            None => {}
            Some(Node::Text(text)) => {
                let packed = Packed { path: field.path(), text, packing, declared: None };
                return unpack(&packed, limits.object_bytes).map(Some);
            }
            Some(_) => return Err(field.expected("base64 text")),
        }
    }
    Ok(None)
}

fn export_type(entry: &View<'_, '_>) -> Result<ExportType, OpenError> {
    Ok(ExportType {
        name: entry.get("name").required_name()?,
        type_id: entry.get("id").number("a type id")?,
        size_bytes: None,
        members: None,
    })
}
