//! Since 2022-11 (v0.3.0): `bpf_object` is base64 of zlib of the ELF, `meta` describes it.

use std::time::Duration;

use super::{Format, Read, Schema};
use crate::description::{
    CustomMember, Description, ExportConfig, ExportType, Extras, MapEntry, ProgramEntry, SampleEntry,
    VariableEntry,
};
use crate::package::{Doc, Polling};
use crate::plan::{HistogramScale, SampleKind};
use crate::tree::Node;
use crate::unpack::{Packed, Packing, unpack};
use crate::view::View;
use crate::{Generation, Limits, OpenError};

pub(crate) const FORMAT: Format = Format {
    generation: Generation::Present,
    recognises: |top| {
        matches!(top.get("bpf_object"), Some(Node::Text(_))) || (top.has("bpf_object") && top.has("meta"))
    },
    schema: &TOP,
    read,
};

const TOP: Schema = Schema::Keys(&[
    ("bpf_object", Schema::Any),
    ("bpf_object_size", Schema::Any),
    (
        "meta",
        Schema::Keys(&[
            ("bpf_skel", SKELETON),
            ("export_types", Schema::Each(&EXPORT_TYPE)),
            ("perf_buffer_pages", Schema::Any),
            ("perf_buffer_time_ms", Schema::Any),
            ("poll_timeout_ms", Schema::Any),
            ("debug_verbose", Schema::Any),
            ("print_header", Schema::Any),
            ("enable_multiple_export_types", Schema::Any),
            ("eunomia_version", Schema::Any),
        ]),
    ),
]);

const EXPORT_TYPE: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("size", Schema::Any),
    ("type_id", Schema::Any),
    ("members", Schema::Each(&Schema::Keys(&[("name", Schema::Any), ("type", Schema::Any)]))),
]);

pub(super) const SKELETON: Schema = Schema::Keys(&[
    ("obj_name", Schema::Any),
    (
        "doc",
        Schema::Keys(&[
            ("version", Schema::Any),
            ("brief", Schema::Any),
            ("details", Schema::Any),
            ("description", Schema::Any),
        ]),
    ),
    (
        "data_sections",
        Schema::Each(&Schema::Keys(&[("name", Schema::Any), ("variables", Schema::Each(&VARIABLE))])),
    ),
    ("maps", Schema::Each(&MAP)),
    ("progs", Schema::Each(&PROGRAM)),
]);

const VARIABLE: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("type", Schema::Any),
    ("value", Schema::Any),
    ("description", Schema::Any),
    ("size", Schema::Any),
    ("offset", Schema::Any),
    ("align", Schema::Any),
    (
        "cmdarg",
        Schema::Keys(&[
            ("default", Schema::Any),
            ("long", Schema::Any),
            ("short", Schema::Any),
            ("help", Schema::Any),
        ]),
    ),
]);

const MAP: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("ident", Schema::Any),
    ("mmaped", Schema::Any),
    ("description", Schema::Any),
    ("export_config", Schema::Any),
    ("intepreter", Schema::Any),
    (
        "sample",
        Schema::Keys(&[
            ("interval", Schema::Any),
            ("type", Schema::Any),
            ("unit", Schema::Any),
            ("clear_map", Schema::Any),
        ]),
    ),
]);

const PROGRAM: Schema = Schema::Keys(&[
    ("name", Schema::Any),
    ("attach", Schema::Any),
    ("link", Schema::Any),
    ("description", Schema::Any),
    ("ifindex", Schema::Any),
    ("flags", Schema::Any),
    ("xdpopts", Schema::Keys(&[("old_prog_fd", Schema::Any)])),
    ("tchook", Schema::Keys(&[("ifindex", Schema::Any), ("attach_point", Schema::Any)])),
    ("tcopts", Schema::Keys(&[("handle", Schema::Any), ("priority", Schema::Any)])),
]);

