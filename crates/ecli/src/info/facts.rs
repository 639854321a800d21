//! The model of `ecli info`, as JSON values: the keys are an interface, and are only ever added to.

use package::{
    Attach, Encoding, Generation, HistogramScale, Map, Package, Parameter, Plan, Program, SampleKind, Source,
    Stream, TcDirection,
};
use serde_json::{Value, json};

use super::fields::field_rows;

/// Everything that `ecli info` says, in the order in which it is said.
pub(super) fn facts(package: &Package, plan: &Plan) -> Value {
    let doc = package.doc();
    json!({
        "name": plan.object_name,
        "generation": match package.generation() {
            Generation::Flat => "flat",
            Generation::Transitional => "transitional",
            Generation::Present => "present",
        },
        "encoding": match package.encoding() {
            Encoding::Json => "JSON",
            Encoding::Yaml => "YAML",
        },
        "sha256": package.digest(),
        "package_bytes": package.size_bytes(),
        "object_bytes": package.object().len(),
        "object_sha256": package.object_digest(),
        "license": package.license(),
        "brief": doc.brief,
        "description": doc.description,
        "details": doc.details,
        "version": doc.version,
        "programs": plan.programs.iter().map(program).collect::<Vec<_>>(),
        "maps": plan.maps.iter().map(map).collect::<Vec<_>>(),
        "streams": plan.streams.iter().map(stream).collect::<Vec<_>>(),
        "parameters": plan.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "notes": plan.notes,
        "unknown_keys": package.unknown().iter().map(|key| json!({"path": key.path, "value": key.value}))
            .collect::<Vec<_>>(),
    })
}

fn program(program: &Program) -> Value {
    let (kind, target) = package::program_type(&program.section).unwrap_or(("unknown", ""));
    json!({
        "name": program.name,
        "type": kind,
        "section": program.section,
        "attach": match &program.attach {
            Attach::None => "not attached".to_owned(),
            Attach::Section => target.to_owned(),
            Attach::Tc { ifindex, direction, .. } => {
                let direction = match direction {
                    TcDirection::Ingress => "ingress",
                    TcDirection::Egress => "egress",
                };
                format!("interface {ifindex}, {direction}")
            }
            Attach::Xdp { ifindex, .. } => format!("interface {ifindex}"),
            Attach::PerfEvent { frequency } => format!("every CPU, {frequency} Hz"),
        },
    })
}

/// Bytes that a map of this shape takes, about: what it declares, without the kernel's own book-keeping.
fn memory(map: &Map) -> u64 {
    let value = u64::from(map.value_bytes).next_multiple_of(8);
    match package::map_type_name(map.kind) {
        "ringbuf" | "user_ringbuf" => u64::from(map.max_entries),
        _ => (u64::from(map.key_bytes).next_multiple_of(8) + value) * u64::from(map.max_entries),
    }
}

fn map(map: &Map) -> Value {
    json!({
        "name": map.name,
        "type": package::map_type_name(map.kind),
        "key_bytes": map.key_bytes,
        "value_bytes": map.value_bytes,
        "max_entries": map.max_entries,
        "memory_bytes": memory(map),
        "section": map.section,
    })
}

fn stream(stream: &Stream) -> Value {
    let (source, time) = match &stream.source {
        Source::PerfArray => ("perf event array".to_owned(), "the kernel's, at the event"),
        Source::RingBuffer => ("ring buffer".to_owned(), "that of reading"),
        Source::Sampled(sampling) => {
            let kind = match &sampling.kind {
                SampleKind::KeyValue => "entries",
                SampleKind::Histogram { scale: HistogramScale::Log2, .. } => "log2 histograms",
                SampleKind::Histogram { scale: HistogramScale::Linear, .. } => "linear histograms",
            };
            (format!("{kind} every {:?}", sampling.interval), "that of listing")
        }
    };
    json!({
        "name": stream.name,
        "source": source,
        "time": time,
        "struct": stream.layout.name,
        "size_bytes": stream.layout.size_bytes,
        "fields": field_rows(&stream.layout).iter().map(|row| json!({
            "name": row.path,
            "bit_offset": row.bit_offset,
            "bits": row.bits,
            "kind": row.kind,
            "type": row.type_name,
        })).collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &Parameter) -> Value {
    json!({
        "variable": parameter.variable,
        "section": parameter.section,
        "type": parameter.type_name,
        "long": parameter.long,
        "short": parameter.short.map(String::from),
        "default": parameter.display(parameter.default.as_deref().unwrap_or(&parameter.initial)),
        "help": parameter.help,
    })
}
