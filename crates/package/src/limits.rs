//! How much a package may ask for before it is refused.

/// Bounds on everything whose size a package decides. Checked before memory is taken.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of the package file.
    pub package_bytes: u64,
    /// Bytes of the BPF object after inflation.
    pub object_bytes: u64,
    /// Types in the object's BTF.
    pub btf_types: u32,
    /// How deep types may nest, typedefs and modifiers counted.
    pub type_nesting: u32,
    /// Fields of one layout, nested ones and array elements that become reads counted.
    pub fields: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            package_bytes: 64 << 20,
            object_bytes: 64 << 20,
            btf_types: 1 << 18,
            type_nesting: 32,
            fields: 1 << 14,
        }
    }
}
