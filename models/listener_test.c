/* SPDX-License-Identifier: MIT */
/*
 * What listeners hear adds up: asks are what the counters counted, moves lead to the
 * generation that the page is in, and listening changes no decision.
 */
#include <stdlib.h>

#include "base/rng.h"
#include "base/test.h"
#include "models/mglru_internal.h"
#include "models/test_lane.h"

enum {
	NPAGES = 3 * PTRS_PER_PTE,
	LIMIT = 700,
	HOT = 300,
	EVENTS = 40000,
	ASKERS = MGLRU_ASKS_WINDOW + 1,
};

struct heard {
	struct lane *lane;
	uint64_t wanted[ASKERS], young[ASKERS];
	uint64_t passes, passes_ended, generations;
	uint8_t gen[NPAGES]; /* plus one: where the last move led */
	uint64_t moves[MGLRU_INCREASED + 1];
};

static void hear_ask(void *arg, enum mglru_asker who, uint32_t first,
		     uint64_t want, uint64_t young)
{
	struct heard *h = arg;

	assert_int_equal(young & ~want, 0);
	for (uint64_t left = want; left; left &= left - 1)
		assert_true(h->lane->m.flags[first +
					     (uint32_t)__builtin_ctzll(left)] &
			    PAGE_RESIDENT);
	h->wanted[who] += window_count(want);
	h->young[who] += window_count(young);
}

static void hear_move(void *arg, uint32_t page, unsigned int gen,
		      enum mglru_move how)
{
	struct heard *h = arg;

	h->gen[page] = (uint8_t)(gen + 1);
	h->moves[how]++;
}

/* The generation that the pass makes is not there yet. */
static void hear_end(void *arg, uint64_t now_ns)
{
	struct heard *h = arg;

	(void)now_ns;
	assert_int_equal(h->generations, h->passes_ended);
	h->passes_ended++;
	h->passes = h->lane->m.max_seq;
}

static void hear_generation(void *arg, uint64_t now_ns)
{
	struct heard *h = arg;

	(void)now_ns;
	h->generations++;
	assert_int_equal(h->lane->m.max_seq, h->passes + 1);
}

static void one_event(struct lane *l, struct rng *rng)
{
	uint32_t page = (uint32_t)rng_below(rng, NPAGES);

	if (rng_below(rng, 3))
		page = (uint32_t)rng_below(rng, HOT);
	switch (rng_below(rng, 100)) {
	case 0:
		lane_reclaim(l, RECLAIM_AGE, 0, true);
		break;
	case 1:
		mglru_discard(&l->m, page);
		break;
	case 2:
		lane_reclaim(l, RECLAIM_PROACTIVE, 64, false);
		break;
	case 3:
		lane_host_access(l, page);
		break;
	default:
		lane_access(l, page);
		break;
	}
}

static void check(const struct heard *h)
{
	const uint64_t *n = h->lane->counters.n;

	assert_int_equal(h->wanted[MGLRU_ASKS_WALK], n[COUNT_aging_ptes]);
	assert_int_equal(h->young[MGLRU_ASKS_WALK], n[COUNT_aging_young]);
	assert_int_equal(h->wanted[MGLRU_ASKS_WINDOW],
			 n[COUNT_lookaround_ptes]);
	assert_int_equal(h->young[MGLRU_ASKS_WINDOW],
			 n[COUNT_lookaround_young]);
	assert_int_equal(h->wanted[MGLRU_ASKS_VICTIM], n[COUNT_rmap_walks]);
	assert_int_equal(h->passes_ended, n[COUNT_passes]);
	assert_int_equal(h->generations, n[COUNT_passes]);
	for (uint32_t page = 0; page < NPAGES; page++)
		if (page_gen(&h->lane->m, page) >= 0)
			assert_int_equal(page_gen(&h->lane->m, page),
					 h->gen[page] - 1);
}

/* Return: the digest of a random run; @h: NULL, or what was heard of it. */
static uint64_t run(const char *policy, struct heard *h)
{
	uint64_t *word = calloc(NPAGES, sizeof(*word));
	struct pages pages = {.word = word, .npages = NPAGES};
	struct rng rng = {7};
	struct lane l;
	uint64_t digest;

	assert_non_null(word);
	assert_int_equal(lane_init(&l, &pages, 3, policy, NULL, LIMIT), 0);
	if (h) {
		*h = (struct heard){.lane = &l};
		l.m.listener = (struct mglru_listener){.aging_ends = hear_end,
						       .new_generation =
							       hear_generation,
						       .asked = hear_ask,
						       .moved = hear_move,
						       .arg = h};
	}
	for (int i = 0; i < EVENTS; i++) {
		one_event(&l, &rng);
		if (h && i % 1000 == 0)
			check(h);
	}
	l.decisions = 0; /* heard in one of the two runs only */
	digest = lane_digest(&l);
	lane_fini(&l);
	free(word);
	return digest;
}

static void what_is_heard_adds_up(void **state)
{
	struct heard *h = calloc(1, sizeof(*h));

	(void)state;
	assert_non_null(h);
	for (const struct policy_entry *e = policies; e->name; e++) {
		uint64_t digest = run(e->name, h);

		assert_int_equal(digest, run(e->name, NULL));
		assert_true(h->passes_ended > 100);
		assert_true(h->young[MGLRU_ASKS_WALK] > 0);
		assert_true(h->wanted[MGLRU_ASKS_VICTIM] > 0);
		assert_true(h->moves[MGLRU_ADDED] > LIMIT);
		assert_true(h->moves[MGLRU_PROMOTED] > 0);
		assert_true(h->moves[MGLRU_INCREASED] > 0);
	}
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_heard_adds_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
