//! XDP: packets at the driver, before the kernel makes anything of them.
//!
//! Attached by a kernel link (since 5.9), which goes when this process goes; before that through netlink, removed
//! when the hold is dropped, and only if the program there is still ours.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use libbpf_rs::Program as LoadedProgram;
use package::Program;

use super::{Attached, Hold};
use crate::error::AttachError;
use crate::sys;

/// `XDP_FLAGS_*` of `include/uapi/linux/if_link.h`.
const UPDATE_IF_NOEXIST: u32 = 1;
const MODES: u32 = 0b1110;

/// An attachment that nothing but its drop removes.
#[derive(Debug)]
pub(crate) struct Netlink {
    ifindex: i32,
    mode: u32,
    program: OwnedFd,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        // Whoever replaced the program owns the hook now: then the kernel refuses, and that is right.
        let _refused = sys::net::xdp_detach(self.ifindex, self.program.as_fd(), self.mode);
    }
}

/// Attaches to an interface. An interface with an XDP program already is left as it is.
pub(super) fn attach(
    program: &Program,
    raw: &LoadedProgram<'_>,
    ifindex: i32,
    flags: u32,
) -> Result<Attached, AttachError> {
    let interface = super::interface_name(program, ifindex)?;
    // A link never replaces a program, so of the flags only the mode is left to ask for.
    let mode = flags & MODES;
    let (hold, how) = match sys::net::create_link(raw.as_fd(), ifindex, libbpf_sys::BPF_XDP, mode) {
        Ok(link) => (Hold::Descriptor(link), "link"),
        Err(error) if super::is_unknown_link(&error) => {
            let netlink = attach_by_netlink(raw, ifindex, mode)
                .map_err(|source| refused(program, &interface, source))?;
            (Hold::Xdp(netlink), "netlink")
        }
        Err(source) => return Err(refused(program, &interface, source)),
    };
    // `XDP_ATTACHED_*`, same file.
    let place = match sys::net::xdp_mode(ifindex) {
        Ok(1) => ", native",
        Ok(2) => ", generic",
        Ok(3) => ", offloaded",
        _ => "",
    };
    Ok(Attached { hold, description: format!("xdp on {interface} ({how}{place})") })
}

fn attach_by_netlink(raw: &LoadedProgram<'_>, ifindex: i32, mode: u32) -> io::Result<Netlink> {
    let program = raw.as_fd().try_clone_to_owned()?;
    sys::net::xdp_attach(ifindex, program.as_fd(), mode | UPDATE_IF_NOEXIST)?;
    Ok(Netlink { ifindex, mode, program })
}

fn refused(program: &Program, interface: &str, source: io::Error) -> AttachError {
    let (program, hook) = (program.name.clone(), format!("xdp on {interface}"));
    match source.raw_os_error() {
        Some(libc::EBUSY | libc::EEXIST) => {
            AttachError::Taken { program, hook, look: format!("ip link show {interface}") }
        }
        _ => AttachError::Refused { program, hook, source },
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;
    use std::process::Command;

    use libbpf_rs::{Object, ObjectBuilder, Program, Xdp, XdpFlags};

    use super::attach_by_netlink;

    const PACKETS: &[u8] = include_bytes!("../../tests/fixtures/load_packets.bpf.o");

    fn ip(line: &str) {
        assert!(Command::new("ip").args(line.split(' ')).status().unwrap().success(), "ip {line}");
    }

    fn object() -> Object {
        ObjectBuilder::default().open_memory(PACKETS).unwrap().load().unwrap()
    }

    fn program(object: &Object) -> Program<'_> {
        object.progs().find(|it| it.name() == "at_xdp").unwrap()
    }

    #[test]
    fn before_links_a_program_is_removed_by_its_drop_and_never_that_of_another() {
        let name = format!("eclx{}", std::process::id() % 1_000_000);
        ip(&format!("link add {name} type veth peer name {name}p"));
        let ifindex = std::fs::read_to_string(format!("/sys/class/net/{name}/ifindex")).unwrap();
        let ifindex = ifindex.trim().parse().unwrap();
        let (ours, others) = (object(), object());
        let others = program(&others);
        let attached = || Xdp::new(others.as_fd()).query_id(ifindex, XdpFlags::NONE).unwrap();

        let hold = attach_by_netlink(&program(&ours), ifindex, 0).unwrap();
        assert_ne!(attached(), 0);
        attach_by_netlink(&program(&ours), ifindex, 0).expect_err("the hook is taken");
        drop(hold);
        assert_eq!(attached(), 0);

        let hold = attach_by_netlink(&program(&ours), ifindex, 0).unwrap();
        Xdp::new(others.as_fd()).attach(ifindex, XdpFlags::NONE).unwrap();
        let foreign = attached();
        drop(hold);
        assert_eq!(attached(), foreign);
        ip(&format!("link del {name}"));
    }
}
