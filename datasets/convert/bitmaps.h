/* SPDX-License-Identifier: MIT */
/*
 * Raw bitmaps of one bit per page, which know neither time nor place: a list names
 * them.  Lines of words, # begins a comment; files are relative to the list's folder.
 */
#ifndef DATASETS_BITMAPS_H
#define DATASETS_BITMAPS_H

#include "datasets/convert/lines.h"

enum {
	BITMAPS_WORDS = 8
};

/* One line of a list. */
struct bitmaps_line {
	struct lines lines;
	char *word[BITMAPS_WORDS];
	size_t n;
};

/* A file of 64-bit words in memory; zeroed: none. */
struct bitmap {
	const uint64_t *words;
	uint64_t n; /* words */
};

/* Runs of the epoch that is being read. */
struct bitmap_runs {
	struct trace_run *runs;
	size_t n, capacity;
};

/* Return: 1 with a line that has words, 0 at the end, or -EBADMSG. */
int bitmaps_next(struct bitmaps_line *l, struct status *st);

/* The number that is word @i.  Return: 0 or -EBADMSG. */
int bitmaps_number(struct bitmaps_line *l, size_t i, uint64_t *value,
		   struct status *st);

/* Map the file that word @i names.  Return: 0, -EBADMSG or an errno. */
int bitmap_open(struct bitmap *map, struct bitmaps_line *l, size_t i,
		struct status *st);
void bitmap_close(struct bitmap *map);

static inline bool bitmap_has(const struct bitmap *map, uint64_t bit)
{
	return bit / 64 < map->n && map->words[bit / 64] >> (bit % 64) & 1;
}

/* Add a page of the slot that begins at @slot, in rising order.  No run leaves a slot. */
int bitmap_runs_add(struct bitmap_runs *r, gfn_t slot, gfn_t gfn, uint8_t flags,
		    struct status *st);

#endif
