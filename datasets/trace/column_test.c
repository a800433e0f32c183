/* SPDX-License-Identifier: MIT */
/* Columns come back for every width, transform and length, or are refused. */
#include <string.h>

#include "base/rng.h"
#include "base/test.h"
#include "datasets/trace/column.h"

enum {
	MOST = 100
};

static uint8_t stored[24 + 8 * MOST];
static uint64_t scratch[MOST];

/* Return: the bytes that @n values took. */
static size_t assert_round_trip(const uint64_t *values, size_t n)
{
	uint64_t back[MOST];
	struct column_array array = {.data = back, .bytes = 8};
	size_t bytes = column_encode(stored, values, n, scratch);
	const uint8_t *at = stored;

	assert_true(bytes <= column_bound(n));
	assert_null(column_decode(&array, n, &at, stored + bytes, scratch));
	assert_ptr_equal(at, stored + bytes);
	assert_memory_equal(back, values, n * sizeof(*values));
	return bytes;
}

static void every_width_and_length_comes_back(void **state)
{
	uint64_t values[MOST];
	struct rng rng = {1};

	(void)state;
	for (unsigned int bits = 0; bits <= 64; bits++)
		for (size_t n = 0; n <= MOST; n++) {
			for (size_t i = 0; i < n; i++)
				values[i] = bits ? rng_next(&rng) >> (64 - bits)
						 : 7;
			assert_round_trip(values, n);
		}
}

static void steps_come_back_even_when_they_wrap(void **state)
{
	static const uint64_t steps[] = {1, 512, UINT64_MAX, 1ull << 63};
	uint64_t values[MOST];

	(void)state;
	for (size_t s = 0; s < 4; s++) {
		for (size_t i = 0; i < MOST; i++)
			values[i] = UINT64_MAX - 40 + i * steps[s];
		assert_int_equal(assert_round_trip(values, MOST), 24);
	}
}

static void a_constant_is_not_written_twice(void **state)
{
	uint8_t back[MOST] = {0};
	struct column_array array = {.data = back, .bytes = 1};
	uint64_t values[MOST];
	const uint8_t *at = stored;

	(void)state;
	for (size_t i = 0; i < MOST; i++)
		values[i] = 3;
	column_encode(stored, values, MOST, scratch);
	assert_null(column_decode(&array, MOST, &at, stored + 24, scratch));
	assert_int_equal(back[MOST - 1], 3);
	back[0] = 9; /* left alone: the array is known to be filled */
	at = stored;
	assert_null(column_decode(&array, MOST, &at, stored + 24, scratch));
	assert_int_equal(back[0], 9);
}

static void values_that_do_not_fit_are_refused(void **state)
{
	static const unsigned int sizes[] = {1, 2, 4};
	uint64_t back[MOST];

	(void)state;
	for (size_t s = 0; s < 3; s++) {
		struct column_array array = {.data = back, .bytes = sizes[s]};
		uint64_t limit = UINT64_C(1) << 8 * sizes[s];
		uint64_t fits[2] = {limit - 1, limit - 2};
		uint64_t wide[2] = {limit - 1, limit};
		const uint8_t *at = stored;
		size_t bytes = column_encode(stored, fits, 2, scratch);

		assert_null(
			column_decode(&array, 2, &at, stored + bytes, scratch));
		bytes = column_encode(stored, wide, 2, scratch);
		at = stored;
		assert_non_null(
			column_decode(&array, 2, &at, stored + bytes, scratch));
	}
}

static void hostile_headers_are_refused(void **state)
{
	static const uint8_t bad[][2] = {{0, 3},  {1, 255}, {2, 1},  {0, 9},
					 {0, 65}, {0, 72},  {0, 255}};
	uint64_t values[2] = {1, 2}, back[2];
	struct column_array array = {.data = back, .bytes = 8};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const uint8_t *at = stored;

		column_encode(stored, values, 2, scratch);
		stored[bad[i][0]] = bad[i][1];
		assert_non_null(
			column_decode(&array, 2, &at, stored + 40, scratch));
	}
	for (size_t bytes = 0; bytes < 24; bytes++) {
		const uint8_t *at = stored;

		column_encode(stored, values, 2, scratch);
		assert_non_null(
			column_decode(&array, 2, &at, stored + bytes, scratch));
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(every_width_and_length_comes_back),
	cmocka_unit_test(steps_come_back_even_when_they_wrap),
	cmocka_unit_test(a_constant_is_not_written_twice),
	cmocka_unit_test(values_that_do_not_fit_are_refused),
	cmocka_unit_test(hostile_headers_are_refused),
};

int main(void)
{
	return cmocka_run_group_tests(tests, NULL, NULL);
}
