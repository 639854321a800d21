//! perf_event_open(2) and its requests.

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use libbpf_sys::perf_event_attr;

/// Opens an event for all tasks on one CPU; the size of `attr` is filled in.
///
/// # Errors
///
/// `ENODEV`: the CPU is not online. `EACCES`, `EPERM`: no privilege. `EINVAL`: something in `attr` that this kernel
/// does not know. `ENOENT`, `EOPNOTSUPP`: the hardware has no such counter.
pub(crate) fn open(attr: &mut perf_event_attr, cpu: u32) -> io::Result<OwnedFd> {
    attr.size = size_of_val(attr) as u32;
    let every_task: libc::pid_t = -1;
    let no_group: libc::c_int = -1;
    // SAFETY: `attr` is live, names its size, and is zero where nothing was set.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const *attr,
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

/// Starts an event.
pub(crate) fn enable(fd: &OwnedFd) -> io::Result<()> {
    /// `_IO('$', 0)`, include/uapi/linux/perf_event.h.
    const PERF_EVENT_IOC_ENABLE: libc::Ioctl = 0x2400;
    // SAFETY: an open perf event; this request takes no pointer.
    let code = unsafe { libc::ioctl(fd.as_raw_fd(), PERF_EVENT_IOC_ENABLE, 0) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Has `event` write into the ring of `owner`, an event of the same CPU and clock.
pub(crate) fn write_into(event: &OwnedFd, owner: &OwnedFd) -> io::Result<()> {
    /// `_IO('$', 5)`, include/uapi/linux/perf_event.h.
    const PERF_EVENT_IOC_SET_OUTPUT: libc::Ioctl = 0x2405;
    // SAFETY: an open perf event; this request takes a descriptor, no pointer.
    let code = unsafe { libc::ioctl(event.as_raw_fd(), PERF_EVENT_IOC_SET_OUTPUT, owner.as_raw_fd()) };
    if code < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
