/* SPDX-License-Identifier: MIT */
/*
 * The reader of results on arbitrary bytes: LLVMFuzzerTestOneInput() for libFuzzer, and
 * with ../fuzz/replay.c, for any compiler, the test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "datasets/scenario/results.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void check_snapshots(const struct scenario_results *r)
{
	require(r->nr_snapshots <= r->nr_steps, "snapshots");
	for (size_t i = 0; i < r->nr_snapshots; i++) {
		const struct scenario_snapshot *s = &r->snapshots[i];

		require(s->name[0] && s->step < r->nr_steps, "snapshot");
		require(r->steps[s->step].word == SCENARIO_SNAPSHOT, "step");
		require(!i || s->step > s[-1].step, "order of snapshots");
		for (size_t c = 0; c < s->nr_counters; c++)
			require(s->counters[c].value <= INT64_MAX, "counter");
	}
}

/* What whoever compares results relies on. */
static void check(const struct scenario_results *r)
{
	size_t evicted = 0;

	require(r->nr_steps <= SCENARIO_STEPS_MAX, "steps");
	for (size_t i = 0; i < r->nr_steps; i++) {
		require(r->steps[i].word < SCENARIO_NR_WORDS, "word");
		require(r->steps[i].first_evicted == evicted, "first evicted");
		evicted += r->steps[i].nr_evicted;
	}
	require(evicted == r->nr_evicted, "evicted");
	for (size_t i = 0; i < r->nr_evicted; i++)
		require(r->evicted[i] < TRACE_GFN_LIMIT, "gfn");
	check_snapshots(r);
}

static void require_printable(const char *message)
{
	require(!strncmp(message, "/proc/self/fd/", 14), "message");
	for (const char *at = message; *at; at++)
		require(*at >= ' ' && *at <= '~', "byte of a message");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct status st = {""};
	struct scenario_results r;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(fd >= 0 && write(fd, data, size) == (ssize_t)size, "memfd");
	if (!scenario_results_read(&r, path, &st)) {
		check(&r);
		scenario_results_fini(&r);
	} else {
		require_printable(st.message);
	}
	close(fd);
	return 0;
}
