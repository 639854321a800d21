//! Looking up host names in a static binary.

/// Makes the C library look up hosts in `/etc/hosts` and DNS only, whatever `/etc/nsswitch.conf` says. Needed, and done, in a
/// static binary with glibc only: it would load the modules named there (`resolve`, `mymachines`, `mdns4` …) and with them
/// that machine's C library, which works with the version that it was linked against and no other. Both of what remains are
/// part of glibc itself since 2.34.
///
/// To be called before the first look-up; later calls change nothing.
pub fn look_up_hosts_without_modules() {
    #[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
    {
        use std::ffi::{CStr, c_char, c_int};
        use std::sync::Once;

        unsafe extern "C" {
            /// `nss.h`; takes glibc's own lock.
            fn __nss_configure_lookup(database: *const c_char, services: *const c_char) -> c_int;
        }

        const DATABASE: &CStr = c"hosts";
        const SERVICES: &CStr = c"files dns";
        static CONFIGURED: Once = Once::new();
        CONFIGURED.call_once(|| {
            // SAFETY: both are NUL-terminated and live for ever; glibc copies what it keeps.
            let refused = unsafe { __nss_configure_lookup(DATABASE.as_ptr(), SERVICES.as_ptr()) };
            debug_assert_eq!(refused, 0, "`hosts` is a database, and the services are well-formed");
        });
    }
}
