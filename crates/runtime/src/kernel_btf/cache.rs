//! A folder of trimmed BTFs, one file a key.
//!
//! ```text
//!  ┌──────────────┬────────┬──────┬──────┬─────┬────────────────┬────────┐
//!  │ raw BTF or   │ magic  │ kind │ size │ key │ loaded modules │ SHA-256│
//!  │ nothing      │ 8      │ 4    │ 4    │ 32  │ 32             │ 32     │
//!  └──────────────┴────────┴──────┴──────┴─────┴────────────────┴────────┘
//! ```
//!
//! The BTF comes first, and libbpf ignores what is behind it, so that it can be given the file itself. A file counts
//! only when it and the folder belong to this user and nobody else can write to them, which is asked of the open
//! descriptors; then the digest, over all that is before it, finds damage. Files are written aside and renamed.

use std::fs::{DirBuilder, File};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};
use sha2::{Digest as _, Sha256};

use super::Why;
use super::key::Key;
use super::trim::{Body, Modules, Trimmed};

/// As many files are kept, the newest ones.
const MAX_FILES: usize = 256;
/// A trimmed BTF is some hundred bytes; a larger file is none of ours.
const MAX_FILE_BYTES: u64 = 16 << 20;
const MAGIC: [u8; 8] = *b"ecliBTF\x01";
const TRAILER_BYTES: usize = 8 + 4 + 4 + 32 + 32 + 32;
const DIGEST_BYTES: usize = 32;
/// For an entry that does not depend on modules.
const ANY_MODULES: [u8; 32] = [0; 32];

/// An open folder that only this user can write to.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

/// Why a folder is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// It cannot be made, opened or written to.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Somebody else owns it.
    #[error("it belongs to user {owner}, and this is user {user}")]
    Owner {
        /// Its owner.
        owner: u32,
        /// The effective user.
        user: u32,
    },
    /// Its permissions.
    #[error("others can write to it (mode {mode:o})")]
    Writable {
        /// Permission bits.
        mode: u32,
    },
}

/// What a file holds.
#[derive(Debug)]
pub(super) enum Entry {
    /// The file begins with a raw BTF.
    Types(File),
    /// The whole BTF is needed.
    Whole(Why),
}

impl Folder {
    /// Opens the folder; makes it where it is missing.
    pub(super) fn open(path: &Path) -> Result<Self, FolderError> {
        let open = || {
            let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::RDONLY | OFlags::CLOEXEC;
            rustix::fs::open(path, flags, Mode::empty())
        };
        let folder = match open() {
            Err(rustix::io::Errno::NOENT) => {
                DirBuilder::new().recursive(true).mode(0o700).create(path)?;
                open()
            }
            other => other,
        };
        let folder = folder.map_err(io::Error::from)?;
        let state = rustix::fs::fstat(&folder).map_err(io::Error::from)?;
        check_owner(&state)?;
        Ok(Self(folder))
    }

    /// What is kept for `key`. `modules` is asked only where the entry depends on it. `None`: nothing that counts.
    pub(super) fn read(&self, key: &Key, modules: impl FnOnce() -> [u8; 32]) -> Option<Entry> {
        // NONBLOCK: a pipe in its place must not hold us up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = File::from(rustix::fs::openat(&self.0, file_name(key), flags, Mode::empty()).ok()?);
        let state = rustix::fs::fstat(&file).ok()?;
        check_owner(&state).ok()?;
        let size = u64::try_from(state.st_size).ok()?;
        if FileType::from_raw_mode(state.st_mode) != FileType::RegularFile || size > MAX_FILE_BYTES {
            return None;
        }
        let mut bytes = Vec::with_capacity(size as usize + 1);
        file.read_to_end(&mut bytes).ok()?;
        let (kind, wanted_modules) = parse(&bytes, key)?;
        if wanted_modules != ANY_MODULES && wanted_modules != modules() {
            return None;
        }
        match kind {
            0 => Some(Entry::Types(file)),
            kind => why(kind).map(Entry::Whole),
        }
    }

