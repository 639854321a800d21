//! Attach kinds, one file each: what the kind needs, how it is attached, what undoes it.
//!
//! A kind is added by imitation: a variant of [`package::Attach`], a file here with `needs` and `attach`, and one
//! line in each of the two functions of this page.

mod filters;
mod perf_event;
pub(crate) mod section;
mod tc;
mod xdp;

use std::thread;

use libbpf_rs::{Link, Object};
use package::{Attach, Plan, Program};

use crate::error::AttachError;
use crate::host::Host;
use crate::missing::Missing;
use crate::notice::Notice;
use crate::sys;

/// A program that now runs, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Function name.
    pub program: String,
    /// Type of the program, as libbpf spells it (`tracepoint`, `sched_cls`).
    pub kind: String,
    /// The hook, for people: `tracepoint syscalls:sys_enter_open`, `xdp on lo (link, generic)`.
    pub description: String,
}

/// What holds a program at its hook; dropping it detaches the program.
#[derive(Debug)]
pub(crate) enum Hold {
    /// Links of libbpf, one a CPU for sampled programs.
    Links(#[expect(dead_code, reason = "held for its drop")] Vec<Link>),
    /// A link of the kernel that libbpf does not know.
    Descriptor(#[expect(dead_code, reason = "held for its drop")] std::os::fd::OwnedFd),
    /// XDP before links.
    Xdp(#[expect(dead_code, reason = "held for its drop")] xdp::Netlink),
    /// tc before links.
    Filter(#[expect(dead_code, reason = "held for its drop")] tc::Filter),
}

/// Everything that is attached. Dropping it detaches all at the same time, because for most kinds the kernel waits
/// for a grace period: four tracepoints took 90 ms so, and 170 ms one after the other (6.18, two CPUs).
#[derive(Debug, Default)]
pub(crate) struct Holds(Vec<Hold>);

impl Drop for Holds {
    fn drop(&mut self) {
        thread::scope(|scope| {
            for hold in self.0.drain(..) {
                // Without another thread, the closure is dropped here, and the hold with it.
                let _joined_by_the_scope = thread::Builder::new().spawn_scoped(scope, move || drop(hold));
            }
        });
    }
}

/// One attached program.
pub(crate) struct Attached {
    pub(crate) hold: Hold,
    pub(crate) description: String,
}

/// Checks that the host has what `program` needs.
///
/// # Errors
/// The first thing that it has not.
pub(crate) fn needs(program: &Program, host: &Host) -> Result<(), Missing> {
    match &program.attach {
        Attach::Section => section::needs(program, host),
        Attach::Xdp { ifindex, .. } | Attach::Tc { ifindex, .. } => {
            interface_name(program, *ifindex).map(drop)
        }
        Attach::PerfEvent { frequency } => perf_event::needs(program, *frequency, host),
        Attach::None => Ok(()),
    }
}

/// Every program of the plan at its hook, in object order.
#[derive(Default)]
pub(crate) struct Attachments {
    pub(crate) listed: Vec<Attachment>,
    pub(crate) holds: Holds,
    pub(crate) notices: Vec<Notice>,
}

/// Attaches every program of `plan`. On an error all that was attached is detached again.
///
/// # Errors
/// The first program that could not be attached.
pub(crate) fn attach(object: &Object, plan: &Plan, host: &Host) -> Result<Attachments, AttachError> {
    let mut attachments = Attachments::default();
    for raw in object.progs() {
        let name = raw.name().to_string_lossy();
        // A program of the object that the package does not list is loaded only, as is one marked optional.
        let Some(program) = plan.programs.iter().find(|it| it.name == name) else { continue };
        if !raw.autoload() {
            continue;
        }
        let attached = match &program.attach {
            Attach::None => continue,
            Attach::Section => section::attach(program, &raw, host)?,
            Attach::Xdp { ifindex, flags } => xdp::attach(program, &raw, *ifindex, *flags)?,
            Attach::Tc { ifindex, direction, handle, priority } => {
                let place = tc::Place {
                    ifindex: *ifindex,
                    direction: *direction,
                    handle: *handle,
                    priority: *priority,
                };
                tc::attach(program, &raw, &place)?
            }
            Attach::PerfEvent { frequency } => {
                perf_event::attach(program, &raw, *frequency, host, &mut attachments.notices)?
            }
        };
        attachments.listed.push(Attachment {
            program: program.name.clone(),
            kind: sys::libbpf::program_type_name(raw.prog_type()),
            description: attached.description,
        });
        attachments.holds.0.push(attached.hold);
    }
    Ok(attachments)
}

/// Name of a network interface.
fn interface_name(program: &Program, ifindex: i32) -> Result<String, Missing> {
    let missing = || Missing::Interface { program: program.name.clone(), ifindex };
    let index = u32::try_from(ifindex).map_err(|_| missing())?;
    let socket = rustix::net::socket_with(
        rustix::net::AddressFamily::UNIX,
        rustix::net::SocketType::DGRAM,
        rustix::net::SocketFlags::CLOEXEC,
        None,
    );
    let Ok(socket) = socket else { return Ok(format!("interface {ifindex}")) };
    rustix::net::netdevice::index_to_name(&socket, index).map_err(|_| missing())
}

/// Whether this kernel does not know the kind of link (or links at all).
fn is_unknown_link(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}
