//! Packages that were damaged on purpose, made from a good one.
//!
//! Each function takes a package of the present generation (`examples/opensnoop/package.json` does for all) and
//! gives the bytes of a file. Making even the largest takes milliseconds.

use std::io::{Read, Write};
use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress, read::ZlibDecoder, write::ZlibEncoder};
use serde_json::{Value, json};

/// `Elf64_Ehdr.e_machine` (elf(5)).
const E_MACHINE: Range<usize> = 18..20;
/// What a `.BTF` section starts with: magic, version 1, no flags, a header of 24 bytes. That of `.BTF.ext` is longer.
const BTF_HEADER: [u8; 8] = [0x9f, 0xeb, 1, 0, 24, 0, 0, 0];
const KIND_STRUCT: u32 = 4;
const KIND_TYPEDEF: u32 = 8;

/// The base64 of the object ends in the middle of a group.
#[must_use]
pub fn truncated_base64(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    let text = text_of(&package).to_owned();
    package["bpf_object"] = json!(text[..text.len() / 2 / 4 * 4 + 1]);
    bytes(&package)
}

/// A byte in the middle of the compressed object is another.
#[must_use]
pub fn damaged_zlib(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    let mut compressed = STANDARD.decode(text_of(&package)).expect("a good package");
    let middle = compressed.len() / 2;
    compressed[middle] ^= 0xff;
    package["bpf_object"] = json!(STANDARD.encode(compressed));
    bytes(&package)
}

/// The compressed object ends early.
#[must_use]
pub fn truncated_zlib(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    let compressed = STANDARD.decode(text_of(&package)).expect("a good package");
    package["bpf_object"] = json!(STANDARD.encode(&compressed[..compressed.len() / 2]));
    bytes(&package)
}

/// `bpf_object_size` is one more than there is.
#[must_use]
pub fn wrong_size(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    package["bpf_object_size"] = json!(object(&package).len() + 1);
    bytes(&package)
}

/// About 10 MiB that inflate to `inflated` zeros (10 GiB as a rule), and say so or claim the size of the good object.
#[must_use]
pub fn bomb(good: &[u8], inflated: u64, declared: bool) -> Vec<u8> {
    let mut package = parse(good);
    if declared {
        package["bpf_object_size"] = json!(inflated);
    }
    package["bpf_object"] = json!(STANDARD.encode(zeros(inflated)));
    bytes(&package)
}

/// The object is an ELF file for another machine.
#[must_use]
pub fn not_bpf(good: &[u8]) -> Vec<u8> {
    const EM_X86_64: [u8; 2] = [62, 0];
    with_object(good, |object| object[E_MACHINE].copy_from_slice(&EM_X86_64))
}

/// The object is text.
#[must_use]
pub fn not_elf(good: &[u8]) -> Vec<u8> {
    with_object(good, |object| object.fill(b'x'))
}

/// The object has no section called `.BTF`.
#[must_use]
pub fn without_btf(good: &[u8]) -> Vec<u8> {
    with_object(good, |object| {
        while let Some(at) = find(object, b"\0.BTF\0").or_else(|| find(object, b".rel.BTF\0")) {
            let dot = at + object[at..].windows(4).position(|four| four == b".BTF").expect("just found");
            object[dot + 1] = b'X';
        }
    })
}

/// The first member of the exported struct is the struct itself, and the package agrees.
#[must_use]
pub fn struct_in_itself(good: &[u8]) -> Vec<u8> {
    let damaged = with_exported_struct(good, |object, at, id| put(object, at + 12 + 4, id));
    let mut package = parse(&damaged);
    package["meta"]["export_types"][0]["members"][0]["type"] = json!("composite");
    bytes(&package)
}

/// Every typedef stands for itself, and the first member of the exported struct is such a typedef.
#[must_use]
pub fn cyclic_typedef(good: &[u8]) -> Vec<u8> {
    with_exported_struct(good, |object, at, _| {
        let typedefs: Vec<_> =
            types(object).into_iter().filter(|(_, kind)| kind >> 24 & 0x1f == KIND_TYPEDEF).collect();
        let all = types(object);
        for (at, _) in &typedefs {
            put(object, at + 8, id_at(&all, *at));
        }
        put(object, at + 12 + 4, id_at(&all, typedefs[0].0));
    })
}

/// The exported struct ends before its members do, in BTF and in the package.
#[must_use]
pub fn past_the_record(good: &[u8]) -> Vec<u8> {
    const SIZE: u32 = 20;
    let damaged = with_exported_struct(good, |object, at, _| put(object, at + 8, SIZE));
    let mut package = parse(&damaged);
    package["meta"]["export_types"][0]["size"] = json!(SIZE);
    bytes(&package)
}

/// The package says that the second member has another type than BTF says.
#[must_use]
pub fn other_member_type(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    package["meta"]["export_types"][0]["members"][1]["type"] = json!("unsigned long long");
    bytes(&package)
}

/// The package's export has a type id that BTF does not have.
#[must_use]
pub fn unknown_type_id(good: &[u8]) -> Vec<u8> {
    let mut package = parse(good);
    package["meta"]["export_types"][0]["type_id"] = json!(1_000_000);
    bytes(&package)
}

/// BTF whose strings lie outside the section.
#[must_use]
pub fn btf_strings_outside(good: &[u8]) -> Vec<u8> {
    with_object(good, |object| {
        let btf = btf(object);
        put(object, btf + 16, 0x7fff_ffff);
    })
}

