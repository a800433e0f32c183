/* SPDX-License-Identifier: MIT */
/* The rules for accessed bits, on SPTEs of each kind. */
#include "base/test.h"
#include "capture/mglru/spte.h"

/* Page frame 0x12345 and what each kind sets in an SPTE that is in use; bit 11 is
 * KVM's own "maps something". */
#define FRAME		       UINT64_C(0x12345000)
#define NPT		       (FRAME | 0x867) /* present, writable, user, A, D, mapped */
#define NPT_OLD		       (FRAME | 0x847) /* the same without A */
#define NPT_CLEAN	       (FRAME | 0x827) /* without D */
#define EPT		       (FRAME | 0xb37) /* RWX, write-back, A, D, mapped */
#define EPT_OLD		       (FRAME | 0xa37) /* without A */
#define LARGE		       UINT64_C(0x80)
#define NO_AD_6_12	       (UINT64_C(1) << 52) /* type of SPTE */
#define SAVED_6_12	       (UINT64_C(5) << 54) /* R and X */
#define NO_AD_7_2	       (UINT64_C(1) << 60)
#define SAVED_7_2	       (UINT64_C(5) << 52)
#define TRACKED(format_bits)   (FRAME | 0x837 | (format_bits))
#define UNTRACKED(format_bits) (FRAME | 0x830 | (format_bits))

static const struct {
	const char *what;
	enum spte_format format;
	uint64_t level, before, after;
	bool was_aged;
} rules[] = {
	{"npt, aged", SPTE_NPT, 1, NPT, NPT_OLD, true},
	{"npt, a large leaf", SPTE_NPT, 2, NPT | LARGE, NPT_OLD | LARGE, true},
	{"npt, a gigantic leaf", SPTE_NPT, 3, NPT | LARGE, NPT_OLD | LARGE,
	 true},
	{"npt, a table, no leaf", SPTE_NPT, 2, NPT, NPT_OLD, false},
	{"npt, level 4", SPTE_NPT, 4, NPT | LARGE, NPT_OLD | LARGE, false},
	{"npt, level 0", SPTE_NPT, 0, NPT, NPT_OLD, false},
	{"npt, accessed again", SPTE_NPT, 1, NPT_OLD, NPT, false},
	{"npt, dirty bit cleared", SPTE_NPT, 1, NPT, NPT_CLEAN, false},
	{"npt, write-protected", SPTE_NPT, 1, NPT, NPT & ~UINT64_C(2), false},
	{"npt, zapped", SPTE_NPT, 1, NPT, UINT64_C(1) << 63, false},
	{"npt, frozen", SPTE_NPT, 1, NPT, 0x5a0 | UINT64_C(1) << 63, false},
	{"npt, mapped", SPTE_NPT, 1, 0, NPT, false},
	{"npt, EPT's bit is software's", SPTE_NPT, 1, NPT | 0x100, NPT, false},
	{"ept, aged", SPTE_EPT, 1, EPT, EPT_OLD, true},
	{"ept, a large leaf", SPTE_EPT, 2, EPT | LARGE, EPT_OLD | LARGE, true},
	{"ept, NPT's bit is a memory type", SPTE_EPT, 1, EPT, EPT & ~0x20ull,
	 false},
	{"ept, write-protected", SPTE_EPT, 1, EPT, EPT & ~0x2ull, false},
	{"ept, zapped", SPTE_EPT, 1, EPT, UINT64_C(1) << 63, false},
	{"ept without A/D, 6.12", SPTE_EPT_NO_AD, 1, TRACKED(NO_AD_6_12),
	 UNTRACKED(NO_AD_6_12 | SAVED_6_12), true},
	{"ept without A/D, 7.2", SPTE_EPT_NO_AD, 1, TRACKED(NO_AD_7_2) | 0x100,
	 UNTRACKED(NO_AD_7_2 | SAVED_7_2), true},
	{"ept without A/D, restored", SPTE_EPT_NO_AD, 1,
	 UNTRACKED(NO_AD_6_12 | SAVED_6_12), TRACKED(NO_AD_6_12), false},
	{"ept without A/D, write-protected", SPTE_EPT_NO_AD, 1,
	 TRACKED(NO_AD_6_12), TRACKED(NO_AD_6_12) & ~0x2ull, false},
	{"ept without A/D, zapped", SPTE_EPT_NO_AD, 1, TRACKED(NO_AD_6_12),
	 UINT64_C(1) << 63, false},
};

static void only_aging_of_a_leaf_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		const struct spte_change change = {
			0x100, rules[i].before, rules[i].after, rules[i].level};

		if (spte_was_aged(rules[i].format, &change) !=
		    rules[i].was_aged)
			fail_msg("%s", rules[i].what);
	}
}

static void a_leaf_is_a_run_of_its_size(void **state)
{
	static const struct {
		uint64_t level, gfn, first;
		uint32_t npages;
		enum trace_level flag;
	} cases[] = {
		{1, 0x12345, 0x12345, 1, TRACE_4K},
		{2, 0x12200, 0x12200, 512, TRACE_2M},
		{2, 0x12345, 0x12200, 512, TRACE_2M},
		{3, 0x40000, 0x40000, 512 * 512, TRACE_1G},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct spte_change change = {.gfn = cases[i].gfn,
						   .level = cases[i].level};
		struct trace_run run = spte_run(&change);

		assert_int_equal(run.gfn, cases[i].first);
		assert_int_equal(run.npages, cases[i].npages);
		assert_int_equal(run.flags & TRACE_RUN_LEVEL_MASK,
				 cases[i].flag);
		assert_true(run.flags & TRACE_RUN_ACCESSED);
		assert_false(run.flags & TRACE_RUN_DIRTY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_aging_of_a_leaf_counts),
		cmocka_unit_test(a_leaf_is_a_run_of_its_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
