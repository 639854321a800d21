//! From bytes to a [`Package`]: what is it, which generation, what does it hold.

use sha2::{Digest, Sha256};

use crate::foreign::Foreign;
use crate::tree::{self, Node};
use crate::view::View;
use crate::{Encoding, Limits, OpenError, Package, format, object};

/// Opens a package of any generation, told apart by content and never by file name.
///
/// Takes memory for the object (at most [`Limits::object_bytes`]) and a small tree of what describes it.
///
/// # Errors
///
/// [`OpenError`], when the bytes are no package, a damaged one, or one over a limit.
pub fn open(bytes: &[u8], limits: &Limits) -> Result<Package, OpenError> {
    let size_bytes = bytes.len() as u64;
    if size_bytes > limits.package_bytes {
        return Err(OpenError::TooLarge { bytes: size_bytes, limit: limits.package_bytes });
    }
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if content.trim_ascii().is_empty() {
        return Err(OpenError::Empty);
    }
    if let Some(foreign) = Foreign::sniff(content) {
        return Err(OpenError::Foreign(foreign));
    }
    let text = std::str::from_utf8(content).map_err(|_| OpenError::Foreign(Foreign::Binary))?;
    let (encoding, top) = read(text)?;

    let format = format::of(&top).map_err(|foreign| {
        // `Error: not found` is YAML by accident.
        let accident = encoding == Encoding::Yaml && text.trim().lines().count() == 1;
        OpenError::Foreign(if accident { Foreign::Text } else { foreign })
    })?;
    let read = (format.read)(&View::top(&top), limits)?;
    let license = object::inspect(&read.object)
        .map_err(|source| OpenError::Object { path: read.object_path.to_owned(), source })?
        .or_else(|| read.description.license.clone());
    Ok(Package {
        generation: format.generation,
        encoding,
        size_bytes,
        digest: hex(&Sha256::digest(bytes)),
        object_digest: hex(&Sha256::digest(&read.object)),
        object: read.object,
        doc: read.doc,
        license,
        unknown: format::unknown_keys(&top, format.schema),
        polling: read.polling,
        description: read.description,
    })
}

/// JSON when it starts like JSON, else YAML when it looks like a mapping.
fn read(text: &str) -> Result<(Encoding, Node<'_>), OpenError> {
    let start = text.trim_start();
    let encoding = match start.as_bytes().first() {
        Some(b'{' | b'[' | b'"') => Encoding::Json,
        _ if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() => Encoding::Json,
        _ if starts_a_mapping(start) => Encoding::Yaml,
        _ => return Err(OpenError::Foreign(Foreign::Text)),
    };
    let top = tree::parse(text, encoding)?;
    match &top {
        Node::Map(_) => Ok((encoding, top)),
        Node::Text(_) if encoding == Encoding::Yaml => Err(OpenError::Foreign(Foreign::Text)),
        other => Err(OpenError::Foreign(Foreign::NotAnObject { found: other.kind() })),
    }
}

/// The first line that is no comment and no `---` starts with `key:`.
fn starts_a_mapping(text: &str) -> bool {
    let line = text.lines().map(str::trim_end).find(|line| {
        !(line.trim_start().is_empty()
            || line.starts_with('#')
            || line.starts_with("---")
            || line.starts_with('%'))
    });
    line.and_then(|line| line.split_once(':')).is_some_and(|(key, rest)| {
        let key = key.trim_matches(['"', '\'']);
        let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !key.is_empty() && key.chars().all(word) && (rest.is_empty() || rest.starts_with(' '))
    })
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |b: &u8| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]].map(char::from);
    bytes.iter().flat_map(digits).collect()
}
