/* SPDX-License-Identifier: MIT */
/*
 * What every registered policy and kind of secondary MMU must do; no test here
 * knows one by its name.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/test.h"
#include "models/bounds.h"
#include "models/invalidate.h"
#include "models/spte.h"
#include "models/test_lane.h"

enum {
	TABLES = 2,
	NPAGES = TABLES * PTRS_PER_PTE,
	USED = 200, /* half of them at the end of the last table */
	EVENTS = 1500,
	KERNELS = 3,
};

static void assert_one_line(const char *text)
{
	assert_non_null(text);
	assert_true(text[0] != '\0');
	assert_null(strchr(text, '\n'));
	assert_true(strlen(text) <= 80);
}

static void every_entry_says_in_one_line_what_it_is(void **state)
{
	(void)state;
	for (const struct policy_entry *e = policies; e->name; e++) {
		assert_one_line(e->ops->summary);
		assert_ptr_equal(policy_find(e->name), e);
	}
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++) {
		assert_one_line(e->ops->summary);
		assert_ptr_equal(mmu_find(e->name), e);
	}
	for (const struct bound_entry *e = bounds; e->name; e++) {
		assert_one_line(e->ops->summary);
		assert_ptr_equal(bound_find(e->name), e);
	}
	assert_null(policy_find("no such"));
	assert_null(mmu_find("no such"));
	assert_null(bound_find("no such"));
}

static void assert_documented(const struct param_spec *spec, size_t size)
{
	assert_one_line(spec->name);
	assert_one_line(spec->help);
	assert_non_null(spec->source);
	assert_true(strlen(spec->source) > 10);
	assert_non_null(spec->unit);
	assert_true(spec->offset < size);
	if (spec->type == PARAM_ENUM) {
		assert_non_null(spec->names);
		assert_non_null(spec->names[(size_t)spec->preset]);
		return;
	}
	assert_true(spec->preset >= spec->min);
	assert_true(spec->preset <= spec->max);
}

static void check_params(const char *name, const struct param_spec *specs,
			 size_t size)
{
	uint64_t values[POLICY_PARAMS_MAX / sizeof(uint64_t)];
	char text[256];

	assert_true(size <= sizeof(values) && size <= MMU_PARAMS_MAX);
	for (const struct param_spec *s = specs; s && s->name; s++)
		assert_documented(s, size);
	assert_int_equal(param_parse(specs, values, name, NULL, NULL), 0);
	assert_int_equal(param_format(specs, values, text, sizeof(text)), 0);
	assert_int_equal(param_parse(specs, values, name, text, NULL), 0);
}

static void presets_are_in_range_and_round_trip(void **state)
{
	(void)state;
	for (const struct policy_entry *e = policies; e->name; e++)
		check_params(e->name, e->ops->params, e->ops->params_size);
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++)
		check_params(e->name, e->ops->params, e->ops->params_size);
}

static uint32_t pick(struct rng *rng)
{
	uint32_t page = (uint32_t)rng_below(rng, USED);

	if (rng_below(rng, 2))
		page = (uint32_t)rng_below(rng, USED / 4);
	return page < USED / 2 ? page : NPAGES - 1 - (page - USED / 2);
}

static void event(struct lane *l, struct rng *rng)
{
	uint32_t page = pick(rng);

	switch (rng_below(rng, 200)) {
	case 0:
		lane_reclaim(l, RECLAIM_AGE, 0, rng_below(rng, 2));
		break;
	case 1:
		lane_reclaim(l, RECLAIM_PROACTIVE, rng_below(rng, USED), false);
		break;
	case 2:
		mglru_invalidate(&l->m, page, page + 1, MMU_TRACE);
		break;
	case 3:
		mglru_discard(&l->m, page);
		break;
	case 4:
		lane_host_access(l, page);
		break;
	default:
		lane_access(l, page);
	}
}

static const char *const kernels[KERNELS] = {"6.1", "6.12", "7.2"};

static void init(struct lane *l, struct pages *pages, unsigned int bit,
		 const struct policy_entry *policy, const char *params,
		 const struct mmu_entry *kind, uint64_t limit)
{
	assert_int_equal(lane_init_mmu(l, pages, bit, policy->name, params,
				       limit, kind->name, NULL,
				       kernels[limit % KERNELS]),
			 0);
}

static uint64_t run_with(const struct policy_entry *policy, const char *params,
			 const struct mmu_entry *kind, uint64_t limit,
			 uint64_t seed)
{
	uint64_t word[NPAGES] = {0};
	struct pages pages = {.word = word, .npages = NPAGES};
	struct rng rng = {seed};
	struct lane l;
	uint64_t digest;

	init(&l, &pages, 31, policy, params, kind, limit);
	for (int i = 0; i < EVENTS; i++) {
		event(&l, &rng);
		assert_null(mglru_check(&l.m));
	}
	digest = lane_digest(&l);
	lane_fini(&l);
	return digest;
}

