//! The text of a package as a tree of values that borrows from the file.
//!
//! JSON and YAML come out alike. The number of values is bounded, so that a file of brackets cannot take a
//! hundred times its size in memory. Of duplicate keys the last one counts.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::text::{is_unsafe, printable};
use crate::{Encoding, OpenError};

/// Values in one package file; the largest published one has under a thousand.
const MAX_VALUES: u32 = 1 << 17;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node<'a> {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

/// Reads the whole text.
pub(crate) fn parse(text: &str, encoding: Encoding) -> Result<Node<'_>, OpenError> {
    let left = Cell::new(MAX_VALUES);
    match encoding {
        Encoding::Json => {
            let damaged = |error: serde_json::Error| OpenError::Json { reason: one_line(&error.to_string()) };
            let mut reader = serde_json::Deserializer::from_str(text);
            let tree = Seed { left: &left }.deserialize(&mut reader).map_err(damaged)?;
            reader.end().map_err(damaged)?;
            Ok(tree)
        }
        Encoding::Yaml => {
            let options = serde_saphyr::options! {
                budget: serde_saphyr::budget! {
                    max_nodes: MAX_VALUES as usize,
                    max_aliases: 64,
                    max_anchors: 64,
                    max_recorded_anchor_events: 10_000,
                    max_merge_keys: 64,
                    max_documents: 1,
                },
                duplicate_keys: serde_saphyr::options::DuplicateKeyPolicy::LastWins,
                with_snippet: false,
            };
            serde_saphyr::with_deserializer_from_str_with_options(text, options, |reader| {
                Seed { left: &left }.deserialize(reader)
            })
            .map_err(|error| OpenError::Yaml { reason: yaml_reason(&error) })
        }
    }
}

/// What is wrong, with its place where the parser names it in words.
fn yaml_reason(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => yaml_reason(error),
        Error::Budget { .. } => "it asks for more nodes, aliases or nesting than a package may".to_owned(),
        other => one_line(&other.to_string()),
    }
}

fn one_line(text: &str) -> String {
    printable(text.split_whitespace().collect::<Vec<_>>().join(" ").as_bytes())
}

#[derive(Clone, Copy)]
struct Seed<'c> {
    left: &'c Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Node<'de>, D::Error> {
        let Some(left) = self.left.get().checked_sub(1) else {
            return Err(D::Error::custom(format_args!("more than {MAX_VALUES} values")));
        };
        self.left.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Node::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_any(self)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Self::Value, E> {
        Ok(Node::Integer(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Node::Float(value))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
        Ok(Node::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = access.next_key_seed(self)? {
            let key = match key {
                Node::Text(text) => text,
                other => Cow::Owned(other.compact(KEY_LENGTH)),
            };
            entries.push((key, access.next_value_seed(self)?));
        }
        Ok(Node::Map(entries))
    }
}

/// Keys of YAML that are no text are written out up to this length.
const KEY_LENGTH: usize = 80;

impl<'a> Node<'a> {
    /// The last value of that key; `None` also when this is no map.
    pub(crate) fn get(&self, key: &str) -> Option<&Node<'a>> {
        match self {
            Self::Map(entries) => entries.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// What kind of value this is, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
            Self::Map(_) => "an object",
        }
    }

    /// As JSON without spaces, cut after `most` characters with an ellipsis.
    pub(crate) fn compact(&self, most: usize) -> String {
        let mut out = String::new();
        self.write(&mut out, most);
        if out.chars().count() > most {
            out = out.chars().take(most).collect();
            out.push('…');
        }
        out
    }

    /// Stops soon after `most` bytes.
    fn write(&self, out: &mut String, most: usize) {
        if out.len() > most {
            return;
        }
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Integer(value) => out.push_str(&value.to_string()),
            Self::Float(value) => out.push_str(&value.to_string()),
            Self::Text(text) => write_text(text, out, most),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    if out.len() > most {
                        break;
                    }
                    if index > 0 {
                        out.push(',');
                    }
                    item.write(out, most);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    if out.len() > most {
                        break;
                    }
                    if index > 0 {
                        out.push(',');
                    }
                    write_text(key, out, most);
                    out.push(':');
                    value.write(out, most);
                }
                out.push('}');
            }
        }
    }
}

fn write_text(text: &str, out: &mut String, most: usize) {
    out.push('"');
    for c in text.chars().take(most + 1) {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if is_unsafe(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
