//! Calls into libbpf whose error numbers this crate decides by: `libbpf_rs` turns them into text.

use std::ffi::{CStr, c_char};
use std::io;
use std::os::fd::{AsRawFd as _, IntoRawFd as _, OwnedFd};
use std::ptr::NonNull;

use libbpf_rs::{AsRawLibbpf as _, Link, Object, OpenObject, Program, ProgramType};

/// Creates the maps and loads the programs of `object`.
///
/// # Errors
/// The error number of the call that the kernel or libbpf refused; the object is gone then, with all its maps.
pub(crate) fn load(object: OpenObject) -> io::Result<Object> {
    // SAFETY: `as_libbpf_object` gives the live object that `object` owns.
    let code = unsafe { libbpf_sys::bpf_object__load(object.as_libbpf_object().as_ptr()) };
    if code < 0 {
        return Err(io::Error::from_raw_os_error(-code));
    }
    let raw = object.take_ptr();
    // SAFETY: `raw` was just loaded, and `take_ptr` gave up its ownership.
    Ok(unsafe { Object::from_ptr(raw) })
}

/// Attaches a program where its ELF section says. Dropping the link detaches it.
///
/// # Errors
/// `EOPNOTSUPP` where libbpf has no way to attach that section, else what the kernel said.
pub(crate) fn attach_by_section(program: &Program<'_>) -> io::Result<Link> {
    // SAFETY: the pointer is that of a program of a loaded object, which `program` borrows.
    let raw = unsafe { libbpf_sys::bpf_program__attach(program.as_libbpf_object().as_ptr()) };
    link(raw)
}

/// Runs a program at each sample of a perf event. The link owns the event.
///
/// # Errors
/// What the kernel said; the event is closed then.
pub(crate) fn attach_perf_event(program: &Program<'_>, event: OwnedFd) -> io::Result<Link> {
    let raw_program = program.as_libbpf_object().as_ptr();
    // SAFETY: a program of a loaded object and an open descriptor; libbpf keeps the descriptor on success only.
    let raw = unsafe { libbpf_sys::bpf_program__attach_perf_event(raw_program, event.as_raw_fd()) };
    let link = link(raw)?;
    let _owned_by_link = event.into_raw_fd();
    Ok(link)
}

/// As libbpf spells a type of program: `tracepoint`, `sched_cls`.
pub(crate) fn program_type_name(kind: ProgramType) -> String {
    // SAFETY: any number may be asked for.
    let name = unsafe { libbpf_sys::libbpf_bpf_prog_type_str(kind as u32) };
    // SAFETY: null, or a string constant of libbpf.
    unsafe { text(name) }.unwrap_or_else(|| "unknown".to_owned())
}

/// # Safety
/// `name` is null or a C string that lives during the call.
pub(super) unsafe fn text(name: *const c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
}

/// What libbpf's attach functions return: a link, or null with `errno`.
fn link(raw: *mut libbpf_sys::bpf_link) -> io::Result<Link> {
    let raw = NonNull::new(raw).ok_or_else(io::Error::last_os_error)?;
    // SAFETY: libbpf made this link for us; nobody else holds it.
    Ok(unsafe { Link::from_ptr(raw) })
}
