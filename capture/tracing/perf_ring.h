/* SPDX-License-Identifier: MIT */
/*
 * The buffer that the kernel shares with a perf event (perf_event_open(2),
 * "MMAP layout"; kernel/events/ring_buffer.c): take what the kernel has published
 * up to a moment, record by record, and give the space back.
 *
 * What the kernel could not write is known only by the records that say so
 * (PERF_RECORD_LOST), and such a record waits for the next one that fits: losses
 * at the end have none.  Who needs the exact number compares with the count of
 * the event itself (tracer.c does).
 */
#ifndef CAPTURE_PERF_RING_H
#define CAPTURE_PERF_RING_H

#include <linux/perf_event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

enum {
	PERF_RING_RECORD_MAX = 65536 /* perf_event_header.size has 16 bits */
};

/**
 * struct perf_ring - one mapped buffer; read by one thread at a time
 *
 * @head: up to here was published when perf_ring_begin() was called
 * @tail: up to here it has been read; the kernel learns it now and then
 * @lost: sum of what PERF_RECORD_LOST named so far
 * @scratch: PERF_RING_RECORD_MAX bytes, where a record is put together that
 *	wraps around the end; borrowed, may be shared by rings of one thread
 */
struct perf_ring {
	struct perf_event_mmap_page *page;
	const unsigned char *data;
	size_t size; /* of @data: a power of two */
	uint64_t head, tail, given_back;
	uint64_t lost;
	unsigned char *scratch;
	size_t mapped; /* bytes to unmap; 0: not ours */
};

/**
 * perf_ring_open - create an event
 * @tid, @cpu: as perf_event_open(2) has them
 *
 * Return: a descriptor (close-on-exec), or a negative errno, in words in @st.
 */
int perf_ring_open(const struct perf_event_attr *attr, pid_t tid, int cpu,
		   struct status *st);

/**
 * perf_ring_map - map the buffer of the event @fd
 * @bytes: at least that much data space; rounded up to a power of two
 *
 * @ring->scratch stays as it is.
 */
int perf_ring_map(struct perf_ring *ring, int fd, size_t bytes,
		  struct status *st);

/* As perf_ring_map(), of memory that looks like a buffer; it stays the caller's. */
void perf_ring_attach(struct perf_ring *ring, struct perf_event_mmap_page *page,
		      const void *data, size_t size);

void perf_ring_unmap(struct perf_ring *ring);

/* Look at what is published now; perf_ring_next() goes so far and no further. */
void perf_ring_begin(struct perf_ring *ring);

/**
 * perf_ring_next - the next record
 * @record: valid until the next call for any ring with the same scratch, or
 *	perf_ring_end()
 *
 * PERF_RECORD_LOST is counted and passed over.
 * Return: 1; 0 at the end; -EBADMSG if the buffer holds no records: nothing
 * further can be read from it.
 */
int perf_ring_next(struct perf_ring *ring,
		   const struct perf_event_header **record, struct status *st);

/* Give the kernel all the space back that was read. */
void perf_ring_end(struct perf_ring *ring);

#endif
