//! tc: packets as the kernel queues them, inwards or outwards.
//!
//! Attached by a tcx link (since 6.6), after all programs that are there already. Before that, a classic filter on
//! a `clsact` qdisc. Only the own filter is removed, and the qdisc only if it was made here and is empty.
//!
//! The kernel runs tcx programs before classic filters: a program that returns `TC_ACT_OK` and not
//! `TC_ACT_UNSPEC` ends the chain, and classic filters of others do not see the packet while it is attached. A
//! classic filter of priority 1, which is what packages ask for, does the same.

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
        let program_id = LoadedProgram::id_from_fd(raw.as_fd()).map_err(io::Error::other)?;
        let made_qdisc = match sys::net::clsact_add(place.ifindex) {
            Ok(()) => true,
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => false,
            Err(error) => return Err(error),
        };
        let (ifindex, attach_point) = (place.ifindex, place.attach_point());
        // From here on a failure removes the qdisc again.
        let mut filter = Self { ifindex, attach_point, handle: 0, priority: 0, program_id, made_qdisc };
        let add = |handle| sys::net::filter_add(ifindex, attach_point, raw.as_fd(), handle, place.priority);
        let added = match add(place.handle) {
            // Somebody else's filter has that handle: ours takes any other.
            Err(error) if error.raw_os_error() == Some(libc::EEXIST) => add(0),
            other => other,
        };
        (filter.handle, filter.priority) = added?;
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use libbpf_rs::{Object, ObjectBuilder};
    use package::TcDirection;

    use super::{Filter, Place};

    const PACKETS: &[u8] = include_bytes!("../../tests/fixtures/load_packets.bpf.o");
    const PACKETS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/load_packets.bpf.o");

    /// A pair of interfaces of the test's own, gone when this is dropped.
    struct Interface {
        name: String,
        ifindex: i32,
    }

    impl Interface {
        fn new(test: char) -> Self {
            let name = format!("eclf{}{test}", std::process::id() % 1_000_000);
            command(&format!("ip link add {name} type veth peer name {name}p"));
            let ifindex = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).unwrap();
            Self { ifindex: ifindex.trim().parse().unwrap(), name }
        }

        fn place(&self) -> Place {
            Place { ifindex: self.ifindex, direction: TcDirection::Ingress, handle: 1, priority: 1 }
        }

        fn add_foreign_filter(&self, handle: u32) {
            let name = &self.name;
            command(&format!(
                "tc filter add dev {name} ingress prio 1 handle {handle} bpf da obj {PACKETS_FILE} sec tc"
            ));
        }

        fn filters(&self) -> String {
            command(&format!("tc filter show dev {} ingress", self.name))
        }

        fn has_clsact(&self) -> bool {
            command(&format!("tc qdisc show dev {}", self.name)).contains("clsact")
        }
    }

    impl Drop for Interface {
        fn drop(&mut self) {
            command(&format!("ip link del {}", self.name));
        }
    }

    fn command(line: &str) -> String {
        let words: Vec<_> = line.split(' ').collect();
        let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
        assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn add(object: &Object, place: &Place) -> Filter {
        let program = object.progs().find(|it| it.name() == "at_tc").unwrap();
        Filter::add(&program, place).unwrap()
    }

    fn object() -> Object {
        ObjectBuilder::default().open_memory(PACKETS).unwrap().load().unwrap()
    }

    #[test]
    fn a_filter_goes_with_the_qdisc_that_was_made_for_it() {
        let interface = Interface::new('a');
        let filter = add(&object(), &interface.place());
        assert_eq!((filter.handle, filter.priority, filter.made_qdisc), (1, 1, true));
        assert!(interface.filters().contains("handle 0x1 "));
        drop(filter);
        assert!(!interface.has_clsact());
    }

    #[test]
    fn a_taken_handle_is_left_to_its_owner() {
        let interface = Interface::new('b');
        command(&format!("tc qdisc add dev {} clsact", interface.name));
        interface.add_foreign_filter(1);
        let before = interface.filters();
        let filter = add(&object(), &interface.place());
        assert_ne!(filter.handle, 1);
        assert!(!filter.made_qdisc);
        assert_ne!(interface.filters(), before);
        drop(filter);
        assert_eq!(interface.filters(), before);
        assert!(interface.has_clsact());
    }

    #[test]
    fn a_qdisc_that_others_use_by_now_stays() {
        let interface = Interface::new('c');
        let filter = add(&object(), &interface.place());
        interface.add_foreign_filter(7);
        drop(filter);
        let filters = interface.filters();
        assert!(filters.contains("handle 0x7 ") && !filters.contains("handle 0x1 "), "{filters}");
    }

    #[test]
    fn a_filter_that_was_replaced_is_not_removed() {
        let interface = Interface::new('d');
        let filter = add(&object(), &interface.place());
        command(&format!("tc filter del dev {} ingress prio 1 handle 1 bpf", interface.name));
        interface.add_foreign_filter(1);
        let before = interface.filters();
        drop(filter);
        assert_eq!(interface.filters(), before);
    }
}