static uint64_t run_alone(const struct policy_entry *policy,
			  const struct mmu_entry *kind, uint64_t limit,
			  uint64_t seed)
{
	return run_with(policy, NULL, kind, limit, seed);
}

static void run_value(const struct policy_entry *policy,
		      const struct param_spec *spec, double value)
{
	char params[64];

	if (spec->type == PARAM_ENUM)
		snprintf(params, sizeof(params), "%s=%s", spec->name,
			 spec->names[(unsigned int)value]);
	else
		snprintf(params, sizeof(params), "%s=%.17g", spec->name, value);
	for (const struct mmu_entry *k = mmu_kinds; k->name; k++)
		run_with(policy, params, k, USED / 2, 5);
}

static void extremes_of_every_parameter_run(void **state)
{
	(void)state;
	for (const struct policy_entry *p = policies; p->name; p++)
		for (const struct param_spec *s = p->ops->params; s && s->name;
		     s++) {
			if (s->type != PARAM_ENUM) {
				run_value(p, s, s->min);
				run_value(p, s, s->max);
				continue;
			}
			for (unsigned int i = 0; s->names[i]; i++)
				run_value(p, s, i);
		}
}

static void same_seed_means_same_decisions(void **state)
{
	(void)state;
	for (const struct policy_entry *p = policies; p->name; p++)
		for (const struct mmu_entry *k = mmu_kinds; k->name; k++) {
			uint64_t digest = run_alone(p, k, USED / 2, 1);

			assert_int_equal(digest, run_alone(p, k, USED / 2, 1));
			assert_int_not_equal(digest,
					     run_alone(p, k, USED / 2, 2));
		}
}

static void limits_at_the_edge_break_nothing(void **state)
{
	static const uint64_t limits[] = {0, 1, 2, NPAGES, UINT64_MAX};

	(void)state;
	for (const struct policy_entry *p = policies; p->name; p++)
		for (const struct mmu_entry *k = mmu_kinds; k->name; k++)
			for (size_t i = 0; i < 5; i++)
				run_alone(p, k, limits[i], 3);
}

/* Two lanes per policy for each of two kinds, with their own limits and events. */
static void share_words(const struct mmu_entry *kinds[2])
{
	static struct lane lane[PAGES_LANES_MAX];
	uint64_t word[NPAGES] = {0}, alone[PAGES_LANES_MAX];
	struct pages pages = {.word = word, .npages = NPAGES};
	struct rng rng[PAGES_LANES_MAX];
	unsigned int n = 0;

	for (const struct policy_entry *p = policies; p->name; p++)
		for (unsigned int i = 0; i < 4; i++, n++) {
			const struct mmu_entry *k = kinds[i % 2];

			assert_true(n < PAGES_LANES_MAX);
			rng[n].state = n;
			alone[n] = run_alone(p, k, 60 + 40 * (i / 2), n);
			init(&lane[n], &pages, n, p, NULL, k,
			     60 + 40 * (i / 2));
		}
	for (int i = 0; i < EVENTS; i++)
		for (unsigned int l = 0; l < n; l++)
			event(&lane[l], &rng[l]);
	for (unsigned int l = 0; l < n; l++) {
		assert_int_equal(lane_digest(&lane[l]), alone[l]);
		lane_fini(&lane[l]);
	}
}

static void lanes_of_one_word_do_not_see_each_other(void **state)
{
	(void)state;
	for (const struct mmu_entry *k = mmu_kinds; k->name; k++) {
		const struct mmu_entry *next = k[1].name ? k + 1 : mmu_kinds;

		share_words((const struct mmu_entry *[]){k, next});
	}
}

/* Every window: aligned, across windows, at the end of a table; sparse or full. */
static void round_trip(struct mmu *mmu, uint32_t first, uint64_t range)
{
	const uint64_t half = range & UINT64_C(0x5555555555555555);
	const uint64_t young = mmu->traits.has_young ? UINT64_MAX : 0;
	struct spte_zapped zapped = {0};

	for (uint64_t left = range; left; left &= left - 1)
		mmu_map(mmu, first + (uint32_t)__builtin_ctzll(left));
	assert_int_equal(mmu->sptes->present(mmu, first, range), range);
	assert_int_equal(mmu_test_young(mmu, first, range), range & young);
	assert_int_equal(mmu_clear_young(mmu, first, half), half & young);
	assert_int_equal(mmu_clear_young(mmu, first, half), 0);
	assert_int_equal(mmu_test_young(mmu, first, range),
			 range & ~half & young);
	assert_int_equal(mmu->sptes->present(mmu, first, range), range);
	mmu->sptes->unmap(mmu, first, half, &zapped);
	assert_int_equal(zapped.pages, __builtin_popcountll(half));
	assert_int_equal(mmu->sptes->present(mmu, first, range), range & ~half);
	assert_int_equal(mmu_invalidate(mmu, first, range),
			 range & ~half & young);
	assert_int_equal(mmu->sptes->present(mmu, first, range), 0);
	assert_int_equal(mmu_test_young(mmu, first, range), 0);
	mmu->sptes->unmap(mmu, first, range, &zapped);
	assert_int_equal(zapped.pages, __builtin_popcountll(half));
}

