/* SPDX-License-Identifier: MIT */
/*
 * A guest of any size: epochs of which the first touches all pages and each other one
 * in twenty, in an order that is not known, through four policies in one pass.
 *
 * With "dense", every epoch touches all pages; "epochs" compares two such traces, so
 * that what the first epoch costs is not counted, with how fast memory is copied.
 *
 * usage: scale_bench make|dense PAGES EPOCHS FILE.kgt
 *        scale_bench run FILE.kgt PASSES
 *        scale_bench epochs FEW.kgt MANY.kgt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "replay/engine.h"
#include "replay/plan.h"

enum {
	ROUNDS = 5,
	COPIED_BYTES = 256 << 20 /* far more than caches hold */
};

#define EPOCH_NS UINT64_C(30000000000)

static void die(const struct status *st)
{
	fprintf(stderr, "scale_bench: %s\n", st->message);
	exit(1);
}

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static struct trace_run page_run(uint64_t gfn, uint64_t n)
{
	return (struct trace_run){
		.gfn = gfn, .npages = (uint32_t)n, .flags = TRACE_RUN_ACCESSED};
}

/* Gaps of 1 to 39 pages.  Return: how many runs. */
static size_t one_in_twenty(struct trace_run *run, uint64_t pages,
			    struct rng *rng)
{
	size_t n = 0;

	for (uint64_t gfn = rng_below(rng, 39); gfn < pages;
	     gfn += 1 + rng_below(rng, 39))
		run[n++] = page_run(gfn, 1);
	return n;
}

static void make(uint64_t pages, uint64_t epochs, const char *path,
		 bool is_dense)
{
	struct trace_slot slot = {
		.npages = pages, .page_bytes = 4096, .backing = "unknown"};
	const struct trace_meta meta = {.clock = {TRACE_CLOCK_NS, 1000},
					.fidelity = TRACE_SYNTHETIC,
					.channels = TRACE_CHANNEL_ACCESSED,
					.nr_vcpus = 1,
					.nr_slots = 1,
					.slots = &slot,
					.source = "bench"};
	struct status st = {""};
	struct trace_run *run = kage_calloc(pages / 10 + 64, sizeof(*run), &st);
	struct trace_writer *writer;
	struct rng rng = {1};
	int ret = 0;

	if (!run || trace_writer_open(&writer, path, &meta, &st))
		die(&st);
	for (uint64_t i = 0; i < epochs && !ret; i++) {
		const struct trace_epoch epoch = {
			.index = i,
			.start = i * EPOCH_NS,
			.end = (i + 1) * EPOCH_NS,
			.scan_start = (i + 1) * EPOCH_NS,
			.scan_end = (i + 1) * EPOCH_NS,
			.channels = TRACE_CHANNEL_ACCESSED,
		};
		size_t n = 1;

		/* more pages than a run can have: only the size counts */
		run[0] = page_run(0, pages > TRACE_RUN_PAGES_MAX ? 1 : pages);
		if (i && !is_dense)
			n = one_in_twenty(run, pages, &rng);
		ret = trace_writer_epoch(writer, &epoch, run, n, &st);
	}
	if (ret || trace_writer_close(writer, NULL, &st))
		die(&st);
	free(run);
}

static void print(const struct engine_trace *trace, const struct lane *lanes,
		  size_t n, double seconds)
{
	struct rusage usage;
	double bytes, per_lane;

	getrusage(RUSAGE_SELF, &usage);
	bytes = (double)usage.ru_maxrss * 1024;
	/* all of it, less the word per page that lanes share */
	per_lane = (bytes / (double)trace->guest_pages - 8) / (double)n;
	printf("pages %llu touches %llu lanes %zu passes %llu evicted %llu cpu_s %.1f rss_gib %.2f bytes_per_page_lane %.2f ns_per_touch %.1f\n",
	       (unsigned long long)trace->guest_pages,
	       (unsigned long long)trace->records, n,
	       (unsigned long long)lanes[0].counters.n[COUNT_passes],
	       (unsigned long long)lanes[0].counters.n[COUNT_evictions],
	       seconds, bytes / (1 << 30), per_lane,
	       seconds * 1e9 / (double)trace->records);
}

/* Four lanes of one pass.  Return: CPU seconds. */
static double replay(const char *path, uint64_t passes, bool is_printed,
		     struct engine_trace *trace)
{
	char driver[80];
	struct plan_request request = {.policies =
					       "none,rmap,batched,fast-only",
				       .kernel = "6.12",
				       .mmu = "tdp",
				       .driver = driver,
				       .pace_ns = 1};
	const struct engine_options options = {.seed = 1};
	const struct lane_config *config[4];
	struct status st = {""};
	struct lane lanes[4];
	struct plan plan;
	double seconds;

	snprintf(driver, sizeof(driver), "proactive:period=%llus:pages=1000",
		 (unsigned long long)(60 * 30 / passes));
	if (plan_init(&plan, &request, 0, &st))
		die(&st);
	for (size_t i = 0; i < 4; i++)
		config[i] = &plan.lanes[i];
	seconds = cpu_seconds();
	if (engine_run(path, &options, config, 4, lanes, NULL, trace, &st))
		die(&st);
	seconds = cpu_seconds() - seconds;
	if (is_printed)
		print(trace, lanes, 4, seconds);
	for (size_t i = 0; i < 4; i++)
		lane_fini(&lanes[i]);
	plan_fini(&plan);
	return seconds;
}

static double copy_seconds(void *to, const void *from, size_t bytes)
{
	double seconds = cpu_seconds();

	memcpy(to, from, bytes);
	__asm__ volatile("" : : "r"(to) : "memory");
	return cpu_seconds() - seconds;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* The words of touched pages are read and written, as what is copied is. */
static void compare(const char *few, const char *many)
{
	double share[ROUNDS], replayed = 0, copied = 0;
	struct engine_trace small, large;
	struct status st = {""};

	for (int r = 0; r < ROUNDS; r++) {
		double s = replay(few, 1, false, &small);
		double l = replay(many, 1, false, &large);
		uint64_t pages = large.records - small.records;
		size_t bytes = COPIED_BYTES;
		char *from = kage_calloc_pages(bytes, 1, &st);
		char *to = kage_calloc_pages(bytes, 1, &st);

		if (!from || !to)
			die(&st);
		memset(from, 1, bytes);
		copy_seconds(to, from, bytes);
		copied = 2 * (double)bytes / copy_seconds(to, from, bytes);
		replayed = (double)pages * 16 / (l - s);
		share[r] = 100 * replayed / copied;
		free(from);
		free(to);
	}
	qsort(share, ROUNDS, sizeof(*share), by_value);
	printf("share %.1f replayed_gbs %.1f copied_gbs %.1f\n",
	       share[ROUNDS / 2], replayed / 1e9, copied / 1e9);
}

int main(int argc, char **argv)
{
	struct engine_trace trace;

	if (argc == 5 &&
	    (!strcmp(argv[1], "make") || !strcmp(argv[1], "dense")))
		make(strtoull(argv[2], NULL, 0), strtoull(argv[3], NULL, 0),
		     argv[4], argv[1][0] == 'd');
	else if (argc == 4 && !strcmp(argv[1], "epochs"))
		compare(argv[2], argv[3]);
	else if (argc == 4 && !strcmp(argv[1], "run"))
		replay(argv[2], strtoull(argv[3], NULL, 0), true, &trace);
	else
		return 2;
	return 0;
}
