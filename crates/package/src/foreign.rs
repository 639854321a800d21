//! Files that are no package, told apart by their first bytes, so that the message can say what they are.

use std::fmt;

/// What a file is that is no package.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Foreign {
    /// gzip data.
    Gzip,
    /// A tar archive.
    Tar,
    /// A zip archive.
    Zip,
    /// A WebAssembly module.
    Wasm,
    /// An ELF file for BPF, without a description.
    BareObject,
    /// An ELF file for another machine.
    Elf,
    /// A web page.
    Html,
    /// XML that is no web page.
    Xml,
    /// Text in no format that is read.
    Text,
    /// Bytes that are no text.
    Binary,
    /// JSON or YAML whose top is no object.
    NotAnObject {
        /// What it is (`a list`).
        found: &'static str,
    },
    /// An object with none of a package's keys.
    OtherObject {
        /// The first few of its keys.
        keys: Vec<String>,
    },
    /// A `package.json` of npm.
    Npm,
    /// The description that belongs to a separate object (`NAME.skel.json`).
    BareMeta,
    /// The design sketch of v0.0.1, for which no reader ever existed.
    Sketch,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip data, which is not supported yet",
            Self::Tar => "a tar archive, which is not supported yet",
            Self::Zip => "a zip archive",
            Self::Wasm => "a WebAssembly module",
            Self::BareObject => "a bare BPF object (ELF)",
            Self::Elf => "an ELF file that is not for BPF",
            Self::Html => "an HTML page",
            Self::Xml => "XML",
            Self::Text => "plain text",
            Self::Binary => "binary data of no known format",
            Self::Npm => "a package.json of npm",
            Self::BareMeta => "the description of a package without its object",
            Self::Sketch => "a package of the 2022 design sketch, which was never implemented",
            Self::NotAnObject { found } => return write!(f, "{found} at the top"),
            Self::OtherObject { keys } if keys.is_empty() => "an object without keys",
            Self::OtherObject { keys } => return write!(f, "an object with the keys {}", keys.join(", ")),
        })
    }
}

impl Foreign {
    /// What to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Gzip => "unpack it with gunzip",
            Self::Tar | Self::Zip => "unpack it and give the package.json inside",
            Self::Wasm => "WebAssembly modules carry their own user-space program, which is not run here",
            Self::BareObject => "a package also describes its object: build it with `ecli build`",
            Self::Html => "the address leads to a web page, not to the file: look for the raw file's address",
            Self::Npm | Self::NotAnObject { .. } | Self::OtherObject { .. } => {
                "a BPF package has the keys bpf_object and meta"
            }
            Self::BareMeta => "use the package.json that was built beside it",
            Self::Elf | Self::Xml | Self::Text | Self::Binary => {
                "a package is the JSON or YAML file that `ecli build` writes"
            }
            Self::Sketch => return None,
        })
    }

    /// Recognises what is certain from the first bytes. `None`: JSON, YAML or unknown text.
    pub(crate) fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x1f, 0x8b, ..] => return Some(Self::Gzip),
            [b'P', b'K', 3, 4, ..] => return Some(Self::Zip),
            [0, b'a', b's', b'm', ..] => return Some(Self::Wasm),
            // e_machine is at 18, little or big endian by EI_DATA; EM_BPF is 247.
            [0x7f, b'E', b'L', b'F', ..] => {
                let bpf = matches!(bytes.get(18..20), Some([247, 0] | [0, 247]));
                return Some(if bpf { Self::BareObject } else { Self::Elf });
            }
            _ => {}
        }
        if bytes.get(257..262) == Some(b"ustar") {
            return Some(Self::Tar);
        }
        if bytes.contains(&0) || std::str::from_utf8(bytes).is_err() {
            return Some(Self::Binary);
        }
        let start = bytes.trim_ascii_start();
        if !start.starts_with(b"<") {
            return None;
        }
        let head = start[..start.len().min(1024)].to_ascii_lowercase();
        let holds = |tag: &[u8]| head.windows(tag.len()).any(|window| window == tag);
        Some(if holds(b"<!doctype html") || holds(b"<html") || holds(b"<head") || holds(b"<body") {
            Self::Html
        } else {
            Self::Xml
        })
    }
}
