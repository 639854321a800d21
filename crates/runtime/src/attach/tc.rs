//! tc: packets as the kernel queues them, inwards or outwards.
//!
//! Attached by a tcx link (since 6.6), after all programs that are there already. Before that, a classic filter on
//! a `clsact` qdisc. Only the own filter is removed, and the qdisc only if it was made here and is empty.

use std::io;
use std::os::fd::AsFd as _;

use libbpf_rs::Program as LoadedProgram;
use package::{Program, TcDirection};

use super::{Attached, Hold};
use crate::error::AttachError;
use crate::sys;

/// Where a package wants its program.
pub(super) struct Place {
    pub(super) ifindex: i32,
    pub(super) direction: TcDirection,
    pub(super) handle: u32,
    pub(super) priority: u32,
}

impl Place {
    fn attach_point(&self) -> libbpf_sys::bpf_tc_attach_point {
        match self.direction {
            TcDirection::Ingress => libbpf_sys::BPF_TC_INGRESS,
            TcDirection::Egress => libbpf_sys::BPF_TC_EGRESS,
        }
    }
}

/// Attaches to an interface.
pub(super) fn attach(
    program: &Program,
    raw: &LoadedProgram<'_>,
    place: &Place,
) -> Result<Attached, AttachError> {
    let interface = super::interface_name(program, place.ifindex)?;
    let (attach_type, direction) = match place.direction {
        TcDirection::Ingress => (libbpf_sys::BPF_TCX_INGRESS, "ingress"),
        TcDirection::Egress => (libbpf_sys::BPF_TCX_EGRESS, "egress"),
    };
    let hook = format!("tc {direction} on {interface}");
    match sys::net::create_link(raw.as_fd(), place.ifindex, attach_type, 0) {
        Ok(link) => Ok(Attached { hold: Hold::Descriptor(link), description: format!("{hook} (link)") }),
        Err(error) if super::is_unknown_link(&error) => match Filter::add(raw, place) {
            Ok(filter) => {
                let description =
                    format!("{hook} (filter {:#x}, priority {})", filter.handle, filter.priority);
                Ok(Attached { hold: Hold::Filter(filter), description })
            }
            Err(source) => Err(AttachError::Refused { program: program.name.clone(), hook, source }),
        },
        Err(source) => Err(AttachError::Refused { program: program.name.clone(), hook, source }),
    }
}

/// A classic filter of ours; dropping it removes it.
#[derive(Debug)]
pub(crate) struct Filter {
    ifindex: i32,
    attach_point: libbpf_sys::bpf_tc_attach_point,
    handle: u32,
    priority: u32,
    program_id: u32,
    made_qdisc: bool,
}

impl Filter {
    fn add(raw: &LoadedProgram<'_>, place: &Place) -> io::Result<Self> {
        let made_qdisc = match sys::net::clsact_add(place.ifindex) {
            Ok(()) => true,
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => false,
            Err(error) => return Err(error),
        };
        let attach_point = place.attach_point();
        let add =
            |handle| sys::net::filter_add(place.ifindex, attach_point, raw.as_fd(), handle, place.priority);
        let added = match add(place.handle) {
            // Somebody else's filter has that handle: ours takes any other.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => add(0),
            other => other,
        };
        let mut filter =
            Self { ifindex: place.ifindex, attach_point, handle: 0, priority: 0, program_id: 0, made_qdisc };
        (filter.handle, filter.priority) = added?;
        filter.program_id =
            sys::net::filter_program(filter.ifindex, attach_point, filter.handle, filter.priority)?;
        Ok(filter)
    }
}

impl Drop for Filter {
    fn drop(&mut self) {
        let Self { ifindex, attach_point, handle, priority, program_id, made_qdisc } = *self;
        // The handle may have been given to another program meanwhile.
        let ours = handle != 0
            && sys::net::filter_program(ifindex, attach_point, handle, priority)
                .is_ok_and(|id| id == program_id);
        if ours {
            // Nothing is left to do about a filter that cannot be removed.
            let _refused = sys::net::filter_remove(ifindex, attach_point, handle, priority);
        }
        if made_qdisc && super::filters::is_empty(ifindex).unwrap_or(false) {
            let _refused = sys::net::clsact_remove(ifindex);
        }
    }
}