fn read(top: &View<'_, '_>, limits: &Limits) -> Result<Read, OpenError> {
    let object = object(top, limits)?;
    let meta = top.get("meta").object()?;
    let skeleton = meta.get("bpf_skel").object()?;
    let mut description = description(&skeleton)?;
    description.exports =
        meta.get("export_types").list()?.iter().map(export_type).collect::<Result<_, _>>()?;
    description.multiple_exports = meta.get("enable_multiple_export_types").bool()?.unwrap_or(false);
    let polling = Polling {
        perf_buffer_pages: meta.get("perf_buffer_pages").number("a whole number")?,
        perf_buffer_time_ms: meta.get("perf_buffer_time_ms").number("a whole number of milliseconds")?,
        poll_timeout_ms: meta.get("poll_timeout_ms").number("a whole number of milliseconds")?,
    };
    Ok(Read { object, object_path: "bpf_object", doc: doc(&skeleton)?, polling, description })
}

/// `bpf_object`, inflated, of `bpf_object_size` bytes when that is given.
pub(super) fn object(top: &View<'_, '_>, limits: &Limits) -> Result<Vec<u8>, OpenError> {
    let field = top.get("bpf_object");
    let Some(Node::Text(text)) = field.node() else { return Err(field.expected("base64 text")) };
    let declared = top.get("bpf_object_size").number("a size in bytes")?;
    let declared = declared.map(|size| ("bpf_object_size", size));
    unpack(&Packed { path: "bpf_object", text, packing: Packing::Zlib, declared }, limits.object_bytes)
}

pub(super) fn doc(skeleton: &View<'_, '_>) -> Result<Doc, OpenError> {
    let doc = skeleton.get("doc").object()?;
    let text = |key| Ok::<_, OpenError>(doc.get(key).text()?.filter(|text| !text.trim().is_empty()));
    Ok(Doc {
        brief: text("brief")?,
        description: text("description")?,
        details: text("details")?,
        version: text("version")?,
    })
}

/// Everything under `bpf_skel` but `doc`.
pub(super) fn description(skeleton: &View<'_, '_>) -> Result<Description, OpenError> {
    let list = |key| {
        let field = skeleton.get(key);
        field.node().is_some().then(|| field.list()).transpose()
    };
    let mut variables = Vec::new();
    for section in skeleton.get("data_sections").list()? {
        for entry in section.get("variables").list()? {
            variables.push(variable(&entry)?);
        }
    }
    let maps: Option<Vec<View<'_, '_>>> = list("maps")?;
    let programs: Option<Vec<View<'_, '_>>> = list("progs")?;
    Ok(Description {
        object_name: skeleton.get("obj_name").name()?.unwrap_or_else(|| "package".to_owned()),
        maps: maps.map(|maps| maps.iter().map(map).collect()).transpose()?,
        programs: programs.map(|programs| programs.iter().map(program).collect()).transpose()?,
        variables,
        ..Description::default()
    })
}

fn variable(entry: &View<'_, '_>) -> Result<VariableEntry, OpenError> {
    let cmdarg = entry.get("cmdarg").object()?;
    let value = |field: View<'_, '_>| match field.node() {
        None => Ok(None),
        Some(Node::Text(_) | Node::Integer(_) | Node::Float(_) | Node::Bool(_)) => field.text(),
        Some(_) => Err(field.expected("a number, text, true or false")),
    };
    let default = match value(cmdarg.get("default"))? {
        None => value(entry.get("value"))?,
        given => given,
    };
    let help = match cmdarg.get("help").text()? {
        None => entry.get("description").text()?,
        given => given,
    };
    Ok(VariableEntry {
        name: entry.get("name").name()?.unwrap_or_default(),
        long: cmdarg.get("long").name()?,
        short: cmdarg.get("short").name()?,
        help,
        wanted: cmdarg.node().is_some() || default.is_some(),
        default,
    })
}

fn map(entry: &View<'_, '_>) -> Result<MapEntry, OpenError> {
    Ok(MapEntry {
        name: entry.get("name").required_name()?,
        ident: entry.get("ident").name()?,
        sample: sample(&entry.get("sample").object()?)?,
        export: export_config(&entry.get("export_config"))?,
        stack_trace: entry.get("intepreter").node().is_some_and(|node| node.has("stack_trace")),
        flat: None,
    })
}

