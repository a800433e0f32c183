/* SPDX-License-Identifier: MIT */
/* The vector forms against the scalar ones. */
#include "base/rng.h"
#include "base/test.h"
#include "models/window.h"

enum {
	ROUNDS = 2000
};

static void flags_masks_agree_for_every_flag(void **state)
{
	struct rng rng = {1};
	uint16_t flags[WINDOW];

	(void)state;
	for (int round = 0; round < ROUNDS; round++) {
		uint16_t wanted = (uint16_t)(1u << round % 16);

		for (int i = 0; i < WINDOW; i++)
			flags[i] = (uint16_t)rng_next(&rng);
		assert_int_equal(window_of_flags(flags, wanted),
				 window_of_flags_scalar(flags, wanted));
		wanted = (uint16_t)(rng_next(&rng) & rng_next(&rng));
		assert_int_equal(window_of_flags(flags, wanted),
				 window_of_flags_scalar(flags, wanted));
	}
}

static void accessed_masks_agree_for_every_lane(void **state)
{
	struct rng rng = {2};
	uint64_t word[WINDOW];

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		uint64_t wanted = pages_accessed_bit(round % PAGES_LANES_MAX);

		for (int i = 0; i < WINDOW; i++)
			word[i] = rng_next(&rng);
		assert_int_equal(window_of_accessed(word, wanted),
				 window_of_accessed_scalar(word, wanted));
	}
}

static void counts_are_those_of_the_compiler(void **state)
{
	struct rng rng = {5};

	(void)state;
	assert_int_equal(window_count(0), 0);
	assert_int_equal(window_count(UINT64_MAX), 64);
	for (int i = 0; i < 10000; i++) {
		uint64_t mask = rng_next(&rng) & rng_next(&rng);

		assert_int_equal(window_count(mask),
				 __builtin_popcountll(mask));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_are_those_of_the_compiler),
		cmocka_unit_test(flags_masks_agree_for_every_flag),
		cmocka_unit_test(accessed_masks_agree_for_every_lane),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
