// SPDX-License-Identifier: MIT
/*
 * Peers of the bench: libbpf's own readers over the objects that the bench gives them.
 *
 *   reader perf-discard OBJECT   a perf event array in batches of a quarter of 1 MiB, as ecli reads it; the records are dropped
 *   reader ring-discard OBJECT   ring_buffer__poll; the records are dropped
 *   reader ring-print OBJECT     ring_buffer__poll; a line a record by printf, as the tools of libbpf-tools print
 *
 * Ends on SIGINT and prints how many records came, and how many were lost.
 */
#include <bpf/libbpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "opensnoop_ring.h"

#define RING_BYTES (1 << 20)
#define PAGE_BYTES 4096

static volatile sig_atomic_t stop;
static unsigned long long seen, lost;
static int printing;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static enum bpf_perf_event_ret on_perf(void *ctx, int cpu, struct perf_event_header *header)
{
	(void)ctx;
	(void)cpu;
	if (header->type == PERF_RECORD_SAMPLE)
		seen++;
	else if (header->type == PERF_RECORD_LOST)
		lost += ((unsigned long long *)(header + 1))[1];
	return LIBBPF_PERF_EVENT_CONT;
}

static int on_ring(void *ctx, void *bytes, size_t size)
{
	const struct event *event = bytes;

	(void)ctx;
	(void)size;
	seen++;
	if (printing) {
		time_t now = time(NULL);
		struct tm *local = localtime(&now);
		char text[16];

		strftime(text, sizeof(text), "%H:%M:%S", local);
		printf("%-8s %-6d %-6d %-4d %-7d %-16s %s\n", text, event->pid, event->uid, event->ret, event->flags,
		       event->comm, event->fname);
	}
	return 0;
}

static int read_perf(int map)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_BPF_OUTPUT,
		.sample_type = PERF_SAMPLE_TIME | PERF_SAMPLE_RAW,
		.sample_period = 1,
		.watermark = 1,
		.wakeup_watermark = RING_BYTES / 4,
		.use_clockid = 1,
		.clockid = CLOCK_MONOTONIC,
	};
	struct perf_buffer *rings = perf_buffer__new_raw(map, RING_BYTES / PAGE_BYTES, &attr, on_perf, NULL, NULL);

	if (!rings)
		return 1;
	while (!stop)
		if (perf_buffer__poll(rings, 100) == 0)
			perf_buffer__consume(rings);
	perf_buffer__consume(rings);
	return 0;
}

static int read_ring(int map)
{
	struct ring_buffer *ring = ring_buffer__new(map, on_ring, NULL, NULL);

	if (!ring)
		return 1;
	while (!stop)
		ring_buffer__poll(ring, 100);
	ring_buffer__consume(ring);
	return 0;
}

int main(int count, char **words)
{
	struct bpf_object *object;
	struct bpf_program *program;
	int map, failed;

	if (count != 3)
		return 2;
	object = bpf_object__open(words[2]);
	if (!object || bpf_object__load(object))
		return 1;
	bpf_object__for_each_program(program, object)
		if (!bpf_program__attach(program))
			return 1;
	signal(SIGINT, on_signal);
	map = bpf_object__find_map_fd_by_name(object, "events");
	printing = strcmp(words[1], "ring-print") == 0;
	failed = strcmp(words[1], "perf-discard") == 0 ? read_perf(map) : read_ring(map);
	if (!printing)
		printf("{\"seen\":%llu,\"lost\":%llu}\n", seen, lost);
	return failed;
}
