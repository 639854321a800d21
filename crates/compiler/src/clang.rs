//! Runs clang.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::{BuildError, headers};

/// The first clang that makes BTF with everything that the loader relocates.
const OLDEST: u32 = 14;

/// Where Debian and its relatives keep `<asm/…>`, without which `<linux/bpf.h>` cannot be included: clang does not
/// look there for the target `bpf`. Last in order, and absent elsewhere, which clang does not mind.
const HOST_INCLUDE: &str = "/usr/include/x86_64-linux-gnu";

/// Variables through which the surroundings would reach into a build.
const UNSET: [&str; 6] = [
    "CPATH",
    "C_INCLUDE_PATH",
    "CCC_OVERRIDE_OPTIONS",
    "CLANG_CONFIG_FILE_SYSTEM_DIR",
    "SOURCE_DATE_EPOCH",
    "PWD",
];

/// One source, ready to be compiled.
pub(crate) struct Compilation<'a> {
    /// The compiler.
    pub(crate) clang: &'a Path,
    /// Folder of the source: clang runs here, and `#include "…"` starts here.
    pub(crate) folder: &'a Path,
    /// Name of the source within the folder.
    pub(crate) file: &'a str,
    /// What the source holds.
    pub(crate) text: &'a [u8],
    /// C that is compiled after the source, as if it stood there.
    pub(crate) appended: &'a str,
    /// Further folders for `#include`, absolute.
    pub(crate) include_dirs: &'a [PathBuf],
}

/// What clang made.
pub(crate) struct Compiled {
    /// The object, with DWARF.
    pub(crate) object: Vec<u8>,
    /// Warnings.
    pub(crate) diagnostics: String,
}

/// First line of `clang --version`, once it is known to be new enough.
pub(crate) fn version(clang: &Path) -> Result<String, BuildError> {
    let output = Command::new(clang)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| BuildError::ClangMissing { clang: clang.to_owned(), source })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next().unwrap_or_default().trim().to_owned();
    match major(&line) {
        Some(major) if major >= OLDEST => Ok(line),
        _ => Err(BuildError::ClangTooOld { clang: clang.to_owned(), oldest: OLDEST, version: line }),
    }
}

/// `Debian clang version 14.0.6` → 14.
fn major(line: &str) -> Option<u32> {
    let (_, version) = line.split_once("clang version ")?;
    version.split('.').next()?.parse().ok()
}

impl Compilation<'_> {
    /// Compiles. The source goes to clang's standard input, with a line marker that gives it its name, so that
    /// markers can be appended without a copy of the source on disk.
    pub(crate) fn run(&self) -> Result<Compiled, BuildError> {
        let includes = headers::write().map_err(BuildError::Scratch)?;
        let out = includes.path().join("out.o");
        let mut command = Command::new(self.clang);
        command.args(["-g", "-O2", "-target", "bpf", "-D__TARGET_ARCH_x86", "-fno-ident", "-fno-addrsig"]);
        command.args(["-Wno-unknown-attributes", "-fdebug-compilation-dir=."]);
        command.arg(joined(
            &["-fdebug-prefix-map=".as_ref(), includes.path().as_ref(), "=".as_ref()],
            headers::SHOWN_AS,
        ));
        command.arg("-isystem").arg(includes.path());
        command.args(["-idirafter", HOST_INCLUDE]);
        for dir in self.include_dirs {
            command.arg("-I").arg(dir);
            // Debug lines name the folder alone, not where it is.
            let name = dir.file_name().and_then(OsStr::to_str).unwrap_or_default();
            command.arg(joined(&["-fdebug-prefix-map=".as_ref(), dir.as_ref(), "=".as_ref()], name));
        }
        command.args(["-x", "c", "-c", "-", "-o"]).arg(&out);
        command.current_dir(self.folder).env("LC_ALL", "C");
        for name in UNSET {
            command.env_remove(name);
        }
        let (succeeded, diagnostics) = feed(&mut command, &self.input())
            .map_err(|source| BuildError::ClangMissing { clang: self.clang.to_owned(), source })?;
        if !succeeded {
            return Err(BuildError::Clang { file: self.file.to_owned(), output: diagnostics });
        }
        let object = fs::read(&out).map_err(|source| BuildError::Read { path: out, source })?;
        Ok(Compiled { object, diagnostics })
    }

    fn input(&self) -> Vec<u8> {
        let mut input = Vec::with_capacity(self.text.len() + self.appended.len() + 64);
        input.extend_from_slice(b"# 1 \"");
        for byte in self.file.bytes() {
            if matches!(byte, b'"' | b'\\') {
                input.push(b'\\');
            }
            input.push(byte);
        }
        input.extend_from_slice(b"\"\n");
        input.extend_from_slice(self.text);
        input.extend_from_slice(b"\n# 1 \"<exported structs>\"\n");
        input.extend_from_slice(self.appended.as_bytes());
        input
    }
}

fn joined(parts: &[&OsStr], last: &str) -> OsString {
    let mut all = OsString::new();
    for part in parts {
        all.push(part);
    }
    all.push(last);
    all
}

/// Runs the command with that standard input; gives whether it succeeded, and its standard error.
fn feed(command: &mut Command, input: &[u8]) -> io::Result<(bool, String)> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().expect("standard input is a pipe");
    let written = std::thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.write_all(input));
        let output = child.wait_with_output();
        // A clang that stops reading early says why on its standard error.
        drop(writer.join());
        output
    })?;
    Ok((written.status.success(), String::from_utf8_lossy(&written.stderr).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_vendors_first_line() {
        assert_eq!(major("Debian clang version 14.0.6"), Some(14));
        assert_eq!(major("clang version 21.1.0 (https://github.com/llvm/llvm-project 1234)"), Some(21));
        assert_eq!(major("gcc (Debian 12.2.0) 12.2.0"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn a_program_that_is_not_clang_is_refused_by_its_version() {
        let error = version(Path::new("/bin/true")).unwrap_err();
        assert!(matches!(error, BuildError::ClangTooOld { .. }), "{error}");
        let error = version(Path::new("/nonexistent/clang")).unwrap_err();
        assert!(matches!(error, BuildError::ClangMissing { .. }), "{error}");
    }
}
