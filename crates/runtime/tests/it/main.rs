//! The crate on the running kernel. All of it needs root.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attach;
mod events;
mod kernel;
mod load;
mod memory;
mod network;
mod perf;
mod published;
mod ring_buffer;
mod sampled;
