//! Perf events that sample a CPU.

use std::io;
use std::os::fd::OwnedFd;

use libbpf_sys::perf_event_attr;

use super::perf_event;

/// What drives the samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Clock {
    /// The hardware counter of CPU cycles.
    Cycles,
    /// The kernel's timer, on machines that show no counters (most virtual ones).
    CpuClock,
}

/// Opens an event that samples everything on one CPU, `frequency` times a second.
///
/// # Errors
/// `ENOENT` (or `EOPNOTSUPP`) where the CPU has no such counter, `EACCES` without the privilege, `EINVAL` for a
/// frequency above `kernel.perf_event_max_sample_rate`, `ENODEV` for a CPU that is not online.
pub(crate) fn open(clock: Clock, cpu: u32, frequency: u64) -> io::Result<OwnedFd> {
    let mut attr = perf_event_attr::default();
    (attr.type_, attr.config) = match clock {
        Clock::Cycles => (libbpf_sys::PERF_TYPE_HARDWARE, u64::from(libbpf_sys::PERF_COUNT_HW_CPU_CYCLES)),
        Clock::CpuClock => (libbpf_sys::PERF_TYPE_SOFTWARE, u64::from(libbpf_sys::PERF_COUNT_SW_CPU_CLOCK)),
    };
    attr.set_freq(1);
    attr.__bindgen_anon_1.sample_freq = frequency;
    attr.set_disabled(1);
    perf_event::open(&mut attr, cpu)
}
