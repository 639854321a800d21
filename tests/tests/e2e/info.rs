//! What is told about a package, and made of a source, without privileges and without running anything.

use std::path::PathBuf;

use e2e::{Scratch, Tool, opensnoop, root};
use serde_json::Value;

const NOBODY: u32 = 65534;

/// Every fixture package.
fn packages() -> Vec<PathBuf> {
    let entries = |folder: &str| {
        let folder = root().join("tests/fixtures").join(folder);
        let entries = std::fs::read_dir(folder).expect("the fixtures are there");
        entries.map(|entry| entry.expect("it can be listed").path())
    };
    let folders = entries("published").chain(entries("shapes")).map(|folder| folder.join("package.json"));
    folders.chain(entries("generations")).collect()
}

#[test]
fn nobody_can_ask_about_every_package() {
    let packages = packages();
    assert!(packages.len() > 25, "{packages:?}");
    for package in packages {
        let bytes = std::fs::read(&package).expect("it is there");
        let ask = |options: &[&str]| {
            Tool::ecli().user(NOBODY).arg("info").args(options).arg("-").stdin(bytes.clone()).run()
        };
        let ran = ask(&[]);
        assert!(!ran.expect_code(0).stdout.is_empty(), "{}\n{ran}", package.display());
        let ran = ask(&["--json"]);
        let told: Value = serde_json::from_slice(&ran.expect_code(0).stdout).expect("JSON");
        for list in ["programs", "maps", "streams", "parameters"] {
            assert!(told[list].is_array(), "{}: {list}\n{ran}", package.display());
        }
        assert_ne!(told["programs"].as_array().map(Vec::len), Some(0), "{}\n{ran}", package.display());
    }
}

#[test]
fn offsets_are_those_of_the_struct() {
    let ran = Tool::ecli().args(["info", "--json"]).arg(opensnoop()).run();
    let told: Value = serde_json::from_slice(&ran.expect_code(0).stdout).expect("JSON");
    let fields = told["streams"][0]["fields"].as_array().expect("fields");
    let places: Vec<_> =
        fields.iter().map(|field| (field["name"].as_str(), field["bit_offset"].as_u64())).collect();
    let expected =
        [("ts", 0), ("pid", 8), ("uid", 12), ("ret", 16), ("flags", 20), ("comm", 24), ("fname", 40)];
    assert_eq!(places, expected.map(|(name, bytes)| (Some(name), Some(bytes * 8))), "{ran}");
}

#[test]
fn the_example_is_built_to_the_same_bytes_by_the_clang_that_is_there() {
    let scratch = Scratch::new();
    let from = root().join("examples/opensnoop");
    for entry in std::fs::read_dir(&from).expect("the example is there") {
        let path = entry.expect("it can be listed").path();
        if path.extension().is_some_and(|kind| kind == "c" || kind == "h") {
            let name = path.file_name().and_then(|name| name.to_str()).expect("test paths are UTF-8");
            std::fs::copy(&path, scratch.at(name)).expect("it can be copied");
        }
    }
    let ran = Tool::ecli().without_env("CLANG").arg("build").arg(scratch.path()).run();
    ran.expect_code(0);
    // The bytes are those of clang 14.
    if ran.err().contains("version 14.") {
        let built = std::fs::read(scratch.at("package.json")).expect("it was written");
        assert!(built == std::fs::read(opensnoop()).expect("the example is there"), "other bytes\n{ran}");
    }
}

#[test]
fn completions_and_pages_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Tool::ecli().args(["completions", shell]).run();
        ran.expect_code(0).expect_out("ecli");
    }
    let scratch = Scratch::new();
    Tool::ecli().arg("man").arg(scratch.path()).run().expect_code(0);
    let page = std::fs::read_to_string(scratch.at("ecli.1")).expect("the page of ecli");
    assert!(page.to_uppercase().contains("EXIT"), "{page}");
}
