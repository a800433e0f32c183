/* SPDX-License-Identifier: MIT */
/*
 * The parser of cost profiles on arbitrary bytes: LLVMFuzzerTestOneInput() for
 * libFuzzer, and with scenario/fuzz/replay.c, for any compiler, the test.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/costs/cost_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* What whoever prices by it relies on. */
static void check(const struct cost_file *file)
{
	require(file->profile && file->host && *file->host, "head");
	require(file->nr_rows && file->nr_rows <= COST_ROWS_MAX, "rows");
	for (size_t i = 0; i < file->nr_rows; i++) {
		const struct cost_row *r = &file->rows[i];

		require(cost_file_row(file, r->name) == r, "name twice");
		require(r->kind < NR_COST_KINDS, "kind");
		require(isfinite(r->value_ns) && r->value_ns >= 0, "value");
		require(!r->has_range || (r->kind != COST_MISSING &&
					  r->low_ns <= r->value_ns &&
					  r->value_ns <= r->high_ns),
			"range");
		require(*r->source && *r->how && r->line, "source");
	}
}

/* What was printed says the same. */
static void check_again(const struct cost_file *file)
{
	struct outbuf text = {0}, again = {0};
	struct cost_file copy;

	cost_file_print(file, &text);
	require(!cost_file_parse(&copy, "again", text.data, text.used, NULL,
				 NULL, NULL),
		"printed, then refused");
	cost_file_print(&copy, &again);
	require(text.used == again.used &&
			!memcmp(text.data, again.data, text.used),
		"printed twice");
	cost_file_fini(&copy);
	outbuf_fini(&text);
	outbuf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct status st = {""};
	struct cost_file file;

	if (!cost_file_parse(&file, "fuzz", (const char *)data, size, NULL,
			     NULL, &st)) {
		check(&file);
		check_again(&file);
	} else {
		require(!strncmp(st.message, "fuzz:", 5), "message");
	}
	cost_file_fini(&file);
	return 0;
}
