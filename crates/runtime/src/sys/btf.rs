//! Type information in libbpf's hands: parse, look at, build.
//!
//! libbpf checks every type and string offset of a BTF when it parses it, so that what it hands out lies inside.

use std::ffi::{CStr, c_int};
use std::io;
use std::marker::PhantomData;
use std::ptr::NonNull;

use libbpf_sys::{btf, btf_ext};

use super::libbpf::text;

/// Size of what every type begins with: name, kind and count, size or type (`struct btf_type`, `linux/btf.h`).
const TYPE_HEADER: usize = 12;

/// A BTF that libbpf parsed or builds. A split one borrows its base. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct Btf<'base> {
    raw: NonNull<btf>,
    base: PhantomData<&'base Btf<'base>>,
}

impl Btf<'static> {
    /// The running kernel's: 10 ms and 5 MB.
    pub(crate) fn vmlinux() -> io::Result<Self> {
        // SAFETY: no arguments.
        Self::owned(unsafe { libbpf_sys::btf__load_vmlinux_btf() })
    }

    /// Without types. Types are added with the `add_` functions.
    pub(crate) fn empty() -> io::Result<Self> {
        // SAFETY: no arguments.
        Self::owned(unsafe { libbpf_sys::btf__new_empty() })
    }

    /// Of a raw BTF.
    pub(crate) fn parse(bytes: &[u8]) -> io::Result<Self> {
        let size = u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
        // SAFETY: `size` bytes are readable; libbpf copies them.
        Self::owned(unsafe { libbpf_sys::btf__new(bytes.as_ptr().cast(), size) })
    }

    /// Of an object file, with its relocations and line numbers where it has them.
    pub(crate) fn of_object(path: &CStr) -> io::Result<(Self, Option<BtfExt>)> {
        let mut ext = std::ptr::null_mut();
        // SAFETY: a C string, and a place for a pointer.
        let raw = unsafe { libbpf_sys::btf__parse(path.as_ptr(), &raw mut ext) };
        let btf = Self::owned(raw)?;
        Ok((btf, NonNull::new(ext).map(BtfExt)))
    }
}

impl<'base> Btf<'base> {
    /// A loaded module's, on top of the kernel's.
    pub(crate) fn module(name: &CStr, kernel: &'base Btf<'static>) -> io::Result<Self> {
        // SAFETY: a C string and a live base, which outlives the result by `'base`.
        Self::owned(unsafe { libbpf_sys::btf__load_module_btf(name.as_ptr(), kernel.raw.as_ptr()) })
    }

    fn owned(raw: *mut btf) -> io::Result<Self> {
        let raw = NonNull::new(raw).ok_or_else(io::Error::last_os_error)?;
        Ok(Self { raw, base: PhantomData })
    }

    pub(super) fn as_ptr(&self) -> *const btf {
        self.raw.as_ptr()
    }

    /// One more than the largest id.
    pub(crate) fn type_count(&self) -> u32 {
        // SAFETY: live.
        unsafe { libbpf_sys::btf__type_cnt(self.as_ptr()) }
    }

    /// Whether its bytes are in this machine's order.
    pub(crate) fn is_native(&self) -> bool {
        let native = if cfg!(target_endian = "little") {
            libbpf_sys::BTF_LITTLE_ENDIAN
        } else {
            libbpf_sys::BTF_BIG_ENDIAN
        };
        // SAFETY: live.
        unsafe { libbpf_sys::btf__endianness(self.as_ptr()) == native }
    }

    /// A type as it stands in the file: its header and what follows. `None` for void and unknown ids.
    pub(crate) fn type_bytes(&self, id: u32) -> Option<&[u8]> {
        if id == 0 {
            return None;
        }
        // SAFETY: live; any id may be asked for.
        let at: *const u8 = unsafe { libbpf_sys::btf__type_by_id(self.as_ptr(), id) }.cast();
        if at.is_null() {
            return None;
        }
        // SAFETY: libbpf checked that a whole type is there; it stays while `self` is borrowed.
        let header = unsafe { std::slice::from_raw_parts(at, TYPE_HEADER) };
        let size = TYPE_HEADER + trailing(header);
        // SAFETY: as above; the size is what libbpf's parser went by.
        Some(unsafe { std::slice::from_raw_parts(at, size) })
    }

