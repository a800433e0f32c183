/* SPDX-License-Identifier: MIT */
/*
 * Lanes of a trace against a bare loop that sets a flag for each access, on the same
 * array (a 64-bit word per page, huge pages) with the trace decoded in memory, side
 * by side in one process.  Prints the median of each ratio.
 *
 * Times are those of the thread's CPU clock: other work on the machine takes caches
 * and bandwidth from both sides, but not time.
 *
 * usage: replay_bench one|lanes FILE.kgt POLICIES LIMITS DRIVER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "replay/engine.h"
#include "replay/feeder.h"
#include "replay/plan.h"

enum {
	ROUNDS = 5,
	LANES_MAX = 64
};

/* A comparison: rounds of seconds, and what they were a round of. */
struct bench {
	const char *path;
	struct plan plan;
	struct engine_trace trace;
	struct engine_tape tape; /* the trace in memory, for the bare loop */
	struct feed_store store; /* the same for passes */
	uint64_t *word;
	unsigned char *byte;
	double words[ROUNDS], bytes[ROUNDS], file[ROUNDS], memory[ROUNDS];
};

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double set_words(const struct bench *b)
{
	double start = cpu_seconds();

	for (size_t i = 0; i < b->tape.n; i++)
		b->word[b->tape.page[i]] |= 1;
	__asm__ volatile("" : : "r"(b->word) : "memory");
	return cpu_seconds() - start;
}

static double set_bytes(const struct bench *b)
{
	double start = cpu_seconds();

	for (size_t i = 0; i < b->tape.n; i++)
		b->byte[b->tape.page[i]] = 1;
	__asm__ volatile("" : : "r"(b->byte) : "memory");
	return cpu_seconds() - start;
}

static void die(const struct status *st)
{
	fprintf(stderr, "replay_bench: %s\n", st->message);
	exit(1);
}

/* Return: seconds of a pass of lanes [from, to), which are added to @lanes. */
static double replay(struct bench *b, size_t from, size_t to,
		     struct feed_store *store, struct lane *lanes)
{
	const struct lane_config *config[LANES_MAX];
	const struct engine_options options = {.store = store};
	struct status st = {""};
	double start = cpu_seconds();

	for (size_t i = from; i < to; i++)
		config[i - from] = &b->plan.lanes[i];
	if (engine_run(b->path, &options, config, to - from, lanes + from, NULL,
		       &b->trace, &st))
		die(&st);
	return cpu_seconds() - start;
}

static void free_lanes(struct lane *lanes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		lane_fini(&lanes[i]);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(const double *values)
{
	double sorted[ROUNDS];

	memcpy(sorted, values, sizeof(sorted));
	qsort(sorted, ROUNDS, sizeof(*sorted), by_value);
	return sorted[ROUNDS / 2];
}

static double median_ratio(const double *above, const double *below)
{
	double ratio[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		ratio[i] = above[i] / below[i];
	return median(ratio);
}

static uint64_t count(const struct lane *lane, enum counter counter)
{
	return lane->counters.n[counter];
}

static void print_lane(const struct bench *b, const struct lane *lane)
{
	printf("# accesses %zu, footprint %llu pages of %llu, faults %.2f %%, passes %llu, evicted %.2f %% of the guest\n",
	       b->tape.n, (unsigned long long)b->trace.footprint_pages,
	       (unsigned long long)b->trace.guest_pages,
	       100.0 * (double)count(lane, COUNT_faults) / (double)b->tape.n,
	       (unsigned long long)count(lane, COUNT_passes),
	       100.0 * (double)count(lane, COUNT_evictions) /
		       (double)b->trace.guest_pages);
}

/* One lane: against words and bytes, from the file and from memory. */
static void bench_one(struct bench *b)
{
	struct lane lane[1];

	set_words(b);
	set_bytes(b);
	for (int r = 0; r < ROUNDS; r++) {
		b->words[r] = set_words(b);
		b->file[r] = replay(b, 0, 1, NULL, lane);
		free_lanes(lane, 1);
		b->bytes[r] = set_bytes(b);
		b->memory[r] = replay(b, 0, 1, &b->store, lane);
		if (r == ROUNDS - 1)
			print_lane(b, lane);
		free_lanes(lane, 1);
	}
	printf("# seconds: words %.3f bytes %.3f memory %.3f file %.3f\n",
	       median(b->words), median(b->bytes), median(b->memory),
	       median(b->file));
	printf("memory %.1f\nfile %.1f\nmemory_bytes %.1f\nfile_bytes %.1f\n",
	       100 * median_ratio(b->words, b->memory),
	       100 * median_ratio(b->words, b->file),
	       100 * median_ratio(b->bytes, b->memory),
	       100 * median_ratio(b->bytes, b->file));
}

static void prepare(struct bench *b, char **argv)
{
	const struct plan_request request = {.policies = argv[3],
					     .limits = *argv[4] ? argv[4]
								: NULL,
					     .kernel = "6.12",
					     .mmu = "tdp",
					     .driver = argv[5],
					     .pace_ns = 100};
	const struct engine_options options = {.store = &b->store};
	struct status st = {""};
	struct lane none;

	b->path = argv[2];
	b->store.bytes_max = UINT64_MAX;
	if (engine_run(b->path, &options, NULL, 0, &none, &b->tape, &b->trace,
		       &st))
		die(&st);
	if (!b->store.is_whole) {
		fprintf(stderr, "replay_bench: %s does not fit the store\n",
			b->path);
		exit(1);
	}
	if (plan_init(&b->plan, &request, b->trace.footprint_pages, &st))
		die(&st);
	b->word = kage_calloc_pages(b->tape.npages, sizeof(*b->word), &st);
	b->byte = kage_calloc_pages(b->tape.npages, sizeof(*b->byte), &st);
	if (!b->word || !b->byte)
		die(&st);
}

int main(int argc, char **argv)
{
	static struct bench b;

	if (argc != 6) {
		fprintf(stderr,
			"usage: replay_bench one|lanes FILE.kgt POLICIES LIMITS DRIVER\n");
		return 2;
	}
	prepare(&b, argv);
	if (!strcmp(argv[1], "prof"))
		for (int i = 0; i < 12; i++) {
			static struct lane lane[1];
			printf("%.3f\n", replay(&b, 0, 1, &b.store, lane));
			free_lanes(lane, 1);
		}
	else
		bench_one(&b);
	return 0;
}
