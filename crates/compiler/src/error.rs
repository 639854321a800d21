//! Why there is no package.

use std::io;
use std::path::PathBuf;

/// Building a package failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The source or the header cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The path has no file name, as `/` or `..`.
    #[error("{} is no source file", path.display())]
    NotASource {
        /// As it was given.
        path: PathBuf,
    },
    /// No clang to run.
    #[error("cannot run {}", clang.display())]
    ClangMissing {
        /// As it was given.
        clang: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Something ran, but not a clang that can make BTF with CO-RE relocations.
    #[error("{} is not clang {oldest} or newer: {version}", clang.display())]
    ClangTooOld {
        /// As it was given.
        clang: PathBuf,
        /// Oldest major version that will do.
        oldest: u32,
        /// First line of its `--version`.
        version: String,
    },
    /// Clang refused the source. `output` is all that clang said, as it said it.
    #[error("clang found errors in {file}")]
    Clang {
        /// Name of the source file.
        file: String,
        /// Clang's standard error; file names in it are relative to the folder of the source.
        output: String,
    },
    /// Scratch files could not be written.
    #[error("cannot write to the folder for temporary files")]
    Scratch(#[source] io::Error),
    /// Clang's object cannot be read or written again.
    #[error("unexpected object file from clang")]
    Elf(#[source] object::build::Error),
    /// Clang's object cannot be read.
    #[error("unexpected object file from clang")]
    Object(#[source] object::read::Error),
    /// Clang's BTF cannot be read.
    #[error("unexpected BTF from clang")]
    Btf(#[source] btf_rs::Error),
    /// The object lacks a section, as a source without any program does.
    #[error("the object has no {section} section: the source has no global function or variable")]
    NoBtf {
        /// Its name.
        section: &'static str,
    },
}
