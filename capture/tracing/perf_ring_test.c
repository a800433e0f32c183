/* SPDX-License-Identifier: MIT */
/*
 * The ring's reading of memory that a kernel could have written, and of memory
 * that none would write.  No privileges needed; tracer_test.c has the real thing.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "capture/host/cpu_list.h"
#include "capture/tracing/perf_ring.h"

enum {
	RING = 4096,
	PASSED = 20000, /* records from thread to thread */
	SOME_TYPE = 77,
};

struct fake {
	struct perf_event_mmap_page page;
	unsigned char data[RING];
	unsigned char scratch[PERF_RING_RECORD_MAX];
	struct perf_ring ring;
};

static void start(struct fake *fake, uint64_t offset)
{
	memset(fake, 0, sizeof(*fake));
	fake->page.data_head = fake->page.data_tail = offset;
	fake->ring.scratch = fake->scratch;
	perf_ring_attach(&fake->ring, &fake->page, fake->data, RING);
}

static void put(struct fake *fake, uint64_t *at, const void *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fake->data[(*at)++ % RING] = ((const unsigned char *)from)[i];
}

/* As the kernel does: write, then publish. */
static void publish(struct fake *fake, uint32_t type, uint16_t size,
		    const void *body, size_t body_size)
{
	struct perf_event_header header = {.type = type, .size = size};
	uint64_t at = fake->page.data_head, end = at + size;

	put(fake, &at, &header, sizeof(header));
	put(fake, &at, body, body_size);
	__atomic_store_n(&fake->page.data_head, end, __ATOMIC_RELEASE);
}

static void publish_number(struct fake *fake, uint64_t number, uint16_t size)
{
	uint64_t body[2] = {number, ~number};

	publish(fake, SOME_TYPE, size, body, sizeof(body));
}

static uint64_t number_of(const struct perf_event_header *record)
{
	uint64_t body[2];

	memcpy(body, record + 1, sizeof(body));
	assert_int_equal(record->type, SOME_TYPE);
	assert_true(body[1] == ~body[0]);
	return body[0];
}

/* Every distance of the record from the end, so also a header that is cut. */
static void a_record_that_wraps_is_whole(void **state)
{
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	for (uint64_t offset = RING - 64; offset <= RING; offset += 8) {
		start(&fake, offset);
		publish_number(&fake, offset, 48);
		perf_ring_begin(&fake.ring);
		assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 1);
		assert_int_equal(record->size, 48);
		assert_int_equal(number_of(record), offset);
		assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 0);
		perf_ring_end(&fake.ring);
		assert_int_equal(fake.page.data_tail, offset + 48);
	}
}

static void what_is_published_later_waits(void **state)
{
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	start(&fake, 0);
	perf_ring_begin(&fake.ring);
	publish_number(&fake, 1, 24);
	assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 0);
	perf_ring_begin(&fake.ring);
	assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 1);
	assert_int_equal(number_of(record), 1);
}

/* The record in hand must not be overwritten, so its space comes back later. */
static void space_comes_back_while_reading(void **state)
{
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	start(&fake, 0);
	for (uint64_t i = 0; i < RING / 64; i++)
		publish_number(&fake, i, 64);
	perf_ring_begin(&fake.ring);
	for (uint64_t i = 0; i < RING / 64; i++) {
		assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 1);
		assert_int_equal(number_of(record), i);
		assert_true(fake.page.data_tail <= i * 64);
		assert_true(fake.page.data_tail + RING / 8 > i * 64);
	}
}

static void lost_records_are_added_up(void **state)
{
	const uint64_t lost[2][2] = {{7, 5}, {7, 1000000000000}};
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	start(&fake, RING - 8);
	publish(&fake, PERF_RECORD_LOST, 24, lost[0], 16);
	publish_number(&fake, 3, 24);
	publish(&fake, PERF_RECORD_LOST, 24, lost[1], 16);
	perf_ring_begin(&fake.ring);
	assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 1);
	assert_int_equal(number_of(record), 3);
	assert_int_equal(fake.ring.lost, 5);
	assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 0);
	assert_int_equal(fake.ring.lost, 1000000000005);
}

