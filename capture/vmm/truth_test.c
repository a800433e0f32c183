/* SPDX-License-Identifier: MIT */
/* Guest programs on the host: what each promises of the pages that it touches. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/test.h"
#include "capture/vmm/guest_abi.h"
#include "capture/vmm/truth.h"

enum {
	PAGES_MAX = 1024,
	TEXT = PAGES_MAX + 1,
};

struct rig {
	_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX];
	const struct guest_program *program;
	struct truth *truth;
	uint64_t pages;
};

static void rig_up(struct rig *rig, const char *name, const char *params,
		   uint64_t pages, unsigned int nr_vcpus)
{
	struct status st = {""};
	const struct program_entry *entry = program_find(name, &st);

	assert_non_null(entry);
	*rig = (struct rig){.program = entry->program, .pages = pages};
	assert_int_equal(param_parse(rig->program->params, rig->params, name,
				     params, &st),
			 0);
	assert_int_equal(truth_create(&rig->truth, rig->program, rig->params,
				      pages, nr_vcpus, &st),
			 0);
}

static void rig_down(struct rig *rig)
{
	truth_destroy(rig->truth);
}

/* The next round as text: a character per page of "-", "r", "w" and "b" (both). */
static const char *next_round(struct rig *rig, char text[TEXT])
{
	const uint8_t *touches = truth_touches(rig->truth);

	assert_true(rig->pages < TEXT);
	truth_round(rig->truth);
	for (uint64_t i = 0; i < rig->pages; i++)
		text[i] = "-rwb"[touches[i]];
	text[rig->pages] = '\0';
	return text;
}

static void assert_one_line(const char *text)
{
	assert_non_null(text);
	assert_true(text[0] != '\0');
	assert_null(strchr(text, '\n'));
	assert_true(strlen(text) <= 80);
}

static void every_program_says_what_it_is(void **state)
{
	struct status st = {""};

	(void)state;
	for (const struct program_entry *e = guest_programs; e->name; e++) {
		assert_ptr_equal(program_find(e->name, &st), e);
		assert_one_line(e->program->summary);
		assert_non_null(e->program->round);
		assert_in_range(e->program->params_size, 0, PROGRAM_PARAMS_MAX);
		for (const struct param_spec *s = e->program->params;
		     s && s->name; s++) {
			assert_one_line(s->help);
			assert_non_null(s->unit);
			assert_true(s->offset < e->program->params_size);
		}
	}
	assert_null(program_find("no such", &st));
	assert_non_null(strstr(st.message, guest_programs[0].name));
}

/* With a remainder: 3 vCPUs share 100 pages, and the last one is nobody's. */
static void every_setup_fills_the_memory(void **state)
{
	char text[TEXT];

	(void)state;
	for (const struct program_entry *e = guest_programs; e->name; e++) {
		struct rig rig;

		rig_up(&rig, e->name, NULL, 100, 3);
		next_round(&rig, text);
		for (size_t i = 0; i < 99; i++)
			assert_true(text[i] == 'w' || text[i] == 'b');
		assert_int_equal(text[99], '-');
		rig_down(&rig);
	}
}

static void every_program_is_the_same_each_time(void **state)
{
	char first[TEXT], second[TEXT];

	(void)state;
	for (const struct program_entry *e = guest_programs; e->name; e++) {
		struct rig a, b;

		rig_up(&a, e->name, NULL, 1000, 2);
		rig_up(&b, e->name, NULL, 1000, 2);
		for (int round = 0; round < 5; round++)
			assert_string_equal(next_round(&a, first),
					    next_round(&b, second));
		rig_down(&a);
		rig_down(&b);
	}
}

/* Return: whether rounds 1 to 8 touch the same pages. */
static bool is_steady_indeed(struct rig *rig)
{
	char first[TEXT], other[TEXT];
	bool is_same = true;

	next_round(rig, first);
	next_round(rig, first);
	for (int round = 2; round <= 8; round++)
		is_same &= !strcmp(first, next_round(rig, other));
	return is_same;
}

