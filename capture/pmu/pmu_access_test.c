/* SPDX-License-Identifier: MIT */
/*
 * From made-up samples to the records of a trace: all of backend pmu but the
 * hardware and the reading of buffers (pmu_sampler_test.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "capture/pmu/pmu_access.h"

#define FILE_NAME "pmu_access_test.kgt"

enum {
	LOAD = 0x60001, /* IbsOpData3: with both addresses */
	STORE = 0x60002,
	NO_ACCESS = 0,
	RAW_BYTES = 4 + 8 * 7,
	ZERO_NS = 1000000, /* when the trace begins */
	RECORDS_MAX = 16,
};

struct bench {
	struct pmu_accesses accesses;
	struct trace_writer *writer;
	struct recorder recorder;
	struct trace_slot slot;
	struct trace_meta meta;
};

/* Frames 700 to 709 hold the guest's pages 100 to 109. */
static void set_up(struct bench *b)
{
	struct recorder_setup setup = {.last_gfn = TRACE_GFN_LIMIT - 1};
	struct pfn_map *map = &b->accesses.map;

	*b = (struct bench){
		.slot = {.gfn = 100,
			 .npages = 10,
			 .page_bytes = 4096,
			 .node = -1,
			 .backing = "anon"},
		.meta = {.clock = {TRACE_CLOCK_NS, 1000},
			 .fidelity = TRACE_SAMPLED_ADDRESS,
			 .channels = TRACE_CHANNEL_ACCESSED |
				     TRACE_CHANNEL_DIRTY,
			 .nr_vcpus = 4,
			 .nr_slots = 1,
			 .source = "pmu"},
	};
	b->meta.slots = &b->slot;
	map->runs = calloc(1, sizeof(*map->runs));
	map->runs[0] = (struct pfn_run){700, 100, 10};
	map->nr = map->capacity = 1;
	assert_int_equal(
		trace_writer_open(&b->writer, FILE_NAME, &b->meta, NULL), 0);
	setup.writer = b->writer;
	setup.meta = &b->meta;
	assert_int_equal(recorder_init(&b->recorder, &setup, NULL), 0);
	b->recorder.zero_ns = ZERO_NS;
}

static void take(struct bench *b, uint64_t time, size_t thread,
		 unsigned int mode, uint64_t data3, uint64_t physical)
{
	const uint64_t registers[7] = {0, 0, 0, 0, data3, 0x7000, physical};
	unsigned char raw[RAW_BYTES] = {0};
	const struct pmu_sample sample = {.time_ns = ZERO_NS + time,
					  .thread = thread,
					  .mode = mode,
					  .raw = raw,
					  .raw_size = sizeof(raw)};

	memcpy(raw + 4, registers, sizeof(registers));
	assert_int_equal(pmu_access_take(&b->accesses, &sample, NULL), 0);
}

static void take_load(struct bench *b, uint64_t time, size_t thread,
		      uint64_t pfn)
{
	take(b, time, thread, PERF_RECORD_MISC_GUEST_USER, LOAD,
	     pfn * 4096 + 8);
}

static void hand_over(struct bench *b, uint64_t time)
{
	assert_int_equal(pmu_access_hand_over(&b->accesses, ZERO_NS + time,
					      &b->recorder, NULL),
			 0);
}

/* "time:vcpu:kind:gfn " of each record, as the file has it. */
static void expect(struct bench *b, const char *expected)
{
	char text[RECORDS_MAX * 32] = "";
	struct trace_reader *reader;
	struct trace_block block;
	size_t n = 0;

	recorder_fini(&b->recorder);
	assert_int_equal(trace_writer_close(b->writer, NULL, NULL), 0);
	assert_int_equal(trace_reader_open(&reader, FILE_NAME, 0, NULL), 0);
	while (trace_reader_next(reader, &block, NULL) > 0)
		for (size_t i = 0; i < block.stream.n; i++)
			n += (size_t)snprintf(
				text + n, sizeof(text) - n, "%lu:%u:%c:%lu ",
				(unsigned long)block.stream.time[i],
				block.stream.vcpu[i],
				block.stream.kind[i] == TRACE_WRITE ? 'w' : 'r',
				(unsigned long)block.stream.gfn[i]);
	assert_string_equal(text, expected);
	trace_reader_close(reader);
	unlink(FILE_NAME);
	pmu_accesses_fini(&b->accesses);
}

static void accesses_of_guest_pages_are_recorded(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	take(&b, 10, 0, PERF_RECORD_MISC_GUEST_USER, LOAD, 700 * 4096);
	take(&b, 20, 3, PERF_RECORD_MISC_GUEST_KERNEL, STORE,
	     709 * 4096 + 4095);
	take(&b, 30, 1, PERF_RECORD_MISC_GUEST_USER, LOAD | STORE, 705 * 4096);
	hand_over(&b, 100);
	assert_int_equal(b.accesses.counts.accesses, 3);
	expect(&b, "10:0:r:100 20:3:w:109 30:1:w:105 ");
}

static void all_others_are_counted_by_reason(void **state)
{
	struct bench b;
	const struct pmu_access_counts *counts = &b.accesses.counts;

	(void)state;
	set_up(&b);
	take(&b, 1, 0, PERF_RECORD_MISC_USER, LOAD, 700 * 4096);
	take(&b, 2, 0, PERF_RECORD_MISC_KERNEL, STORE, 700 * 4096);
	take(&b, 3, 0, PERF_RECORD_MISC_HYPERVISOR, LOAD, 700 * 4096);
	take(&b, 4, 0, PERF_RECORD_MISC_GUEST_USER, NO_ACCESS, 700 * 4096);
	take(&b, 5, 0, PERF_RECORD_MISC_GUEST_USER, LOAD, 699 * 4096 + 4095);
	take(&b, 6, 0, PERF_RECORD_MISC_GUEST_USER, LOAD, 710 * 4096);
	/* as if the address were the guest's own */
	take(&b, 7, 0, PERF_RECORD_MISC_GUEST_USER, LOAD, 100 * 4096);
	hand_over(&b, 100);
	assert_int_equal(counts->host, 3);
	assert_int_equal(counts->none, 1);
	assert_int_equal(counts->strangers, 3);
	assert_int_equal(counts->accesses, 0);
	expect(&b, "");
}

static void records_are_in_time_order(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	/* buffer by buffer, as a drain finds them */
	take_load(&b, 10, 0, 700);
	take_load(&b, 40, 0, 701);
	take_load(&b, 70, 0, 702);
	take_load(&b, 20, 1, 703);
	take_load(&b, 40, 1, 704);
	take_load(&b, 60, 1, 705);
	hand_over(&b, 40); /* the younger ones wait */
	assert_int_equal(b.accesses.nr, 2);
	take_load(&b, 65, 2, 706);
	take_load(&b, 35, 3, 707); /* was written late */
	hand_over(&b, UINT64_MAX - ZERO_NS);
	expect(&b, "10:0:r:100 20:1:r:103 40:0:r:101 40:1:r:104 "
		   "40:3:r:107 60:1:r:105 65:2:r:106 70:0:r:102 ");
}

static void samples_from_before_the_trace_are_at_its_start(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b);
	b.recorder.zero_ns = ZERO_NS + 50;
	take_load(&b, 40, 0, 700);
	take_load(&b, 60, 0, 701);
	hand_over(&b, 100);
	expect(&b, "1:0:r:100 10:0:r:101 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accesses_of_guest_pages_are_recorded),
		cmocka_unit_test(all_others_are_counted_by_reason),
		cmocka_unit_test(records_are_in_time_order),
		cmocka_unit_test(
			samples_from_before_the_trace_are_at_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
