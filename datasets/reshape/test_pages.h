/* SPDX-License-Identifier: MIT */
/* Traces page by page, for the tests of this folder only. */
#ifndef DATASETS_TEST_PAGES_H
#define DATASETS_TEST_PAGES_H

#include "datasets/trace/trace.h"

enum {
	TEST_EVENTS = 3000,
	TEST_EPOCHS = 9,
	TEST_RUNS = 30
};

struct place {
	char folder[64];
	char in[128], out[128], other[128], again[128], key[128];
};

/* One page of a record. */
struct page {
	uint64_t place; /* of its record: epochs behind events */
	gfn_t gfn;
	unsigned int what; /* kind or flags */
};

struct pages {
	struct page *page;
	size_t n, capacity;
};

/* A folder with names for files; fixture_remove(folder) is due. */
void test_begin(struct place *p);

/* Write events of all kinds, a note and epochs; no leaf above @level_max. */
void test_source(const char *path, uint64_t seed, unsigned int level_max);

void test_add(struct pages *p, uint64_t place, gfn_t gfn, unsigned int what);

/* All pages of all records, without splitting being seen; page is to be freed. */
struct pages test_load(const char *path);
bool test_is_access(const struct page *p);
void test_totals(const char *path, struct trace_totals *totals);
bool test_same(const struct trace_totals *a, const struct trace_totals *b);

#endif