fn sample(entry: &View<'_, '_>) -> Result<Option<SampleEntry>, OpenError> {
    if entry.node().is_none() {
        return Ok(None);
    }
    let interval = entry.get("interval");
    let milliseconds = interval
        .number("a whole number of milliseconds")?
        .ok_or_else(|| interval.expected("a whole number of milliseconds"))?;
    let unit = || Ok::<_, OpenError>(entry.get("unit").text()?.unwrap_or_else(|| "(unit)".to_owned()));
    let kind = entry.get("type");
    let kind = match kind.text()?.as_deref() {
        None | Some("default_kv") => SampleKind::KeyValue,
        Some("log2_hist") => SampleKind::Histogram { scale: HistogramScale::Log2, unit: unit()? },
        Some("linear_hist") => SampleKind::Histogram { scale: HistogramScale::Linear, unit: unit()? },
        Some(_) => return Err(kind.expected("default_kv, log2_hist or linear_hist")),
    };
    Ok(Some(SampleEntry {
        interval: Duration::from_millis(milliseconds),
        kind,
        clear: entry.get("clear_map").bool()?,
    }))
}

fn export_config(field: &View<'_, '_>) -> Result<ExportConfig, OpenError> {
    const EXPECTED: &str = "no_export, default, btf_type_id or custom_members";
    let id = "a type id";
    match field.node() {
        None => Ok(ExportConfig::None),
        Some(Node::Text(text)) if text == "no_export" => Ok(ExportConfig::None),
        Some(Node::Text(text)) if text == "default" => Ok(ExportConfig::MapValue),
        Some(node) if node.has("btf_type_id") => {
            let field = field.get("btf_type_id");
            Ok(ExportConfig::Type(field.number(id)?.ok_or_else(|| field.expected(id))?))
        }
        Some(node) if node.has("custom_members") => {
            let member = |entry: &View<'_, '_>| {
                let number = |key: &str, expected: &str| {
                    let field = entry.get(key);
                    field.number(expected)?.ok_or_else(|| field.expected(expected))
                };
                Ok::<_, OpenError>(CustomMember {
                    name: entry.get("name").required_name()?,
                    offset_bytes: number("offset", "an offset in bytes")?,
                    type_id: number("btf_type_id", id)?,
                })
            };
            Ok(ExportConfig::Members(
                field.get("custom_members").list()?.iter().map(member).collect::<Result<_, _>>()?,
            ))
        }
        Some(_) => Err(field.expected(EXPECTED)),
    }
}

fn program(entry: &View<'_, '_>) -> Result<ProgramEntry, OpenError> {
    let (tc_hook, tc_options) = (entry.get("tchook").object()?, entry.get("tcopts").object()?);
    let index = "an interface index";
    Ok(ProgramEntry {
        name: entry.get("name").required_name()?,
        attach: entry.get("attach").name()?,
        link: entry.get("link").bool()?.unwrap_or(true),
        extras: Extras {
            xdp_ifindex: entry.get("ifindex").number(index)?,
            xdp_flags: entry.get("flags").number("XDP flags")?,
            tc_ifindex: tc_hook.get("ifindex").number(index)?,
            tc_attach_point: tc_hook.get("attach_point").name()?,
            tc_handle: tc_options.get("handle").number("a filter handle")?,
            tc_priority: tc_options.get("priority").number("a filter priority")?,
        },
    })
}

fn export_type(entry: &View<'_, '_>) -> Result<ExportType, OpenError> {
    let members = entry.get("members");
    let member = |member: &View<'_, '_>| {
        Ok::<_, OpenError>((
            member.get("name").name()?.unwrap_or_default(),
            member.get("type").name()?.unwrap_or_default(),
        ))
    };
    let members = match members.node() {
        None => None,
        Some(_) => Some(members.list()?.iter().map(member).collect::<Result<_, _>>()?),
    };
    Ok(ExportType {
        name: entry.get("name").required_name()?,
        type_id: entry.get("type_id").number("a type id")?,
        size_bytes: entry.get("size").number("a size in bytes")?,
        members,
    })
}
