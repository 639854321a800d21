//! Why a file is no usable package. One enum a stage; every message is one line and says where.

use crate::btf::BtfError;
use crate::foreign::Foreign;
use crate::object::ObjectError;

/// Why bytes could not be opened as a package.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// No bytes, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// More bytes than [`Limits::package_bytes`](crate::Limits::package_bytes).
    #[error("the package has {bytes} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Size of the file.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// The content is something else, and it is known what.
    #[error("expected a package, found {0}")]
    Foreign(Foreign),
    /// JSON that does not parse.
    #[error("the JSON is damaged: {reason}")]
    Json {
        /// What, with line and column.
        reason: String,
    },
    /// YAML that does not parse, or that asks for more than its budget (aliases, nesting).
    #[error("the YAML is damaged: {reason}")]
    Yaml {
        /// What, with line and column.
        reason: String,
    },
    /// A key of a known generation holds something that it cannot hold.
    #[error("`{path}`: expected {expected}, found {found}")]
    Field {
        /// Where, from the top (`meta.bpf_skel.maps[2].name`).
        path: String,
        /// What would fit.
        expected: String,
        /// What is there, shortened.
        found: String,
    },
    /// Text that is not base64.
    #[error("`{path}` is no base64: {reason}")]
    Base64 {
        /// The key.
        path: String,
        /// What, with its position.
        reason: String,
    },
    /// Bytes that do not inflate.
    #[error("`{path}` does not inflate: {reason}")]
    Inflate {
        /// The key.
        path: String,
        /// What zlib says.
        reason: String,
    },
    /// The declared or the real size of the object exceeds
    /// [`Limits::object_bytes`](crate::Limits::object_bytes). Found out while inflating.
    #[error("`{path}` {} the limit of {limit} bytes", match .declared { Some(bytes) => format!("declares {bytes} bytes, over"), None => "inflates to more than".to_owned() })]
    ObjectTooLarge {
        /// The key.
        path: String,
        /// The declared size, where that is what exceeds the limit.
        declared: Option<u64>,
        /// The limit.
        limit: u64,
    },
    /// The size field says something else than the bytes.
    #[error("`{path}` says that the object has {declared} bytes, but it has {actual}")]
    SizeDiffers {
        /// The key of the size.
        path: String,
        /// What it says.
        declared: u64,
        /// What was found.
        actual: u64,
    },
    /// The object is no BPF object that can be read.
    #[error("the object in `{path}`: {source}")]
    Object {
        /// The key of the object.
        path: String,
        /// Why.
        source: ObjectError,
    },
}

impl OpenError {
    /// What to try, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Foreign(found) => found.hint(),
            Self::Empty
            | Self::Json { .. }
            | Self::Yaml { .. }
            | Self::Inflate { .. }
            | Self::Base64 { .. } => {
                Some("the file may be damaged or cut short: fetch or build the package again")
            }
            Self::SizeDiffers { .. } => Some("the package was changed after it was built: build it again"),
            Self::Object { source, .. } => source.hint(),
            _ => None,
        }
    }
}

/// Why an opened package could not be planned.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The object carries no BTF, and the package's generation needs it.
    #[error("the BPF object has no BTF, which {needed_by} needs")]
    NoBtf {
        /// What needs a type.
        needed_by: String,
    },
    /// The object's BTF (or, for the transitional generation, that of the package) cannot be read.
    #[error("{place}: {source}")]
    Btf {
        /// Which BTF, and of what.
        place: String,
        /// Why.
        source: BtfError,
    },
    /// The ELF of the object is damaged.
    #[error("the BPF object: {0}")]
    Object(#[from] ObjectError),
    /// The package lists a program that the object does not have.
    #[error("the package lists program `{name}`, but the object has {}", list(.present))]
    NoSuchProgram {
        /// As listed.
        name: String,
        /// What the object has.
        present: Vec<String>,
    },
    /// The package lists a map that the object does not have.
    #[error("the package lists map `{name}`, but the object has {}", list(.present))]
    NoSuchMap {
        /// As listed.
        name: String,
        /// What the object has.
        present: Vec<String>,
    },
    /// A map is exported, but nothing says what its records look like.
    #[error("map `{map}` exports records, but the package describes none")]
    NoExportType {
        /// The map.
        map: String,
    },
    /// An export type names a BTF id that is no such struct.
    #[error("export type `{name}`: expected type {id} to be a struct of that name, found {found}")]
    ExportType {
        /// Name of the struct.
        name: String,
        /// Its BTF id as the package says.
        id: u32,
        /// What has that id.
        found: String,
    },
    /// The package's list of members and BTF disagree.
    #[error("struct {structure}, member `{member}`: expected {expected}, found {found} in the object's BTF")]
    MemberDiffers {
        /// Name of the struct.
        structure: String,
        /// Name of the member in the package (in BTF where the package lists fewer).
        member: String,
        /// What the package says.
        expected: String,
        /// What the object's BTF says.
        found: String,
    },
    /// The package's idea of the size and BTF's disagree.
    #[error("struct {structure}: expected {expected} bytes, found {found} in the object's BTF")]
    SizeDiffers {
        /// Name of the struct.
        structure: String,
        /// What the package says.
        expected: u64,
        /// What BTF says.
        found: u64,
    },
    /// A layout that a flat package describes does not fit its record.
    #[error("record of map `{map}`, field `{field}`: {reason}")]
    FlatField {
        /// The map.
        map: String,
        /// The field.
        field: String,
        /// What does not fit.
        reason: String,
    },
    /// Members given by hand that overlap or do not fit.
    #[error("map `{map}`, custom member `{member}`: {reason}")]
    CustomMember {
        /// The map.
        map: String,
        /// The member.
        member: String,
        /// Why not.
        reason: String,
    },
    /// An export that the map's kind or the object's types cannot give.
    #[error("map `{map}`: {reason}")]
    Export {
        /// The map.
        map: String,
        /// Why not.
        reason: String,
    },
    /// A program whose attach point cannot be used.
    #[error("program `{program}`, `{key}`: expected {expected}, found {found}")]
    Attach {
        /// The program.
        program: String,
        /// The key in the package.
        key: &'static str,
        /// What would do.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// A prescribed value that does not fit its variable.
    #[error("the package's default for variable `{variable}` is `{value}`: {source}")]
    Default {
        /// The variable.
        variable: String,
        /// The value as text.
        value: String,
        /// Why it does not fit.
        source: Box<crate::parameter::ValueError>,
    },
}

impl PlanError {
    /// What to try, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoBtf { .. } => {
                Some("compile the BPF source with `clang -g` and strip with `llvm-strip -g`, which keeps BTF")
            }
            Self::NoExportType { .. } => {
                Some("build the package with its event header, so that the record's struct is part of it")
            }
            Self::ExportType { .. } | Self::MemberDiffers { .. } | Self::SizeDiffers { .. } => {
                Some("the object and its description were not built together: build the package again")
            }
            Self::Attach { .. } => Some("use BPF_TC_INGRESS or BPF_TC_EGRESS"),
            Self::Btf { source, .. } => source.hint(),
            _ => None,
        }
    }
}

/// Names for a message: all of a few, or how many.
fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}
