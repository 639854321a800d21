//! What a package will do on a kernel: programs with attach points, maps, streams, parameters.

use std::time::Duration;

use crate::{Layout, Parameter};

/// Everything that running needs, checked against the object.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Object name that libbpf is given (at most 15 bytes of it reach the kernel).
    pub object_name: String,
    /// In object order.
    pub programs: Vec<Program>,
    /// In object order, internal maps (`.rodata` …) too.
    pub maps: Vec<Map>,
    /// What leaves the kernel as records, in the package's order. Empty: the package prints nothing itself.
    pub streams: Vec<Stream>,
    /// What the user can set before loading.
    pub parameters: Vec<Parameter>,
    /// What the package says that has no effect, or an unusual one; for `-v`.
    pub notes: Vec<String>,
}

/// One program of the object.
#[derive(Debug, Clone)]
pub struct Program {
    /// Function name.
    pub name: String,
    /// ELF section: what libbpf decides type and attach point from.
    pub section: String,
    /// How it is attached.
    pub attach: Attach,
}

/// How a program is attached.
#[derive(Debug, Clone, PartialEq)]
pub enum Attach {
    /// By its section, through libbpf.
    Section,
    /// Loaded, never attached (`link: false`, or a program that others call).
    None,
    /// Section `tc`.
    Tc {
        /// Interface index.
        ifindex: i32,
        /// Which way.
        direction: TcDirection,
        /// Filter handle, where a classic filter is used.
        handle: u32,
        /// Filter priority, where a classic filter is used.
        priority: u32,
    },
    /// Section `xdp`.
    Xdp {
        /// Interface index.
        ifindex: i32,
        /// `XDP_FLAGS_*`.
        flags: u32,
    },
    /// Section `perf_event`: sampled on every online CPU.
    PerfEvent {
        /// Samples a second on each CPU.
        frequency: u64,
    },
}

/// Direction of traffic at a tc hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TcDirection {
    /// Towards this host.
    Ingress,
    /// From this host.
    Egress,
}

/// One map of the object.
#[derive(Debug, Clone)]
pub struct Map {
    /// Name in the object; libbpf prefixes internal ones.
    pub name: String,
    /// `BPF_MAP_TYPE_*` as a number (`include/uapi/linux/bpf.h`).
    pub kind: u32,
    /// Bytes of a key.
    pub key_bytes: u32,
    /// Bytes of a value; for internal maps the size of the section.
    pub value_bytes: u32,
    /// As declared; 0 where the kernel or the loader decides.
    pub max_entries: u32,
    /// The ELF section when the map is one (`.rodata`, `.bss`, `.data.x` …).
    pub section: Option<String>,
}

/// A source of records.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Name of the map.
    pub name: String,
    /// Index in [`Plan::maps`].
    pub map: usize,
    /// Where the records come from.
    pub source: Source,
    /// Layout of one record. For [`Source::Sampled`] it has exactly two fields: `key` at offset 0 and `value`
    /// at the key's size rounded up to 8 bytes.
    pub layout: Layout,
    /// Whether records go on after the layout: the package lists some of their members, and not how long they are.
    pub open_ended: bool,
}

/// The kind of map that a stream reads.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// `BPF_MAP_TYPE_PERF_EVENT_ARRAY`: records with the kernel's own time stamp.
    PerfArray,
    /// `BPF_MAP_TYPE_RINGBUF`: records whose time is that of reading.
    RingBuffer,
    /// A map whose entries are listed at an interval.
    Sampled(Sampling),
}

/// How a map is sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Between two listings.
    pub interval: Duration,
    /// What a listing looks like as text.
    pub kind: SampleKind,
    /// Delete what was listed, after each listing. `None`: the package does not say.
    pub clear: Option<bool>,
}

/// How entries of a sampled map are shown as text.
#[derive(Debug, Clone, PartialEq)]
pub enum SampleKind {
    /// A row an entry.
    KeyValue,
    /// A histogram an entry, from the value's member `slots`.
    Histogram {
        /// What a slot covers.
        scale: HistogramScale,
        /// Heading of the picture.
        unit: String,
    },
}

/// What the slots of a histogram cover.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistogramScale {
    /// Slot i counts values from 2^i to 2^(i+1) − 1.
    Log2,
    /// Slot i counts the value i.
    Linear,
}
