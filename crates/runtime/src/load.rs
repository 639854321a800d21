//! From an object file to programs in the kernel.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use libbpf_rs::{MapType, Object, ObjectBuilder, OpenObject, ProgramType};
use package::Plan;

use crate::attach::section::Hook;
use crate::error::LoadError;
use crate::host::Host;
use crate::libbpf_log::{self, Capture, Level, Sink, Subject};
use crate::missing::Missing;
use crate::notice::Notice;
use crate::run::Ready;
use crate::streams::{Prepared, RingSizes, StreamError, StreamOptions};
use crate::{globals, kernel_btf, preflight, sys};

/// How to load a package.
#[derive(Debug, Clone, Default)]
pub struct LoadOptions {
    /// Index in [`Plan::parameters`] and the bytes of the variable, as `Parameter::encode` gives them. What is not
    /// here has the package's default, else the bytes of the object file.
    pub values: Vec<(usize, Vec<u8>)>,
    /// Size and number of buffers.
    pub streams: StreamOptions,
    /// Where the kernel's types are read from.
    pub kernel_btf: KernelBtf,
    /// Receives libbpf's messages, while this crate's functions run. `None`: they are dropped.
    pub libbpf_log: Option<Sink>,
}

/// Where the kernel's type information comes from.
#[derive(Debug, Clone)]
pub enum KernelBtf {
    /// The running kernel's own.
    System {
        /// Folder for the parts that packages use, so that the next start need not read all of it. It is made when
        /// it is absent, and not used unless only this user can write to it. `None`: nothing is kept.
        cache_dir: Option<PathBuf>,
    },
    /// A raw BTF file.
    File(PathBuf),
}

impl Default for KernelBtf {
    fn default() -> Self {
        Self::System { cache_dir: None }
    }
}

/// Programs and maps are in the kernel; nothing is attached. Dropping it removes them.
#[derive(Debug)]
pub struct Loaded {
    object: Object,
    plan: Plan,
    prepared: Prepared,
    notices: Vec<Notice>,
    libbpf_log: Option<Sink>,
}

/// Loads the object of a package.
///
/// # Errors
/// What is missing on this machine, what the kernel refused, or a value that does not fit.
pub fn load(object: &[u8], plan: &Plan, options: &LoadOptions) -> Result<Loaded, LoadError> {
    let host = Host::system();
    let _capture = Capture::start(options.libbpf_log.as_ref());
    preflight::check(plan, &host)?;
    let btf = kernel_btf::prepare(object, &options.kernel_btf);
    if let Some(log) = &options.libbpf_log {
        log.tell(Level::Debug, &format!("kernel BTF: {:?}", btf.origin()));
        if let Some(remark) = btf.remark() {
            log.tell(Level::Information, &remark.to_string());
        }
    }
    let mut notices = Vec::new();
    let (object, prepared) = match attempt(object, plan, options, btf.path(), &host) {
        Err(error) if depends_on_btf(&error) => match &options.kernel_btf {
            KernelBtf::File(path) => return Err(blame_btf(path, error)),
            KernelBtf::System { .. } => {
                if !btf.forget() {
                    return Err(error);
                }
                let loaded = attempt(object, plan, options, None, &host)?;
                notices.push(Notice::BtfCacheDropped);
                loaded
            }
        },
        other => other?,
    };
    Ok(Loaded { object, plan: plan.clone(), prepared, notices, libbpf_log: options.libbpf_log.clone() })
}

/// Whether the kernel or libbpf may have failed for the types that they were given.
fn depends_on_btf(error: &LoadError) -> bool {
    matches!(
        error,
        LoadError::Missing(_)
            | LoadError::Relocation { .. }
            | LoadError::Verifier { .. }
            | LoadError::Refused { .. }
    )
}

/// Loads the object, with smaller ring buffers when the kernel refuses their memory.
fn attempt(
    object: &[u8],
    plan: &Plan,
    options: &LoadOptions,
    btf: Option<&Path>,
    host: &Host,
) -> Result<(Object, Prepared), LoadError> {
    let mut sizes = RingSizes::new(plan, &options.streams);
    loop {
        match attempt_with(object, plan, options, &sizes, btf, host) {
            Err(Failure::MapMemory { map, .. }) if sizes.halve(plan, &map) => {}
            Err(Failure::MapMemory { error, .. } | Failure::Other(error)) => return Err(error),
            Ok(loaded) => return Ok(loaded),
        }
    }
}

