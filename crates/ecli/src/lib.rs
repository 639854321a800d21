//! The command `ecli`, as a library: `main.rs` only chooses a mode, so that tests, completions and man pages use the
//! same definitions.
//!
//! ```text
//! cli       what was typed             source    argument → bytes + digest
//! modes     one function a mode        info      what is in a package
//! session   records → rows, counted    output    rows → file, pipe or terminal, never blocking blindly
//! follow    read, show, write, stop    signals   SIGINT and SIGTERM as something to wait for
//! message   standard error             exit      exit codes, and the error type that carries one
//! ```
#![forbid(unsafe_code)]

pub mod cli;
pub mod exit;
pub mod follow;
pub mod info;
pub mod message;
pub mod modes;
pub mod output;
pub mod session;
pub mod signals;
pub mod source;
pub mod zone;
