//! Programs that libbpf attaches by their ELF section (libbpf, `docs/program_types.rst`).

use std::fmt;
use std::io;

use package::Program;

use super::{Attached, Hold};
use crate::error::AttachError;
use crate::host::{Host, TracepointState};
use crate::missing::Missing;
use crate::sys;

/// A hook as the section names it. Sections of other kinds are left to libbpf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Hook<'a> {
    /// `tp/…`, `tracepoint/…`.
    Tracepoint { category: &'a str, name: &'a str },
    /// `raw_tp/…`, `raw_tracepoint/…`.
    RawTracepoint { name: &'a str },
    /// `kprobe/…`, `ksyscall/…` and their relatives.
    Kprobe { kind: &'a str, function: &'a str },
    /// `uprobe/…`, `usdt/…` and their relatives: binary and what follows its colon.
    Uprobe { kind: &'a str, binary: &'a str, symbol: &'a str },
    /// Program types tracing, lsm and ext: through the kernel's BTF.
    Btf { kind: &'a str, function: &'a str },
    /// Anything else.
    Other { section: &'a str },
}

impl<'a> Hook<'a> {
    pub(crate) fn of(section: &'a str) -> Self {
        // A question mark means that the program is not loaded unless asked for.
        let section = section.strip_prefix('?').unwrap_or(section);
        let Some((kind, target)) = section.split_once('/') else { return Self::Other { section } };
        // `.s`: may sleep; `.w`: may write; `.multi`, `.session`: many places at once.
        match kind.split('.').next().unwrap_or(kind) {
            "tp" | "tracepoint" => match target.split_once('/') {
                Some((category, name)) => Self::Tracepoint { category, name },
                None => Self::Other { section },
            },
            "raw_tp" | "raw_tracepoint" => Self::RawTracepoint { name: target },
            "kprobe" | "kretprobe" | "ksyscall" | "kretsyscall" => Self::Kprobe { kind, function: target },
            "uprobe" | "uretprobe" | "usdt" => match target.split_once(':') {
                Some((binary, symbol)) => Self::Uprobe { kind, binary, symbol },
                None => Self::Other { section },
            },
            "fentry" | "fexit" | "fmod_ret" | "fsession" | "tp_btf" | "iter" | "lsm" | "lsm_cgroup"
            | "freplace" => Self::Btf { kind, function: target },
            _ => Self::Other { section },
        }
    }
}

impl fmt::Display for Hook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tracepoint { category, name } => write!(f, "tracepoint {category}:{name}"),
            Self::RawTracepoint { name } => write!(f, "raw tracepoint {name}"),
            Self::Kprobe { kind, function } | Self::Btf { kind, function } => write!(f, "{kind} {function}"),
            Self::Uprobe { kind, binary, symbol } => write!(f, "{kind} {binary}:{symbol}"),
            Self::Other { section } => f.write_str(section),
        }
    }
}

