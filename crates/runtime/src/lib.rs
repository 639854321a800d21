//! Packages in the kernel: load, attach, read, stop; through libbpf.
//!
//! The phases are types, so that the wrong order does not compile:
//!
//! ```text
//!  object, Plan ──load──▶ Loaded ──open_streams──▶ Ready ──attach──▶ Running ──stop──▶ Ledger
//!                 │                  │                      │           │ ▲
//!                 │ preflight        │ a ring for every     │ a link    └─┘ wait, drain
//!                 │ parameters       │ stream, before       │ for every
//!                 │ kernel BTF       │ anything can fire    │ program
//! ```
//!
//! * [`load`] looks for what the machine lacks ([`Missing`]), sets the parameters and loads maps and programs.
//! * [`Loaded::open_streams`] opens the rings: without a ring, the kernel refuses an event and nobody counts it.
//! * [`Ready::attach`] attaches every program; from here on records come.
//! * [`Running::wait`] and [`Running::drain`], in turn, hand over [`RawRecord`]s that borrow from the rings.
//! * [`Running::stop`] drains what was made until now, reads the losses, and only then detaches.
//!
//! Dropping any of them undoes everything: nothing of a package stays in the kernel. Every failure is an enum with
//! a cause, [`Blame`] and a hint; what works in a lesser way is a [`Notice`].
//!
//! This crate prints nothing, reads no environment and installs no handlers. libbpf's own messages go to the
//! [`Sink`] in [`LoadOptions`].

mod attach;
mod clock;
mod error;
mod globals;
mod host;
mod kernel_btf;
mod ledger;
mod libbpf_log;
mod load;
mod missing;
mod notice;
mod preflight;
mod run;
mod streams;
mod sys;

pub use attach::Attachment;
pub use clock::Clock;
pub use error::{AttachError, Blame, LoadError};
pub use ledger::{Ledger, Loss, StreamLedger};
pub use libbpf_log::{Level, Sink};
pub use load::{KernelBtf, LoadOptions, Loaded, load};
pub use missing::Missing;
pub use notice::Notice;
pub use run::{Ready, Running};
pub use streams::{RawRecord, StreamError, StreamOptions, Wake, Watched};
pub use sys::names::look_up_hosts_without_modules;
