/* SPDX-License-Identifier: MIT */
/* Results written and read back, and files that are not sound. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "base/test.h"
#include "datasets/scenario/results.h"
#include "datasets/trace/fixture.h"

struct place {
	char folder[64];
	char path[96], again[96];
};

static int make_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	fixture_folder(p->folder);
	snprintf(p->path, sizeof(p->path), "%s/r.json", p->folder);
	snprintf(p->again, sizeof(p->again), "%s/s.json", p->folder);
	*state = p;
	return 0;
}

static int remove_place(void **state)
{
	struct place *p = *state;

	fixture_remove(p->folder);
	free(p);
	return 0;
}

static int evict_all(struct scenario_results *r, const gfn_t *gfn, size_t n)
{
	int ret = 0;

	for (size_t i = 0; i < n && !ret; i++)
		ret = scenario_results_evict(r, gfn[i], NULL);
	return ret;
}

static int fill_snapshot(struct scenario_results *r)
{
	const struct scenario_generation old = {1500, 400, SCENARIO_UNKNOWN};
	const struct scenario_generation young = {SCENARIO_UNKNOWN, 3, 0};
	struct scenario_snapshot *s =
		scenario_results_snapshot(r, "a.1.2", 6, NULL);

	if (!s || scenario_snapshot_count(s, "pgscan", 20480, NULL) ||
	    scenario_snapshot_count(s, "pgsteal", 0, NULL) ||
	    scenario_snapshot_generation(s, &old, NULL) ||
	    scenario_snapshot_generation(s, &young, NULL))
		return -ENOMEM;
	return 0;
}

/* Return: 0, or -ENOMEM with some of it. */
static int fill(struct scenario_results *r)
{
	static const gfn_t first[] = {7, 8, 9, 3, 2, 3};
	static const gfn_t second[] = {4};
	static const struct scenario_step steps[] = {
		{.word = SCENARIO_RECLAIM, .line = 3, .pages = 6},
		{.word = SCENARIO_EPOCHS, .line = 4},
		{.word = SCENARIO_SNAPSHOT, .line = 9},
	};
	static const struct scenario_point course[] = {{5, 32}, {15, 32}};
	struct scenario_outcome *o;

	*r = (struct scenario_results){.has_evicted = true,
				       .is_concurrent = true,
				       .kernel = "6.12.95 \"lab\"",
				       .scenario = "a.scn",
				       .scenario_id = 0x123,
				       .footprint_pages = 100};
	o = scenario_results_step(r, &steps[0], NULL);
	if (!o)
		return -ENOMEM;
	o->requests = 2;
	o->epochs = 1;
	o->beside.touches = 64;
	o->beside.calls = 20;
	o->beside.hot = 10;
	o->beside.kept = 4;
	o->beside.present = 9;
	if (scenario_results_point(r, &course[0], NULL) ||
	    scenario_results_point(r, &course[1], NULL) ||
	    evict_all(r, first, 6))
		return -ENOMEM;
	o = scenario_results_step(r, &steps[1], NULL);
	if (!o)
		return -ENOMEM;
	o->epochs = 5;
	if (evict_all(r, second, 1) ||
	    !scenario_results_step(r, &steps[2], NULL))
		return -ENOMEM;
	return fill_snapshot(r);
}

