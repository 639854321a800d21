//! Network hooks: kernel links (XDP since 5.9, tcx since 6.6), and what came before them.

use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};

/// Attaches a program to an interface; closing the descriptor detaches it.
///
/// # Errors
/// `EINVAL` on kernels that do not know the kind of link, `EBUSY` where the hook is taken.
pub(crate) fn create_link(
    program: BorrowedFd<'_>,
    ifindex: i32,
    attach_type: libbpf_sys::bpf_attach_type,
    flags: u32,
) -> io::Result<OwnedFd> {
    let mut options = libbpf_sys::bpf_link_create_opts::default();
    options.sz = size_of_val(&options) as libbpf_sys::size_t;
    options.flags = flags;
    // SAFETY: `options` is live, zeroed but for its size and flags; descriptors are checked by the kernel.
    let fd =
        unsafe { libbpf_sys::bpf_link_create(program.as_raw_fd(), ifindex, attach_type, &raw const options) };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the kernel has just opened this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// How an XDP program is attached, as the kernel says (`XDP_ATTACHED_*`).
pub(crate) fn xdp_mode(ifindex: i32) -> io::Result<u8> {
    let mut query = libbpf_sys::bpf_xdp_query_opts::default();
    query.sz = size_of_val(&query) as libbpf_sys::size_t;
    // SAFETY: `query` is live and names its size.
    let code = unsafe { libbpf_sys::bpf_xdp_query(ifindex, 0, &raw mut query) };
    checked(code)?;
    Ok(query.attach_mode)
}

/// Attaches an XDP program through netlink: it stays until [`xdp_detach`].
pub(crate) fn xdp_attach(ifindex: i32, program: BorrowedFd<'_>, flags: u32) -> io::Result<()> {
    // SAFETY: no options; the descriptor is checked by the kernel.
    checked(unsafe { libbpf_sys::bpf_xdp_attach(ifindex, program.as_raw_fd(), flags, std::ptr::null()) })
}

/// Detaches `program`, and only it: the kernel compares before it removes.
pub(crate) fn xdp_detach(ifindex: i32, program: BorrowedFd<'_>, flags: u32) -> io::Result<()> {
    let mut options = libbpf_sys::bpf_xdp_attach_opts::default();
    options.sz = size_of_val(&options) as libbpf_sys::size_t;
    options.old_prog_fd = program.as_raw_fd();
    // SAFETY: `options` is live and names its size.
    checked(unsafe { libbpf_sys::bpf_xdp_detach(ifindex, flags, &raw const options) })
}

/// Direction at a `clsact` qdisc (`BPF_TC_INGRESS`, `BPF_TC_EGRESS`; both: the qdisc itself).
fn hook(ifindex: i32, attach_point: libbpf_sys::bpf_tc_attach_point) -> libbpf_sys::bpf_tc_hook {
    let mut hook = libbpf_sys::bpf_tc_hook::default();
    hook.sz = size_of_val(&hook) as libbpf_sys::size_t;
    hook.ifindex = ifindex;
    hook.attach_point = attach_point;
    hook
}

/// Adds a `clsact` qdisc to an interface.
///
/// # Errors
/// `EEXIST` where it has one already.
pub(crate) fn clsact_add(ifindex: i32) -> io::Result<()> {
    let mut hook = hook(ifindex, libbpf_sys::BPF_TC_INGRESS);
    // SAFETY: `hook` is live and names its size.
    checked(unsafe { libbpf_sys::bpf_tc_hook_create(&raw mut hook) })
}

/// Removes the `clsact` qdisc of an interface, with every filter on it.
pub(crate) fn clsact_remove(ifindex: i32) -> io::Result<()> {
    let mut hook = hook(ifindex, libbpf_sys::BPF_TC_INGRESS | libbpf_sys::BPF_TC_EGRESS);
    // SAFETY: `hook` is live and names its size.
    checked(unsafe { libbpf_sys::bpf_tc_hook_destroy(&raw mut hook) })
}

/// Adds a classic filter. Handle 0: the kernel chooses. Returns the handle and the priority that it has.
///
/// # Errors
/// `EEXIST` where that handle and priority are taken.
pub(crate) fn filter_add(
    ifindex: i32,
    attach_point: libbpf_sys::bpf_tc_attach_point,
    program: BorrowedFd<'_>,
    handle: u32,
    priority: u32,
) -> io::Result<(u32, u32)> {
    let hook = hook(ifindex, attach_point);
    let mut options = filter(handle, priority);
    options.prog_fd = program.as_raw_fd();
    // SAFETY: both are live and name their sizes.
    checked(unsafe { libbpf_sys::bpf_tc_attach(&raw const hook, &raw mut options) })?;
    Ok((options.handle, options.priority))
}

/// Removes one classic filter.
pub(crate) fn filter_remove(
    ifindex: i32,
    attach_point: libbpf_sys::bpf_tc_attach_point,
    handle: u32,
    priority: u32,
) -> io::Result<()> {
    let hook = hook(ifindex, attach_point);
    let options = filter(handle, priority);
    // SAFETY: both are live and name their sizes.
    checked(unsafe { libbpf_sys::bpf_tc_detach(&raw const hook, &raw const options) })
}

/// Id of the program behind a classic filter.
pub(crate) fn filter_program(
    ifindex: i32,
    attach_point: libbpf_sys::bpf_tc_attach_point,
    handle: u32,
    priority: u32,
) -> io::Result<u32> {
    let hook = hook(ifindex, attach_point);
    let mut options = filter(handle, priority);
    // SAFETY: both are live and name their sizes.
    checked(unsafe { libbpf_sys::bpf_tc_query(&raw const hook, &raw mut options) })?;
    Ok(options.prog_id)
}

fn filter(handle: u32, priority: u32) -> libbpf_sys::bpf_tc_opts {
    let mut options = libbpf_sys::bpf_tc_opts::default();
    options.sz = size_of_val(&options) as libbpf_sys::size_t;
    options.handle = handle;
    options.priority = priority;
    options
}

fn checked(code: i32) -> io::Result<()> {
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(()) }
}
