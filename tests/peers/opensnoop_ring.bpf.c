// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* The bundled opensnoop over a ring buffer instead of a perf event array: what the bench's ring rows trace. */
#include "../../examples/opensnoop/kernel.bpf.h"
#define BPF_MAP_TYPE_RINGBUF 27
#include <bpf/bpf_helpers.h>
#include "opensnoop_ring.h"

struct args_t {
	const char *fname;
	int flags;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct args_t);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct trace_event_raw_sys_enter *ctx)
{
	u32 pid = bpf_get_current_pid_tgid();
	struct args_t args = {};

	args.fname = (const char *)ctx->args[1];
	args.flags = ctx->args[2];
	bpf_map_update_elem(&start, &pid, &args, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 pid = id;
	struct args_t *args = bpf_map_lookup_elem(&start, &pid);
	struct event *event;

	if (!args)
		return 0;
	event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	if (event) {
		event->ts = 0;
		event->pid = id >> 32;
		event->uid = bpf_get_current_uid_gid();
		event->ret = ctx->ret;
		event->flags = args->flags;
		bpf_get_current_comm(&event->comm, sizeof(event->comm));
		bpf_probe_read_user_str(&event->fname, sizeof(event->fname), args->fname);
		bpf_ringbuf_submit(event, 0);
	}
	bpf_map_delete_elem(&start, &pid);
	return 0;
}

/// @brief Trace openat() of all processes, over a ring buffer
char LICENSE[] SEC("license") = "GPL";
