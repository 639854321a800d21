/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What opensnoop uses of the kernel, in place of a whole vmlinux.h. The structs hold only the members that are
 * read: where these lie is looked up by name in the running kernel's BTF when the program is loaded.
 */
#ifndef KERNEL_BPF_H
#define KERNEL_BPF_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u32 u32;
typedef __u64 u64;
typedef int pid_t;
typedef __u32 uid_t;
typedef _Bool bool;
enum { false, true };

/* From include/uapi/linux/bpf.h. */
enum {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
};
#define BPF_ANY 0
#define BPF_F_CURRENT_CPU 0xffffffffULL

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* Tracepoints syscalls/sys_enter_* and syscalls/sys_exit_*. */
struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

#pragma clang attribute pop

#endif
