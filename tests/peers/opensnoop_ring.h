/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
#ifndef OPENSNOOP_RING_H
#define OPENSNOOP_RING_H

#define TASK_COMM_LEN 16
#define NAME_MAX 255

struct event {
	unsigned long long ts;
	int pid;
	int uid;
	int ret;
	int flags;
	char comm[TASK_COMM_LEN];
	char fname[NAME_MAX];
};

#endif
