//! A walk over the blob before btf-rs reads it: byte order, bounds, and how many types and names there are.
//!
//! Format: <https://docs.kernel.org/bpf/btf.html>.

use std::collections::HashMap;

use super::BtfError;
use crate::Limits;

/// What the walk found out.
pub(super) struct Checked {
    pub(super) types: u32,
    /// Ids of the DATASECs.
    pub(super) sections: Vec<u32>,
    /// btf-rs hides these two fields of INT.
    pub(super) odd_integers: HashMap<u32, (u8, u8)>,
}

const HEADER_BYTES: usize = 24;

/// The kernel ends names at 512 bytes; tags may be longer.
const MAX_NAME_BYTES: usize = 4096;

/// A type has at most a few members on average: names are members' and values' names too.
const NAMES_PER_TYPE: u64 = 4;

pub(super) fn check(bytes: &[u8], limits: &Limits) -> Result<Checked, BtfError> {
    let damaged = |reason: &str| BtfError::Damaged { reason: reason.to_owned() };
    match bytes {
        [0x9f, 0xeb, 1, 0, ..] => {}
        [0xeb, 0x9f, ..] => return Err(BtfError::BigEndian),
        [0x9f, 0xeb, version, flags, ..] => {
            return Err(BtfError::Damaged {
                reason: format!("version {version}, flags {flags}: expected 1 and 0"),
            });
        }
        _ => return Err(damaged("it does not start with its magic number")),
    }
    let field = |index: usize| word(bytes, 4 + 4 * index).ok_or_else(|| damaged("the header ends early"));
    let (header, type_start, type_length) = (field(0)?, field(1)?, field(2)?);
    let (string_start, string_length) = (field(3)?, field(4)?);
    if (header as usize) < HEADER_BYTES {
        return Err(damaged("the header is too short"));
    }
    let part = |start: u32, length: u32| {
        let start = u64::from(header) + u64::from(start);
        let range = usize::try_from(start).ok()?..usize::try_from(start + u64::from(length)).ok()?;
        bytes.get(range)
    };
    let types = part(type_start, type_length).ok_or_else(|| damaged("the types run past the end"))?;
    let strings = part(string_start, string_length).ok_or_else(|| damaged("the names run past the end"))?;
    names(strings, limits)?;
    walk(types, limits)
}

fn names(strings: &[u8], limits: &Limits) -> Result<(), BtfError> {
    let damaged = |reason: &str| BtfError::Damaged { reason: reason.to_owned() };
    if strings.first() != Some(&0) || strings.last() != Some(&0) {
        return Err(damaged("the names do not start and end with a NUL"));
    }
    let most = u64::from(limits.btf_types) * NAMES_PER_TYPE;
    let mut count = 0;
    for name in strings.split(|byte| *byte == 0) {
        count += 1;
        if count > most {
            return Err(BtfError::TooManyTypes { limit: limits.btf_types });
        }
        if name.len() > MAX_NAME_BYTES {
            return Err(damaged("a name is longer than 4096 bytes"));
        }
    }
    Ok(())
}

fn walk(types: &[u8], limits: &Limits) -> Result<Checked, BtfError> {
    const INT: u32 = 1;
    const DATASEC: u32 = 15;
    let mut checked = Checked { types: 0, sections: Vec::new(), odd_integers: HashMap::new() };
    let mut at = 0;
    while at < types.len() {
        checked.types += 1;
        let id = checked.types;
        if id > limits.btf_types {
            return Err(BtfError::TooManyTypes { limit: limits.btf_types });
        }
        let early = || BtfError::Damaged { reason: format!("type {id} ends early") };
        let (Some(info), Some(size), Some(_)) = (word(types, at + 4), word(types, at + 8), word(types, at))
        else {
            return Err(early());
        };
        let (kind, members) = ((info >> 24) & 0x1f, (info & 0xffff) as usize);
        let extra = match kind {
            INT | 14 | 17 => 4,
            2 | 7..=12 | 16 | 18 => 0,
            3 => 12,
            4 | 5 | 15 | 19 => 12 * members,
            6 | 13 => 8 * members,
            kind => {
                return Err(BtfError::Damaged { reason: format!("type {id} is of the unknown kind {kind}") });
            }
        };
        if at + 12 + extra > types.len() {
            return Err(early());
        }
        if kind == INT {
            let encoding = word(types, at + 12).ok_or_else(early)?;
            let (offset, bits) = (((encoding >> 16) & 0xff) as u8, (encoding & 0xff) as u8);
            if offset != 0 || u64::from(bits) != u64::from(size) * 8 {
                checked.odd_integers.insert(id, (offset, bits));
            }
        }
        if kind == DATASEC {
            checked.sections.push(id);
        }
        at += 12 + extra;
    }
    Ok(checked)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
}
