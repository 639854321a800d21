//! Showing and filtering a record allocates nothing once the buffers have grown.

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::cell::Cell;
use std::sync::Arc;

use package::layout::{Enum, Field, Layout, Type};
use record::{Clock, Columns, Csv, Decoder, Filter, Histogram, Json, Renderer, Stamp, TimeStyle, Zone};

struct Counting;

thread_local! {
    /// Allocations of this thread: the test harness has others.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: everything is handed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(memory) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, memory) }
    }

    unsafe fn realloc(&self, at: *mut u8, memory: Memory, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.realloc(at, memory, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Utc;

impl Zone for Utc {
    fn offset_seconds(&mut self, _: i64) -> i32 {
        3600
    }
}

fn field(name: &str, bit_offset: u32, ty: Type) -> Field {
    Field { name: name.into(), bit_offset, ty, type_name: String::new(), bitfield: false }
}

/// A value of every kind.
fn layout() -> Layout {
    let state = Enum { name: "state".into(), bits: 32, signed: false, variants: vec![(1, "OPEN".into())] };
    let inner = Arc::new(Layout {
        name: "inner".into(),
        size_bytes: 16,
        fields: vec![field("wide", 0, Type::Unsigned { bits: 128 })],
    });
    let array = |element, len| Type::Array { element: Box::new(element), len };
    let fields = vec![
        field("ts", 0, Type::Unsigned { bits: 64 }),
        field("ret", 64, Type::Signed { bits: 32 }),
        field("state", 96, Type::Enum(Arc::new(state))),
        field("ratio", 128, Type::Float { bits: 64 }),
        field("at", 192, Type::Pointer { bits: 64 }),
        field("low", 256, Type::Unsigned { bits: 3 }),
        field("on", 259, Type::Bool { bits: 1 }),
        field("inner", 384, Type::Struct(inner.clone())),
        field("slots", 512, array(Type::Unsigned { bits: 32 }, 4)),
        field("inners", 640, array(Type::Struct(inner), 2)),
        field("comm", 896, Type::Text { bytes: 16 }),
        field("rest", 1024, Type::FlexibleText),
    ];
    Layout { name: "event".into(), size_bytes: 128, fields }
}

/// Ordinary values, damaged text, bytes of all kinds, and a short one.
fn records() -> Vec<Vec<u8>> {
    let mut plain = vec![1; 140];
    plain[112..].fill(b'a');
    let mut damaged = plain.clone();
    damaged[112..133].copy_from_slice(b"\x1b[2J\xff\\\"\xc3\xa9\xe2\x80\xae,23456789");
    let any = (0..140).map(|i| (i * 89 % 251) as u8).collect();
    vec![plain.clone(), damaged, any, plain[..50].to_vec(), Vec::new()]
}

fn allocations_of(mut work: impl FnMut(usize)) -> u64 {
    work(0);
    let before = ALLOCATIONS.with(Cell::get);
    (1..100).for_each(work);
    ALLOCATIONS.with(Cell::get) - before
}

#[test]
fn a_record_is_shown_without_allocating() {
    let (layout, records) = (layout(), records());
    let decoder = || Decoder::new(&layout);
    let clock = || Clock::new(TimeStyle::Wall, Utc);
    let renderers = [
        Renderer::Columns(Columns::new(decoder()).time(clock()).stream("events", 6)),
        Renderer::Json(Json::new(decoder()).time(clock()).stream("events")),
        Renderer::Csv(Csv::new(decoder()).time(clock()).stream("events")),
        Renderer::Histogram(Histogram::new(&layout, package::HistogramScale::Log2, "n").unwrap()),
    ];
    let mut out = Vec::with_capacity(1 << 20);
    for mut renderer in renderers {
        let name = format!("{renderer:?}");
        let allocations = allocations_of(|round| {
            out.clear();
            // Every round is in another second.
            let stamp =
                Stamp { mono_ns: 7, wall_ns: 1_700_000_000_000_000_000 + round as i64 * 1_000_000_000 };
            for record in &records {
                renderer.record(record, stamp, &mut out);
            }
            renderer.settle(&mut out);
            assert!(!out.is_empty());
        });
        assert_eq!(allocations, 0, "{}", name.split('(').next().unwrap());
    }
}

#[test]
fn a_record_is_filtered_without_allocating() {
    let (layout, records) = (layout(), records());
    let expression = "(ret == 16843009 || state == OPEN || ratio < 1.5) && !(comm == bash) || rest ~ '^a+$' || slots[2] == 9";
    let filter = Filter::compile(expression, &layout).unwrap();
    let mut matched = 0;
    let allocations =
        allocations_of(|_| matched += records.iter().filter(|record| filter.matches(record)).count());
    assert_eq!(allocations, 0);
    assert!(matched > 0);
}

#[test]
fn the_count_is_not_blind() {
    assert!(allocations_of(|i| drop(std::hint::black_box(vec![i; 10]))) >= 99);
}