    /// Keeps the result of trimming, in place of what is there.
    pub(super) fn write(&self, key: &Key, trimmed: &Trimmed, modules: [u8; 32]) -> io::Result<()> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let bytes = compose(key, trimmed, modules);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let aside = format!("{}.{}.{count}.tmp", key.name(), std::process::id());
        let written = self.write_aside(&aside, &bytes).and_then(|()| {
            rustix::fs::renameat(&self.0, &aside, &self.0, file_name(key)).map_err(io::Error::from)
        });
        if written.is_err() {
            let _the_first_error_is_told = rustix::fs::unlinkat(&self.0, &aside, AtFlags::empty());
        }
        written?;
        self.prune(MAX_FILES)
    }

    fn write_aside(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = match rustix::fs::openat(&self.0, name, flags, mode) {
            // Of an earlier process with this number, which did not come to its end.
            Err(rustix::io::Errno::EXIST) => {
                rustix::fs::unlinkat(&self.0, name, AtFlags::empty())?;
                rustix::fs::openat(&self.0, name, flags, mode)
            }
            other => other,
        }?;
        File::from(file).write_all(bytes)
    }

    /// Removes what is kept for `key`.
    pub(super) fn remove(&self, key: &Key) {
        let _there_may_be_none = rustix::fs::unlinkat(&self.0, file_name(key), AtFlags::empty());
    }

    /// Removes all but the newest files.
    fn prune(&self, keep: usize) -> io::Result<()> {
        let mut own = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let name = entry?.file_name().to_owned();
            if !is_own(name.to_bytes()) {
                continue;
            }
            let Ok(state) = rustix::fs::statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            own.push((modified(&state), name));
        }
        if own.len() > keep {
            own.sort_unstable_by(|left, right| right.cmp(left));
            for (_, name) in own.drain(keep..) {
                let _another_may_have = rustix::fs::unlinkat(&self.0, &name, AtFlags::empty());
            }
        }
        Ok(())
    }
}

fn modified(state: &Stat) -> Duration {
    let seconds = u64::try_from(state.st_mtime).unwrap_or_default();
    Duration::new(seconds, u32::try_from(state.st_mtime_nsec).unwrap_or_default())
}

fn file_name(key: &Key) -> String {
    format!("{}.btf", key.name())
}

/// Whether a file of this name is made here: 64 digits, then an ending.
fn is_own(name: &[u8]) -> bool {
    let Some((digits, ending)) = name.split_at_checked(64) else { return false };
    digits.iter().all(u8::is_ascii_hexdigit) && (ending == b".btf" || ending.ends_with(b".tmp"))
}

fn check_owner(state: &Stat) -> Result<(), FolderError> {
    let user = rustix::process::geteuid().as_raw();
    if state.st_uid != user {
        return Err(FolderError::Owner { owner: state.st_uid, user });
    }
    let mode = state.st_mode & 0o7777;
    if mode & 0o022 != 0 {
        return Err(FolderError::Writable { mode });
    }
    Ok(())
}

fn compose(key: &Key, trimmed: &Trimmed, modules: [u8; 32]) -> Vec<u8> {
    let (types, kind) = match &trimmed.body {
        Body::Types(types) => (types.as_slice(), 0),
        Body::Whole(why) => (&[][..], number(*why)),
    };
    let mut bytes = Vec::with_capacity(types.len() + TRAILER_BYTES);
    bytes.extend_from_slice(types);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&(types.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&key.0);
    bytes.extend_from_slice(match trimmed.modules {
        Modules::NotAsked => &ANY_MODULES,
        Modules::Asked => &modules,
    });
    let digest = Sha256::digest(&bytes);
    bytes.extend_from_slice(&digest);
    bytes
}

/// Kind and modules of an entry that is whole and for `key`.
fn parse(bytes: &[u8], key: &Key) -> Option<(u32, [u8; 32])> {
    let (covered, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
    if Sha256::digest(covered)[..] != digest[..] {
        return None;
    }
    let (types, trailer) = covered.split_last_chunk::<{ TRAILER_BYTES - DIGEST_BYTES }>()?;
    let (magic, rest) = trailer.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first_chunk::<4>()?;
    let (size, rest) = rest.split_first_chunk::<4>()?;
    let (for_key, modules) = rest.split_first_chunk::<32>()?;
    let fits = *magic == MAGIC && *for_key == key.0 && u32::from_le_bytes(*size) as usize == types.len();
    Some((u32::from_le_bytes(*kind), modules.try_into().ok()?)).filter(|_| fits)
}

/// The kind of an entry without types; 0 is one with them.
fn number(why: Why) -> u32 {
    match why {
        Why::InModule => 1,
        Why::TypeId => 2,
        Why::Differs => 3,
        Why::File
        | Why::NotKept
        | Why::NothingRelocated
        | Why::ProgramNeedsIt
        | Why::NoKernelBtf
        | Why::Undecided => u32::MAX,
    }
}

fn why(number: u32) -> Option<Why> {
    match number {
        1 => Some(Why::InModule),
        2 => Some(Why::TypeId),
        3 => Some(Why::Differs),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
