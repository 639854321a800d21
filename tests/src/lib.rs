//! Harness of the end-to-end tests and of the bench: the real binary, on the real kernel.
//!
//! * [`Tool`] starts a program and [`Live`] watches it run; [`Ran`] is what is left: exit code, streams, CPU time, memory.
//! * [`Scratch`] is a folder that goes away with the test.
//! * [`Workload`] opens files from processes of its own, and knows their ids and how many opens they did.
//! * [`nginx`] serves packages over http and https, with certificates of its own authority.
//! * [`hostile`] damages packages.
//! * [`kernel`] asks what BPF a process holds and whether it is gone.
//!
//! Other programs open files, and other tests load BPF, at the same time: tests look for their own process ids, paths
//! and program ids only.

pub mod hostile;
pub mod kernel;
mod live;
pub mod nginx;
mod ran;
mod rows;
mod scratch;
mod tool;
mod workload;

pub use live::Live;
pub use ran::Ran;
pub use rows::{Opened, difference};
pub use scratch::Scratch;
pub use tool::Tool;
pub use workload::{Opens, Workload};

use std::path::PathBuf;
use std::sync::OnceLock;

/// The workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .expect("the crate lies in the workspace")
}

/// The bundled example.
#[must_use]
pub fn opensnoop() -> PathBuf {
    root().join("examples/opensnoop/package.json")
}

/// A program of this workspace: `$ECLI` for `ecli` when set, else beside the running test or bench.
///
/// # Panics
/// When it has not been built; `make e2e` and `make bench` do.
#[must_use]
pub fn built(name: &str) -> PathBuf {
    if let (Some(path), "ecli") = (std::env::var_os("ECLI"), name) {
        return path.into();
    }
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let mut folder = std::env::current_exe().expect("a running program has a path");
        folder.pop();
        // Test binaries lie one level deeper.
        if folder.ends_with("deps") {
            folder.pop();
        }
        folder
    });
    let path = folder.join(name);
    assert!(path.exists(), "{} is missing: cargo build -p ecli -p e2e --bins", path.display());
    path
}
