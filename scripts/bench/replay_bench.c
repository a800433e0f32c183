/* SPDX-License-Identifier: MIT */
/*
 * Lanes of a trace against a bare loop that sets a flag for each access, on the same
 * array (a 64-bit word per page, huge pages) with the trace decoded in memory, side
 * by side in one process.  Prints the median of each ratio.
 *
 * Times are those of the thread's CPU clock: other work on the machine takes caches
 * and bandwidth from both sides, but not time.
 *
 * usage: replay_bench one|lanes|threads FILE.kgt POLICIES LIMITS DRIVER
 */
#include <pthread.h>
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

static bool is_same(const struct lane *a, const struct lane *b)
{
	bool same =
		a->nr_samples == b->nr_samples &&
		a->nr_generations == b->nr_generations &&
		!memcmp(&a->counters, &b->counters, sizeof(a->counters)) &&
		!memcmp(a->refault_age, b->refault_age, sizeof(a->refault_age));

	for (size_t i = 0; i < a->nr_samples && same; i++)
		same = !memcmp(&a->samples[i].counters, &b->samples[i].counters,
			       sizeof(a->counters));
	return same;
}

/* All lanes in as few passes as there can be. */
static double replay_together(struct bench *b, struct feed_store *store,
			      struct lane *lanes)
{
	size_t n = b->plan.nr_lanes;
	size_t passes = (n + ENGINE_LANES_MAX - 1) / ENGINE_LANES_MAX;
	double seconds = 0;

	for (size_t p = 0; p < passes; p++)
		seconds += replay(b, n * p / passes, n * (p + 1) / passes,
				  store, lanes);
	return seconds;
}

/* All lanes together against each by itself; words and bytes are those two. */
static void bench_lanes(struct bench *b)
{
	static struct lane together[LANES_MAX], alone[LANES_MAX];
	size_t n = b->plan.nr_lanes, same = 0;
	double most = 0, least = 100;

	for (int r = 0; r < ROUNDS; r++) {
		b->file[r] = replay_together(b, NULL, together);
		free_lanes(together, n);
		b->memory[r] = replay_together(b, &b->store, together);
		b->bytes[r] = b->words[r] = 0;
		for (size_t i = 0; i < n; i++) {
			b->words[r] += replay(b, i, i + 1, NULL, alone);
			lane_fini(&alone[i]);
			b->bytes[r] += replay(b, i, i + 1, &b->store, alone);
		}
		for (size_t i = 0; i < n && r == ROUNDS - 1; i++) {
			double share = 100 *
				       (double)count(&alone[i], COUNT_faults) /
				       (double)b->tape.n;

			same += is_same(&together[i], &alone[i]);
			most = share > most ? share : most;
			least = share < least ? share : least;
		}
		free_lanes(together, n);
		free_lanes(alone, n);
	}
	printf("# accesses %zu, lanes %zu, faults %.2f to %.2f %%\n", b->tape.n,
	       n, least, most);
	printf("# seconds: together file %.3f memory %.3f, alone file %.3f memory %.3f\n",
	       median(b->file), median(b->memory), median(b->words),
	       median(b->bytes));
	printf("file %.2f\nmemory %.2f\nidentical %zu\nlanes %zu\n",
	       median_ratio(b->words, b->file),
	       median_ratio(b->bytes, b->memory), same, n);
}

struct job {
	struct bench *b;
	struct lane *lanes;
	size_t from, to;
	struct engine_trace trace;
	double seconds;
};

static void *run_job(void *arg)
{
	struct job *job = arg;
	struct bench own = *job->b; /* each pass writes what it learns */

	job->seconds =
		replay(&own, job->from, job->to, &job->b->store, job->lanes);
	return NULL;
}

static double wall_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Return: wall seconds of both jobs; their CPU seconds are in them. */
static double run_jobs(struct job job[2], bool at_once)
{
	double start = wall_seconds();
	pthread_t thread;

	if (at_once && pthread_create(&thread, NULL, run_job, &job[1]))
		exit(1);
	run_job(&job[0]);
	if (at_once)
		pthread_join(thread, NULL);
	else
		run_job(&job[1]);
	return wall_seconds() - start;
}

/* Two passes of half the lanes each, one after the other and at once. */
static void bench_threads(struct bench *b)
{
	static struct lane lanes[LANES_MAX];
	size_t n = b->plan.nr_lanes;
	struct job job[2] = {{.b = b, .lanes = lanes, .to = n / 2},
			     {.b = b, .lanes = lanes, .from = n / 2, .to = n}};

	for (int r = 0; r < ROUNDS; r++) {
		b->words[r] = run_jobs(job, false);
		b->file[r] = job[0].seconds + job[1].seconds;
		free_lanes(lanes, n);
		b->bytes[r] = run_jobs(job, true);
		b->memory[r] = job[0].seconds > job[1].seconds ? job[0].seconds
							       : job[1].seconds;
		free_lanes(lanes, n);
	}
	printf("# seconds: wall %.3f, at once %.3f; CPU of both %.3f, at once of the longer %.3f\n",
	       median(b->words), median(b->bytes), median(b->file),
	       median(b->memory));
	printf("wall %.2f\ncpu %.2f\n", median_ratio(b->words, b->bytes),
	       median_ratio(b->file, b->memory));
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
			"usage: replay_bench one|lanes|threads FILE.kgt POLICIES LIMITS DRIVER\n");
		return 2;
	}
	prepare(&b, argv);
	if (!strcmp(argv[1], "one"))
		bench_one(&b);
	else if (!strcmp(argv[1], "lanes"))
		bench_lanes(&b);
	else
		bench_threads(&b);
	return 0;
}
