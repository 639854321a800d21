//! Source to package, from one end to the other.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::json;

use crate::clang::{self, Compilation};
use crate::scan::declarations;
use crate::skeleton::Skeleton;
use crate::{BuildError, strip};

/// What the present generation of packages calls itself; readers ignore it.
const FORMAT_VERSION: &str = "0.3.4";

/// How to build.
#[derive(Debug, Clone)]
pub struct BuildOptions {
    /// The compiler: a path, or a name that is looked for as a shell does.
    pub clang: PathBuf,
    /// The header that defines the exported structs; `None`: `NAME.h` beside `NAME.bpf.c`, if it is there.
    pub header: Option<PathBuf>,
    /// Further folders for `#include`. Only what is included from them matters for the bytes of the package.
    pub include_dirs: Vec<PathBuf>,
}

impl Default for BuildOptions {
    fn default() -> Self {
        Self { clang: PathBuf::from("clang"), header: None, include_dirs: Vec::new() }
    }
}

/// A package, and what was said on the way.
#[derive(Debug)]
#[non_exhaustive]
pub struct Built {
    /// The package, one line of JSON.
    pub package_json: Vec<u8>,
    /// The BPF object within, as the loader gets it.
    pub object: Vec<u8>,
    /// First line of `clang --version`.
    pub clang_version: String,
    /// What clang said, as it said it; empty when it was content.
    pub diagnostics: String,
    /// What is odd about the documentation comments and the header, a line each.
    pub warnings: Vec<String>,
}

/// Compiles one source, `NAME.bpf.c` as a rule, into a package.
///
/// # Errors
///
/// [`BuildError::Clang`] when the source has errors, with clang's own words; the others tell what is missing.
pub fn build(source: &Path, options: &BuildOptions) -> Result<Built, BuildError> {
    let not_a_source = || BuildError::NotASource { path: source.to_owned() };
    let file = source.file_name().and_then(|name| name.to_str()).ok_or_else(not_a_source)?;
    let text = read(source)?;
    let folder = match source.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let clang = absolute_program(&options.clang)?;
    let clang_version = clang::version(&clang)?;

    let exported = exported_structs(source, options)?;
    let markers: String = exported.iter().map(|name| marker(name)).collect();
    let include_dirs = absolute(&options.include_dirs)?;
    let compiled = Compilation {
        clang: &clang,
        folder,
        file,
        text: &text,
        appended: &markers,
        include_dirs: &include_dirs,
    }
    .run()?;
    let object = strip::strip(&compiled.object)?;

    let skeleton = Skeleton::read(&object, file.strip_suffix(".c").unwrap_or(file))?;
    let mut warnings = Vec::new();
    let mut meta = json!({
        "bpf_skel": skeleton.describe(&declarations(&String::from_utf8_lossy(&text)), &mut warnings)?,
        "eunomia_version": FORMAT_VERSION,
    });
    if !exported.is_empty() {
        meta["export_types"] = skeleton.exported(&exported, &mut warnings)?.into();
    }
    let package = json!({
        "bpf_object": STANDARD.encode(deflate(&object).map_err(BuildError::Scratch)?),
        "bpf_object_size": object.len(),
        "meta": meta,
    });
    Ok(Built {
        package_json: package.to_string().into_bytes(),
        object,
        clang_version,
        diagnostics: compiled.diagnostics,
        warnings,
    })
}

/// The variable that keeps a struct in the object's BTF, under the name that all packages use for it.
fn marker(name: &str) -> String {
    format!("const volatile struct {name} *__eunomia_dummy_{name}_ptr;\n")
}

/// Tags of the structs that the event header defines, each once.
fn exported_structs(source: &Path, options: &BuildOptions) -> Result<Vec<String>, BuildError> {
    let text = match &options.header {
        Some(header) => read(header)?,
        None => match default_header(source) {
            Some(header) if header.is_file() => read(&header)?,
            _ => return Ok(Vec::new()),
        },
    };
    let mut names = Vec::new();
    for found in declarations(&String::from_utf8_lossy(&text)) {
        if let Some(name) = found.defines_struct.filter(|name| !names.contains(name)) {
            names.push(name);
        }
    }
    Ok(names)
}

/// `dir/NAME.bpf.c` → `dir/NAME.h`.
fn default_header(source: &Path) -> Option<PathBuf> {
    let name = source.file_name()?.to_str()?;
    let stem = name.strip_suffix(".bpf.c").or_else(|| name.strip_suffix(".c"))?;
    Some(source.with_file_name(format!("{stem}.h")))
}

/// A name stays one; a path must not depend on the folder that clang runs in.
fn absolute_program(clang: &Path) -> Result<PathBuf, BuildError> {
    if clang.components().count() < 2 && !clang.starts_with(".") {
        return Ok(clang.to_owned());
    }
    std::path::absolute(clang).map_err(|source| BuildError::ClangMissing { clang: clang.to_owned(), source })
}

/// Clang runs in the folder of the source, so relative folders are fixed first.
fn absolute(dirs: &[PathBuf]) -> Result<Vec<PathBuf>, BuildError> {
    dirs.iter().map(|dir| dir.canonicalize().map_err(|error| unreadable(dir, error))).collect()
}

fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, source: io::Error) -> BuildError {
    BuildError::Read { path: path.to_owned(), source }
}

fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    encoder.finish()
}
