//! libbpf's headers for BPF programs, in a folder of their own.

use std::fs;
use std::io;

use tempfile::TempDir;

/// Where clang's debug lines say that the headers are; the real folder has another name at each build.
pub(crate) const SHOWN_AS: &str = "/usr/include";

/// What a BPF program may include as `<bpf/…>`; the other API headers are for user space.
const FOR_BPF: [&str; 6] =
    ["bpf_core_read.h", "bpf_endian.h", "bpf_helper_defs.h", "bpf_helpers.h", "bpf_tracing.h", "usdt.bpf.h"];

/// Writes the headers of the libbpf that loads packages; they disappear with the folder.
pub(crate) fn write() -> io::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("ecli-include-").tempdir()?;
    let bpf = folder.path().join("bpf");
    fs::create_dir(&bpf)?;
    for (name, text) in libbpf_sys::API_HEADERS.iter().filter(|(name, _)| FOR_BPF.contains(name)) {
        fs::write(bpf.join(name), text)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_for_bpf_programs_is_there() {
        let folder = write().unwrap();
        for name in FOR_BPF {
            assert!(folder.path().join("bpf").join(name).metadata().unwrap().len() > 100, "{name}");
        }
    }
}
