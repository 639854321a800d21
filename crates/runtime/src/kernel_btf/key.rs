//! What a trimmed BTF holds for: one object on one build of the kernel, by one libbpf and one version of this code.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::sys;

/// Raised whenever what is kept, or how, changes.
const TRIMMER: u32 = 1;

/// The running kernel, as far as a key needs it.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    sys: PathBuf,
}

/// A digest of everything that the result depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) [u8; 32]);

impl Key {
    /// In lower-case hexadecimal digits.
    pub(super) fn name(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Kernel {
    pub(super) fn system() -> Self {
        Self::at(Path::new("/sys"))
    }

    /// What is at `sys` instead of `/sys`.
    pub(super) fn at(sys: &Path) -> Self {
        Self { sys: sys.to_owned() }
    }

    /// The key of `object`.
    pub(super) fn key(&self, object: &[u8]) -> Key {
        let mut digest = Sha256::new();
        for part in [&TRIMMER.to_le_bytes()[..], sys::btf::libbpf_version().as_bytes(), &self.build(), object]
        {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Key(digest.finalize().into())
    }

    /// The build id, else release, version and size of the BTF.
    fn build(&self) -> Vec<u8> {
        let notes = fs::read(self.sys.join("kernel/notes")).unwrap_or_default();
        if let Some(id) = build_id(&notes) {
            return id.to_vec();
        }
        let uname = rustix::system::uname();
        let size = fs::metadata(self.sys.join("kernel/btf/vmlinux")).map_or(0, |it| it.size());
        let mut build = [uname.release().to_bytes(), b"\n", uname.version().to_bytes(), b"\n"].concat();
        build.extend_from_slice(&size.to_le_bytes());
        build
    }

    /// Names of the loaded modules that have types.
    pub(super) fn modules(&self) -> Vec<CString> {
        let entries = fs::read_dir(self.sys.join("kernel/btf")).into_iter().flatten().flatten();
        let names = entries.filter_map(|it| CString::new(it.file_name().into_encoded_bytes()).ok());
        let mut names: Vec<_> = names.filter(|it| it.as_c_str() != c"vmlinux").collect();
        names.sort_unstable();
        names
    }

    /// A digest of the loaded modules' names and builds.
    pub(super) fn modules_digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for name in self.modules() {
            digest.update(name.as_bytes_with_nul());
            let name = name.to_string_lossy();
            let note = self.sys.join("module").join(&*name).join("notes/.note.gnu.build-id");
            let build = fs::read(note).unwrap_or_default();
            let size = fs::metadata(self.sys.join("kernel/btf").join(&*name)).map_or(0, |it| it.size());
            digest.update((build.len() as u64).to_le_bytes());
            digest.update(build);
            digest.update(size.to_le_bytes());
        }
        digest.finalize().into()
    }
}

/// The descriptor of `NT_GNU_BUILD_ID` among ELF notes (`elf(5)`).
fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
    const NT_GNU_BUILD_ID: u32 = 3;
    loop {
        let ([name_size, size, kind], rest) = words(notes)?;
        let (name, rest) = padded(rest, name_size as usize)?;
        let (descriptor, rest) = padded(rest, size as usize)?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" && !descriptor.is_empty() {
            return Some(descriptor);
        }
        notes = rest;
    }
}

fn words(bytes: &[u8]) -> Option<([u32; 3], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<12>()?;
    let words = head.as_chunks::<4>().0;
    Some(([0, 1, 2].map(|at| u32::from_ne_bytes(words[at])), rest))
}

/// `size` bytes, and what follows behind padding to four.
fn padded(bytes: &[u8], size: usize) -> Option<(&[u8], &[u8])> {
    let (part, _) = bytes.split_at_checked(size)?;
    Some((part, bytes.get(size.checked_next_multiple_of(4)?..).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(name: &[u8], kind: u32, descriptor: &[u8]) -> Vec<u8> {
        let mut note: Vec<u8> = [name.len() as u32, descriptor.len() as u32, kind]
            .into_iter()
            .flat_map(u32::to_ne_bytes)
            .collect();
        for part in [name, descriptor] {
            note.extend_from_slice(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    fn machine() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("kernel/btf")).unwrap();
        fs::write(root.path().join("kernel/btf/vmlinux"), b"types").unwrap();
        root
    }

    #[test]
    fn the_build_id_is_found_behind_other_notes() {
        let notes =
            [note(b"Xen\0", 3, b"abc"), note(b"GNU\0", 1, b"abcd"), note(b"GNU\0", 3, b"id")].concat();
        assert_eq!(build_id(&notes), Some(&b"id"[..]));
        for end in 0..notes.len() - 2 {
            assert_eq!(build_id(&notes[..end]), None, "{end}");
        }
        assert_eq!(build_id(&[0xff; 40]), None);
    }

    #[test]
    fn the_running_kernel_has_a_build_id() {
        assert_eq!(build_id(&fs::read("/sys/kernel/notes").unwrap()).map(<[u8]>::len), Some(20));
    }

    #[test]
    fn another_kernel_or_object_is_another_key() {
        let root = machine();
        let kernel = Kernel::at(root.path());
        let without_id = kernel.key(b"object");
        assert_eq!(without_id, kernel.key(b"object"));
        assert_ne!(without_id, kernel.key(b"other"));
        fs::write(root.path().join("kernel/btf/vmlinux"), b"more types").unwrap();
        let other_size = kernel.key(b"object");
        assert_ne!(without_id, other_size);
        fs::write(root.path().join("kernel/notes"), note(b"GNU\0", 3, b"one")).unwrap();
        let one = kernel.key(b"object");
        assert_ne!(other_size, one);
        fs::write(root.path().join("kernel/notes"), note(b"GNU\0", 3, b"two")).unwrap();
        assert_ne!(one, kernel.key(b"object"));
    }

    #[test]
    fn a_module_that_is_loaded_or_built_anew_is_noticed() {
        let root = machine();
        let kernel = Kernel::at(root.path());
        let none = kernel.modules_digest();
        fs::write(root.path().join("kernel/btf/nf"), b"types").unwrap();
        let loaded = kernel.modules_digest();
        assert_ne!(none, loaded);
        assert_eq!(kernel.modules(), [c"nf".to_owned()]);
        let notes = root.path().join("module/nf/notes");
        fs::create_dir_all(&notes).unwrap();
        fs::write(notes.join(".note.gnu.build-id"), b"one").unwrap();
        let one = kernel.modules_digest();
        assert_ne!(loaded, one);
        fs::write(notes.join(".note.gnu.build-id"), b"two").unwrap();
        assert_ne!(one, kernel.modules_digest());
    }
}
