/* SPDX-License-Identifier: MIT */
/*
 * How fast a trace is read, how much its columns hold, and what an epoch trace takes
 * without its order.
 *
 * usage: trace_speed read FILE.kgt [ROUNDS]: CPU time of reading all of it, with every
 *	check, median; speeds in records, accesses and decoded bytes (25 per record)
 *        trace_speed entropy FILE.kgt: bits per record of each column of a stream, if
 *	its values, or the steps between them, were drawn independently
 *        trace_speed unorder FILE.kgt OUT.kgt: the same epochs without their order
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "datasets/trace/trace.h"

enum {
	ROUNDS_MAX = 99,
	RECORD_BYTES = 25,
	NR_COLUMNS = 4
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Of this thread, so that what else runs here is not counted. */
static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int read_all(struct trace_reader *reader, struct status *st)
{
	struct trace_block block;
	int ret;

	do {
		ret = trace_reader_next(reader, &block, st);
	} while (ret > 0);
	return ret ? ret : trace_reader_rewind(reader, st);
}

static int measure(struct trace_reader *reader, int rounds, struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	double took[ROUNDS_MAX], median, records;

	rounds = rounds < 1 || rounds > ROUNDS_MAX ? 5 : rounds;
	for (int i = 0; i < rounds; i++) {
		double start = seconds();

		if (read_all(reader, st))
			return 1;
		took[i] = seconds() - start;
	}
	qsort(took, (size_t)rounds, sizeof(*took), by_size);
	median = took[rounds / 2];
	records = (double)totals->events;
	printf("%.4f s %.1f M records/s %.1f M accesses/s %.2f GB/s decoded\n",
	       median, records / median * 1e-6,
	       (double)totals->accesses / median * 1e-6,
	       records * RECORD_BYTES / median * 1e-9);
	return 0;
}

static double entropy(uint64_t *values, size_t n)
{
	double bits = 0;
	size_t same = 1;

	qsort(values, n, sizeof(*values), by_value);
	for (size_t i = 1; i <= n; i++, same++)
		if (i == n || values[i] != values[i - 1]) {
			bits += (double)same * log2((double)n / (double)same);
			same = 0;
		}
	return bits / (double)n;
}

static size_t load(struct trace_reader *reader, uint64_t *columns[NR_COLUMNS],
		   struct status *st)
{
	uint64_t time = 0, gfn = 0;
	struct trace_block block;
	size_t n = 0;

	while (trace_reader_next(reader, &block, st) > 0)
		for (size_t i = 0; i < block.stream.n; i++, n++) {
			columns[0][n] = block.stream.time[i] - time;
			columns[1][n] = block.stream.gfn[i] - gfn;
			columns[2][n] = block.stream.count[i];
			columns[3][n] = block.stream.kind[i];
			time = block.stream.time[i];
			gfn = block.stream.gfn[i];
		}
	return n;
}

static int print_entropy(struct trace_reader *reader, struct status *st)
{
	static const char *const names[NR_COLUMNS] = {"time step", "gfn step",
						      "count", "kind"};
	size_t n = trace_reader_totals(reader)->events;
	uint64_t *columns[NR_COLUMNS] = {NULL};
	int ret = 0;

	for (int c = 0; c < NR_COLUMNS && !ret; c++) {
		columns[c] = kage_calloc(n, sizeof(*columns[c]), st);
		ret = columns[c] ? 0 : -ENOMEM;
	}
	if (!ret && load(reader, columns, st) != n)
		ret = -EBADMSG;
	for (int c = 0; c < NR_COLUMNS; c++) {
		if (!ret)
			printf("%s %.2f\n", names[c], entropy(columns[c], n));
		free(columns[c]);
	}
	return ret;
}

/* Epochs of one part only: what is in more is refused, for parts are epochs here. */
static int unorder(struct trace_reader *reader, const char *to,
		   struct status *st)
{
	struct trace_writer *writer;
	struct trace_block block;
	int ret = trace_writer_open(&writer, to, trace_reader_meta(reader), st);

	if (ret)
		return ret;
	while ((ret = trace_reader_next(reader, &block, st)) > 0) {
		if (block.type != TRACE_BLOCK_EPOCH)
			continue;
		block.epoch.is_ordered = false;
		ret = block.is_last_part && !block.first_rank
			      ? trace_writer_epoch(writer, &block.epoch,
						   block.runs, block.nr_runs,
						   st)
			      : status_fail(st, EINVAL,
					    "an epoch has more than one part");
		if (ret)
			break;
	}
	if (ret) {
		trace_writer_discard(writer);
		return ret;
	}
	return trace_writer_close(writer, NULL, st);
}

static int run(int argc, char **argv, struct trace_reader *reader,
	       struct status *st)
{
	if (!strcmp(argv[1], "entropy"))
		return print_entropy(reader, st);
	if (!strcmp(argv[1], "unorder") && argc == 4)
		return unorder(reader, argv[3], st);
	return measure(reader, argc > 3 ? atoi(argv[3]) : 5, st);
}

int main(int argc, char **argv)
{
	struct trace_reader *reader = NULL;
	struct status st = {""};
	int ret = 1;

	if (argc >= 3 && !trace_reader_open(&reader, argv[2], 0, &st))
		ret = run(argc, argv, reader, &st);
	if (ret)
		fprintf(stderr, "trace_speed: %s\n", st.message);
	if (reader)
		trace_reader_close(reader);
	return ret ? 2 : 0;
}
