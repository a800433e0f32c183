/* SPDX-License-Identifier: MIT */
/*
 * Sets of epochs against the obvious way: sorting by qsort, times by the rule, words one
 * by one; and a pass from a store against one from the file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/test.h"
#include "datasets/epoch_order.h"
#include "replay/epoch_set.h"
#include "replay/epoch_words.h"
#include "replay/feeder.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 1 << 16,
	SALT = 7
};

static struct gfn_range range = {.gfn = 100, .npages = PAGES, .index = 0};
static const struct gfn_map map = {.range = &range, .n = 1, .npages = PAGES};

static int by_key(const void *a, const void *b)
{
	uint64_t x = epoch_order_key(SALT, 100 + *(const uint32_t *)a);
	uint64_t y = epoch_order_key(SALT, 100 + *(const uint32_t *)b);

	return x < y ? -1 : x > y;
}

/* Every third page or so of @n, those with an even number as writes, into @page. */
static size_t gather(struct epoch_set *s, uint32_t n, uint32_t *page)
{
	size_t used = 0;

	for (uint32_t i = 0; i < n; i += 1 + (uint32_t)(rng_mix(i) % 5)) {
		page[used++] = i;
		assert_int_equal(epoch_set_push(s, i, 1, i % 2 == 0, NULL), 0);
	}
	return used;
}

static void hash_order_is_that_of_the_keys(void **state)
{
	static const uint32_t sizes[] = {0, 1, 2, 500, 30000, PAGES};
	uint32_t *page = calloc(PAGES, sizeof(*page));
	struct epoch_set s = {0};

	(void)state;
	assert_int_equal(epoch_set_init(&s, PAGES, NULL), 0);
	for (size_t k = 0; k < sizeof(sizes) / sizeof(*sizes); k++) {
		size_t n = gather(&s, sizes[k], page);

		qsort(page, n, sizeof(*page), by_key);
		assert_int_equal(epoch_set_hash_order(&s, &map, SALT, NULL), 0);
		assert_int_equal(s.order_n, n);
		assert_memory_equal(s.order, page, n * sizeof(*page));
		for (size_t i = 0; i < n; i++)
			assert_int_equal(epoch_set_writes(&s, i),
					 page[i] % 2 == 0);
	}
	epoch_set_fini(&s);
	free(page);
}

static void touched_is_what_the_times_say(void **state)
{
	struct epoch_set s = {0};

	(void)state;
	assert_int_equal(epoch_set_init(&s, PAGES, NULL), 0);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(epoch_set_push(&s, 64 + i, 1, false, NULL), 0);
	assert_int_equal(epoch_set_keep_order(&s, NULL), 0);
	epoch_set_begin(&s, 2000, 2500, 1000, 1000);
	for (uint64_t i = 0; i < 40; i++) {
		/* forward, and at times back */
		uint64_t now = 1000 + (i % 7 ? i * 13 : i * 3);
		uint32_t at = (uint32_t)(rng_mix(i) % 1000);
		uint64_t ns = epoch_set_tick(&s, at) - 1000;

		assert_int_equal(epoch_set_touched(&s, 64 + at, now),
				 ns > 1000 && ns <= now);
		assert_false(epoch_set_touched(&s, 5, now));
	}
	epoch_set_fini(&s);
}

static void words_are_as_one_by_one(void **state)
{
	static uint64_t word[4096];
	static uint32_t page[3000];
	size_t n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) /* consecutive, then not */
		page[n++] = 3 + i;
	for (uint32_t i = 1100; i < 4000; i += 1 + i % 3)
		page[n++] = i;
	for (size_t i = 0; i < n; i++)
		word[page[i]] = 6;
	assert_true(epoch_words_have(word, page, n, 6));
	for (size_t i = 0; i < n; i++) {
		word[page[i]] = 4;
		assert_false(epoch_words_have(word, page, n, 6));
		assert_true(epoch_words_have(word, page, i, 6));
		word[page[i]] = 6;
	}
	epoch_words_add(word, page, n, 8);
	for (size_t i = 0; i < 4096; i++)
		assert_true(word[i] == 0 || word[i] == 14);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(word[page[i]], 14);
}

static void store_replays_the_same(void **state)
{
	struct plan_request wanted = test_request("batched,fast-only", "30%");
	struct feed_store store = {.bytes_max = UINT64_MAX}, small = {0};
	const struct engine_options options[] = {
		{.nr_samples = 16},
		{.nr_samples = 16, .store = &store, .reads_ahead = true},
		{.nr_samples = 16, .store = &store},
		{.nr_samples = 16, .store = &small},
	};
	struct outcome *o[4];
	char path[] = "/tmp/kage-store-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	unlink(path);
	test_trace_mixed(path, 3000, 60000, 1000, 1);
	for (int i = 0; i < 4; i++) {
		o[i] = test_replay(path, &options[i], &wanted, 3000, 0, 2);
		for (int l = 0; l < 2; l++)
			assert_memory_equal(&o[i]->lanes[l].counters,
					    &o[0]->lanes[l].counters,
					    sizeof(o[0]->lanes[l].counters));
	}
	assert_true(store.is_whole);
	assert_true(small.is_refused);
	for (int i = 0; i < 4; i++)
		test_outcome_free(o[i]);
	feed_store_fini(&store);
	feed_store_fini(&small);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_order_is_that_of_the_keys),
		cmocka_unit_test(touched_is_what_the_times_say),
		cmocka_unit_test(words_are_as_one_by_one),
		cmocka_unit_test(store_replays_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
