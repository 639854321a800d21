//! Which maps are read, and what their records look like.
//!
//! Upstream reads one map only, the last that qualifies. Here every map is read whose layout is known:
//!
//! * sampled maps always, because the map's own BTF types lay them out;
//! * with one export type, every ring buffer and perf array, all with that type;
//! * with several export types and several such maps nothing says which belongs to which: the last map with the
//!   first type, as upstream, and a note that names the others;
//! * with `enable_multiple_export_types`, each map as its `export_config` says.

use super::custom::custom;
use super::entries::{drawable, pair, replace_value, untyped, value_name};
use super::maps::Listed;
use super::{Facts, flat, in_object, members};
use crate::btf::{Btf, LayoutBuilder};
use crate::description::{ExportConfig, ExportType, SampleEntry};
use crate::layout::{Field, Layout, Type};
use crate::object::BtfMap;
use crate::plan::{Sampling, Source, Stream};
use crate::{Generation, PlanError};

const PERF_EVENT_ARRAY: u32 = 4;
const RINGBUF: u32 = 27;
const PER_CPU: [u32; 3] = [5, 6, 10];

pub(crate) fn streams(
    facts: &mut Facts<'_>,
    listed: &[Listed<'_>],
    generation: Generation,
) -> Result<Vec<Stream>, PlanError> {
    let mut notes = Vec::new();
    let chosen = Chosen { facts, notes: &mut notes };
    let streams = match generation {
        Generation::Flat => chosen.flat(listed)?,
        _ if facts.description.multiple_exports => chosen.multiple(listed)?,
        _ => chosen.single(listed)?,
    };
    facts.notes.extend(notes);
    Ok(streams)
}

struct Chosen<'f, 'p> {
    facts: &'f Facts<'p>,
    notes: &'f mut Vec<String>,
}

/// How records leave a map, when they do without being sampled.
fn ring(map: &BtfMap) -> Option<Source> {
    match map.map.kind {
        PERF_EVENT_ARRAY => Some(Source::PerfArray),
        RINGBUF => Some(Source::RingBuffer),
        _ => None,
    }
}

impl Chosen<'_, '_> {
    fn map(&self, listed: &Listed<'_>) -> &BtfMap {
        &self.facts.maps[listed.map]
    }

    fn stream(&self, listed: &Listed<'_>, source: Source, layout: Layout) -> Stream {
        Stream { name: self.map(listed).map.name.clone(), map: listed.map, source, layout, open_ended: false }
    }

    /// Each exporting map carries its layout.
    fn flat(mut self, listed: &[Listed<'_>]) -> Result<Vec<Stream>, PlanError> {
        let mut streams = Vec::new();
        for item in listed {
            let name = &self.map(item).map.name;
            match (ring(self.map(item)), &item.entry.flat) {
                (Some(source), Some(flat)) => {
                    let layout = flat::layout(name, flat, self.facts.limits.fields)?;
                    add(&mut streams, self.stream(item, source, layout))?;
                }
                (Some(_), None) => {
                    let note =
                        format!("map {name}: the package describes no records of it, so it is not read");
                    self.notes.push(note);
                }
                (None, Some(_)) => {
                    let note =
                        format!("map {name}: described as exporting, but it is no ring buffer or perf array");
                    self.notes.push(note);
                }
                (None, None) => {}
            }
        }
        self.stack_traces(listed);
        Ok(streams)
    }

    fn single(mut self, listed: &[Listed<'_>]) -> Result<Vec<Stream>, PlanError> {
        let exports = &self.facts.description.exports;
        let mut sampled_type = false;
        let mut streams = Vec::new();
        for item in listed {
            let Some(sample) = &item.entry.sample else { continue };
            if ring(self.map(item)).is_some() {
                let note = format!("map {}: its records are read as they come, not sampled", item.entry.name);
                self.notes.push(note);
                continue;
            }
            let stream = self.sampled(item, sample)?;
            drawable(&stream)?;
            sampled_type |=
                exports.first().is_some_and(|export| value_name(&stream.layout) == Some(&export.name));
            add(&mut streams, stream)?;
        }
        let rings: Vec<_> = listed.iter().filter(|item| ring(self.map(item)).is_some()).collect();
        if rings.is_empty() {
            self.unread_exports(listed, &streams);
            return Ok(streams);
        }
        if exports.is_empty() || (sampled_type && exports.len() == 1) {
            // A package that prints nothing itself, or only samples.
            let named = &self.map(rings[0]).map.name;
            if streams.is_empty() && self.facts.description.maps.is_some() {
                return Err(PlanError::NoExportType { map: named.clone() });
            }
            self.notes
                .push(format!("map {named}: the package describes no records of it, so it is not read"));
            return Ok(streams);
        }
        let export = &exports[usize::from(sampled_type)];
        let read = if exports.len() == 1 { &rings[..] } else { &rings[rings.len() - 1..] };
        if rings.len() > read.len() {
            let left = rings[..rings.len() - 1].iter().map(|item| self.map(item).map.name.as_str());
            self.notes.push(format!(
                "{} export types and {} maps to export from, and nothing says which belongs to which: {} is read as \
                 {}, not read: {} (enable_multiple_export_types and export_config would say)",
                exports.len(),
                rings.len(),
                self.map(read[0]).map.name,
                export.name,
                left.collect::<Vec<_>>().join(", ")
            ));
        } else if read.len() > 1 {
            self.notes.push(format!("{} maps export records, all of type {}", read.len(), export.name));
        }
        let layout = self.export_layout(export)?;
        for item in read {
            let source = ring(self.map(item)).unwrap_or(Source::RingBuffer);
            add(&mut streams, self.stream(item, source, layout.clone()))?;
        }
        let order = |stream: &Stream| listed.iter().position(|item| item.map == stream.map);
        streams.sort_by_key(order);
        self.stack_traces(listed);
        Ok(streams)
    }

    /// Export types that no map can deliver are no error: ecc adds every struct of the header.
    fn unread_exports(&mut self, listed: &[Listed<'_>], streams: &[Stream]) {
        if streams.is_empty() && !self.facts.description.exports.is_empty() {
            self.notes
                .push("the package describes records, but the object has no map to export them".to_owned());
        }
        self.stack_traces(listed);
    }

    fn stack_traces(&mut self, listed: &[Listed<'_>]) {
        for item in listed.iter().filter(|item| item.entry.stack_trace) {
            self.notes
                .push(format!("map {}: stack traces are shown as the numbers they are", item.entry.name));
        }
    }

    /// Layout of an export type, from the BTF that it refers to.
    fn export_layout(&self, export: &ExportType) -> Result<Layout, PlanError> {
        let Some(bytes) = &self.facts.description.export_btf else {
            let btf = self.facts.needed_btf(&format!("struct `{}`", export.name))?;
            return exported(btf, export);
        };
        let elsewhere = |error| match error {
            PlanError::Btf { source, .. } => {
                PlanError::Btf { place: "the package's own BTF".to_owned(), source }
            }
            other => other,
        };
        let btf = Btf::parse(bytes, self.facts.limits).map_err(in_object).map_err(elsewhere)?;
        exported(&btf, export).map_err(elsewhere)
    }

    fn multiple(mut self, listed: &[Listed<'_>]) -> Result<Vec<Stream>, PlanError> {
        let mut streams = Vec::new();
        for item in listed {
            let map = self.map(item);
            let name = map.map.name.clone();
            let failed = |reason: &str| PlanError::Export { map: name.clone(), reason: reason.to_owned() };
            if item.entry.export == ExportConfig::None {
                continue;
            }
            let stream = match (ring(map), &item.entry.sample) {
                (Some(_), _) if item.entry.export == ExportConfig::MapValue => {
                    return Err(failed(
                        "export_config `default` is for sampled maps, records of this one have no type",
                    ));
                }
                (Some(source), _) => {
                    let layout = self.configured(&name, &item.entry.export)?;
                    let open_ended = matches!(item.entry.export, ExportConfig::Members(_));
                    Stream { open_ended, ..self.stream(item, source, layout) }
                }
                (None, Some(sample)) => {
                    let mut stream = self.sampled(item, sample)?;
                    if item.entry.export != ExportConfig::MapValue {
                        let value = self.configured(&name, &item.entry.export)?;
                        let (needs, has) = (value.size_bytes, self.map(item).map.value_bytes);
                        if needs > has {
                            return Err(failed(&format!(
                                "its values have {has} bytes, the type given for them {needs}"
                            )));
                        }
                        replace_value(&mut stream.layout, value);
                    }
                    drawable(&stream)?;
                    stream
                }
                (None, None) => {
                    let note =
                        format!("map {name}: export_config without sample on a map that is no ring; ignored");
                    self.notes.push(note);
                    continue;
                }
            };
            add(&mut streams, stream)?;
        }
        self.stack_traces(listed);
        Ok(streams)
    }

    /// `btf_type_id` and `custom_members`: types of the object's own BTF.
    fn configured(&self, map: &str, config: &ExportConfig) -> Result<Layout, PlanError> {
        let btf = self.facts.needed_btf(&format!("map `{map}`"))?;
        match config {
            ExportConfig::Type(id) => {
                let resolved = btf.resolve(*id, map).map_err(in_object)?;
                let mut builder = LayoutBuilder::new(btf);
                match resolved.kind {
                    btf_rs::Type::Struct(_) | btf_rs::Type::Union(_) => {
                        builder.record(*id, map).map_err(in_object)
                    }
                    _ => {
                        let ty = builder.value(*id, map).map_err(in_object)?;
                        let size_bytes = btf.size_bytes(*id, map).map_err(in_object)?;
                        let type_name = btf.spell(*id).map_err(in_object)?;
                        // A record that is a single value has no member to take the name from.
                        let field =
                            Field { name: "value".to_owned(), bit_offset: 0, ty, type_name, bitfield: false };
                        Ok(Layout { name: map.to_owned(), size_bytes, fields: vec![field] })
                    }
                }
            }
            ExportConfig::Members(members) => custom(btf, map, members),
            ExportConfig::None | ExportConfig::MapValue => {
                Err(PlanError::Export { map: map.to_owned(), reason: "no type is given".to_owned() })
            }
        }
    }

    /// Key and value by the map's BTF types; bytes where the map gives only their size.
    fn sampled(&mut self, item: &Listed<'_>, sample: &SampleEntry) -> Result<Stream, PlanError> {
        let map = self.map(item).clone();
        let name = &map.map.name;
        let btf = self.facts.needed_btf(&format!("map `{name}`"))?;
        let mut builder = LayoutBuilder::new(btf);
        let mut part = |part: &str, id: Option<u32>, bytes: u32| match id {
            Some(id) => {
                let ty = builder.value(id, &format!("{part} of map {name}"))?;
                Ok((ty, btf.spell(id)?))
            }
            None => Ok(untyped(bytes)),
        };
        let key = part("key", map.key_type, map.map.key_bytes).map_err(in_object)?;
        let value = match map.value_type {
            Some(_) => part("value", map.value_type, map.map.value_bytes).map_err(in_object)?,
            None => self.exported_value(map.map.value_bytes)?.unwrap_or_else(|| untyped(map.map.value_bytes)),
        };
        let layout = pair(name, &map, key, value)?;
        if PER_CPU.contains(&map.map.kind) {
            self.notes.push(format!("map {name}: one value for each CPU"));
        }
        let sampling = Sampling { interval: sample.interval, kind: sample.kind.clone(), clear: sample.clear };
        Ok(self.stream(item, Source::Sampled(sampling), layout))
    }

    /// The export type stands in for a value without BTF type when the sizes agree.
    fn exported_value(&self, bytes: u32) -> Result<Option<(Type, String)>, PlanError> {
        let Some(export) = self.facts.description.exports.first() else { return Ok(None) };
        if export.size_bytes.is_none_or(|size| size != u64::from(bytes)) {
            return Ok(None);
        }
        let layout = self.export_layout(export)?;
        Ok(Some((Type::Struct(layout.into()), format!("struct {}", export.name))))
    }
}

/// Streams of one package. Each holds its layout.
const MAX_STREAMS: usize = 64;

fn add(streams: &mut Vec<Stream>, stream: Stream) -> Result<(), PlanError> {
    if streams.len() == MAX_STREAMS {
        let reason = format!("more than {MAX_STREAMS} maps export records");
        return Err(PlanError::Export { map: stream.name, reason });
    }
    streams.push(stream);
    Ok(())
}

fn exported(btf: &Btf, export: &ExportType) -> Result<Layout, PlanError> {
    let id = members::checked(btf, export)?;
    let path = format!("struct {}", export.name);
    LayoutBuilder::new(btf).record(id, &path).map_err(in_object)
}
