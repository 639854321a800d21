//! Names of map and program types, as `bpftool` prints them.

/// `BPF_MAP_TYPE_*` in order (`include/uapi/linux/bpf.h`, Linux 6.18).
const MAP_TYPES: [&str; 35] = [
    "unspec",
    "hash",
    "array",
    "prog_array",
    "perf_event_array",
    "percpu_hash",
    "percpu_array",
    "stack_trace",
    "cgroup_array",
    "lru_hash",
    "lru_percpu_hash",
    "lpm_trie",
    "array_of_maps",
    "hash_of_maps",
    "devmap",
    "sockmap",
    "cpumap",
    "xskmap",
    "sockhash",
    "cgroup_storage",
    "reuseport_sockarray",
    "percpu_cgroup_storage",
    "queue",
    "stack",
    "sk_storage",
    "devmap_hash",
    "struct_ops",
    "ringbuf",
    "inode_storage",
    "task_storage",
    "bloom_filter",
    "user_ringbuf",
    "cgrp_storage",
    "arena",
    "insn_array",
];

/// Section prefixes and the program type that libbpf gives them (`section_defs` in libbpf 1.7, `libbpf.c`). An entry
/// that ends in `/` needs a target, one without may have one.
const PROGRAM_TYPES: [(&str, &str); 61] = [
    ("socket", "socket_filter"),
    ("sk_reuseport/migrate", "sk_reuseport"),
    ("sk_reuseport", "sk_reuseport"),
    ("kprobe.multi", "kprobe"),
    ("kretprobe.multi", "kprobe"),
    ("kprobe.session", "kprobe"),
    ("kprobe", "kprobe"),
    ("kretprobe", "kprobe"),
    ("uprobe.multi", "kprobe"),
    ("uretprobe.multi", "kprobe"),
    ("uprobe.session", "kprobe"),
    ("uprobe", "kprobe"),
    ("uretprobe", "kprobe"),
    ("ksyscall", "kprobe"),
    ("kretsyscall", "kprobe"),
    ("usdt", "kprobe"),
    ("tc/ingress", "sched_cls"),
    ("tc/egress", "sched_cls"),
    ("tcx/ingress", "sched_cls"),
    ("tcx/egress", "sched_cls"),
    ("tc", "sched_cls"),
    ("classifier", "sched_cls"),
    ("action", "sched_act"),
    ("netkit/primary", "sched_cls"),
    ("netkit/peer", "sched_cls"),
    ("tracepoint", "tracepoint"),
    ("tp_btf", "tracing"),
    ("tp", "tracepoint"),
    ("raw_tracepoint.w", "raw_tracepoint_writable"),
    ("raw_tp.w", "raw_tracepoint_writable"),
    ("raw_tracepoint", "raw_tracepoint"),
    ("raw_tp", "raw_tracepoint"),
    ("fentry", "tracing"),
    ("fexit", "tracing"),
    ("fmod_ret", "tracing"),
    ("freplace", "ext"),
    ("lsm_cgroup", "lsm"),
    ("lsm", "lsm"),
    ("iter", "tracing"),
    ("syscall", "syscall"),
    ("xdp", "xdp"),
    ("perf_event", "perf_event"),
    ("lwt_in", "lwt_in"),
    ("lwt_out", "lwt_out"),
    ("lwt_xmit", "lwt_xmit"),
    ("lwt_seg6local", "lwt_seg6local"),
    ("sockops", "sock_ops"),
    ("sk_skb", "sk_skb"),
    ("sk_msg", "sk_msg"),
    ("lirc_mode2", "lirc_mode2"),
    ("flow_dissector", "flow_dissector"),
    ("cgroup_skb", "cgroup_skb"),
    ("cgroup/skb", "cgroup_skb"),
    ("cgroup/dev", "cgroup_device"),
    ("cgroup/sysctl", "cgroup_sysctl"),
    ("cgroup/getsockopt", "cgroup_sockopt"),
    ("cgroup/setsockopt", "cgroup_sockopt"),
    ("cgroup/sock", "cgroup_sock"),
    ("struct_ops", "struct_ops"),
    ("sk_lookup", "sk_lookup"),
    ("netfilter", "netfilter"),
];

/// Name of a `BPF_MAP_TYPE_*` number, without the prefix and in small letters; `unknown` for one newer than this.
#[must_use]
pub fn map_type_name(kind: u32) -> &'static str {
    usize::try_from(kind).ok().and_then(|kind| MAP_TYPES.get(kind)).copied().unwrap_or("unknown")
}

/// Program type of an ELF section and what follows its prefix: `tp/sched/sched_switch` is a `tracepoint` on
/// `sched/sched_switch`. `None` where libbpf would not know the section either.
#[must_use]
pub fn program_type(section: &str) -> Option<(&'static str, &str)> {
    let section = section.strip_prefix('?').unwrap_or(section);
    let listed = PROGRAM_TYPES.iter().find_map(|&(prefix, name)| {
        let rest = section.strip_prefix(prefix)?;
        let rest = rest.strip_prefix(".s").unwrap_or(rest);
        match rest.strip_prefix('/') {
            Some(target) => Some((name, target)),
            None if rest.is_empty() || rest.starts_with('.') => Some((name, "")),
            None => None,
        }
    });
    listed.or_else(|| cgroup_socket_type(section))
}

/// Sections whose hook and address family are one word, as in `cgroup/connect4`.
fn cgroup_socket_type(section: &str) -> Option<(&'static str, &str)> {
    let hook = section.strip_prefix("cgroup/")?;
    let verb = hook.trim_end_matches(|c: char| c.is_ascii_digit());
    match verb {
        "bind" | "connect" | "connect_unix" | "sendmsg" | "sendmsg_unix" | "recvmsg" | "recvmsg_unix"
        | "getpeername" | "getpeername_unix" | "getsockname" | "getsockname_unix" => {
            Some(("cgroup_sock_addr", hook))
        }
        "sock_create" | "sock_release" | "post_bind" => Some(("cgroup_sock", hook)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_types_as_in_libbpf() {
        for (section, expected) in [
            ("tracepoint/syscalls/sys_enter_open", Some(("tracepoint", "syscalls/sys_enter_open"))),
            ("tp/sched/sched_switch", Some(("tracepoint", "sched/sched_switch"))),
            ("tp_btf/sched_switch", Some(("tracing", "sched_switch"))),
            ("raw_tp/sched_switch", Some(("raw_tracepoint", "sched_switch"))),
            ("uretprobe//bin/bash:readline", Some(("kprobe", "/bin/bash:readline"))),
            ("fentry.s/do_unlinkat", Some(("tracing", "do_unlinkat"))),
            ("lsm/socket_connect", Some(("lsm", "socket_connect"))),
            ("xdp", Some(("xdp", ""))),
            ("xdp.frags", Some(("xdp", ""))),
            ("?tc", Some(("sched_cls", ""))),
            ("perf_event", Some(("perf_event", ""))),
            ("cgroup/connect4", Some(("cgroup_sock_addr", "connect4"))),
            ("cgroup/sock_create", Some(("cgroup_sock", "sock_create"))),
            (".text", None),
            ("tcp", None),
        ] {
            assert_eq!(program_type(section), expected, "{section}");
        }
    }

    #[test]
    fn map_types_have_names() {
        assert_eq!(map_type_name(4), "perf_event_array");
        assert_eq!(map_type_name(27), "ringbuf");
        assert_eq!(map_type_name(u32::MAX), "unknown");
    }
}