static void steady_programs_are_known_as_such(void **state)
{
	static const struct {
		const char *program, *params;
		bool is_steady;
	} cases[] = {
		{"hotcold", "", true},
		{"hotcold", "cold=1000,cold_access=write", true},
		{"hotcold", "cold=100", false},
		{"hotcold", "shift=2", false},
		{"hotcold", "shift=2,cold=1000", false},
		{"scan", "part=1000", true},
		{"scan", "part=0", true},
		{"scan", "part=300", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig rig;

		rig_up(&rig, cases[i].program, cases[i].params, 40, 1);
		assert_int_equal(rig.program->is_steady(rig.params),
				 cases[i].is_steady);
		assert_int_equal(is_steady_indeed(&rig), cases[i].is_steady);
		rig_down(&rig);
	}
}

static void expect_rounds(const char *program, const char *params,
			  uint64_t pages, unsigned int nr_vcpus,
			  const char *const *rounds)
{
	char text[TEXT];
	struct rig rig;

	rig_up(&rig, program, params, pages, nr_vcpus);
	next_round(&rig, text);
	for (; *rounds; rounds++)
		assert_string_equal(next_round(&rig, text), *rounds);
	rig_down(&rig);
}

static void hot_pages_are_hot_and_cold_ones_take_turns(void **state)
{
	static const char *const rotation[] = {"wwrr------", "ww--rr----",
					       "ww----rr--", "ww------rr",
					       "wwrr------", NULL};
	static const char *const wrapped[] = {"rrwwww--", "rrww--ww",
					      "rr--wwww", NULL};
	static const char *const moved[] = {"ww------", "ww------", "--ww----",
					    "--ww----", "----ww--", NULL};
	static const char *const scattered[] = {"r-r--r--", "r-r--r--", NULL};
	static const char *const shared[] = {"wwr---wwr---", "ww-r--ww-r--",
					     NULL};

	(void)state;
	expect_rounds("hotcold", "hot=200,cold=250", 10, 1, rotation);
	expect_rounds("hotcold",
		      "hot=250,hot_access=read,cold=667,cold_access=write", 8,
		      1, wrapped);
	expect_rounds("hotcold", "hot=250,shift=2", 8, 1, moved);
	expect_rounds("hotcold", "hot=400,hot_access=read,scatter=1", 8, 1,
		      scattered);
	expect_rounds("hotcold", "hot=400,cold=250", 12, 2, shared);
}

static void scans_pass_over_all_pages(void **state)
{
	static const char *const quarters[] = {"rr------", "--rr----",
					       "----rr--", "------rr",
					       "rr------", NULL};
	static const char *const strides[] = {"w--w------", "------w--w",
					      "w--w------", NULL};

	(void)state;
	expect_rounds("scan", "part=250", 8, 1, quarters);
	expect_rounds("scan", "part=500,stride=3,access=write", 10, 1, strides);
}

/* How often @pages pages are drawn, one draw per round. */
static void count_draws(const char *params, unsigned int *counts,
			uint64_t pages, unsigned int draws)
{
	char text[TEXT];
	struct rig rig;

	rig_up(&rig, "zipf", params, pages, 1);
	next_round(&rig, text);
	for (unsigned int i = 0; i < draws; i++) {
		next_round(&rig, text);
		assert_int_equal(strspn(text, "-") +
					 strspn(strpbrk(text, "rwb") + 1, "-"),
				 pages - 1);
		counts[strcspn(text, "rwb")]++;
	}
	rig_down(&rig);
}

static unsigned int sum(const unsigned int *counts, size_t n)
{
	unsigned int all = 0;

	for (size_t i = 0; i < n; i++)
		all += counts[i];
	return all;
}

/* Bounds are five standard deviations of the binomial distribution. */
static void octaves_are_drawn_by_their_weight(void **state)
{
	unsigned int zipf[15] = {0}, uniform[15] = {0}, partial[12] = {0};

	(void)state;
	count_draws("draws=1,scatter=0", zipf, 15, 4000);
	assert_in_range(zipf[0], 863, 1137);
	assert_in_range(sum(zipf + 1, 2), 863, 1137);
	assert_in_range(sum(zipf + 3, 4), 863, 1137);
	assert_in_range(sum(zipf + 7, 8), 863, 1137);
	count_draws("draws=1,scatter=0,octave=2000", uniform, 15, 4000);
	for (size_t i = 0; i < 15; i++)
		assert_in_range(uniform[i], 188, 346);
	/* 1 : 1 : 1 : 5/8, of 4000 */
	count_draws("draws=1,scatter=0", partial, 12, 4000);
	assert_in_range(sum(partial + 7, 5), 571, 808);
}

static void zipf_writes_as_often_as_asked(void **state)
{
	static const struct {
		const char *params, *kinds;
	} cases[] = {
		{"draws=500,writes=0", "-r"},
		{"draws=500,writes=1000", "-w"},
		{"draws=500,writes=500", "-rwb"},
	};
	char text[TEXT];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct rig rig;

		rig_up(&rig, "zipf", cases[i].params, 64, 1);
		next_round(&rig, text);
		next_round(&rig, text);
		assert_int_equal(strspn(text, cases[i].kinds), 64);
		for (const char *kind = cases[i].kinds + 1; *kind; kind++)
			assert_non_null(strchr(text, *kind));
		rig_down(&rig);
	}
}

