/* SPDX-License-Identifier: MIT */
/*
 * The parser on arbitrary bytes: LLVMFuzzerTestOneInput() for libFuzzer, and with
 * replay.c, for any compiler, the test.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/scenario/scenario.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

/* What whoever obeys a scenario relies on. */
static void check(const struct scenario *s)
{
	uint64_t epochs = 0;

	require(s->nr_steps && s->nr_steps <= SCENARIO_STEPS_MAX, "steps");
	for (size_t i = 0; i < s->nr_steps; i++) {
		const struct scenario_step *step = &s->steps[i];
		uint64_t n = scenario_step_epochs(step), asked = 0;

		require(step->word < SCENARIO_NR_WORDS, "word");
		require(!step->is_frozen || !scenario_word_is_guest(step->word),
			"guest work in frozen");
		require((step->word == SCENARIO_SNAPSHOT) == !!step->name[0],
			"name");
		epochs += n == SCENARIO_ALL ? 0 : n;
		if (step->word != SCENARIO_RECLAIM)
			continue;
		for (uint64_t r = 0; r < scenario_requests(step); r++) {
			uint64_t pages = scenario_request_pages(step, r);

			require(pages > 0, "request of nothing");
			asked += pages;
		}
		require(asked == step->pages, "sum of requests");
	}
	require(epochs == s->nr_epochs && epochs <= SCENARIO_EPOCHS_MAX,
		"epochs");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct status st = {""};
	struct scenario s;

	if (!scenario_parse(&s, (const char *)data, size, "fuzz", &st))
		check(&s);
	else
		require(!strncmp(st.message, "fuzz:", 5), "message");
	scenario_fini(&s);
	return 0;
}
