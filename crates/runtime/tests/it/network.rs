//! XDP and tc on a pair of interfaces of their own, one end in a network namespace.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use package::{Attach, Plan, TcDirection};
use runtime::{AttachError, Running};

use crate::kernel::{alone, gone, load, own_programs, plan, run, slot};

const PACKETS: &[u8] = include_bytes!("../fixtures/load_packets.bpf.o");
const PACKETS_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/load_packets.bpf.o");

/// `near` is here, its peer in the namespace; both go when this is dropped.
struct Pair {
    near: String,
    namespace: String,
    ifindex: i32,
    socket: UdpSocket,
}

impl Pair {
    fn new() -> Self {
        // At most 15 bytes of a name; the process id keeps two runs of the tests apart.
        let id = std::process::id() % 1_000_000;
        let (near, far, namespace) = (format!("ecli{id}a"), format!("ecli{id}b"), format!("ecli-test-{id}"));
        let net = format!("10.{}.{}", 100 + id / 256 % 100, id % 256);
        command(&format!("ip netns add {namespace}"));
        command(&format!("ip link add {near} type veth peer name {far} netns {namespace}"));
        command(&format!("ip addr add {net}.1/24 dev {near}"));
        command(&format!("ip link set {near} up"));
        command(&format!("ip -n {namespace} addr add {net}.2/24 dev {far}"));
        command(&format!("ip -n {namespace} link set {far} up"));
        let ifindex = std::fs::read_to_string(format!("/sys/class/net/{near}/ifindex")).unwrap();
        let socket = UdpSocket::bind(format!("{net}.1:0")).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        Self { near, namespace, ifindex: ifindex.trim().parse().unwrap(), socket }
    }

    /// Sends from the other end until a packet has arrived here, and answers it.
    fn exchange(&self) {
        let address = self.socket.local_addr().unwrap();
        let send = format!("echo packet > /dev/udp/{}/{}", address.ip(), address.port());
        let arrived = (0..20).any(|_| {
            let _first_ones_may_fail_while_the_link_comes_up = Command::new("ip")
                .args(["netns", "exec", &self.namespace, "bash", "-c", &send])
                .output()
                .unwrap();
            self.socket
                .recv_from(&mut [0; 64])
                .is_ok_and(|(_, from)| self.socket.send_to(b"answer", from).is_ok())
        });
        assert!(arrived, "no packet arrives");
    }

    fn xdp_program(&self) -> u32 {
        let any = std::os::fd::AsFd::as_fd(&self.socket);
        libbpf_rs::Xdp::new(any).query_id(self.ifindex, libbpf_rs::XdpFlags::NONE).unwrap()
    }

    fn filters(&self) -> String {
        command(&format!("tc filter show dev {} ingress", self.near))
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        command(&format!("ip link del {}", self.near));
        command(&format!("ip netns del {}", self.namespace));
    }
}

fn command(line: &str) -> String {
    let words: Vec<_> = line.split(' ').collect();
    let output = Command::new(words[0]).args(&words[1..]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn at_xdp(ifindex: i32, flags: u32) -> Plan {
    plan(&[("at_xdp", "xdp", Attach::Xdp { ifindex, flags })])
}

fn at_tc(ifindex: i32, direction: TcDirection) -> Plan {
    plan(&[("at_tc", "tc", Attach::Tc { ifindex, direction, handle: 1, priority: 1 })])
}

fn description(running: &Running) -> &str {
    &running.attachments()[0].description
}

#[test]
fn an_xdp_program_sees_packets_and_goes_with_the_run() {
    let _alone = alone();
    let pair = Pair::new();
    let skb_mode = 1 << 1;
    for (flags, mode) in [(0, "native"), (skb_mode, "generic")] {
        let running = run(PACKETS, &at_xdp(pair.ifindex, flags));
        assert_eq!(description(&running), format!("xdp on {} (link, {mode})", pair.near));
        pair.exchange();
        assert!(slot("load_packets", 0) >= 1);

        let error = load(PACKETS, &at_xdp(pair.ifindex, flags)).open_streams().unwrap().attach().unwrap_err();
        assert!(matches!(error, AttachError::Taken { .. }), "{error:?}");
        assert_ne!(pair.xdp_program(), 0, "the first program stays");

        let programs = own_programs();
        drop(running);
        assert_eq!(pair.xdp_program(), 0);
        gone(&programs);
    }
}

#[test]
fn a_tc_program_sees_packets_and_touches_no_filter_of_others() {
    let _alone = alone();
    let pair = Pair::new();
    command(&format!("tc qdisc add dev {} clsact", pair.near));
    command(&format!(
        "tc filter add dev {} ingress prio 1 handle 1 bpf da obj {PACKETS_FILE} sec tc",
        pair.near
    ));
    let before = pair.filters();
    for (direction, name) in [(TcDirection::Ingress, "ingress"), (TcDirection::Egress, "egress")] {
        let running = run(PACKETS, &at_tc(pair.ifindex, direction));
        let shown = description(&running);
        assert!(shown.starts_with(&format!("tc {name} on {} (", pair.near)), "{shown}");
        pair.exchange();
        assert!(slot("load_packets", 1) >= 1);
        let programs = own_programs();
        drop(running);
        assert_eq!(pair.filters(), before);
        gone(&programs);
    }
}

#[test]
fn two_runs_at_one_tc_hook_both_see_packets() {
    let _alone = alone();
    let pair = Pair::new();
    let plan = at_tc(pair.ifindex, TcDirection::Egress);
    let first = run(PACKETS, &plan);
    let second = run(PACKETS, &plan);
    drop(first);
    pair.exchange();
    assert!(slot("load_packets", 1) >= 1, "the second is still there");
    drop(second);
}
