//! Builds the committed packages again: `cargo run -p compiler --example fixtures -- [CLANG]`.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a tool for developers")]

use std::fs;
use std::path::{Path, PathBuf};

use compiler::{BuildOptions, Built};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clang = std::env::args().nth(1).unwrap_or_else(|| "clang-14".to_owned());
    let options = BuildOptions { clang: clang.into(), ..BuildOptions::default() };
    write_package(&root.join("examples/opensnoop"), &options);
    for folder in folders(&root.join("tests/fixtures/published")) {
        write_package(&folder, &options);
    }
}

/// Builds `FOLDER/NAME.bpf.c`, NAME being that of the folder.
fn compile(folder: &Path, options: &BuildOptions) -> Built {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let built = compiler::build(&folder.join(format!("{name}.bpf.c")), options)
        .unwrap_or_else(|error| panic!("{name}: {error:#?}"));
    eprint!("{}", built.diagnostics);
    for warning in &built.warnings {
        eprintln!("{name}: {warning}");
    }
    built
}

fn write_package(folder: &Path, options: &BuildOptions) {
    fs::write(folder.join("package.json"), compile(folder, options).package_json).unwrap();
}

fn folders(of: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<_> = fs::read_dir(of).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}
