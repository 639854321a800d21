//! Sections and symbols.

use object::LittleEndian;
use object::elf::{self, FileHeader64, Ident};
use object::read::elf::{FileHeader, SectionHeader, Sym};
use object::read::{SectionIndex, StringTable};

use super::ObjectError;
use crate::text::is_unsafe;

/// A section by its place in the file.
pub(crate) struct Section<'d> {
    pub(crate) name: &'d str,
    /// Empty when the file holds no bytes for it (`.bss`).
    pub(crate) bytes: &'d [u8],
    pub(crate) size_bytes: u64,
    pub(crate) executable: bool,
    pub(crate) zeroed: bool,
}

/// A symbol with a place in a section.
pub(crate) struct Symbol<'d> {
    pub(crate) name: &'d str,
    /// Index in [`Object::sections`].
    pub(crate) section: usize,
    pub(crate) offset: u64,
    pub(crate) function: bool,
}

/// A parsed object that borrows from the package.
pub(crate) struct Object<'d> {
    pub(crate) sections: Vec<Section<'d>>,
    /// Named symbols in table order.
    pub(crate) symbols: Vec<Symbol<'d>>,
}

/// A program as libbpf sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ObjectProgram {
    pub(crate) name: String,
    pub(crate) section: String,
}

/// Checks that this is a BPF object, and reads its license.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Option<String>, ObjectError> {
    let sections = sections(bytes)?;
    let license = sections.iter().find(|section| section.name == "license");
    Ok(license.and_then(|section| {
        let text = section.bytes.split(|byte| *byte == 0).next()?;
        Some(String::from_utf8_lossy(text).trim().to_owned()).filter(|text| !text.is_empty())
    }))
}

impl<'d> Object<'d> {
    pub(crate) fn parse(bytes: &'d [u8]) -> Result<Self, ObjectError> {
        let sections = sections(bytes)?;
        let symbols = symbols(bytes, sections.len())?;
        Ok(Self { sections, symbols })
    }

    pub(crate) fn section(&self, name: &str) -> Option<&Section<'d>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Functions of executable sections in the order of the file. Those in `.text` are called by programs and are
    /// none themselves.
    pub(crate) fn programs(&self) -> Result<Vec<ObjectProgram>, ObjectError> {
        let mut placed: Vec<_> = self
            .symbols
            .iter()
            .filter(|symbol| {
                let section = &self.sections[symbol.section];
                symbol.function && section.executable && section.name != ".text"
            })
            .collect();
        if placed.len() > MAX_PROGRAMS {
            return Err(ObjectError::Damaged { reason: format!("more than {MAX_PROGRAMS} programs") });
        }
        placed.sort_by_key(|symbol| (symbol.section, symbol.offset));
        let program = |symbol: &&Symbol<'_>| ObjectProgram {
            name: symbol.name.to_owned(),
            section: self.sections[symbol.section].name.to_owned(),
        };
        Ok(placed.iter().map(program).collect())
    }
}

/// Symbols of one object; a large one has a few thousand.
const MAX_SYMBOLS: usize = 1 << 18;

/// Programs of one object; a large one has a few hundred.
const MAX_PROGRAMS: usize = 4096;

fn damaged(error: object::read::Error) -> ObjectError {
    ObjectError::Damaged { reason: error.to_string() }
}

/// Bytes that a message shows of what is no ELF file.
const SHOWN: usize = 8;

fn header(bytes: &[u8]) -> Result<&FileHeader64<LittleEndian>, ObjectError> {
    if !bytes.starts_with(&elf::ELFMAG) {
        let found = bytes.iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
        return Err(ObjectError::NotElf {
            found: if found.is_empty() { "no bytes".to_owned() } else { found },
        });
    }
    let ident = |index: usize| bytes.get(index).copied().unwrap_or(0);
    let big = elf::DataEncoding(ident(5)) == elf::ELFDATA2MSB;
    let machine = [ident(18), ident(19)];
    let machine = if big { u16::from_be_bytes(machine) } else { u16::from_le_bytes(machine) };
    if bytes.len() > size_of::<Ident>() + 4 && elf::Machine(machine) != elf::EM_BPF {
        return Err(ObjectError::NotBpf { machine: machine_name(machine) });
    }
    if big {
        return Err(ObjectError::BigEndian);
    }
    if elf::FileClass(ident(4)) == elf::ELFCLASS32 {
        return Err(ObjectError::NotWide);
    }
    FileHeader64::<LittleEndian>::parse(bytes).map_err(damaged)
}

fn machine_name(machine: u16) -> String {
    let name = match elf::Machine(machine) {
        elf::EM_386 => "x86",
        elf::EM_X86_64 => "x86-64",
        elf::EM_ARM => "ARM",
        elf::EM_AARCH64 => "AArch64",
        elf::EM_RISCV => "RISC-V",
        elf::EM_PPC64 => "PowerPC",
        elf::EM_S390 => "S/390",
        elf::EM_LOONGARCH => "LoongArch",
        _ => return format!("machine {machine}"),
    };
    format!("{name} (machine {machine})")
}

fn sections(bytes: &[u8]) -> Result<Vec<Section<'_>>, ObjectError> {
    let header = header(bytes)?;
    let table = header.sections(LittleEndian, bytes).map_err(damaged)?;
    let mut sections = Vec::with_capacity(table.len());
    for section in table.iter() {
        let name = table.section_name(LittleEndian, section).map_err(damaged)?;
        let name = text(name)
            .ok_or_else(|| ObjectError::Damaged { reason: "a section's name is no text".to_owned() })?;
        let flags = section.sh_flags(LittleEndian);
        sections.push(Section {
            name,
            bytes: section.data(LittleEndian, bytes).map_err(damaged)?,
            size_bytes: section.sh_size(LittleEndian),
            executable: flags.contains(elf::SHF_EXECINSTR),
            zeroed: section.sh_type(LittleEndian) == elf::SHT_NOBITS,
        });
    }
    Ok(sections)
}

/// A name that can stand in a message.
fn text(name: &[u8]) -> Option<&str> {
    const MAX_NAME_BYTES: usize = 4096;
    std::str::from_utf8(name).ok().filter(|name| name.len() <= MAX_NAME_BYTES && !name.contains(is_unsafe))
}

fn symbols<'d>(bytes: &'d [u8], sections: usize) -> Result<Vec<Symbol<'d>>, ObjectError> {
    let table = header(bytes)?.sections(LittleEndian, bytes).map_err(damaged)?;
    let symbols = table.symbols(LittleEndian, bytes, elf::SHT_SYMTAB).map_err(damaged)?;
    if symbols.len() > MAX_SYMBOLS {
        return Err(ObjectError::Damaged { reason: format!("more than {MAX_SYMBOLS} symbols") });
    }
    let strings: StringTable<'d> = symbols.strings();
    let mut found = Vec::new();
    for (index, symbol) in symbols.enumerate() {
        let section = symbols.symbol_section(LittleEndian, symbol, index).map_err(damaged)?;
        let Some(SectionIndex(section)) = section else { continue };
        if section >= sections {
            return Err(ObjectError::Damaged { reason: format!("symbol {} is in no section", index.0) });
        }
        let name = symbol.name(LittleEndian, strings).map_err(damaged)?;
        let (Some(name), kind) = (text(name), symbol.st_type()) else { continue };
        if name.is_empty() || !matches!(kind, elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE) {
            continue;
        }
        let function = kind == elf::STT_FUNC;
        found.push(Symbol { name, section, offset: symbol.st_value(LittleEndian), function });
    }
    Ok(found)
}
