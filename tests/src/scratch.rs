//! A folder that goes away with the test.

use std::path::{Path, PathBuf};

/// A new empty folder, removed when dropped.
#[derive(Debug)]
pub struct Scratch(tempfile::TempDir);

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// # Panics
    /// When the system has no room for a folder.
    #[must_use]
    pub fn new() -> Self {
        Self(tempfile::Builder::new().prefix("ecli-").tempdir().expect("a scratch folder can be made"))
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// A path inside, made or not.
    #[must_use]
    pub fn at(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes a file inside and returns its path.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, bytes).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        path
    }
}
