/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a trace, decoded ahead of the replay: where a processor is free, a
 * thread reads, decompresses and translates gfns while the lanes work.  The order
 * and the contents of what comes out do not depend on it.
 *
 * A store keeps what was decoded for later passes over the same trace, 15 bytes per
 * access: of streams that hold nothing but guest accesses.
 */
#ifndef REPLAY_FEEDER_H
#define REPLAY_FEEDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datasets/gfn_map.h"
#include "datasets/trace/trace.h"

enum {
	FEEDER_ITEMS = 4,
	FEEDER_PAD =
		128, /* valid page indices behind the last one of an item */
};

struct feed {
	/* 1: an item; 0: the end; negative: an error, in status */
	int result;
	struct status status;
	struct trace_block block; /* its columns only where index is not set */

	/* A stream block of guest accesses only: n of them, translated. */
	bool is_accesses;
	size_t n;
	uint32_t *index; /* owned by the feeder, as tick */
	uint64_t *tick;
	uint8_t *is_write;
	uint16_t *vcpu;
	size_t capacity;
	bool is_stored; /* they are the store's */
};

/* Filled by one pass; then read by any number of them at once. */
struct feed_store {
	struct feed *item; /* owned, with their arrays */
	size_t n, capacity;
	uint64_t bytes, bytes_max; /* the latter set by its owner */
	bool is_whole;		   /* holds all of the trace */
	bool is_refused; /* will never be: too large, or not only accesses */
};

void feed_store_fini(struct feed_store *store);

struct feeder {
	struct trace_reader *reader; /* borrowed, as map */
	const struct gfn_map *map;
	struct feed_store *store; /* NULL, or borrowed */
	size_t replayed; /* items of a whole store that were handed out */
	struct feed item[FEEDER_ITEMS];

	bool is_threaded;
	pthread_t thread;
	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t changed;
	uint64_t read, released; /* items so far; [released, read) are in use */
	bool is_taken;		 /* the consumer holds item released */
	bool is_closing;
};

/*
 * Begin to feed; with a thread if @is_threaded and one can be had.  @store: NULL, or
 * to read from if it is whole, and else to fill.
 */
void feeder_init(struct feeder *f, struct trace_reader *reader,
		 const struct gfn_map *map, struct feed_store *store,
		 bool is_threaded);
void feeder_fini(struct feeder *f);

/* Return: the next item, valid until the next call. */
const struct feed *feeder_next(struct feeder *f);

#endif
