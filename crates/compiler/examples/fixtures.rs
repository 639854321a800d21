//! Builds the committed packages again: `cargo run -p compiler --example fixtures -- [CLANG]`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a tool for developers")]

use std::fs;
use std::path::Path;

use compiler::{BuildOptions, build};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clang = std::env::args().nth(1).unwrap_or_else(|| "clang-14".to_owned());
    let options = BuildOptions { clang: clang.into(), ..BuildOptions::default() };
    let folder = root.join("examples/opensnoop");
    let built = build(&folder.join("opensnoop.bpf.c"), &options).unwrap();
    eprint!("{}", built.diagnostics);
    for warning in &built.warnings {
        eprintln!("{warning}");
    }
    fs::write(folder.join("package.json"), built.package_json).unwrap();
}
