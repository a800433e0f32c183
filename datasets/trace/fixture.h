/* SPDX-License-Identifier: MIT */
/* Small traces for tests, and traces as text to compare; tests only. */
#ifndef DATASETS_TRACE_FIXTURE_H
#define DATASETS_TRACE_FIXTURE_H

#include "base/outbuf.h"
#include "base/rng.h"
#include "datasets/trace/trace.h"

/* Three slots with holes, both channels, 4 vcpus. */
extern const struct trace_meta fixture_meta;

/* A random event of any kind at or behind @time. */
struct trace_event fixture_event(struct rng *rng, uint64_t time);

/* A random epoch behind @end of the one before: runs of every level, none twice.
 * Return: the number of runs, at most @most. */
size_t fixture_epoch(struct rng *rng, struct trace_epoch *epoch, uint64_t index,
		     uint64_t end, struct trace_run *runs, size_t most);

/* Make it an epoch whose runs have hits, or none. */
void fixture_add_hits(struct rng *rng, struct trace_epoch *epoch,
		      struct trace_run *runs, size_t n);

/* A trace of everything: events, a note, epochs of both orders, @hit_epochs with
 * hits. */
void fixture_write(const char *path, uint64_t seed, size_t events,
		   size_t epochs, size_t hit_epochs, size_t runs);

/* The file's bytes; to be released by outbuf_fini(). */
struct outbuf fixture_load(const char *path);

/* A path in memory that holds these bytes; close *fd. */
void fixture_memfd(char path[64], int *fd, const void *data, size_t bytes);

/**
 * fixture_read - read all of a trace
 * @text: one line for each record, appended; NULL: do not
 * Return: what the reader said last: 0, or the error of open or next.
 */
int fixture_read(const char *path, unsigned int flags, struct outbuf *text,
		 struct trace_totals *totals, struct status *st);

/* A new folder under $TMPDIR; fixture_remove() deletes it with its files. */
void fixture_folder(char path[64]);
void fixture_remove(const char *path);

#endif