static void what_is_written_is_read_back(void **state)
{
	const struct place *p = *state;
	struct scenario_results r, s;
	struct status st = {""};
	struct outbuf a, b;

	assert_int_equal(fill(&r), 0);
	r.details = kage_strdup("{\"thp\": \"never\"}", NULL);
	strcpy(r.mix, "file:\"loop\":0123");
	assert_int_equal(scenario_results_write(&r, p->path, &st), 0);
	if (scenario_results_read(&s, p->path, &st))
		fail_msg("%s", st.message);
	assert_string_equal(s.kernel, r.kernel);
	assert_string_equal(s.mix, r.mix);
	assert_string_equal(s.details, "{\"thp\":\"never\"}");
	assert_int_equal(s.scenario_id, 0x123);
	assert_true(s.is_concurrent);
	assert_int_equal(s.steps[0].beside.calls, 20);
	assert_int_equal(s.steps[0].beside.nr_points, 2);
	assert_int_equal(s.steps[1].beside.touches, SCENARIO_UNKNOWN);
	assert_int_equal(s.steps[1].beside.nr_points, 0);
	assert_int_equal(s.nr_evicted, 7);
	assert_memory_equal(s.evicted, r.evicted, 7 * sizeof(gfn_t));
	assert_int_equal(s.steps[0].nr_evicted, 6);
	assert_int_equal(s.steps[1].first_evicted, 6);
	assert_int_equal(s.steps[0].asked, 6);
	assert_int_equal(s.steps[1].asked, SCENARIO_UNKNOWN);
	assert_int_equal(s.steps[1].requests, SCENARIO_UNKNOWN);
	assert_int_equal(s.snapshots[0].epochs, 6);
	assert_int_equal(s.snapshots[0].step, 2);
	assert_int_equal(scenario_snapshot_value(&s.snapshots[0], "pgscan"),
			 20480);
	assert_int_equal(scenario_snapshot_value(&s.snapshots[0], "pgsteal"),
			 0);
	assert_int_equal(scenario_snapshot_value(&s.snapshots[0], "pswpin"),
			 SCENARIO_UNKNOWN);
	assert_int_equal(s.snapshots[0].generations[0].file, SCENARIO_UNKNOWN);
	assert_int_equal(s.snapshots[0].generations[1].file, 0);
	assert_int_equal(scenario_results_write(&s, p->again, &st), 0);
	a = fixture_load(p->path);
	b = fixture_load(p->again);
	assert_non_null(strstr(a.data, "\"evicted\":[[7,3],[3,1],[2,2]]"));
	assert_string_equal(a.data, b.data);
	outbuf_fini(&a);
	outbuf_fini(&b);
	scenario_results_fini(&r);
	scenario_results_fini(&s);
}

/* Between points as many as lie between them; behind the last at the pace of all. */
static void touches_are_due_as_the_course_says(void **state)
{
	static const uint64_t due[][2] = {{0, 0},   {1, 6},   {5, 32},
					  {6, 32},  {15, 32}, {19, 32},
					  {20, 64}, {40, 128}};
	struct scenario_results r;

	(void)state;
	assert_int_equal(fill(&r), 0);
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		assert_int_equal(scenario_touches_due(&r, &r.steps[0].beside,
						      due[i][0]),
				 due[i][1]);
	r.steps[0].beside.nr_points = 0;
	assert_int_equal(scenario_touches_due(&r, &r.steps[0].beside, 5), 16);
	scenario_results_fini(&r);
}

static void unwatched_evictions_stay_unknown(void **state)
{
	const struct place *p = *state;
	struct scenario_results r, s;
	struct outbuf text;

	assert_int_equal(fill(&r), 0);
	r.has_evicted = false;
	assert_int_equal(scenario_results_write(&r, p->path, NULL), 0);
	text = fixture_load(p->path);
	assert_null(strstr(text.data, "evicted"));
	assert_int_equal(scenario_results_read(&s, p->path, NULL), 0);
	assert_false(s.has_evicted);
	outbuf_fini(&text);
	scenario_results_fini(&r);
	scenario_results_fini(&s);
}

/* What is replaced by what in a sound file, and what the message names. */
static const char *const damages[][3] = {
	{"\"kage_scenario_results\":1", "\"kage_scenario_results\":2",
	 "'kage_scenario_results'"},
	{"\"by\":\"kernel\"", "\"by\":\"magic\"", "'by'"},
	{"\"scenario_id\":\"0", "\"scenario_id\":\"x", "'scenario_id'"},
	{"\"seed\":0", "\"seed\":-1", "'seed'"},
	{"\"footprint_pages\"", "\"x\"", "'footprint_pages'"},
	{"\"steps\":[", "\"steps\":7,\"x\":[", "'steps'"},
	{"\"line\":3", "\"line\":\"3\"", "steps[0]: 'line'"},
	{"\"line\":4", "\"line\":4294967296", "steps[1]: 'line'"},
	{"\"word\":\"epochs\"", "\"word\":\"epoch\"", "steps[1]: 'word'"},
	{"\"asked\":6", "\"asked\":-6", "steps[0]: 'asked'"},
	{"\"calls\":20", "\"calls\":14", "steps[0]: 'course'"},
	{"\"touches\":64", "\"touches\":31", "steps[0]: 'course'"},
	{"[15,32]", "[4,32]", "steps[0]: 'course'"},
	{"[15,32]", "[15]", "steps[0]: 'course'"},
	{"\"hot_kept\":4", "\"hot_kept\":11", "steps[0]: 'hot_kept'"},
	{"\"hot_present\":9", "\"hot_present\":11", "steps[0]: 'hot_present'"},
	{"[7,3]", "[7]", "steps[0]: 'evicted'"},
	{"[7,3]", "[7,0]", "steps[0]: 'evicted'"},
	{"[7,3]", "[-7,3]", "steps[0]: 'evicted'"},
	{"[7,3]", "[7,9000000000000000000]", "steps[0]: 'evicted'"},
	{"[7,3]", "[9000000000000000000,1]", "steps[0]: 'evicted'"},
	{"\"evicted\":[", "\"evicted\":1,\"x\":[", "steps[0]: 'evicted'"},
	{"\"name\":\"a.1.2\"", "\"name\":\"\"", "snapshots[0]: 'name'"},
	{"\"step\":2", "\"step\":3", "snapshots[0]: 'step'"},
	{"\"step\":2", "\"step\":1", "snapshots[0]: 'step'"},
	{"\"evicted_pages\":6", "\"evicted_pages\":7",
	 "steps[0]: 'evicted_pages'"},
	{"\"evicted_pages\":6", "\"evicted_pages\":-6",
	 "steps[0]: 'evicted_pages'"},
	{"\"seed\":0,\n", "\"seed\":0,\"seed\":0,\n", "r.json: line "},
	{"\"seed\":0,\n", "\n\n\n\x1b[2J", "r.json: line 10: "},
	{"\"pgscan\":20480", "\"pgscan\":2.5", "snapshots[0]: 'counters'"},
	{"\"counters\":{", "\"counters\":1,\"x\":{",
	 "snapshots[0]: 'counters'"},
	{"\"age_ms\":1500", "\"age_ms\":null", "snapshots[0]: 'age_ms'"},
	{"]}\n", "]", "r.json: "},
};