/* Two halves of the cycle: disjoint, and together everything. */
static void a_chase_visits_each_page_once_per_turn(void **state)
{
	char first[TEXT], second[TEXT];
	struct rig rig;

	(void)state;
	for (unsigned int nr_vcpus = 1; nr_vcpus <= 2; nr_vcpus++) {
		uint64_t pages = 500 * nr_vcpus;

		rig_up(&rig, "chase", "steps=250", pages, nr_vcpus);
		next_round(&rig, first);
		next_round(&rig, first);
		next_round(&rig, second);
		for (size_t i = 0; i < pages; i++)
			assert_true((first[i] == 'r') != (second[i] == 'r'));
		assert_string_equal(next_round(&rig, second), first);
		rig_down(&rig);
	}
}

static void a_stride_makes_a_permutation(void **state)
{
	(void)state;
	for (uint64_t n = 1; n <= 300; n++) {
		uint64_t stride = program_stride(n, 1);
		uint8_t seen[300] = {0};

		for (uint64_t i = 0; i < n; i++)
			assert_int_equal(seen[i * stride % n]++, 0);
		assert_int_equal(program_stride(n, 0), 1);
	}
}

static void no_memory_is_an_error(void **state)
{
	_Alignas(max_align_t) char params[PROGRAM_PARAMS_MAX] = {0};
	const struct guest_program *program = guest_programs[0].program;
	struct status st = {""};
	struct truth *truth;
	unsigned long nth = 1;
	int ret;

	(void)state;
	param_defaults(program->params, params);
	for (;; nth++) {
		kage_alloc_fail_at(nth);
		ret = truth_create(&truth, program, params, 10, 1, &st);
		kage_alloc_fail_at(0);
		if (!ret)
			break;
		assert_int_equal(ret, -ENOMEM);
		assert_null(truth);
	}
	assert_int_equal(nth, 4);
	truth_destroy(truth);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_program_says_what_it_is),
		cmocka_unit_test(every_setup_fills_the_memory),
		cmocka_unit_test(every_program_is_the_same_each_time),
		cmocka_unit_test(steady_programs_are_known_as_such),
		cmocka_unit_test(hot_pages_are_hot_and_cold_ones_take_turns),
		cmocka_unit_test(scans_pass_over_all_pages),
		cmocka_unit_test(octaves_are_drawn_by_their_weight),
		cmocka_unit_test(zipf_writes_as_often_as_asked),
		cmocka_unit_test(a_chase_visits_each_page_once_per_turn),
		cmocka_unit_test(a_stride_makes_a_permutation),
		cmocka_unit_test(no_memory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