/// Why one attempt failed.
enum Failure {
    /// The kernel has no memory for a map, or a limit on it.
    MapMemory {
        map: String,
        error: LoadError,
    },
    Other(LoadError),
}

impl<E: Into<LoadError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Opens, sets up and loads the object once, with CO-RE relocations done against the BTF file `btf`.
fn attempt_with(
    object: &[u8],
    plan: &Plan,
    options: &LoadOptions,
    sizes: &RingSizes,
    btf: Option<&Path>,
    host: &Host,
) -> Result<(Object, Prepared), Failure> {
    let capture = Capture::start(options.libbpf_log.as_ref());
    let mut builder = ObjectBuilder::default();
    let opened = open(&mut builder, object, plan, btf);
    let mut open = opened.map_err(|error| LoadError::Object {
        reason: libbpf_log::last(&capture.warnings()).unwrap_or_else(|| error.to_string()),
    })?;
    for program in &plan.programs {
        if !open.progs().any(|it| it.name().to_string_lossy() == program.name) {
            return Err(LoadError::NoProgram { program: program.name.clone() }.into());
        }
    }
    globals::set(&mut open, plan, &options.values)?;
    let prepared = Prepared::new(&mut open, plan, sizes.clone())?;
    let kinds: Kinds =
        open.progs().map(|it| (it.name().to_string_lossy().into_owned(), it.prog_type())).collect();
    let object = sys::libbpf::load(open).map_err(|source| {
        let warnings = capture.warnings();
        // EPERM: the locked-memory limit, before Linux 5.11.
        let is_limit = matches!(source.raw_os_error(), Some(libc::ENOMEM | libc::EPERM));
        let error = explain(source, &warnings, plan, &kinds, host);
        match libbpf_log::subject(&warnings) {
            Some(Subject::Map(map)) if is_limit => Failure::MapMemory { map, error },
            _ => Failure::Other(error),
        }
    })?;
    Ok((object, prepared))
}

/// A load that failed because of the BTF file that it was given.
fn blame_btf(path: &Path, error: LoadError) -> LoadError {
    let _quiet = Capture::start(None);
    match libbpf_rs::btf::Btf::from_path(path) {
        Ok(_) => error,
        Err(source) => LoadError::BtfFile { path: path.to_owned(), source },
    }
}

impl Loaded {
    /// Opens the rings. Before anything can fire: without a ring, the kernel refuses an event and nobody counts it.
    ///
    /// # Errors
    /// The kernel does not give the memory.
    pub fn open_streams(self) -> Result<Ready, StreamError> {
        let Self { object, plan, prepared, mut notices, libbpf_log } = self;
        let _capture = Capture::start(libbpf_log.as_ref());
        let mut streams = prepared.open(&object, &plan)?;
        notices.extend(streams.notices());
        Ok(Ready { streams, object, plan, notices, libbpf_log })
    }
}

fn open(
    builder: &mut ObjectBuilder,
    object: &[u8],
    plan: &Plan,
    btf: Option<&Path>,
) -> libbpf_rs::Result<OpenObject> {
    if let Some(path) = btf {
        builder.btf_custom_path(path)?;
    }
    builder.name(object_name(plan))?.open_memory(object)
}

/// The plan's name in the characters that the kernel allows: libbpf makes the names of sections from it.
fn object_name(plan: &Plan) -> String {
    let name: String =
        plan.object_name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    if name.is_empty() { "package".to_owned() } else { name }
}

/// Type of each program.
type Kinds = BTreeMap<String, ProgramType>;

