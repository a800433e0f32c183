/* SPDX-License-Identifier: MIT */
/* Small traces for the tests of replay/; see test_trace.h. */
#include "replay/test_trace.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"

static struct trace_writer *create(const char *path, uint64_t npages)
{
	struct trace_slot slot = {.gfn = 0x100,
				  .npages = npages,
				  .page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "anon"};
	struct trace_meta meta = {
		.clock = {TRACE_CLOCK_NS, 1000},
		.fidelity = TRACE_SYNTHETIC,
		.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
		.nr_vcpus = 4,
		.nr_slots = 1,
		.slots = &slot,
		.source = "test",
	};
	struct status st = {""};
	struct trace_writer *w = NULL;

	if (trace_writer_open(&w, path, &meta, &st))
		fail_msg("%s", st.message);
	return w;
}

static void finish(struct trace_writer *w)
{
	struct status st = {""};

	if (trace_writer_close(w, NULL, &st))
		fail_msg("%s", st.message);
}

/* Nine in ten accesses go to the first tenth, which moves with time. */
static gfn_t pick(struct rng *rng, uint64_t npages, size_t i, size_t n)
{
	uint64_t hot = npages / 10 + 1, base = npages * (i * 4 / n) / 8;
	uint64_t page = rng_below(rng, 10) ? base + rng_below(rng, hot)
					   : rng_below(rng, npages);

	return 0x100 + page % npages;
}

void test_trace_events(const char *path, uint64_t npages,
		       const struct trace_event *events, size_t n)
{
	struct trace_writer *w = create(path, npages);
	struct status st = {""};

	for (size_t i = 0; i < n; i++)
		if (trace_writer_event(w, &events[i], &st))
			fail_msg("%s", st.message);
	finish(w);
}

void test_trace_vcpus(const char *path, uint64_t npages, size_t n,
		      uint64_t tick_ns, uint64_t seed)
{
	struct trace_writer *w = create(path, npages);
	struct rng rng = {seed};
	struct status st = {""};

	for (size_t i = 0; i < n; i++) {
		const struct trace_event event = {
			.time = 1000 + i / 3 * tick_ns,
			.gfn = pick(&rng, npages, i, n),
			.count = 1,
			.vcpu = (uint16_t)rng_below(&rng, 4),
			.kind = rng_below(&rng, 3) ? TRACE_READ : TRACE_WRITE,
		};

		if (trace_writer_event(w, &event, &st) ||
		    (i % 500 == 499 && trace_writer_flush(w, &st)))
			fail_msg("%s", st.message);
	}
	finish(w);
}

void test_trace_mixed(const char *path, uint64_t npages, size_t n,
		      uint64_t tick_ns, uint64_t seed)
{
	struct trace_writer *w = create(path, npages);
	struct rng rng = {seed};
	struct status st = {""};

	for (size_t i = 0; i < n; i++) {
		struct trace_event event = {
			.time = i * tick_ns,
			.gfn = pick(&rng, npages, i, n),
			.count = 1,
			.kind = i % 3 ? TRACE_READ : TRACE_WRITE,
		};

		if (trace_writer_event(w, &event, &st))
			fail_msg("%s", st.message);
	}
	finish(w);
}

void test_trace_mixed_epochs(const char *path, uint64_t npages, size_t n,
			     uint64_t tick_ns, uint64_t seed,
			     uint64_t period_ns, bool is_ordered)
{
	struct trace_writer *w = create(path, npages);
	struct trace_run *runs = calloc(npages, sizeof(*runs));
	uint64_t *seen = calloc(npages, sizeof(*seen));
	struct rng rng = {seed};
	struct status st = {""};
	uint64_t k = 0;
	size_t nr_runs = 0;

	for (size_t i = 0; i <= n; i++) {
		gfn_t gfn = i < n ? pick(&rng, npages, i, n) : 0;

		if (i == n || i * tick_ns >= (k + 1) * period_ns) {
			const struct trace_epoch epoch = {
				.index = k,
				.start = k * period_ns,
				.end = (k + 1) * period_ns,
				.scan_start = (k + 1) * period_ns,
				.scan_end = (k + 1) * period_ns,
				.channels = TRACE_CHANNEL_ACCESSED,
				.is_ordered = is_ordered,
			};

			if (trace_writer_epoch(w, &epoch, runs, nr_runs, &st))
				fail_msg("%s", st.message);
			k++;
			nr_runs = 0;
		}
		if (i == n || seen[gfn - 0x100] == k + 1)
			continue;
		seen[gfn - 0x100] = k + 1;
		runs[nr_runs++] =
			(struct trace_run){gfn, 1, TRACE_RUN_ACCESSED, 0};
	}
	free(runs);
	free(seen);
	finish(w);
}

void test_trace_all_touched(const char *path, uint64_t npages, uint64_t epochs,
			    uint64_t first_ns, uint64_t period_ns)
{
	const struct trace_run run = {0x100, (uint32_t)npages,
				      TRACE_RUN_ACCESSED, 0};
	struct trace_writer *w = create(path, npages);
	struct status st = {""};
	uint64_t start = 0, end = first_ns;

	for (uint64_t k = 0; k < epochs; k++) {
		const struct trace_epoch epoch = {
			.index = k,
			.start = start,
			.end = end,
			.scan_start = end,
			.scan_end = end,
			.channels = TRACE_CHANNEL_ACCESSED,
			.is_ordered = true,
		};

		if (trace_writer_epoch(w, &epoch, &run, 1, &st))
			fail_msg("%s", st.message);
		start = end;
		end += period_ns;
	}
	finish(w);
}
