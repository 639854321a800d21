//! One opensnoop record to columns, JSON and CSV, and through filters; beside them what copying the record costs.
//!
//! `cargo bench -p record --bench render`

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use package::layout::{Field, Layout, Type};
use record::{Clock, Columns, Csv, Decoder, Filter, Framing, Json, Renderer, Stamp, TimeStyle, Zone};

/// Rows between two flushes of the output.
const BATCH: usize = 64;

struct Utc;

impl Zone for Utc {
    fn offset_seconds(&mut self, _: i64) -> i32 {
        0
    }
}

fn layout() -> Layout {
    let fields = [
        ("ts", 0, Type::Unsigned { bits: 64 }),
        ("pid", 64, Type::Signed { bits: 32 }),
        ("uid", 96, Type::Signed { bits: 32 }),
        ("ret", 128, Type::Signed { bits: 32 }),
        ("flags", 160, Type::Signed { bits: 32 }),
        ("comm", 192, Type::Text { bytes: 16 }),
        ("fname", 320, Type::Text { bytes: 255 }),
    ];
    let field = |(name, bit_offset, ty): (&str, u32, Type)| Field {
        name: name.into(),
        bit_offset,
        ty,
        type_name: String::new(),
        bitfield: false,
    };
    Layout { name: "event".into(), size_bytes: 296, fields: fields.map(field).into() }
}

/// As the kernel hands it over: 296 bytes and 4 of padding. Which process, result and file differ from row to row.
fn records() -> Vec<Vec<u8>> {
    let names: [&[u8]; 4] = [
        b"/etc/mtab",
        b"/proc/self/status",
        b"/usr/lib/x86_64-linux-gnu/libc.so.6",
        b"/var/log/journal/system.log",
    ];
    let commands: [&[u8]; 4] = [b"vmtoolsd", b"cat", b"systemd-journal", b"nginx"];
    let record = |i: usize| {
        let mut record = vec![0; 300];
        for (at, value) in [(8, 812 + 37 * i as i32), (12, 1000), (16, 3 + i as i32 % 9 * -2), (20, 524_288)]
        {
            record[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        record[24..24 + commands[i % 4].len()].copy_from_slice(commands[i % 4]);
        record[40..40 + names[i / 4 % 4].len()].copy_from_slice(names[i / 4 % 4]);
        record
    };
    (0..BATCH).map(record).collect()
}

fn render(criterion: &mut Criterion) {
    let layout = layout();
    let decoder = || Decoder::new(&layout).framing(Framing::Padded);
    let clock = || Clock::new(TimeStyle::Wall, Utc);
    let records = records();
    let mut out = Vec::with_capacity(256 << 10);

    // Each figure is that of one record: the clock counts 64 at a time.
    let mut of_one = |name: &str, one: &mut dyn FnMut(&[u8], &mut Vec<u8>)| {
        criterion.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let rounds = count.div_ceil(BATCH as u64);
                let start = std::time::Instant::now();
                for _ in 0..rounds {
                    out.clear();
                    for record in &records {
                        one(black_box(record), &mut out);
                    }
                    black_box(&out);
                }
                start.elapsed().mul_f64(count as f64 / (rounds * BATCH as u64) as f64)
            });
        });
    };

    let renderers = [
        ("columns", Renderer::Columns(Columns::new(decoder()).time(clock()))),
        ("json", Renderer::Json(Json::new(decoder()))),
        ("json with time", Renderer::Json(Json::new(decoder()).time(clock()))),
        ("csv", Renderer::Csv(Csv::new(decoder()).time(clock()))),
    ];
    of_one("memcpy", &mut |record, out| out.extend_from_slice(record));
    for (name, mut renderer) in renderers {
        of_one(name, &mut |record, out| {
            renderer.record(record, Stamp::default(), out);
        });
    }
    let filters = [
        ("filter number", "pid == 812 && ret < 0"),
        ("filter text", "comm == nginx"),
        ("filter regex", "fname ~ '^/usr/.*[.]so'"),
    ];
    for (name, expression) in filters {
        let filter = Filter::compile(expression, &layout).expect("a good filter");
        of_one(name, &mut |record, _| {
            black_box(filter.matches(record));
        });
    }
}

criterion_group!(benches, render);
criterion_main!(benches);
