//! libbpf's print function, one for the whole process.
//!
//! Names out of a package are part of messages and may be any bytes; `libbpf_rs` accepts only text here, and panics.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use libbpf_sys::__va_list_tag;

/// Level up to which messages are formatted: `LIBBPF_WARN` is 0, `LIBBPF_DEBUG` 2.
static MOST: AtomicU32 = AtomicU32::new(libbpf_sys::LIBBPF_WARN);

unsafe extern "C" {
    /// vasprintf(3), which glibc and musl have.
    fn vasprintf(text: *mut *mut c_char, format: *const c_char, arguments: *mut __va_list_tag) -> c_int;
}

/// Gives libbpf's messages up to `level` (`LIBBPF_*`) to [`crate::libbpf_log::route`], now and from now on. Those above
/// are not even formatted.
pub(crate) fn route_up_to(level: u32) {
    MOST.fetch_max(level, Ordering::Relaxed);
    // SAFETY: `print` is a function of the required type that lives for ever.
    let _default = unsafe { libbpf_sys::libbpf_set_print(Some(print)) };
}

/// Called from C. Nothing in it panics, but for what `route` catches.
unsafe extern "C" fn print(level: u32, format: *const c_char, arguments: *mut __va_list_tag) -> c_int {
    if level > MOST.load(Ordering::Relaxed) {
        return 0;
    }
    let mut text = ptr::null_mut();
    // SAFETY: libbpf gives a format and the arguments for it, used once; `text` receives memory of malloc(3).
    let length = unsafe { vasprintf(&raw mut text, format, arguments) };
    if length < 0 || text.is_null() {
        return 0;
    }
    // SAFETY: vasprintf has ended it with a NUL.
    let message = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    crate::libbpf_log::route(level, &message);
    drop(message);
    // SAFETY: from malloc(3), borrowed by nobody any more.
    unsafe { libc::free(text.cast::<c_void>()) };
    length
}