/// JSON that nests 100,000 arrays within a known key.
#[must_use]
pub fn deep_json() -> Vec<u8> {
    let depth = 100_000;
    format!("{{\"bpf_object\":\"\",\"meta\":{}{}}}", "[".repeat(depth), "]".repeat(depth)).into_bytes()
}

/// A YAML file of a few hundred bytes whose aliases stand for 10^9 items.
#[must_use]
pub fn yaml_aliases() -> Vec<u8> {
    let mut text = String::from("bpf_object: \"\"\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", "));
    }
    text += "meta: *a8\n";
    text.into_bytes()
}

/// zlib data of `count` zeros: one compressed piece that refers to nothing before it, again and again.
fn zeros(count: u64) -> Vec<u8> {
    const PIECE: usize = 16 << 20;
    let piece = vec![0; PIECE];
    let deflated = deflate_piece(&piece);
    let mut all = vec![0x78, 0x9c];
    for _ in 0..count / PIECE as u64 {
        all.extend_from_slice(&deflated);
    }
    all.extend_from_slice(&deflate_piece(&piece[..(count % PIECE as u64) as usize]));
    // An empty last block, and Adler-32 of zeros (RFC 1950): the low half stays 1, the high half counts.
    all.extend_from_slice(&[3, 0]);
    all.extend_from_slice(&((((count % 65521) as u32) << 16) | 1).to_be_bytes());
    all
}

/// Raw deflate up to a byte boundary, with an empty window after it.
fn deflate_piece(piece: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(piece.len() / 500 + 1024);
    let mut deflate = Compress::new(Compression::default(), false);
    deflate.compress_vec(piece, &mut out, FlushCompress::Full).expect("there is room");
    out
}

/// Calls `damage` with the object, the offset of the exported struct in it, and its id.
fn with_exported_struct(good: &[u8], damage: impl FnOnce(&mut [u8], usize, u32)) -> Vec<u8> {
    let id = parse(good)["meta"]["export_types"][0]["type_id"].as_u64().expect("an export") as u32;
    with_object(good, |object| {
        let (at, kind) = types(object)[id as usize - 1];
        assert_eq!(kind >> 24 & 0x1f, KIND_STRUCT, "the export is a struct");
        damage(object, at, id);
    })
}

/// Where each type is, and its `info` (Documentation/bpf/btf.rst, "Type Encoding"); the first has the id 1.
fn types(object: &[u8]) -> Vec<(usize, u32)> {
    let section = btf(object);
    let start = section + 24 + get(object, section + 8) as usize;
    let end = start + get(object, section + 12) as usize;
    let (mut at, mut found) = (start, Vec::new());
    while at < end {
        let info = get(object, at + 4);
        found.push((at, info));
        let count = (info & 0xffff) as usize;
        at += 12
            + match info >> 24 & 0x1f {
                1 | 14 | 17 => 4,
                3 => 12,
                4 | 5 | 15 | 19 => 12 * count,
                6 | 13 => 8 * count,
                _ => 0,
            };
    }
    found
}

fn id_at(types: &[(usize, u32)], at: usize) -> u32 {
    1 + types.iter().position(|found| found.0 == at).expect("a type's place") as u32
}

fn btf(object: &[u8]) -> usize {
    find(object, &BTF_HEADER).expect("the good object has BTF")
}

fn get(object: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(object[at..at + 4].try_into().expect("four bytes"))
}

fn put(object: &mut [u8], at: usize, value: u32) {
    object[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn find(within: &[u8], what: &[u8]) -> Option<usize> {
    within.windows(what.len()).position(|window| window == what)
}

/// The package with its object changed, not in size.
fn with_object(good: &[u8], change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut package = parse(good);
    let mut object = object(&package);
    change(&mut object);
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&object).expect("memory can be written to");
    package["bpf_object"] = json!(STANDARD.encode(encoder.finish().expect("memory can be written to")));
    bytes(&package)
}

/// The BPF object within a good package of the present generation.
fn object(package: &Value) -> Vec<u8> {
    let compressed = STANDARD.decode(text_of(package)).expect("a good package");
    let mut object = Vec::new();
    ZlibDecoder::new(&compressed[..]).read_to_end(&mut object).expect("a good package");
    object
}

fn text_of(package: &Value) -> &str {
    package["bpf_object"].as_str().expect("a good package")
}

fn parse(good: &[u8]) -> Value {
    serde_json::from_slice(good).expect("a good package")
}

fn bytes(package: &Value) -> Vec<u8> {
    package.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &[u8] = include_bytes!("../../examples/opensnoop/package.json");

    #[test]
    fn a_bomb_inflates_to_what_it_should() {
        let size = (16 << 20) * 3 + 5;
        let package = parse(&bomb(GOOD, size, true));
        assert_eq!(package["bpf_object_size"], size);
        let inflated = object(&package);
        assert_eq!(inflated.len() as u64, size);
        assert!(inflated.iter().all(|byte| *byte == 0));
        assert!(bomb(GOOD, 10 << 30, false).len() < 16 << 20);
    }

    #[test]
    fn damage_is_where_it_should_be() {
        assert!(find(&object(&parse(&without_btf(GOOD))), b".BTF\0").is_none());
        assert!(find(&object(&parse(GOOD)), b".BTF\0").is_some());
        for damage in
            [struct_in_itself, cyclic_typedef, past_the_record, btf_strings_outside, not_bpf, not_elf]
        {
            let damaged = object(&parse(&damage(GOOD)));
            assert_ne!(damaged, object(&parse(GOOD)));
            assert_eq!(damaged.len(), object(&parse(GOOD)).len());
        }
    }
}
