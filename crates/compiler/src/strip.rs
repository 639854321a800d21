//! Removes what no loader reads: DWARF. BTF and all other relocations stay.

use object::build::elf::{Builder, SectionData};
use object::elf::SHT_STRTAB;

use crate::BuildError;

/// Gives the object without `.debug_*` sections and their relocations.
pub(crate) fn strip(object: &[u8]) -> Result<Vec<u8>, BuildError> {
    let mut builder = Builder::read(object).map_err(BuildError::Elf)?;
    for section in &mut builder.sections {
        let name = section.name.as_slice();
        let of = name.strip_prefix(b".rela").or_else(|| name.strip_prefix(b".rel")).unwrap_or(name);
        section.delete = of.starts_with(b".debug_");
    }
    builder.delete_orphans();
    if !builder.sections.iter().any(|section| matches!(section.data, SectionData::SectionString)) {
        // LLVM keeps the names of sections among those of symbols; `object` writes two tables.
        let names = builder.sections.add();
        names.name = b".shstrtab"[..].into();
        names.sh_type = SHT_STRTAB;
        names.sh_addralign = 1;
        names.data = SectionData::SectionString;
    }
    builder.set_section_sizes();
    let mut stripped = Vec::new();
    builder.write(&mut stripped).map_err(BuildError::Elf)?;
    Ok(stripped)
}
