/* SPDX-License-Identifier: MIT */
/* Reading ahead; see feeder.h. */
#include "replay/feeder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static bool has_only_accesses(const struct trace_stream *s)
{
	uint8_t highest = 0;

	for (size_t i = 0; i < s->n; i++)
		highest = s->kind[i] > highest ? s->kind[i] : highest;
	return trace_event_is_access((enum trace_event_kind)highest);
}

static void free_columns(struct feed *item)
{
	if (!item->is_stored) {
		free(item->index);
		free(item->tick);
		free(item->is_write);
		free(item->vcpu);
	}
	item->index = NULL;
	item->tick = NULL;
	item->is_write = NULL;
	item->vcpu = NULL;
	item->capacity = 0;
	item->is_stored = false;
}

static int reserve(struct feed *item, size_t n)
{
	if (n <= item->capacity && !item->is_stored)
		return 0;
	free_columns(item);
	item->index = kage_calloc(n + FEEDER_PAD, sizeof(*item->index),
				  &item->status);
	item->tick = kage_calloc(n, sizeof(*item->tick), &item->status);
	item->is_write = kage_calloc(n, sizeof(*item->is_write), &item->status);
	item->vcpu = kage_calloc(n, sizeof(*item->vcpu), &item->status);
	if (!item->index || !item->tick || !item->is_write || !item->vcpu)
		return -ENOMEM;
	item->capacity = n;
	return 0;
}

/* Hand the arrays of @item, which goes on using them, over to the store. */
static void keep(struct feed_store *store, struct feed *item)
{
	uint64_t bytes = item->capacity *
			 (sizeof(*item->index) + sizeof(*item->tick) +
			  sizeof(*item->is_write) + sizeof(*item->vcpu));

	if (!item->is_accesses || store->bytes + bytes > store->bytes_max) {
		store->is_refused = true;
		return;
	}
	if (kage_grow(&store->item, &store->capacity, store->n,
		      sizeof(*store->item), &item->status)) {
		item->result = -ENOMEM;
		return;
	}
	store->bytes += bytes;
	store->item[store->n++] = *item;
	item->is_stored = true;
}

static void translate(struct feeder *f, struct feed *item)
{
	const struct trace_stream *s = &item->block.stream;

	if (reserve(item, s->n)) {
		item->result = -ENOMEM;
		return;
	}
	item->is_accesses = true;
	item->n = s->n;
	gfn_map_translate(f->map, s->gfn, s->n, item->index);
	memcpy(item->tick, s->time, s->n * sizeof(*item->tick));
	memcpy(item->vcpu, s->vcpu, s->n * sizeof(*item->vcpu));
	for (size_t i = 0; i < s->n; i++)
		item->is_write[i] = s->kind[i] == TRACE_WRITE;
}

static void read_item(struct feeder *f, struct feed *item)
{
	struct feed_store *store = f->store;

	item->is_accesses = false;
	item->result =
		trace_reader_next(f->reader, &item->block, &item->status);
	if (item->result > 0 && item->block.type == TRACE_BLOCK_STREAM &&
	    has_only_accesses(&item->block.stream))
		translate(f, item);
	if (!store || store->is_refused)
		return;
	if (item->result < 0)
		store->is_refused = true;
	else if (!item->result)
		store->is_whole = true;
	else if (item->block.type != TRACE_BLOCK_NOTE)
		keep(store, item);
}

/* A block that was not translated lives in the reader: nothing may be read on. */
static bool must_wait(const struct feeder *f)
{
	const struct feed *last = &f->item[(f->read - 1) % FEEDER_ITEMS];

	if (f->is_closing || f->read == f->released)
		return false;
	return f->read - f->released == FEEDER_ITEMS || !last->is_accesses;
}

static void *feed_ahead(void *arg)
{
	struct feeder *f = arg;
	bool goes_on = true;

	pthread_mutex_lock(&f->lock);
	while (goes_on) {
		struct feed *item = &f->item[f->read % FEEDER_ITEMS];

		while (must_wait(f))
			pthread_cond_wait(&f->changed, &f->lock);
		if (f->is_closing)
			break;
		pthread_mutex_unlock(&f->lock);
		read_item(f, item);
		pthread_mutex_lock(&f->lock);
		goes_on = item->result > 0;
		f->read++;
		pthread_cond_signal(&f->changed);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

void feeder_init(struct feeder *f, struct trace_reader *reader,
		 const struct gfn_map *map, struct feed_store *store,
		 bool is_threaded)
{
	*f = (struct feeder){.reader = reader, .map = map, .store = store};
	is_threaded = is_threaded && !(store && store->is_whole);
	if (store && store->n && !store->is_whole) /* a pass that broke off */
		store->is_refused = true;
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->changed, NULL);
	f->is_threaded = is_threaded &&
			 !pthread_create(&f->thread, NULL, feed_ahead, f);
}

void feeder_fini(struct feeder *f)
{
	if (f->is_threaded) {
		pthread_mutex_lock(&f->lock);
		f->is_closing = true;
		pthread_cond_signal(&f->changed);
		pthread_mutex_unlock(&f->lock);
		pthread_join(f->thread, NULL);
	}
	for (int i = 0; i < FEEDER_ITEMS; i++)
		free_columns(&f->item[i]);
	if (f->store && f->store->is_refused) {
		feed_store_fini(f->store);
		f->store->is_refused = true;
	}
	pthread_mutex_destroy(&f->lock);
	pthread_cond_destroy(&f->changed);
}

void feed_store_fini(struct feed_store *store)
{
	for (size_t i = 0; i < store->n; i++)
		free_columns(&store->item[i]);
	free(store->item);
	*store = (struct feed_store){0};
}

static const struct feed *next_of_store(struct feeder *f)
{
	f->item[0].result = 0;
	return f->replayed < f->store->n ? &f->store->item[f->replayed++]
					 : &f->item[0];
}

const struct feed *feeder_next(struct feeder *f)
{
	const struct feed *item = &f->item[0];

	if (!f->is_threaded && f->store && f->store->is_whole)
		return next_of_store(f);
	if (!f->is_threaded) {
		read_item(f, &f->item[0]);
		return item;
	}
	pthread_mutex_lock(&f->lock);
	if (f->is_taken) {
		f->released++;
		pthread_cond_signal(&f->changed);
	}
	while (f->read == f->released)
		pthread_cond_wait(&f->changed, &f->lock);
	f->is_taken = true;
	item = &f->item[f->released % FEEDER_ITEMS];
	pthread_mutex_unlock(&f->lock);
	return item;
}
