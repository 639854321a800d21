//! libbpf's own CO-RE matching, which it exports for bpftool's `gen min_core_btf` only.
//!
//! The functions are hidden, not static: they are in the static library. Their structs are copied here from libbpf
//! v1.7.0, which the workspace pins.

use std::ffi::{CStr, c_char, c_int};
use std::io;

use libbpf_sys::{bpf_core_relo, btf, size_t};

use super::btf::Btf;

/// `BPF_CORE_SPEC_MAX_LEN`, `relo_core.h:20`.
const SPEC_MAX_LEN: usize = 64;

/// `struct bpf_core_cand`, `relo_core.h:9`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Candidate {
    btf: *const btf,
    id: u32,
}

/// `struct bpf_core_cand_list`, `relo_core.h:15`.
#[repr(C)]
struct CandidateList {
    cands: *mut Candidate,
    len: c_int,
}

/// `struct bpf_core_accessor`, `relo_core.h:23`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Accessor {
    type_id: u32,
    idx: u32,
    name: *const c_char,
}

/// `struct bpf_core_spec`, `relo_core.h:29`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Spec {
    btf: *const btf,
    spec: [Accessor; SPEC_MAX_LEN],
    root_type_id: u32,
    relo_kind: u32,
    len: c_int,
    raw_spec: [c_int; SPEC_MAX_LEN],
    raw_len: c_int,
    bit_offset: u32,
}

impl Spec {
    const EMPTY: Self = Self {
        btf: std::ptr::null(),
        spec: [Accessor { type_id: 0, idx: 0, name: std::ptr::null() }; SPEC_MAX_LEN],
        root_type_id: 0,
        relo_kind: 0,
        len: 0,
        raw_spec: [0; SPEC_MAX_LEN],
        raw_len: 0,
        bit_offset: 0,
    };
}

/// `struct bpf_core_relo_res`, `relo_core.h:47`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Outcome {
    orig_val: u64,
    new_val: u64,
    poison: bool,
    validate: bool,
    fail_memsz_adjust: bool,
    orig_sz: u32,
    orig_type_id: u32,
    new_sz: u32,
    new_type_id: u32,
}

unsafe extern "C" {
    /// `libbpf_internal.h:710`.
    fn bpf_core_add_cands(
        local_cand: *mut Candidate,
        local_essent_len: size_t,
        targ_btf: *const btf,
        targ_btf_name: *const c_char,
        targ_start_id: c_int,
        cands: *mut CandidateList,
    ) -> c_int;
    /// `relo_core.h:77`.
    fn bpf_core_essential_name_len(name: *const c_char) -> size_t;
    /// `relo_core.h:79`.
    fn bpf_core_calc_relo_insn(
        prog_name: *const c_char,
        relo: *const bpf_core_relo,
        relo_idx: c_int,
        local_btf: *const btf,
        cands: *mut CandidateList,
        specs_scratch: *mut Spec,
        targ_res: *mut Outcome,
    ) -> c_int;
}

/// A type of the kernel that fits a relocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// The type by whose name it was found.
    pub(crate) root: u32,
    /// The way from there: an array index, then numbers of members and elements. Empty for types.
    pub(crate) path: Vec<u32>,
    /// What the instruction gets.
    pub(crate) value: Value,
}

/// What decides how an instruction is changed; ids of types, which differ between two BTFs, do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    orig_val: u64,
    new_val: u64,
    poison: bool,
    validate: bool,
    fail_memsz_adjust: bool,
    orig_sz: u32,
    new_sz: u32,
}

