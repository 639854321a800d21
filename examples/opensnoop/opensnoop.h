/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The record that opensnoop exports: one for each open() and openat() that returned. */
#ifndef OPENSNOOP_H
#define OPENSNOOP_H

#define TASK_COMM_LEN 16
#define FILE_NAME_LEN 255

struct event {
	/* Always 0: the kernel stamps every record of a perf ring itself. */
	unsigned long long ts;
	/* The process, which the kernel calls a thread group. */
	int pid;
	int uid;
	/* A file descriptor, or an error as a negative number. */
	int ret;
	/* O_*, as the caller passed them. */
	int flags;
	char comm[TASK_COMM_LEN];
	/* As the caller passed it, cut to fit. */
	char fname[FILE_NAME_LEN];
};

#endif