/* Sizes that would not end, or lead out of what was published. */
static void damage_is_refused(void **state)
{
	static const uint16_t sizes[] = {0, 4, 7, 12, 32, 4096, 65528};
	const struct perf_event_header *record;
	struct fake fake;
	struct status st;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		start(&fake, RING - 8);
		publish(&fake, SOME_TYPE, sizes[i], "", 0);
		fake.page.data_head = RING + 16; /* 24 bytes */
		perf_ring_begin(&fake.ring);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(perf_ring_next(&fake.ring, &record,
							&st),
					 -EBADMSG);
			assert_non_null(strstr(st.message, "offset 4088"));
		}
	}
}

static void a_head_that_cannot_be_is_refused(void **state)
{
	static const uint64_t heads[] = {100 + RING + 1, 99, 104, 0,
					 UINT64_MAX};
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		start(&fake, 100);
		fake.page.data_head = heads[i];
		perf_ring_begin(&fake.ring);
		assert_int_equal(perf_ring_next(&fake.ring, &record, NULL),
				 -EBADMSG);
	}
}

/* PERF_RECORD_LOST without its number: nothing is added from what lies behind. */
static void a_short_lost_record_adds_nothing(void **state)
{
	const struct perf_event_header *record;
	struct fake fake;

	(void)state;
	start(&fake, 0);
	publish(&fake, PERF_RECORD_LOST, 16, "\1\1\1\1\1\1\1\1", 8);
	publish_number(&fake, 4, 24);
	perf_ring_begin(&fake.ring);
	assert_int_equal(perf_ring_next(&fake.ring, &record, NULL), 1);
	assert_int_equal(fake.ring.lost, 0);
}

/* The kernel's part: never over what was not given back. */
static void *produce(void *arg)
{
	struct fake *fake = arg;
	uint64_t tail;

	for (uint64_t i = 0; i < PASSED; i++) {
		uint16_t size = (uint16_t)(24 + i % 5 * 8);

		do {
			tail = __atomic_load_n(&fake->page.data_tail,
					       __ATOMIC_ACQUIRE);
		} while (fake->page.data_head + size - tail > RING &&
			 !sched_yield());
		publish_number(fake, i, size);
	}
	return NULL;
}

static void a_producer_is_followed(void **state)
{
	const struct perf_event_header *record;
	struct fake fake;
	pthread_t thread;
	uint64_t next = 0;
	int ret;

	(void)state;
	start(&fake, RING / 2);
	assert_int_equal(pthread_create(&thread, NULL, produce, &fake), 0);
	while (next < PASSED) {
		perf_ring_begin(&fake.ring);
		while ((ret = perf_ring_next(&fake.ring, &record, NULL)) > 0)
			assert_int_equal(number_of(record), next++);
		assert_int_equal(ret, 0);
		perf_ring_end(&fake.ring);
		sched_yield();
	}
	pthread_join(thread, NULL);
}

static void lists_of_cpus_are_read(void **state)
{
	static const char *const bad[] = {"",	 "\n",	 "a",	    "3-", "5-3",
					  "1,,", "1, 2", "0-70000", "-1", "1x"};
	static const int expected[] = {0, 1, 2, 8, 10, 11};
	struct status st;
	int *cpus;
	size_t n;

	(void)state;
	assert_int_equal(cpu_list_parse("0-2,8,10-11\n", &cpus, &n, &st), 0);
	assert_int_equal(n, 6);
	assert_memory_equal(cpus, expected, sizeof(expected));
	free(cpus);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(cpu_list_parse(bad[i], &cpus, &n, &st),
				 -EBADMSG);
		assert_null(cpus);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_wraps_is_whole),
		cmocka_unit_test(what_is_published_later_waits),
		cmocka_unit_test(space_comes_back_while_reading),
		cmocka_unit_test(lost_records_are_added_up),
		cmocka_unit_test(damage_is_refused),
		cmocka_unit_test(a_head_that_cannot_be_is_refused),
		cmocka_unit_test(a_short_lost_record_adds_nothing),
		cmocka_unit_test(a_producer_is_followed),
		cmocka_unit_test(lists_of_cpus_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