/// Whether the host has the hook of `program`.
pub(super) fn needs(program: &Program, host: &Host) -> Result<(), Missing> {
    if program.section.starts_with('?') {
        return Ok(());
    }
    let hook = Hook::of(&program.section);
    let (program, shown) = (program.name.clone(), hook.to_string());
    match hook {
        Hook::Tracepoint { category, name } => match host.tracepoint(category, name) {
            TracepointState::Readable => Ok(()),
            TracepointState::Absent => {
                Err(Missing::Tracepoint { program, tracepoint: format!("{category}:{name}") })
            }
            TracepointState::Closed(path) => Err(Missing::TracefsClosed { program, hook: shown, path }),
            TracepointState::NotMounted => Err(Missing::Tracefs { program, hook: shown }),
        },
        // Probes at many places at once are a mechanism of their own.
        Hook::Kprobe { kind, .. } if !kind.contains('.') && !host.has_probes("kprobe") => {
            Err(Missing::Kprobes { program, hook: shown })
        }
        Hook::Uprobe { binary, .. } if binary.starts_with('/') && !host.has_file(binary) => {
            Err(Missing::Binary { program, binary: binary.to_owned() })
        }
        Hook::Uprobe { kind, .. } if !kind.contains("multi") && !host.has_probes("uprobe") => {
            Err(Missing::Uprobes { program, hook: shown })
        }
        Hook::Btf { kind, .. } => match host.lockdown() {
            Some(mode) if !is_allowed(kind) => Err(Missing::Lockdown { program, hook: shown, mode }),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Whether the kernel takes programs of this section's type. Most locked-down kernels do, so one is asked.
fn is_allowed(kind: &str) -> bool {
    let program_type = match kind.split('.').next().unwrap_or(kind) {
        "lsm" | "lsm_cgroup" => libbpf_rs::ProgramType::Lsm,
        "freplace" => libbpf_rs::ProgramType::Ext,
        _ => libbpf_rs::ProgramType::Tracing,
    };
    program_type.is_supported().unwrap_or(true)
}

/// Attaches through libbpf.
pub(super) fn attach(
    program: &Program,
    raw: &libbpf_rs::Program<'_>,
    host: &Host,
) -> Result<Attached, AttachError> {
    let hook = Hook::of(&program.section);
    match sys::libbpf::attach_by_section(raw) {
        Ok(link) => Ok(Attached { hold: Hold::Links(vec![link]), description: hook.to_string() }),
        Err(error) => Err(explain(program, &hook, host, error)),
    }
}

/// Why libbpf could not attach.
fn explain(program: &Program, hook: &Hook<'_>, host: &Host, source: io::Error) -> AttachError {
    let (name, shown) = (program.name.clone(), hook.to_string());
    let missing = match (source.raw_os_error(), hook) {
        (Some(libc::ENOENT), Hook::RawTracepoint { name: tracepoint }) => {
            Missing::Tracepoint { program: name, tracepoint: (*tracepoint).to_owned() }
        }
        (Some(libc::ENOENT | libc::EADDRNOTAVAIL), Hook::Kprobe { function, .. }) => {
            Missing::Function { program: name, hook: shown, function: (*function).to_owned() }
        }
        (Some(libc::ENOENT | libc::ESRCH), Hook::Uprobe { binary, symbol, .. }) => {
            if binary.starts_with('/') && host.has_file(binary) {
                Missing::Symbol { program: name, binary: (*binary).to_owned(), symbol: (*symbol).to_owned() }
            } else {
                Missing::Binary { program: name, binary: (*binary).to_owned() }
            }
        }
        (Some(libc::EOPNOTSUPP), _) => {
            return AttachError::Unsupported { program: name, section: program.section.clone() };
        }
        _ => return AttachError::Refused { program: name, hook: shown, source },
    };
    AttachError::Missing(missing)
}

#[cfg(test)]
mod tests {
    use super::Hook;

    #[test]
    fn a_hook_is_named_as_people_name_it() {
        for (section, shown) in [
            ("tp/syscalls/sys_enter_open", "tracepoint syscalls:sys_enter_open"),
            ("?tracepoint/sched/sched_switch", "tracepoint sched:sched_switch"),
            ("raw_tp.w/sched_switch", "raw tracepoint sched_switch"),
            ("kretprobe/do_unlinkat", "kretprobe do_unlinkat"),
            ("uretprobe//bin/bash:readline", "uretprobe /bin/bash:readline"),
            ("usdt/libc.so.6:libc:setjmp", "usdt libc.so.6:libc:setjmp"),
            ("fentry.s/do_unlinkat", "fentry.s do_unlinkat"),
            ("lsm/socket_connect", "lsm socket_connect"),
            ("uprobe", "uprobe"),
            ("cgroup_skb/ingress", "cgroup_skb/ingress"),
        ] {
            assert_eq!(Hook::of(section).to_string(), shown);
        }
    }
}
