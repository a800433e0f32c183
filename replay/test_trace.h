/* SPDX-License-Identifier: MIT */
/* Small traces for the tests of replay/: made with the real writer. */
#ifndef REPLAY_TEST_TRACE_H
#define REPLAY_TEST_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "datasets/trace/trace.h"

/* A stream of @n accesses to a guest of @npages pages: hot and cold pages mixed,
 * one tick of 1 ns times @tick_ns apart. */
void test_trace_mixed(const char *path, uint64_t npages, size_t n,
		      uint64_t tick_ns, uint64_t seed);

/* The same records as epochs of @period_ns in first-touch order. */
void test_trace_mixed_epochs(const char *path, uint64_t npages, size_t n,
			     uint64_t tick_ns, uint64_t seed,
			     uint64_t period_ns, bool is_ordered);

/* @epochs epochs of @period_ns that touch all of @npages pages in order; the first
 * lasts @first_ns only. */
void test_trace_all_touched(const char *path, uint64_t npages, uint64_t epochs,
			    uint64_t first_ns, uint64_t period_ns);

/* Like test_trace_mixed(), but by four vCPUs at random, three accesses at each time, and
 * in many blocks. */
void test_trace_vcpus(const char *path, uint64_t npages, size_t n,
		      uint64_t tick_ns, uint64_t seed);

/* A stream of exactly these events on a guest of @npages pages. */
void test_trace_events(const char *path, uint64_t npages,
		       const struct trace_event *events, size_t n);

#endif