    /// A string of it. `None` outside of the strings.
    pub(crate) fn string(&self, offset: u32) -> Option<&CStr> {
        // SAFETY: live; any offset may be asked for.
        let at = unsafe { libbpf_sys::btf__str_by_offset(self.as_ptr(), offset) };
        // SAFETY: null was checked for; the strings end in NUL and stay while `self` is borrowed.
        (!at.is_null()).then(|| unsafe { CStr::from_ptr(at) })
    }

    /// The whole as it would stand in a file.
    pub(crate) fn bytes(&self) -> io::Result<&[u8]> {
        let mut size = 0;
        // SAFETY: live, and a place for the size.
        let at = unsafe { libbpf_sys::btf__raw_data(self.as_ptr(), &raw mut size) };
        if at.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: libbpf made `size` bytes; they stay until the BTF changes, which needs `&mut self`.
        Ok(unsafe { std::slice::from_raw_parts(at.cast(), size as usize) })
    }

    /// Copies a type without references: its name comes along.
    pub(crate) fn add_copy(&mut self, source: &Btf<'_>, id: u32) -> io::Result<u32> {
        // SAFETY: live; any id may be asked for.
        let at = unsafe { libbpf_sys::btf__type_by_id(source.as_ptr(), id) };
        if at.is_null() {
            return Err(io::ErrorKind::NotFound.into());
        }
        // SAFETY: `at` is a type of `source`; the two are different BTFs.
        added(unsafe { libbpf_sys::btf__add_type(self.raw.as_ptr(), source.as_ptr(), at) })
    }

    /// Adds a struct or union without members.
    pub(crate) fn add_composite(&mut self, kind: Composite, name: &CStr, size_bytes: u32) -> io::Result<u32> {
        let add = match kind {
            Composite::Struct => libbpf_sys::btf__add_struct,
            Composite::Union => libbpf_sys::btf__add_union,
        };
        // SAFETY: live, and a C string that libbpf copies.
        added(unsafe { add(self.raw.as_ptr(), name.as_ptr(), size_bytes) })
    }

    /// Adds a member to the struct or union that was added last.
    pub(crate) fn add_member(
        &mut self,
        name: &CStr,
        ty: u32,
        bit_offset: u32,
        bit_size: u32,
    ) -> io::Result<u32> {
        // SAFETY: live, and a C string that libbpf copies; libbpf checks what was added last.
        added(unsafe {
            libbpf_sys::btf__add_field(self.raw.as_ptr(), name.as_ptr(), ty as c_int, bit_offset, bit_size)
        })
    }

    /// Adds a type that says something about another.
    pub(crate) fn add_reference(&mut self, kind: Reference, name: &CStr, to: u32) -> io::Result<u32> {
        let (own, to, name) = (self.raw.as_ptr(), to as c_int, name.as_ptr());
        added(match kind {
            // SAFETY: live.
            Reference::Pointer => unsafe { libbpf_sys::btf__add_ptr(own, to) },
            // SAFETY: live.
            Reference::Volatile => unsafe { libbpf_sys::btf__add_volatile(own, to) },
            // SAFETY: live.
            Reference::Const => unsafe { libbpf_sys::btf__add_const(own, to) },
            // SAFETY: live.
            Reference::Restrict => unsafe { libbpf_sys::btf__add_restrict(own, to) },
            // SAFETY: live, and a C string that libbpf copies.
            Reference::Typedef => unsafe { libbpf_sys::btf__add_typedef(own, name, to) },
            // SAFETY: live, and a C string that libbpf copies.
            Reference::TypeTag => unsafe { libbpf_sys::btf__add_type_tag(own, name, to) },
        })
    }

