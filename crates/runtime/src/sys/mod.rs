//! Everything `unsafe`: one file for each C or kernel interface, safe functions outwards.

pub(crate) mod btf;
pub(crate) mod core_relo;
pub(crate) mod libbpf;
pub(crate) mod map_batch;
pub(crate) mod mapping;
pub(crate) mod names;
pub(crate) mod net;
pub(crate) mod perf;
pub(crate) mod perf_event;
pub(crate) mod print;
pub(crate) mod ring_buffer;
pub(crate) mod sampling;