static void mmu_masks_round_trip_and_stay_in_their_lane(void **state)
{
	static const uint32_t firsts[] = {0,
					  7,
					  WINDOW,
					  PTRS_PER_PTE - WINDOW,
					  PTRS_PER_PTE,
					  NPAGES - WINDOW};
	const uint64_t background = UINT64_C(0xa5a5a5a5f00ff00f);
	uint64_t word[NPAGES];
	struct pages pages = {.word = word, .npages = NPAGES};
	struct counters counters = {{0}};
	struct rng rng = {4};

	(void)state;
	for (const struct mmu_entry *k = mmu_kinds; k->name; k++)
		for (unsigned int lane = 0; lane < PAGES_LANES_MAX; lane++) {
			uint64_t params[MMU_PARAMS_MAX / sizeof(uint64_t)];
			struct mmu mmu;
			uint64_t others;

			param_defaults(k->ops->params, params);
			assert_int_equal(mmu_init(&mmu, k->ops, params,
						  kernels[lane % KERNELS],
						  &pages, lane, &counters,
						  NULL),
					 0);
			others = ~(mmu.quiet | mmu.accessed);
			for (int i = 0; i < NPAGES; i++)
				word[i] = background & others;
			for (size_t i = 0; i < 6; i++) {
				round_trip(&mmu, firsts[i], UINT64_MAX);
				round_trip(&mmu, firsts[i], rng_next(&rng));
			}
			round_trip(&mmu, NPAGES - 1, 1);
			round_trip(&mmu, NPAGES - 3, 5);
			for (int i = 0; i < NPAGES; i++)
				assert_int_equal(word[i], background & others);
			mmu_fini(&mmu);
		}
}

/* What the engine does for an access; a quiet page is one load and one store. */
static enum mmu_touch touch(struct mmu *mmu, uint32_t page)
{
	mmu->pages->word[page] |= mmu->accessed;
	return mmu->pages->word[page] & mmu->quiet ? MMU_TOUCH_BIT
						   : mmu_touch(mmu, page);
}

/* In every kind that has young operations an access makes an old page young. */
static void an_access_after_aging_is_seen_once(void **state)
{
	uint64_t word[NPAGES] = {0}, values[MMU_PARAMS_MAX / sizeof(uint64_t)];
	struct pages pages = {.word = word, .npages = NPAGES};

	(void)state;
	for (const struct mmu_entry *k = mmu_kinds; k->name; k++) {
		struct counters c = {{0}};
		struct mmu mmu;

		param_defaults(k->ops->params, values);
		assert_int_equal(mmu_init(&mmu, k->ops, values, "6.12", &pages,
					  3, &c, NULL),
				 0);
		assert_int_equal(touch(&mmu, 5), MMU_TOUCH_ABSENT);
		mmu_map(&mmu, 5);
		for (int i = 0; i < 3; i++) {
			bool is_young = mmu_clear_young(&mmu, 5, 1);

			assert_int_equal(is_young, mmu.traits.has_young);
			assert_false(mmu_clear_young(&mmu, 5, 1));
			assert_int_not_equal(touch(&mmu, 5), MMU_TOUCH_ABSENT);
			assert_int_equal(touch(&mmu, 5), MMU_TOUCH_BIT);
		}
		assert_in_set(c.n[COUNT_track_exits],
			      ((const LargestIntegralType[]){0, 3}), 2);
		mmu_invalidate(&mmu, 5, 1);
		assert_int_equal(touch(&mmu, 5), MMU_TOUCH_ABSENT);
		mmu_fini(&mmu);
		word[5] = 0;
	}
}

static void lanes_fail_cleanly_without_memory(void **state)
{
	uint64_t word[NPAGES] = {0};
	struct pages pages = {.word = word, .npages = NPAGES};
	unsigned long nth = 1;
	struct lane l;
	int ret;

	(void)state;
	do {
		kage_alloc_fail_at(nth++);
		ret = lane_init_mmu(&l, &pages, 0, policies[0].name, NULL, 1,
				    "tdp-noad", NULL, "6.12");
		assert_true(ret == 0 || ret == -ENOMEM);
		assert_int_equal(ret != 0, kage_alloc_failed());
		lane_fini(&l);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_entry_says_in_one_line_what_it_is),
		cmocka_unit_test(presets_are_in_range_and_round_trip),
		cmocka_unit_test(extremes_of_every_parameter_run),
		cmocka_unit_test(same_seed_means_same_decisions),
		cmocka_unit_test(limits_at_the_edge_break_nothing),
		cmocka_unit_test(lanes_of_one_word_do_not_see_each_other),
		cmocka_unit_test(mmu_masks_round_trip_and_stay_in_their_lane),
		cmocka_unit_test(an_access_after_aging_is_seen_once),
		cmocka_unit_test(lanes_fail_cleanly_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
