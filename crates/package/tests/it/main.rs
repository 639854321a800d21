//! Packages of every generation, made here from small objects that are committed with their sources.
#![allow(
    clippy::unwrap_used,
    clippy::needless_pass_by_value,
    reason = "everything here is a test or makes one"
)]

mod blob;
mod build;
mod flat;
mod hostile;
mod layouts;
mod memory;
mod opening;
mod parameters;
mod present;
mod streams;
