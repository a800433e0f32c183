/* SPDX-License-Identifier: MIT */
/*
 * What a replay is measured against: a bare loop that sets a flag for each access,
 * with the decoded trace in memory.  Prints its seconds twice: with the array that
 * the replay has (a 64-bit word per page), and with the smallest (a byte per page).
 *
 * usage: bare_loop FILE.kgt (a stream in one memslot)
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "datasets/trace/trace.h"

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Return: how many accesses were loaded into @page. */
static size_t load(struct trace_reader *reader, uint32_t *page, size_t n)
{
	gfn_t base = trace_reader_meta(reader)->slots[0].gfn;
	struct trace_block block;
	struct status st = {""};
	size_t used = 0;

	while (trace_reader_next(reader, &block, &st) > 0)
		for (size_t i = 0; i < block.stream.n && used < n; i++)
			page[used++] = (uint32_t)(block.stream.gfn[i] - base);
	return used;
}

/* Return: the best of three rounds. */
static double set_words(uint64_t *flag, const uint32_t *page, size_t n)
{
	double best = 1e9;

	for (int round = 0; round < 3; round++) {
		double start = seconds();

		for (size_t i = 0; i < n; i++)
			flag[page[i]] |= 1;
		__asm__ volatile("" : : "r"(flag) : "memory");
		best = seconds() - start < best ? seconds() - start : best;
	}
	return best;
}

static double set_bytes(unsigned char *flag, const uint32_t *page, size_t n)
{
	double best = 1e9;

	for (int round = 0; round < 3; round++) {
		double start = seconds();

		for (size_t i = 0; i < n; i++)
			flag[page[i]] = 1;
		__asm__ volatile("" : : "r"(flag) : "memory");
		best = seconds() - start < best ? seconds() - start : best;
	}
	return best;
}

int main(int argc, char **argv)
{
	struct trace_reader *reader;
	struct status st = {""};
	uint64_t *flag;
	uint32_t *page;
	size_t n;

	if (argc != 2 || trace_reader_open(&reader, argv[1], 0, &st)) {
		fprintf(stderr, "bare_loop: %s\n", st.message);
		return 2;
	}
	n = trace_reader_totals(reader)->events;
	page = malloc(n * sizeof(*page));
	flag = calloc(trace_meta_pages(trace_reader_meta(reader)),
		      sizeof(*flag));
	if (!page || !flag)
		return 1;
	n = load(reader, page, n);
	printf("%.6f", set_words(flag, page, n));
	printf(" %.6f\n", set_bytes((unsigned char *)flag, page, n));
	free(page);
	free(flag);
	trace_reader_close(reader);
	return 0;
}