/// Why libbpf could not load.
fn explain(source: io::Error, warnings: &[String], plan: &Plan, kinds: &Kinds, host: &Host) -> LoadError {
    let subject = libbpf_log::subject(warnings);
    let errno = source.raw_os_error().unwrap_or_default();
    if let Some(missing) = missing(errno, subject.as_ref(), plan, kinds, host) {
        return LoadError::Missing(missing);
    }
    if let Some((program, log)) = libbpf_log::verifier_log(warnings) {
        return match libbpf_log::unresolved(&log).map(str::to_owned) {
            Some(what) => LoadError::Relocation { program, what },
            None => LoadError::Verifier { program, log },
        };
    }
    let subject = match subject {
        Some(Subject::Program(name)) => format!("program {name}"),
        Some(Subject::Map(name)) => format!("map {name}"),
        None => "the package".to_owned(),
    };
    match errno {
        libc::ENOMEM => LoadError::Memory { subject },
        _ => LoadError::Refused { subject, source },
    }
}

/// A known lack behind an error number. The kernel is asked again for the one thing, rather than its text read.
fn missing(
    errno: i32,
    subject: Option<&Subject>,
    plan: &Plan,
    kinds: &Kinds,
    host: &Host,
) -> Option<Missing> {
    match (subject, errno) {
        (_, libc::EPERM) if host.is_user_namespace() => Some(Missing::UserNamespace),
        (None, libc::ESRCH | libc::ENOENT) if !host.has_file("/sys/kernel/btf/vmlinux") => {
            Some(Missing::KernelBtf)
        }
        (Some(Subject::Map(name)), libc::EINVAL | libc::EOPNOTSUPP) => {
            let map = plan.maps.iter().find(|it| it.name == *name)?;
            let is_known = MapType::from(map.kind).is_supported().unwrap_or(false);
            (!is_known).then(|| Missing::MapType {
                map: name.clone(),
                kind: package::map_type_name(map.kind).to_owned(),
            })
        }
        (Some(Subject::Program(name)), libc::EINVAL) => {
            let kind = *kinds.get(name)?;
            let is_known = kind.is_supported().unwrap_or(true);
            (!is_known).then(|| Missing::ProgramType {
                program: name.clone(),
                kind: sys::libbpf::program_type_name(kind),
            })
        }
        (Some(Subject::Program(name)), _) => {
            let program = plan.programs.iter().find(|it| it.name == *name)?;
            let hook = Hook::of(&program.section);
            let (program, shown) = (name.clone(), hook.to_string());
            match (&hook, errno) {
                (Hook::Btf { function, .. }, libc::ESRCH | libc::ENOENT) => {
                    Some(Missing::Function { program, hook: shown, function: (*function).to_owned() })
                }
                (Hook::Btf { .. }, libc::EPERM) => {
                    host.lockdown().map(|mode| Missing::Lockdown { program, hook: shown, mode })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use package::{Attach, Program};

    use super::*;

    #[test]
    fn a_function_that_no_kernel_has_is_named() {
        let section = "fentry/no_such_function".to_owned();
        let plan = Plan {
            object_name: "no name of a file.o".into(),
            programs: vec![Program { name: "at_function".into(), section, attach: Attach::Section }],
            maps: vec![],
            streams: vec![],
            parameters: vec![],
            notes: vec![],
        };
        let capture = Capture::start(None);
        let object = include_bytes!("../tests/fixtures/load_traced.bpf.o");
        // Past the preflight: a kernel in lockdown would be explained by that.
        let open = open(&mut ObjectBuilder::default(), object, &plan, None).unwrap();
        let error = sys::libbpf::load(open).unwrap_err();
        let error = explain(error, &capture.warnings(), &plan, &Kinds::new(), &Host::system());
        assert_eq!(
            error.to_string(),
            "program at_function (fentry no_such_function) needs a kernel function that cannot be traced here: \
             no_such_function"
        );
    }

    #[test]
    fn a_kernel_without_btf_is_explained_only_when_it_was_needed() {
        let plan = Plan {
            object_name: String::new(),
            programs: vec![],
            maps: vec![],
            streams: vec![],
            parameters: vec![],
            notes: vec![],
        };
        let host = crate::host::tests::Tree::new(&[]).host();
        let explain = |errno| explain(io::Error::from_raw_os_error(errno), &[], &plan, &Kinds::new(), &host);
        assert!(matches!(explain(libc::ESRCH), LoadError::Missing(Missing::KernelBtf)));
        assert!(matches!(explain(libc::EIO), LoadError::Refused { .. }));
    }
}