static void replace(struct outbuf *text, const char *old, const char *new)
{
	const char *at = strstr(text->data, old);
	struct outbuf changed = {0};

	assert_non_null(at);
	outbuf_put(&changed, text->data, (size_t)(at - text->data));
	outbuf_printf(&changed, "%s%s", new, at + strlen(old));
	outbuf_fini(text);
	*text = changed;
}

static void damaged_files_are_refused(void **state)
{
	const struct place *p = *state;
	struct scenario_results r;

	assert_int_equal(fill(&r), 0);
	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		struct status st = {""};
		struct scenario_results s;
		struct outbuf text;

		assert_int_equal(scenario_results_write(&r, p->path, NULL), 0);
		text = fixture_load(p->path);
		replace(&text, damages[i][0], damages[i][1]);
		assert_int_equal(outbuf_write_file(&text, p->path, NULL), 0);
		outbuf_fini(&text);
		assert_int_equal(scenario_results_read(&s, p->path, &st),
				 -EBADMSG);
		if (!strstr(st.message, damages[i][2]) ||
		    strchr(st.message, '\x1b'))
			fail_msg("'%s' without '%s'", st.message,
				 damages[i][2]);
	}
	scenario_results_fini(&r);
}

static void add_list(struct outbuf *text, const char *key, const char *item,
		     unsigned int n)
{
	outbuf_printf(text, ",\"%s\":[", key);
	for (unsigned int i = 0; i < n; i++)
		outbuf_printf(text, "%s%s", i ? "," : "", item);
	outbuf_printf(text, "]");
}

/* A file of @nr_steps steps, each a snapshot, and @nr_snapshots of the first one. */
static void write_many(const char *path, unsigned int nr_steps,
		       unsigned int nr_snapshots)
{
	struct outbuf text = {0};

	outbuf_printf(&text, "{\"kage_scenario_results\":1,\"by\":\"model\","
			     "\"scenario_id\":\"1\",\"seed\":0,"
			     "\"footprint_pages\":1");
	add_list(&text, "steps",
		 "{\"line\":1,\"word\":\"snapshot\",\"epochs\":0}", nr_steps);
	add_list(&text, "snapshots",
		 "{\"name\":\"a\",\"step\":0,\"epochs\":0,\"counters\":{},"
		 "\"generations\":[]}",
		 nr_snapshots);
	outbuf_printf(&text, "}");
	assert_int_equal(outbuf_write_file(&text, path, NULL), 0);
	outbuf_fini(&text);
}

static void more_than_a_scenario_can_bring_is_refused(void **state)
{
	const struct place *p = *state;
	struct scenario_results r;
	struct status st = {""};

	write_many(p->path, SCENARIO_STEPS_MAX, 1);
	assert_int_equal(scenario_results_read(&r, p->path, &st), 0);
	scenario_results_fini(&r);
	write_many(p->path, SCENARIO_STEPS_MAX, 2);
	assert_int_equal(scenario_results_read(&r, p->path, &st), -EBADMSG);
	assert_non_null(strstr(st.message, "snapshots[1]: 'step'"));
	write_many(p->path, SCENARIO_STEPS_MAX + 1, 1);
	assert_int_equal(scenario_results_read(&r, p->path, &st), -EBADMSG);
	assert_non_null(strstr(st.message, "'steps'"));
}

