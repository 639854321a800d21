//! What a package says about its object, whatever its generation. The files under `format/` make it.

use std::time::Duration;

use crate::plan::SampleKind;

/// The package's own words; nothing here has been compared with the object yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Description {
    /// What libbpf shall call the object.
    pub(crate) object_name: String,
    pub(crate) license: Option<String>,
    /// `None`: the package has no list.
    pub(crate) maps: Option<Vec<MapEntry>>,
    /// `None`: the package has no list, or it attaches every program (flat generation).
    pub(crate) programs: Option<Vec<ProgramEntry>>,
    pub(crate) variables: Vec<VariableEntry>,
    pub(crate) exports: Vec<ExportType>,
    /// BTF blob that `exports` refer to instead of the object's (transitional generation).
    pub(crate) export_btf: Option<Vec<u8>>,
    /// Each map names its own layout.
    pub(crate) multiple_exports: bool,
    /// Found out while reading; for `-v`.
    pub(crate) notes: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct MapEntry {
    pub(crate) name: String,
    /// C identifier; names the section of an internal map.
    pub(crate) ident: Option<String>,
    pub(crate) sample: Option<SampleEntry>,
    pub(crate) export: ExportConfig,
    /// Flat generation: the layout itself.
    pub(crate) flat: Option<FlatLayout>,
    pub(crate) stack_trace: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct SampleEntry {
    pub(crate) interval: Duration,
    pub(crate) kind: SampleKind,
    pub(crate) clear: Option<bool>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum ExportConfig {
    #[default]
    None,
    /// The map's own value type.
    MapValue,
    /// A type of the object's BTF.
    Type(u32),
    Members(Vec<CustomMember>),
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CustomMember {
    pub(crate) name: String,
    pub(crate) offset_bytes: u32,
    pub(crate) type_id: u32,
}

/// All in bits.
#[derive(Debug, Clone)]
pub(crate) struct FlatLayout {
    pub(crate) name: String,
    /// `sizeof`.
    pub(crate) size: u64,
    /// End of the last field.
    pub(crate) data_size: u64,
    pub(crate) fields: Vec<FlatField>,
}

#[derive(Debug, Clone)]
pub(crate) struct FlatField {
    pub(crate) name: String,
    pub(crate) c_type: String,
    pub(crate) llvm_type: String,
    pub(crate) offset: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct ProgramEntry {
    pub(crate) name: String,
    pub(crate) attach: Option<String>,
    pub(crate) link: bool,
    pub(crate) extras: Extras,
}

/// Attach fields of programs that libbpf cannot attach by their section.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    pub(crate) xdp_ifindex: Option<i32>,
    pub(crate) xdp_flags: Option<u32>,
    pub(crate) tc_ifindex: Option<i32>,
    pub(crate) tc_attach_point: Option<String>,
    pub(crate) tc_handle: Option<u32>,
    pub(crate) tc_priority: Option<u32>,
}

/// A variable of a data section. Its type and place come from the object.
#[derive(Debug, Clone, Default)]
pub(crate) struct VariableEntry {
    pub(crate) name: String,
    pub(crate) long: Option<String>,
    pub(crate) short: Option<String>,
    pub(crate) help: Option<String>,
    /// Text of the value to start with.
    pub(crate) default: Option<String>,
    /// The package asks for an option (`cmdarg`), so the variable is one even when C calls it a plain constant.
    pub(crate) wanted: bool,
}

/// A record type that the package exports.
#[derive(Debug, Clone)]
pub(crate) struct ExportType {
    pub(crate) name: String,
    pub(crate) type_id: Option<u32>,
    pub(crate) size_bytes: Option<u64>,
    /// Name and type as C spells it; `None`: the package lists none.
    pub(crate) members: Option<Vec<(String, String)>>,
}
