//! The kernel's type information, no more of it than an object uses.
//!
//! Parsing the kernel's BTF is most of the time that libbpf needs for a small object. So the types that the object's
//! CO-RE relocations look at are cut out once, kept, and from then on given to libbpf in place of the whole:
//!
//! ```text
//!  object ──▶ cache ──hit─────────────────────────────▶ Prepared ──▶ libbpf
//!               └─miss─▶ whole BTF ─▶ trim ─▶ keep ────────┘ └─ forget: loading through it failed
//! ```
//!
//! A hit costs a digest of the object and the reading of a file of some hundred bytes. After a miss the load goes
//! through the trimmed BTF too, so that the first start takes the way of all others. Where nothing can be kept, the
//! file is one in memory.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::MemfdFlags;

use crate::libbpf_log::Capture;
use crate::load::KernelBtf;

mod cache;
mod key;
mod marks;
mod relocations;
mod trim;
mod types;

#[cfg(test)]
mod tests;

use cache::{Entry, Folder, FolderError};
use key::{Kernel, Key};
use trim::{Body, Trimmed};

/// Where libbpf is to take the kernel's types from.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// `path`, while it is open.
    file: Option<File>,
    path: Option<PathBuf>,
    origin: Origin,
    kept: Option<(Folder, Key)>,
    remark: Option<Remark>,
}

/// How the types came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Trimmed by an earlier start.
    Cached,
    /// Trimmed just now.
    Trimmed,
    /// libbpf reads the whole, where it reads any.
    Whole(Why),
}

/// Why nothing was trimmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The user named a file.
    File,
    /// There is no folder to keep anything in.
    NotKept,
    /// The object has no CO-RE relocations: libbpf reads nothing.
    NothingRelocated,
    /// libbpf reads the whole for a program (fentry, lsm, tp_btf, iter, struct_ops, freplace) or typed kernel symbol.
    ProgramNeedsIt,
    /// A relocation's type is in a module.
    InModule,
    /// A program asks for the id of a type, which trimming changes.
    TypeId,
    /// The trimmed BTF did not give the same answers.
    Differs,
    /// There is no BTF of the kernel, or libbpf cannot read it.
    NoKernelBtf,
    /// Something is wrong with the object or the machine. The load says what, if it matters.
    Undecided,
}

/// The cache works in a lesser way.
#[derive(Debug, thiserror::Error)]
#[error("the kernel BTF of this package is not kept in {}: {source}", folder.display())]
pub(crate) struct Remark {
    folder: PathBuf,
    source: FolderError,
}

/// Finds or makes the types for `object`. What cannot be trimmed is no error: libbpf reads the whole then, and says
/// what is wrong with it.
pub(crate) fn prepare(object: &[u8], kernel: &KernelBtf) -> Prepared {
    match kernel {
        KernelBtf::File(path) => Prepared { path: Some(path.clone()), ..Prepared::whole(Why::File) },
        KernelBtf::System { cache_dir: None } => Prepared::whole(Why::NotKept),
        KernelBtf::System { cache_dir: Some(folder) } => prepare_in(object, folder, &Kernel::system()),
    }
}

fn prepare_in(object: &[u8], path: &Path, kernel: &Kernel) -> Prepared {
    let key = kernel.key(object);
    let folder = Folder::open(path);
    let kept = folder.as_ref().ok().and_then(|folder| folder.read(&key, || kernel.modules_digest()));
    match kept {
        Some(Entry::Types(file)) => {
            return Prepared {
                kept: folder.ok().map(|it| (it, key)),
                ..Prepared::through(file, Origin::Cached)
            };
        }
        Some(Entry::Whole(why)) => return Prepared::whole(why),
        None => {}
    }
    let modules = kernel.modules_digest();
    let trimmed = {
        // The load says it all again, to whom it concerns.
        let _quiet = Capture::start(None);
        match trim::trim(object, &kernel.modules()) {
            Ok(trimmed) => trimmed,
            Err(why) => return Prepared::whole(why),
        }
    };
    let written = folder.and_then(|folder| {
        folder.write(&key, &trimmed, modules)?;
        Ok(folder)
    });
    let (kept, remark) = match written {
        Ok(folder) => (Some((folder, key)), None),
        Err(source) => (None, Some(Remark { folder: path.to_owned(), source })),
    };
    let Trimmed { body, modules: _ } = trimmed;
    let prepared = match body {
        Body::Whole(why) => Prepared::whole(why),
        Body::Types(types) => match memory(&types) {
            Ok(file) => Prepared::through(file, Origin::Trimmed),
            Err(_) => Prepared::whole(Why::Undecided),
        },
    };
    Prepared { kept, remark, ..prepared }
}

impl Prepared {
    fn whole(why: Why) -> Self {
        Self { file: None, path: None, origin: Origin::Whole(why), kept: None, remark: None }
    }

    fn through(file: File, origin: Origin) -> Self {
        let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        Self { file: Some(file), path: Some(path), origin, kept: None, remark: None }
    }

    /// For libbpf's `btf_custom_path`; `None`: it reads the kernel's own where it needs it. Valid while `self` lives.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Where it came from.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// What to tell a user who wants to know everything.
    pub(crate) fn remark(&self) -> Option<&Remark> {
        self.remark.as_ref()
    }

    /// After a load through it that failed: removes what was kept. True: something was trimmed, so that loading once
    /// more without it is worth while; when that works, [`crate::Notice::BtfCacheDropped`] is due.
    pub(crate) fn forget(self) -> bool {
        if let Some((folder, key)) = &self.kept {
            folder.remove(key);
        }
        self.file.is_some()
    }
}

/// A file in memory.
fn memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create(c"btf", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}
