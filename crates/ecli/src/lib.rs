//! The command `ecli`, as a library: `main.rs` only calls it, so that tests and the man page use the same definitions.

pub mod source;
