//! Perf events that sample a CPU.

use std::io;
use std::os::fd::{FromRawFd as _, OwnedFd};

use libbpf_sys::perf_event_attr;

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
    attr.size = size_of_val(&attr) as u32;
    (attr.type_, attr.config) = match clock {
        Clock::Cycles => (libbpf_sys::PERF_TYPE_HARDWARE, u64::from(libbpf_sys::PERF_COUNT_HW_CPU_CYCLES)),
        Clock::CpuClock => (libbpf_sys::PERF_TYPE_SOFTWARE, u64::from(libbpf_sys::PERF_COUNT_SW_CPU_CLOCK)),
    };
    attr.set_freq(1);
    attr.__bindgen_anon_1.sample_freq = frequency;
    attr.set_disabled(1);
    let every_task: libc::pid_t = -1;
    let no_group: libc::c_int = -1;
    // SAFETY: `attr` is live, names its size, and is zero where nothing was set.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attr,
            every_task,
            cpu as libc::c_int,
            no_group,
            libc::c_ulong::from(libbpf_sys::PERF_FLAG_FD_CLOEXEC),
        )
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just opened this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}