    /// Adds an array.
    pub(crate) fn add_array(&mut self, index: u32, element: u32, count: u32) -> io::Result<u32> {
        let own = self.raw.as_ptr();
        // SAFETY: live.
        added(unsafe { libbpf_sys::btf__add_array(own, index as c_int, element as c_int, count) })
    }

    /// Adds a signature without parameters.
    pub(crate) fn add_signature(&mut self, returns: u32) -> io::Result<u32> {
        // SAFETY: live.
        added(unsafe { libbpf_sys::btf__add_func_proto(self.raw.as_ptr(), returns as c_int) })
    }

    /// Adds a parameter to the signature that was added last.
    pub(crate) fn add_parameter(&mut self, name: &CStr, ty: u32) -> io::Result<u32> {
        let own = self.raw.as_ptr();
        // SAFETY: live, and a C string that libbpf copies; libbpf checks what was added last.
        added(unsafe { libbpf_sys::btf__add_func_param(own, name.as_ptr(), ty as c_int) })
    }
}

impl Drop for Btf<'_> {
    fn drop(&mut self) {
        // SAFETY: this is its owner.
        unsafe { libbpf_sys::btf__free(self.raw.as_ptr()) }
    }
}

/// A type that libbpf lays out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Composite {
    Struct,
    Union,
}

/// A type that refers to one other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    Pointer,
    Volatile,
    Const,
    Restrict,
    Typedef,
    TypeTag,
}

/// What an object says about its instructions. Dropping it frees it.
#[derive(Debug)]
pub(crate) struct BtfExt(NonNull<btf_ext>);

impl BtfExt {
    /// The section `.BTF.ext`, of which libbpf checked that its parts lie inside.
    pub(crate) fn bytes(&self) -> io::Result<&[u8]> {
        let mut size = 0;
        // SAFETY: live, and a place for the size.
        let at = unsafe { libbpf_sys::btf_ext__raw_data(self.0.as_ptr(), &raw mut size) };
        if at.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: libbpf holds `size` bytes until it is freed.
        Ok(unsafe { std::slice::from_raw_parts(at.cast(), size as usize) })
    }
}

impl Drop for BtfExt {
    fn drop(&mut self) {
        // SAFETY: this is its owner.
        unsafe { libbpf_sys::btf_ext__free(self.0.as_ptr()) }
    }
}

/// `v1.7.0`.
pub(crate) fn libbpf_version() -> String {
    // SAFETY: no arguments.
    let version = unsafe { libbpf_sys::libbpf_version_string() };
    // SAFETY: a string constant of libbpf.
    unsafe { text(version) }.unwrap_or_default()
}

/// Size of what follows a type's header, by its kind (`linux/btf.h`).
fn trailing(header: &[u8]) -> usize {
    let information = u32::from_ne_bytes([header[4], header[5], header[6], header[7]]);
    let count = (information & 0xffff) as usize;
    match (information >> 24) & 0x1f {
        libbpf_sys::BTF_KIND_INT | libbpf_sys::BTF_KIND_VAR | libbpf_sys::BTF_KIND_DECL_TAG => 4,
        libbpf_sys::BTF_KIND_ARRAY => 12,
        libbpf_sys::BTF_KIND_STRUCT
        | libbpf_sys::BTF_KIND_UNION
        | libbpf_sys::BTF_KIND_DATASEC
        | libbpf_sys::BTF_KIND_ENUM64 => 12 * count,
        libbpf_sys::BTF_KIND_ENUM | libbpf_sys::BTF_KIND_FUNC_PROTO => 8 * count,
        _ => 0,
    }
}

fn added(code: c_int) -> io::Result<u32> {
    u32::try_from(code).map_err(|_| io::Error::from_raw_os_error(-code))
}
