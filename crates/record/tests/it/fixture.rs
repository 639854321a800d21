//! Layouts and records that several tests use.

use package::layout::{Field, Layout, Type};
use record::{Renderer, Stamp, Zone};

pub(crate) fn field(name: &str, bit_offset: u32, ty: Type) -> Field {
    Field { name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false }
}

pub(crate) fn signed(bits: u16) -> Type {
    Type::Signed { bits }
}

pub(crate) fn unsigned(bits: u16) -> Type {
    Type::Unsigned { bits }
}

pub(crate) fn text(bytes: u32) -> Type {
    Type::Text { bytes }
}

pub(crate) fn array(element: Type, len: u32) -> Type {
    Type::Array { element: Box::new(element), len }
}

pub(crate) fn layout(size_bytes: u32, fields: Vec<Field>) -> Layout {
    Layout { name: "event".into(), size_bytes, fields }
}

/// The event of `examples/opensnoop`.
pub(crate) fn opensnoop() -> Layout {
    let fields = vec![
        field("ts", 0, unsigned(64)),
        field("pid", 64, signed(32)),
        field("uid", 96, signed(32)),
        field("ret", 128, signed(32)),
        field("flags", 160, signed(32)),
        field("comm", 192, text(16)),
        field("fname", 320, text(255)),
    ];
    layout(296, fields)
}

/// As the perf ring hands it over: 4 bytes longer.
pub(crate) fn opened(pid: i32, ret: i32, flags: i32, comm: &[u8], fname: &[u8]) -> Vec<u8> {
    let mut record = vec![0; 300];
    for (at, value) in [(8, pid), (16, ret), (20, flags)] {
        record[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    record[24..24 + comm.len()].copy_from_slice(comm);
    record[40..40 + fname.len()].copy_from_slice(fname);
    record
}

/// UTC.
pub(crate) struct Utc;

impl Zone for Utc {
    fn offset_seconds(&mut self, _: i64) -> i32 {
        0
    }
}

/// 00:58:08 UTC.
pub(crate) const STAMP: Stamp = Stamp { mono_ns: 2_000_000_003, wall_ns: 1_700_009_888_000_000_042 };

/// Everything that a renderer writes for some records.
pub(crate) fn shown(mut renderer: Renderer, records: &[Vec<u8>]) -> String {
    let mut out = Vec::new();
    renderer.begin(&mut out);
    for record in records {
        renderer.record(record, STAMP, &mut out);
    }
    renderer.settle(&mut out);
    renderer.finish(&mut out);
    String::from_utf8(out).expect("renderers write UTF-8")
}
