//! What the fuzz targets do with their bytes. libFuzzer calls these with bytes that it makes up, `tests/tests/corpus.rs` with
//! those in `fuzz/corpus` and with damaged fixtures. None may panic, hang or take much memory. Each says whether the bytes
//! were good to the end, so that the replay knows that it gets beyond the first check.
#![allow(dead_code, reason = "each target includes all bodies and calls one")]

mod btf_layout;
mod decode;
mod filter;
mod layouts;
mod package_open;

pub(crate) use btf_layout::btf_layout;
pub(crate) use decode::decode;
pub(crate) use filter::filter;
pub(crate) use package_open::package_open;

/// Bounds as small as a fuzzer's patience.
fn limits() -> package::Limits {
    package::Limits {
        package_bytes: 1 << 20,
        object_bytes: 1 << 20,
        btf_types: 1 << 12,
        ..package::Limits::default()
    }
}

/// What must hold for every plan, whatever it was made from.
fn check(plan: &package::Plan, limits: &package::Limits) {
    for stream in &plan.streams {
        assert!(stream.map < plan.maps.len(), "stream {} reads a map that is not there", stream.name);
        assert!(stream.layout.fields.len() <= limits.fields as usize, "more fields than the limit");
    }
    for parameter in &plan.parameters {
        // What is shown to a person can be given back, where it can be given at all.
        let shown = parameter.display(parameter.value());
        if let Ok(bytes) = parameter.encode(&shown) {
            assert_eq!(
                bytes.len(),
                parameter.initial.len(),
                "{}: another width than the variable's",
                parameter.variable
            );
        }
        assert!(!parameter.initial.is_empty(), "{}: no bytes", parameter.variable);
    }
}
