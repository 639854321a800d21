//! The CO-RE relocations in an object's section `.BTF.ext` (kernel documentation, `bpf/btf.rst`).

use libbpf_sys::bpf_core_relo;

/// Every relocation, in the order in which libbpf resolves them. `None`: the section is damaged.
pub(super) fn of(section: &[u8]) -> Option<Vec<bpf_core_relo>> {
    const CORE_RELO_OFFSET: usize = 24;
    let header_size = word(section, 4)? as usize;
    if header_size < CORE_RELO_OFFSET + 8 {
        return Some(Vec::new()); // Made before there was CO-RE.
    }
    let start = header_size.checked_add(word(section, CORE_RELO_OFFSET)? as usize)?;
    let size = word(section, CORE_RELO_OFFSET + 4)? as usize;
    if size == 0 {
        return Some(Vec::new());
    }
    let part = section.get(start..start.checked_add(size)?)?;
    let record_size = word(part, 0)? as usize;
    if record_size < size_of::<bpf_core_relo>() {
        return None;
    }
    let mut all = Vec::new();
    let mut rest = &part[4..];
    while !rest.is_empty() {
        let records = (word(rest, 4)? as usize).checked_mul(record_size)?;
        let records = rest.get(8..records.checked_add(8)?)?;
        for record in records.chunks_exact(record_size) {
            all.push(bpf_core_relo {
                insn_off: word(record, 0)?,
                type_id: word(record, 4)?,
                access_str_off: word(record, 8)?,
                kind: word(record, 12)?,
            });
        }
        rest = &rest[8 + records.len()..];
    }
    Some(all)
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header of 32 bytes, nothing but one section with two relocations of 16 bytes.
    fn section() -> Vec<u8> {
        let mut words = vec![0x0001_eb9f, 32, 0, 0, 0, 0, 0, 4 + 8 + 32];
        words.extend([16, 1, 2, 8, 1, 2, 0, 16, 3, 4, 5]);
        words.into_iter().flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn every_record_of_every_section_is_read() {
        let all = of(&section()).unwrap();
        let fields: Vec<_> =
            all.iter().map(|it| [it.insn_off, it.type_id, it.access_str_off, it.kind]).collect();
        assert_eq!(fields, [[8, 1, 2, 0], [16, 3, 4, 5]]);
    }

    #[test]
    fn a_section_cut_short_anywhere_is_damaged_and_never_a_panic() {
        let whole = section();
        for end in 0..whole.len() {
            assert!(of(&whole[..end]).is_none(), "{end}");
        }
    }

    #[test]
    fn lying_sizes_are_damage() {
        for (at, lie) in [(24, u32::MAX), (28, u32::MAX), (32, 0), (32, 15), (40, u32::MAX), (40, 3)] {
            let mut section = section();
            section[at..at + 4].copy_from_slice(&lie.to_ne_bytes());
            assert!(of(&section).is_none(), "{lie} at {at}");
        }
    }

    #[test]
    fn a_header_from_before_relocations_has_none() {
        let words = [0x0001_eb9f, 24, 0, 0, 0, 0];
        let old: Vec<u8> = words.into_iter().flat_map(u32::to_ne_bytes).collect();
        assert_eq!(of(&old).unwrap().len(), 0);
    }
}
