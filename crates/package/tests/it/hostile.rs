//! Any bytes end in a value or an error, soon.

use std::time::{Duration, Instant};

use package::Limits;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::blob::Blob;
use crate::build::{EVENTS, TORTURE, base64, events, events_meta, present, transitional, zlib};

/// Opens and plans; a panic fails the test by itself.
fn survives(bytes: &[u8]) {
    let start = Instant::now();
    if let Ok(package) = package::open(bytes, &Limits::default())
        && let Ok(plan) = package.plan(&Limits::default())
    {
        for parameter in &plan.parameters {
            let shown = parameter.display(parameter.value());
            // What is shown may be no value that can be set, and that is no reason to panic.
            let _ = parameter.encode(&shown);
        }
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// Overwrites a few places, and cuts the end off sometimes.
fn mutated(bytes: &[u8]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let bytes = bytes.to_vec();
    let edits = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12);
    (edits, prop::option::weighted(0.2, any::<prop::sample::Index>())).prop_map(move |(edits, cut)| {
        let mut bytes = bytes.clone();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        bytes
    })
}

/// The section `.BTF` of an object.
fn btf_of(object: &[u8]) -> std::ops::Range<usize> {
    let at = object.windows(4).position(|window| window == [0x9f, 0xeb, 1, 0]).unwrap();
    let word = |at: usize| u32::from_le_bytes(object[at..at + 4].try_into().unwrap()) as usize;
    at..at + 24 + word(at + 16) + word(at + 20)
}

/// Edits inside the types of BTF only, which get past the ELF.
fn mutated_btf(object: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let btf = btf_of(object);
    mutated(&object[btf.clone()]).prop_map(move |changed| {
        let mut object = object.to_vec();
        object[btf.start..btf.start + changed.len()].copy_from_slice(&changed);
        object
    })
}

fn torture_meta() -> Value {
    json!({"bpf_skel": {"obj_name": "torture_bpf", "maps": [{"name": "rb"}]},
           "export_types": [{"name": "torture", "type_id": 13}]})
}

/// Types of every kind that refer to each other at random: cycles, sizes and offsets that make no sense.
fn blob() -> impl Strategy<Value = Vec<u8>> {
    let members = prop::collection::vec((0u32..12, prop_oneof![0u32..200, any::<u32>()], 0u32..40), 0..5);
    let size = prop_oneof![0u32..40, any::<u32>()];
    prop::collection::vec((1u32..20, any::<bool>(), 0u32..12, size, members), 1..12).prop_map(|types| {
        let mut blob = Blob::new();
        for (kind, flag, target, size, members) in types {
            let name = ["s", "", "char", "x"][target as usize % 4];
            let mut rest = Vec::new();
            let (mut count, mut third) = (0, target);
            match kind {
                1 => {
                    (rest, third) =
                        (vec![(size % 8) << 24 | (target % 3 * 8)], [1, 4, 8, 16][target as usize % 4]);
                }
                3 => rest = vec![target, target, size],
                4 | 5 => {
                    (count, third) = (members.len() as u32, size);
                    for (ty, offset, bits) in &members {
                        rest.extend([
                            blob.string("m"),
                            *ty,
                            if flag { bits << 24 | offset & 0xff_ffff } else { *offset },
                        ]);
                    }
                }
                15 | 19 => {
                    (count, third) = (members.len() as u32, 8);
                    members.iter().for_each(|(a, b, c)| rest.extend([blob.string("v"), *b, a ^ c]));
                }
                6 | 13 => {
                    (count, third) = (members.len() as u32, if kind == 6 { 4 } else { target });
                    members.iter().for_each(|(a, ..)| rest.extend([blob.string("v"), *a]));
                }
                14 | 17 => rest = vec![size],
                16 => third = 8,
                _ => {}
            }
            blob.push(name, kind, flag, count, third, &rest);
        }
        blob.bytes()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_open_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        survives(&bytes);
    }

    #[test]
    fn any_text_opens_or_fails(text in "[\\PC\n]{0,400}") {
        survives(text.as_bytes());
    }

    #[test]
    fn a_changed_package_text_opens_or_fails(bytes in mutated(events().to_string().as_bytes())) {
        survives(&bytes);
    }

    #[test]
    fn a_changed_description_opens_or_fails(bytes in mutated(events_meta().to_string().as_bytes())) {
        let (object, size) = (base64(&zlib(EVENTS)), EVENTS.len());
        let head = format!("{{\"bpf_object\":\"{object}\",\"bpf_object_size\":{size},\"meta\":");
        survives(&[head.as_bytes(), &bytes, b"}"].concat());
    }

    #[test]
    fn a_changed_object_opens_or_fails(object in mutated(EVENTS)) {
        survives(present(&object, events_meta()).to_string().as_bytes());
    }

    #[test]
    fn changed_btf_plans_or_fails(object in mutated_btf(TORTURE)) {
        survives(present(&object, torture_meta()).to_string().as_bytes());
    }

    #[test]
    fn changed_btf_of_variables_plans_or_fails(object in mutated_btf(EVENTS)) {
        survives(present(&object, events_meta()).to_string().as_bytes());
    }

    #[test]
    fn any_types_plan_or_fail(blob in blob(), id in 0u32..13) {
        survives(transitional(&blob, id, "s").to_string().as_bytes());
    }

    #[test]
    fn any_btf_blob_plans_or_fails(blob in prop::collection::vec(any::<u8>(), 0..400)) {
        let blob = [&[0x9f, 0xeb, 1, 0, 24, 0, 0, 0][..], &blob].concat();
        survives(transitional(&blob, 1, "s").to_string().as_bytes());
    }
}
