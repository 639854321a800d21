//! The generations of the format, one file each, and how they are told apart.
//!
//! A generation is a row of [`GENERATIONS`]: how to recognise it, the keys that it defines, and how to read it.

mod flat;
mod present;
mod transitional;

use crate::description::Description;
use crate::foreign::Foreign;
use crate::package::{Doc, Polling, UnknownKey};
use crate::text::is_unsafe;
use crate::tree::Node;
use crate::view::View;
use crate::{Generation, Limits, OpenError};

/// A row of the table.
pub(crate) struct Format {
    pub(crate) generation: Generation,
    pub(crate) recognises: fn(&Node<'_>) -> bool,
    pub(crate) schema: &'static Schema,
    pub(crate) read: fn(&View<'_, '_>, &Limits) -> Result<Read, OpenError>,
}

/// What a reader hands back.
pub(crate) struct Read {
    pub(crate) object: Vec<u8>,
    pub(crate) object_path: &'static str,
    pub(crate) doc: Doc,
    pub(crate) polling: Polling,
    pub(crate) description: Description,
}

/// In the order in which they are tried.
pub(crate) static GENERATIONS: [Format; 3] = [transitional::FORMAT, present::FORMAT, flat::FORMAT];

/// Finds the generation, or says what else it is.
pub(crate) fn of(top: &Node<'_>) -> Result<&'static Format, Foreign> {
    GENERATIONS.iter().find(|format| (format.recognises)(top)).ok_or_else(|| foreign(top))
}

fn foreign(top: &Node<'_>) -> Foreign {
    let any = |keys: &[&str]| keys.iter().any(|key| top.has(key));
    if any(&["ebpf_object_data", "ebpf_object_size", "export_events"]) {
        return Foreign::Sketch;
    }
    if any(&["bpf_skel"]) || (top.has("meta") && top.get("meta").is_some_and(|meta| meta.has("bpf_skel"))) {
        return Foreign::BareMeta;
    }
    if any(&["dependencies", "devDependencies", "peerDependencies", "scripts", "npmVersion"])
        || (top.has("name")
            && top.has("version")
            && any(&["main", "module", "type", "exports", "repository"]))
    {
        return Foreign::Npm;
    }
    let Node::Map(entries) = top else { return Foreign::NotAnObject { found: top.kind() } };
    let shown = |(key, _): &(std::borrow::Cow<'_, str>, _)| Node::Text(key.clone()).compact(40);
    Foreign::OtherObject { keys: entries.iter().take(5).map(shown).collect() }
}

/// The keys that a generation defines.
pub(crate) enum Schema {
    /// Whatever is below is defined.
    Any,
    /// An object with these keys.
    Keys(&'static [(&'static str, Schema)]),
    /// A list of such items.
    Each(&'static Schema),
}

/// Unknown keys that are kept, and how much of each value.
const MAX_UNKNOWN: usize = 200;
const SHOWN: usize = 200;

/// Every key that the generation does not define.
pub(crate) fn unknown_keys(top: &Node<'_>, schema: &Schema) -> Vec<UnknownKey> {
    let mut found = Vec::new();
    collect(top, schema, &mut String::new(), &mut found);
    found
}

fn collect(node: &Node<'_>, schema: &Schema, path: &mut String, found: &mut Vec<UnknownKey>) {
    let length = path.len();
    match (schema, node) {
        (Schema::Keys(keys), Node::Map(entries)) => {
            for (key, value) in entries {
                if found.len() >= MAX_UNKNOWN {
                    return;
                }
                if !path.is_empty() {
                    path.push('.');
                }
                path.extend(
                    key.chars()
                        .take(SHOWN)
                        .map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }),
                );
                match keys.iter().find(|(known, _)| known == key) {
                    Some((_, below)) => collect(value, below, path, found),
                    None => found.push(UnknownKey { path: path.clone(), value: value.compact(SHOWN) }),
                }
                path.truncate(length);
            }
        }
        (Schema::Each(item), Node::List(items)) => {
            for (index, value) in items.iter().enumerate() {
                path.push_str(&format!("[{index}]"));
                collect(value, item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
