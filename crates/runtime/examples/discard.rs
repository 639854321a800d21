//! Runs a package, drops its records, and says what that cost: a measure for the rings alone.
//!
//!     discard PACKAGE SECONDS [BUFFER_BYTES]
#![allow(clippy::print_stdout, reason = "its result")]

use std::error::Error;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use runtime::{LoadOptions, load};
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("PACKAGE")?;
    let seconds = arguments.next().ok_or("SECONDS")?.parse()?;
    let mut options = LoadOptions::default();
    options.streams.buffer_bytes = arguments.next().map(|text| text.parse()).transpose()?;

    let limits = package::Limits::default();
    let package = package::open(&std::fs::read(path)?, &limits)?;
    let plan = package.plan(&limits)?;
    let mut running = load(package.object(), &plan, &options)?.open_streams()?.attach()?;
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    let start = clock_gettime(ClockId::ProcessCPUTime);
    let (mut records, mut bytes, mut wakes) = (0_u64, 0, 0_u64);
    while Instant::now() < end {
        running.wait(&[], Some(end))?;
        wakes += 1;
        running.drain(|record| {
            records += 1;
            bytes += record.bytes.len();
            ControlFlow::Continue(())
        })?;
    }
    let now = clock_gettime(ClockId::ProcessCPUTime);
    let used_ns = (now.tv_sec - start.tv_sec) * 1_000_000_000 + now.tv_nsec - start.tv_nsec;
    let ledger = running.stop(|_| records += 1);
    for stream in &ledger.streams {
        println!(
            "{}: {} records, lost {}, {} unordered drains",
            stream.name, stream.delivered, stream.lost, stream.unordered_drains
        );
    }
    println!(
        "{bytes} bytes, {wakes} wake-ups, {} ms of CPU, {} ns a record",
        used_ns / 1_000_000,
        used_ns / records.max(1) as i64
    );
    Ok(())
}
