// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* Which files are being opened: arguments are noted at the entry of open() and openat(), and sent at the exit. */
#include "kernel.bpf.h"
#include <bpf/bpf_helpers.h>
#include "opensnoop.h"

#define ALL_USERS ((uid_t)-1)

struct args_t {
	const char *fname;
	int flags;
};

/// @description Thread to trace (0: all)
/// @cmdarg {"short": "t"}
const volatile pid_t targ_pid = 0;

/// @description Process to trace (0: all)
/// @cmdarg {"short": "p"}
const volatile pid_t targ_tgid = 0;

/// @description User to trace, by number (4294967295: all)
/// @cmdarg {"short": "u"}
const volatile uid_t targ_uid = ALL_USERS;

/// @description Show only opens that failed
/// @cmdarg {"short": "f", "default": false}
const volatile bool targ_failed = false;

/* Threads between entry and exit. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, u32);
	__type(value, struct args_t);
} start SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(key_size, sizeof(u32));
	__uint(value_size, sizeof(u32));
} events SEC(".maps");

static __always_inline int note_entry(unsigned long fname, unsigned long flags)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 tgid = id >> 32;
	u32 pid = id;
	struct args_t args = {};

	if (targ_tgid && targ_tgid != tgid)
		return 0;
	if (targ_pid && targ_pid != pid)
		return 0;
	if (targ_uid != ALL_USERS && targ_uid != (u32)bpf_get_current_uid_gid())
		return 0;

	args.fname = (const char *)fname;
	args.flags = flags;
	bpf_map_update_elem(&start, &pid, &args, BPF_ANY);
	return 0;
}

static __always_inline int send_exit(struct trace_event_raw_sys_exit *ctx)
{
	u64 id = bpf_get_current_pid_tgid();
	u32 pid = id;
	long ret = ctx->ret;
	struct event event = {};
	struct args_t *args;

	args = bpf_map_lookup_elem(&start, &pid);
	if (!args)
		return 0; /* filtered, or entered before we were there */
	if (targ_failed && ret >= 0)
		goto forget;

	event.pid = id >> 32;
	event.uid = bpf_get_current_uid_gid();
	event.ret = ret;
	event.flags = args->flags;
	bpf_get_current_comm(&event.comm, sizeof(event.comm));
	bpf_probe_read_user_str(&event.fname, sizeof(event.fname), args->fname);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &event, sizeof(event));

forget:
	bpf_map_delete_elem(&start, &pid);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_open")
int enter_open(struct trace_event_raw_sys_enter *ctx)
{
	return note_entry(ctx->args[0], ctx->args[1]);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int enter_openat(struct trace_event_raw_sys_enter *ctx)
{
	return note_entry(ctx->args[1], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_open")
int exit_open(struct trace_event_raw_sys_exit *ctx)
{
	return send_exit(ctx);
}

SEC("tracepoint/syscalls/sys_exit_openat")
int exit_openat(struct trace_event_raw_sys_exit *ctx)
{
	return send_exit(ctx);
}

/// @brief Trace open() and openat() of all processes
/// @description One line for each file that was opened, or could not be: who, with which flags, the descriptor or the error, and the name.
char LICENSE[] SEC("license") = "GPL";