/// The types of `target`, from `first` on, that have the name and the sort of type `id` of `local`.
///
/// # Errors
/// There is no such type, or it has no name; no memory.
pub(crate) fn candidates(local: &Btf<'_>, id: u32, target: &Btf<'_>, first: u32) -> io::Result<Vec<u32>> {
    let name = type_name(local, id).filter(|it| !it.is_empty()).ok_or(io::ErrorKind::InvalidInput)?;
    // SAFETY: a C string.
    let essential = unsafe { bpf_core_essential_name_len(name.as_ptr()) };
    let mut wanted = Candidate { btf: local.as_ptr(), id };
    let mut list = CandidateList { cands: std::ptr::null_mut(), len: 0 };
    // SAFETY: both BTFs are live, `id` is a type of `local` with a name, and the list may grow by realloc from null.
    let code = unsafe {
        bpf_core_add_cands(
            &raw mut wanted,
            essential,
            target.as_ptr(),
            c"kernel".as_ptr(),
            first as c_int,
            &raw mut list,
        )
    };
    let found = if list.cands.is_null() {
        Vec::new()
    } else {
        // SAFETY: libbpf made `len` of them.
        let found = unsafe { std::slice::from_raw_parts(list.cands, list.len as usize) };
        found.iter().map(|it| it.id).collect()
    };
    // SAFETY: made by libbpf's realloc, or null; nobody else holds it.
    unsafe { libc::free(list.cands.cast()) };
    if code < 0 { Err(io::Error::from_raw_os_error(-code)) } else { Ok(found) }
}

/// Whether type `candidate` of `target` fits `relocation` of `local`.
///
/// # Errors
/// libbpf cannot say; it fails over this relocation in a load too.
pub(crate) fn matching(
    local: &Btf<'_>,
    relocation: &bpf_core_relo,
    target: &Btf<'_>,
    candidate: u32,
) -> io::Result<Option<Match>> {
    if type_name(local, relocation.type_id).is_none() || target.type_bytes(candidate).is_none() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut candidate = Candidate { btf: target.as_ptr(), id: candidate };
    let mut list = CandidateList { cands: &raw mut candidate, len: 1 };
    let mut scratch = [Spec::EMPTY; 3];
    let mut outcome = Outcome::default();
    // SAFETY: both BTFs are live, both types exist; a list of one candidate, which libbpf may shorten but neither
    // grows nor frees; scratch space for three.
    let code = unsafe {
        bpf_core_calc_relo_insn(
            c"trim".as_ptr(),
            relocation,
            0,
            local.as_ptr(),
            &raw mut list,
            scratch.as_mut_ptr(),
            &raw mut outcome,
        )
    };
    if code < 0 {
        return Err(io::Error::from_raw_os_error(-code));
    }
    // Only a match is copied to the third.
    let [_, _, Spec { btf, root_type_id, raw_spec, raw_len, .. }] = scratch;
    if btf.is_null() {
        return Ok(None);
    }
    let Outcome {
        orig_val,
        new_val,
        poison,
        validate,
        fail_memsz_adjust,
        orig_sz,
        new_sz,
        orig_type_id: _,
        new_type_id: _,
    } = outcome;
    let path =
        raw_spec.iter().take(usize::try_from(raw_len).unwrap_or_default()).map(|it| *it as u32).collect();
    let value = Value { orig_val, new_val, poison, validate, fail_memsz_adjust, orig_sz, new_sz };
    Ok(Some(Match { root: root_type_id, path, value }))
}

fn type_name<'btf>(btf: &'btf Btf<'_>, id: u32) -> Option<&'btf CStr> {
    let bytes = btf.type_bytes(id)?;
    btf.string(u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As gcc lays them out on a 64-bit machine: `pahole -C bpf_core_spec`.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn structs_have_the_sizes_of_libbpfs() {
        assert_eq!(size_of::<Candidate>(), 16);
        assert_eq!(size_of::<CandidateList>(), 16);
        assert_eq!(size_of::<Accessor>(), 16);
        assert_eq!(size_of::<Spec>(), 1312);
        assert_eq!(size_of::<Outcome>(), 40);
    }

    /// The structs above are copied from this release.
    #[test]
    fn libbpf_is_the_release_that_the_structs_are_copied_from() {
        assert_eq!(crate::sys::btf::libbpf_version(), "v1.7");
    }
}
