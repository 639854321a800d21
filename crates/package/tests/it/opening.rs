//! What is and what is no package, and every kind of damage on the way to the object.

use package::{Encoding, Foreign, Generation, Limits, OpenError};
use serde_json::{Value, json};

use crate::build::{EVENTS, base64, events, events_meta, open, present, zlib};

fn refused(bytes: &[u8]) -> OpenError {
    match package::open(bytes, &Limits::default()) {
        Err(error) => {
            let text = error.to_string();
            assert!(!text.contains('\n'), "one line: {text:?}");
            assert!(error.hint().is_none_or(|hint| !hint.contains('\n')));
            error
        }
        Ok(package) => panic!("{package:?}"),
    }
}

fn message(value: &Value) -> String {
    refused(value.to_string().as_bytes()).to_string()
}

#[test]
fn what_is_no_package_is_called_by_its_name() {
    let tar = {
        let mut bytes = vec![0; 512];
        bytes[257..262].copy_from_slice(b"ustar");
        bytes
    };
    let elf = |machine: u8| [b"\x7fELF\x02\x01\x01", &[0; 11][..], &[machine, 0]].concat();
    for (bytes, expected) in [
        (&b"\x1f\x8b\x08\0\0\0"[..], Foreign::Gzip),
        (&tar, Foreign::Tar),
        (b"PK\x03\x04", Foreign::Zip),
        (b"\0asm\x01\0\0\0", Foreign::Wasm),
        (EVENTS, Foreign::BareObject),
        (&elf(62), Foreign::Elf),
        (b"<!DOCTYPE html>\n<html>", Foreign::Html),
        (b"\n  <HTML><body>404", Foreign::Html),
        (b"<?xml version=\"1.0\"?><a/>", Foreign::Xml),
        (b"hello, world\n", Foreign::Text),
        (b"Error: not found\n", Foreign::Text),
        (b"#!/bin/sh\necho hi\n", Foreign::Text),
        (b"\xff\xfe\x80", Foreign::Binary),
        (b"abc\0def", Foreign::Binary),
        (b"[1, 2]", Foreign::NotAnObject { found: "a list" }),
        (b"42", Foreign::NotAnObject { found: "a number" }),
        (b"null", Foreign::NotAnObject { found: "null" }),
        (b"{}", Foreign::OtherObject { keys: vec![] }),
        (b"{\"a\": 1, \"b\": 2}", Foreign::OtherObject { keys: vec!["\"a\"".into(), "\"b\"".into()] }),
        (br#"{"name": "x", "version": "1.0.0", "scripts": {"test": "jest"}}"#, Foreign::Npm),
        (br#"{"name": "x", "version": "1.0.0", "main": "index.js"}"#, Foreign::Npm),
        (br#"{"bpf_skel": {"obj_name": "x"}, "export_types": []}"#, Foreign::BareMeta),
        (br#"{"ebpf_object_data": "", "ebpf_object_size": 0}"#, Foreign::Sketch),
        (b"a: 1\nb: 2\n", Foreign::OtherObject { keys: vec!["\"a\"".into(), "\"b\"".into()] }),
    ] {
        let error = refused(bytes);
        let OpenError::Foreign(found) = &error else { panic!("{error}") };
        assert_eq!(*found, expected, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn messages_say_what_was_expected_and_found() {
    assert_eq!(refused(b"<html>").to_string(), "expected a package, found an HTML page");
    assert_eq!(refused(b"{\"a\":1}").to_string(), "expected a package, found an object with the keys \"a\"");
    assert!(refused(b"\x1f\x8b").hint().is_some());
}

#[test]
fn nothing_and_white_space_are_an_empty_file() {
    for bytes in [&b""[..], b" \n\t", b"\xef\xbb\xbf"] {
        assert!(matches!(refused(bytes), OpenError::Empty), "{bytes:?}");
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let bytes = [b"\xef\xbb\xbf", events().to_string().as_bytes()].concat();
    assert!(package::open(&bytes, &Limits::default()).is_ok());
}

#[test]
fn the_package_file_is_limited() {
    let limits = Limits { package_bytes: 100, ..Limits::default() };
    let error = package::open(&[b' '; 101], &limits).unwrap_err();
    assert_eq!(error.to_string(), "the package has 101 bytes, more than the limit of 100");
}

#[test]
fn damaged_text_is_named_with_its_place() {
    let text = events().to_string();
    let error = refused(&text.as_bytes()[..text.len() / 2]).to_string();
    assert!(error.starts_with("the JSON is damaged: EOF while parsing a string at line 1 column"), "{error}");
    let error = refused(b"bpf_object: [1, 2\nmeta: {").to_string();
    assert!(error.starts_with("the YAML is damaged: "), "{error}");
    let error = refused(&[events().to_string().as_bytes(), b"}"].concat()).to_string();
    assert!(error.starts_with("the JSON is damaged: trailing characters"), "{error}");
}

#[test]
fn brackets_without_end_are_refused_not_followed() {
    for text in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 20), "a: ".to_owned() + &"[".repeat(1 << 20)] {
        assert!(package::open(text.as_bytes(), &Limits::default()).is_err());
    }
}

#[test]
fn values_are_limited_in_number() {
    let text = format!("{{\"bpf_object\":\"\",\"meta\":[{}0]}}", "0,".repeat(1 << 20));
    let error = refused(text.as_bytes()).to_string();
    assert!(error.starts_with("the JSON is damaged: more than 131072 values"), "{error}");
}

#[test]
fn wrong_values_are_named_by_path() {
    let mut package = events();
    package["meta"]["bpf_skel"]["maps"][1]["name"] = json!(["x"]);
    assert_eq!(message(&package), "`meta.bpf_skel.maps[1].name`: expected text, found [\"x\"]");
    let mut package = events();
    package["meta"]["bpf_skel"]["progs"][2]["tchook"]["ifindex"] = json!(1u64 << 40);
    assert_eq!(
        message(&package),
        "`meta.bpf_skel.progs[2].tchook.ifindex`: expected an interface index, found 1099511627776"
    );
    let mut package = events();
    package["meta"]["bpf_skel"]["maps"][0]["sample"] = json!({"type": "pie_chart", "interval": 5});
    assert_eq!(
        message(&package),
        "`meta.bpf_skel.maps[0].sample.type`: expected default_kv, log2_hist or linear_hist, found \"pie_chart\""
    );
    let mut package = events();
    package["bpf_object"] = json!(7);
    assert_eq!(message(&package), "`bpf_object`: expected base64 text, found 7");
}

#[test]
fn missing_and_null_keys_are_as_if_empty() {
    for key in ["maps", "progs", "data_sections", "obj_name", "doc"] {
        let mut package = events();
        package["meta"]["bpf_skel"][key] = Value::Null;
        open(&package)
            .unwrap()
            .plan(&Limits::default())
            .unwrap_or_else(|error| panic!("null {key}: {error}"));
        package["meta"]["bpf_skel"].as_object_mut().unwrap().remove(key);
        open(&package).unwrap().plan(&Limits::default()).unwrap_or_else(|error| panic!("no {key}: {error}"));
    }
    let bare = present(EVENTS, json!({"bpf_skel": null, "export_types": null}));
    assert!(open(&bare).unwrap().plan(&Limits::default()).unwrap().streams.is_empty());
}

#[test]
fn of_duplicate_keys_the_last_counts() {
    let text = events().to_string().replace("\"obj_name\"", "\"obj_name\":\"__padding\",\"obj_name\"");
    assert_eq!(package::open(text.as_bytes(), &Limits::default()).unwrap().name(), "events_bpf");
}

#[test]
fn white_space_between_base64_characters_is_skipped() {
    let mut package = events();
    let text = package["bpf_object"].as_str().unwrap().to_owned();
    let wrapped: String = text.chars().flat_map(|c| [c, '\n', ' ']).collect();
    package["bpf_object"] = json!(wrapped);
    assert_eq!(open(&package).unwrap().object(), EVENTS);
    package["bpf_object"] = json!(text.trim_end_matches('='));
    assert_eq!(open(&package).unwrap().object(), EVENTS, "padding may be missing");
}

#[test]
fn unknown_keys_are_kept_and_never_fatal() {
    let mut package = events();
    package["future"] = json!({"a": [1, null, "x"]});
    package["meta"]["bpf_skel"]["progs"][0]["note"] = json!("hello");
    let package = open(&package).unwrap();
    let unknown: Vec<_> =
        package.unknown().iter().map(|key| (key.path.as_str(), key.value.as_str())).collect();
    assert_eq!(unknown, [("future", r#"{"a":[1,null,"x"]}"#), ("meta.bpf_skel.progs[0].note", "\"hello\"")]);
}

#[test]
fn a_ladder_of_damage_to_the_object() {
    let with = |object: String, size: Value| {
        message(&json!({"bpf_object": object, "bpf_object_size": size, "meta": {"eunomia_version": "0.3.4"}}))
    };
    let good = base64(&zlib(EVENTS));
    let length = EVENTS.len();
    let early = "`bpf_object` does not inflate: the data ends early";
    assert_eq!(with(String::new(), json!(length)), early);
    assert_eq!(with(good[..good.len() / 8 * 4].to_owned(), json!(length)), early);
    assert_eq!(
        with(good[..401].to_owned(), json!(length)),
        "`bpf_object` is no base64: Invalid input length: 401"
    );
    let error = with(good.replacen('A', "*", 1), json!(length));
    assert!(error.starts_with("`bpf_object` is no base64: Invalid symbol 42, offset "), "{error}");
    let mut damaged = zlib(EVENTS);
    damaged[40] ^= 0xff;
    let error = with(base64(&damaged), json!(length));
    assert!(error.starts_with("`bpf_object` does not inflate: "), "{error}");
    let mut checksum = zlib(EVENTS);
    *checksum.last_mut().unwrap() ^= 1;
    let error = with(base64(&checksum), json!(length));
    assert!(error.starts_with("`bpf_object` does not inflate: "), "{error}");
    let error = with(base64(EVENTS), json!(length));
    assert!(error.starts_with("`bpf_object` does not inflate: "), "not compressed: {error}");

    let says =
        |said: usize| format!("`bpf_object_size` says that the object has {said} bytes, but it has {length}");
    assert_eq!(with(good.clone(), json!(length + 1)), says(length + 1));
    assert_eq!(with(good.clone(), json!(length - 1)), says(length - 1));
    assert_eq!(with(good.clone(), json!(0)), says(0));
    assert_eq!(with(good, json!(-1)), "`bpf_object_size`: expected a size in bytes, found -1");

    let object = |bytes: &[u8]| with(base64(&zlib(bytes)), Value::Null);
    assert_eq!(object(b""), "the object in `bpf_object`: expected an ELF file, found no bytes");
    assert_eq!(object(b"MZ"), "the object in `bpf_object`: expected an ELF file, found 4d 5a");
    let error = object(&EVENTS[..30]);
    assert!(error.starts_with("the object in `bpf_object`: damaged ELF: "), "{error}");
    let error = object(&EVENTS[..EVENTS.len() / 2]);
    assert!(error.starts_with("the object in `bpf_object`: damaged ELF: "), "{error}");
    let other = |at: usize, byte: u8| {
        let mut bytes = EVENTS.to_vec();
        bytes[at] = byte;
        object(&bytes)
    };
    assert_eq!(
        other(18, 62),
        "the object in `bpf_object`: expected an ELF file for BPF (machine 247), found one for x86-64 (machine 62)"
    );
    assert_eq!(other(4, 1), "the object in `bpf_object`: expected a 64-bit ELF file, found a 32-bit one");
    let mut big = EVENTS.to_vec();
    (big[5], big[18], big[19]) = (2, 0, 247);
    assert_eq!(object(&big), "the object in `bpf_object`: expected little endian, found big endian");
}

#[test]
fn a_declared_size_over_the_limit_is_refused_at_once() {
    let error =
        message(&json!({"bpf_object": "", "bpf_object_size": 10u64 << 30, "meta": {"eunomia_version": "0"}}));
    assert_eq!(error, "`bpf_object` declares 10737418240 bytes, over the limit of 67108864 bytes");
}

#[test]
fn yaml_says_the_same_as_json() {
    let json = open(&events()).unwrap();
    // Block style as serde_yaml writes it.
    let mut text = String::new();
    yaml(&events(), 0, &mut text);
    let package = package::open(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!((package.encoding(), package.generation()), (Encoding::Yaml, Generation::Present));
    assert_eq!(package.object(), json.object());
    let (a, b) = (package.plan(&Limits::default()).unwrap(), json.plan(&Limits::default()).unwrap());
    assert_eq!(format!("{a:?}"), format!("{b:?}"));
    assert_eq!(package.doc(), json.doc());
}

fn yaml(value: &Value, depth: usize, out: &mut String) {
    let pad = "  ".repeat(depth);
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (key, value) in entries {
                out.push_str(&format!("{pad}{key}:"));
                below(value, depth, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                out.push_str(&format!("{pad}-"));
                below(item, depth, out);
            }
        }
        Value::String(text) if text.chars().any(|c| !c.is_ascii_alphanumeric()) => {
            out.push_str(&format!("'{text}'"));
        }
        Value::String(text) => out.push_str(text),
        other => out.push_str(&other.to_string()),
    }
}

fn below(value: &Value, depth: usize, out: &mut String) {
    let nested = matches!(value, Value::Object(v) if !v.is_empty())
        || matches!(value, Value::Array(v) if !v.is_empty());
    out.push(if nested { '\n' } else { ' ' });
    yaml(value, depth + 1, out);
    if !nested {
        out.push('\n');
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "meta: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let refs = vec![format!("*a{}", level - 1); 10].join(",");
        text.push_str(&format!("k{level}: &a{level} [{refs}]\n"));
    }
    text.push_str("bpf_object: ''\n");
    let start = std::time::Instant::now();
    let error = refused(text.as_bytes());
    assert!(matches!(error, OpenError::Yaml { .. }), "{error}");
    assert!(start.elapsed().as_secs() < 2);
}

#[test]
fn an_object_without_btf_opens_but_cannot_be_planned() {
    let object =
        std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/events-nobtf.bpf.o")).unwrap();
    let package = open(&present(&object, events_meta())).unwrap();
    let error = package.plan(&Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "the BPF object has no BTF, which map `hists` needs");
    assert!(error.hint().is_some());
}
