/* SPDX-License-Identifier: MIT */
/*
 * The speed of what needs every access at once: opt with its next-use pass, the exact
 * miss-ratio curve and the one sampled by blocks, on one core with the decoded trace
 * in memory.  Each round runs all of them in turn; medians are printed, and how far
 * the sampled curves, each with a seed of its own, are from the exact one.  It knows streams in one memslot only.
 *
 * usage: bound_speed FILE.kgt LIMIT_SHARE RATE [ROUNDS]
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "datasets/trace/trace.h"
#include "models/bounds.h"
#include "models/mrc_curve.h"

enum {
	POINTS = 100,
	ROUNDS_MAX = 99,
	NR_KINDS = 4
};

static const char *const kinds[NR_KINDS] = {"bare", "opt", "exact", "sampled"};

struct bench {
	struct bound_trace trace;
	uint64_t limit;
	double rate;
	uint64_t *flag; /* per page, of the bare loop */
	struct mrc_point exact[POINTS], sampled[POINTS];
	struct mrc_totals totals;
	struct bound_result opt;
	double took[NR_KINDS][ROUNDS_MAX];
	uint64_t seed;
	double error,
		worst; /* of a miss ratio: summed over points, and the largest */
	uint64_t worst_at;
};

/* Of this thread, so that what else runs here is not counted. */
static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int load(struct bench *b, const char *path, struct status *st)
{
	struct trace_reader *reader;
	struct trace_block block;
	const struct trace_slot *slot;
	uint32_t *page;
	size_t used = 0, room;
	int ret = trace_reader_open(&reader, path, 0, st);

	if (ret)
		return ret;
	slot = trace_reader_meta(reader)->slots;
	room = trace_reader_totals(reader)->events;
	page = kage_calloc(room, sizeof(*page), st);
	b->flag = kage_calloc_pages(slot->npages, sizeof(*b->flag), st);
	if (!page || !b->flag)
		return 1;
	while ((ret = trace_reader_next(reader, &block, st)) > 0)
		for (size_t i = 0; i < block.stream.n && used < room; i++)
			page[used++] =
				(uint32_t)(block.stream.gfn[i] - slot->gfn);
	b->trace = (struct bound_trace){
		.page = page, .n = used, .npages = (uint32_t)slot->npages};
	trace_reader_close(reader);
	return ret;
}

static int run(struct bench *b, int kind, struct status *st)
{
	switch (kind) {
	case 0:
		for (size_t i = 0; i < b->trace.n; i++)
			b->flag[b->trace.page[i]] |= 1;
		__asm__ volatile("" : : "r"(b->flag) : "memory");
		return 0;
	case 1:
		return bound_find("opt")->ops->run(&b->trace, b->limit, NULL,
						   &b->opt, st);
	case 2:
		return mrc_exact(&b->trace, b->exact, POINTS, &b->totals, st);
	default:
		return mrc_sampled(&b->trace, b->rate, b->seed, b->sampled,
				   POINTS, &b->totals, st);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void compare(struct bench *b)
{
	for (int i = 0; i < POINTS; i++) {
		double off =
			fabs(b->exact[i].refaults - b->sampled[i].refaults) /
			(double)b->trace.n;

		b->error += off;
		if (off > b->worst) {
			b->worst = off;
			b->worst_at = b->exact[i].limit;
		}
	}
}

static void report(struct bench *b, int rounds)
{
	for (int k = 0; k < NR_KINDS; k++) {
		double *took = b->took[k];

		qsort(took, (size_t)rounds, sizeof(*took), by_size);
		printf("%s %.4f s %.1f M/s\n", kinds[k], took[rounds / 2],
		       (double)b->trace.n / took[rounds / 2] * 1e-6);
	}
	printf("accesses %zu footprint %llu limit %llu faults %llu refaults %llu\n",
	       b->trace.n, (unsigned long long)b->totals.footprint,
	       (unsigned long long)b->limit, (unsigned long long)b->opt.faults,
	       (unsigned long long)b->opt.refaults);
	printf("error mean %.5f worst %.5f at %.3f of the guest\n",
	       b->error / POINTS / rounds, b->worst,
	       (double)b->worst_at / b->trace.npages);
}

static int run_round(struct bench *b, int round, struct status *st)
{
	b->seed = (uint64_t)round;
	for (int k = 0; k < NR_KINDS; k++) {
		double start = seconds();

		if (run(b, k, st))
			return 1;
		b->took[k][round] = seconds() - start;
	}
	compare(b);
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct status st = {""};
	int rounds = argc > 4 ? atoi(argv[4]) : 5;

	if (argc < 4 || rounds < 1 || rounds > ROUNDS_MAX ||
	    load(&b, argv[1], &st))
		goto failed;
	b.limit = (uint64_t)(atof(argv[2]) * b.trace.npages);
	b.rate = atof(argv[3]);
	for (uint64_t i = 0; i < POINTS; i++)
		b.exact[i].limit = b.sampled[i].limit =
			b.trace.npages * (i + 1) / POINTS;
	for (int round = 0; round < rounds; round++)
		if (run_round(&b, round, &st))
			goto failed;
	report(&b, rounds);
	return 0;
failed:
	fprintf(stderr, "bound_speed: %s\n", st.message);
	return 2;
}
