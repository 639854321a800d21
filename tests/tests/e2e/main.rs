//! End to end: the real binary on the real kernel, a module a subject. `make e2e` runs it; most of it needs root.
//!
//! Other programs open files meanwhile: tests look for their own process ids and paths only.

mod arguments;
mod cache;
mod differential;
mod fixtures;
mod formats;
mod info;
mod kernel_refusals;
mod limits;
mod network_source;
mod output;
mod package_input;
mod parameters;
mod shown;
mod smoke;
mod static_binary;
mod stop;
mod url;