static int read_counters(const char *path, unsigned int n, struct status *st)
{
	struct outbuf text, counters = {0};
	struct scenario_results r;
	int ret;

	for (unsigned int i = 0; i < n; i++)
		outbuf_printf(&counters, "%c\"%u\":0", i ? ',' : '{', i);
	outbuf_printf(&counters, "}");
	write_many(path, 1, 1);
	text = fixture_load(path);
	replace(&text, "{}", counters.data);
	assert_int_equal(outbuf_write_file(&text, path, NULL), 0);
	outbuf_fini(&text);
	outbuf_fini(&counters);
	ret = scenario_results_read(&r, path, st);
	if (!ret)
		scenario_results_fini(&r);
	return ret;
}

static void more_than_a_kernel_counts_is_refused(void **state)
{
	const struct place *p = *state;
	struct status st = {""};

	assert_int_equal(read_counters(p->path, 1024, &st), 0);
	assert_int_equal(read_counters(p->path, 1025, &st), -EBADMSG);
	assert_non_null(strstr(st.message, "snapshots[0]: 'counters'"));
}

static void deep_nesting_is_refused(void **state)
{
	const struct place *p = *state;
	struct scenario_results r;
	struct outbuf text = {0};
	struct status st = {""};

	outbuf_printf(&text, "{\"later\":");
	for (unsigned int i = 0; i < 1000000; i++)
		outbuf_put(&text, "[", 1);
	assert_int_equal(outbuf_write_file(&text, p->path, NULL), 0);
	outbuf_fini(&text);
	assert_int_equal(scenario_results_read(&r, p->path, &st), -EBADMSG);
	assert_non_null(strstr(st.message, "r.json: line 1: "));
}

static unsigned int count_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void a_full_disk_is_an_error(void **state)
{
	const struct place *p = *state;
	struct scenario_results r;
	struct rlimit before, small;
	int ret;

	assert_int_equal(fill(&r), 0);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	for (small.rlim_cur = 0;; small.rlim_cur += 37) {
		assert_true(small.rlim_cur < 10000);
		setrlimit(RLIMIT_FSIZE, &small);
		ret = scenario_results_write(&r, p->path, NULL);
		setrlimit(RLIMIT_FSIZE, &before);
		if (!ret)
			break;
		assert_int_equal(ret, -EFBIG);
		assert_int_not_equal(access(p->path, F_OK), 0);
		assert_int_equal(count_files(p->folder), 0);
	}
	assert_true(small.rlim_cur > 370);
	scenario_results_fini(&r);
}

/* Of kage's own; jansson's are not ours to fail. */
static void reading_survives_every_failed_allocation(void **state)
{
	const struct place *p = *state;
	struct scenario_results r;
	unsigned long nth = 0;
	int ret;

	assert_int_equal(fill(&r), 0);
	assert_int_equal(scenario_results_write(&r, p->path, NULL), 0);
	scenario_results_fini(&r);
	do {
		struct status st = {""};

		kage_alloc_fail_at(++nth);
		ret = scenario_results_read(&r, p->path, &st);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		assert_true(!ret == !st.message[0]);
	} while (ret);
	kage_alloc_fail_at(0);
	scenario_results_fini(&r);
	assert_true(nth > 4);
}

static void absent_files_are_named(void **state)
{
	struct scenario_results r;
	struct status st = {""};

	(void)state;
	assert_int_equal(scenario_results_read(&r, "/absent.json", &st),
			 -ENOENT);
	assert_non_null(strstr(st.message, "/absent.json"));
}

static void every_failed_allocation_is_reported(void **state)
{
	unsigned long nth = 0;
	int ret;

	(void)state;
	do {
		struct scenario_results r;

		kage_alloc_fail_at(++nth);
		ret = fill(&r);
		assert_int_equal(ret, kage_alloc_failed() ? -ENOMEM : 0);
		scenario_results_fini(&r);
	} while (ret);
	kage_alloc_fail_at(0);
	assert_true(nth > 4);
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_place)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(touches_are_due_as_the_course_says),
		TEST(what_is_written_is_read_back),
		TEST(unwatched_evictions_stay_unknown),
		TEST(damaged_files_are_refused),
		TEST(more_than_a_scenario_can_bring_is_refused),
		TEST(more_than_a_kernel_counts_is_refused),
		TEST(deep_nesting_is_refused),
		TEST(a_full_disk_is_an_error),
		TEST(reading_survives_every_failed_allocation),
		TEST(absent_files_are_named),
		TEST(every_failed_allocation_is_reported),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
