//! `ecli build`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use compiler::{BuildError, BuildOptions};

use crate::cli::BuildArgs;
use crate::exit::{Exit, Failure};
use crate::message::Messages;

/// Where a source ends and its name begins.
const SOURCE_SUFFIX: &str = ".bpf.c";

/// Compiles a source into a package.
///
/// # Errors
///
/// No source, no clang, errors in the source, an unwritable folder.
pub fn build(args: &BuildArgs, messages: &Messages) -> Result<Exit, Failure> {
    let source = source(&args.path)?;
    let target = args.output.clone().unwrap_or_else(|| source.with_file_name("package.json"));
    let mut options = BuildOptions::default();
    if let Some(clang) = args.clang.clone().or_else(versioned_clang) {
        options.clang = clang;
    }
    let built = compiler::build(&source, &options).map_err(|error| failure(error, messages))?;
    if !built.diagnostics.is_empty() {
        messages.notice(built.diagnostics.trim_end());
    }
    for warning in &built.warnings {
        messages.notice(format_args!("warning: {warning}"));
    }
    replace(&target, &built.package_json)
        .map_err(|error| Failure::new(Exit::Failed, format!("cannot write {}: {error}", target.display())))?;
    messages.notice(format_args!(
        "{}: {} bytes, {}",
        target.display(),
        built.package_json.len(),
        built.clang_version
    ));
    Ok(Exit::Done)
}

/// Where there is no plain `clang` on the path, as on Debian without its meta package: the newest `clang-NN`.
fn versioned_clang() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if folders.iter().any(|folder| folder.join("clang").is_file()) {
        return None;
    }
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let versions = entries.filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.strip_prefix("clang-")?.parse().ok()?;
        Some((version, entry.path()))
    });
    versions.max().map(|(_, clang)| clang)
}

/// The one source that a path means.
fn source(path: &Path) -> Result<PathBuf, Failure> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let unreadable =
        |error: io::Error| Failure::new(Exit::Failed, format!("cannot read {}: {error}", path.display()));
    let mut sources = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.file_name().as_encoded_bytes().ends_with(SOURCE_SUFFIX.as_bytes()) {
            sources.push(entry.path());
        }
    }
    match <[PathBuf; 1]>::try_from(sources) {
        Ok([only]) => Ok(only),
        Err(none_or_many) => Err(Failure::new(
            Exit::Usage,
            format!(
                "{} holds {} files that end in {SOURCE_SUFFIX}; one is needed",
                path.display(),
                none_or_many.len()
            ),
        )
        .with_hint(Some("ecli build FILE.bpf.c"))),
    }
}

fn failure(error: BuildError, messages: &Messages) -> Failure {
    let hint = match &error {
        BuildError::ClangMissing { .. } | BuildError::ClangTooOld { .. } => {
            Some("install clang 14 or newer (apt install clang), or name one with --clang")
        }
        _ => None,
    };
    if let BuildError::Clang { output, .. } = &error {
        messages.notice(output.trim_end());
    }
    Failure::new(Exit::Failed, error).with_hint(hint)
}

/// Writes beside the target and renames, so that nothing half-written is ever seen.
fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".package").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(mode)?;
    file.persist(target)?;
    Ok(())
}
