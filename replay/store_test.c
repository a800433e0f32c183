/* SPDX-License-Identifier: MIT */
/* The results database: what a sweep puts into it adds up, and is what lanes said. */
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "replay/store.h"
#include "replay/sweep.h"
#include "replay/test_trace.h"

static char folder[] = "/tmp/kage-store-XXXXXX";
static char stream_path[64], epoch_path[64], db_path[64];

static const struct sweep normal = {
	.request = {.policies = "none,rmap,batched,fast-only,opt",
		    .limits = "20%,60%",
		    .kernel = "6.12",
		    .mmu = "tdp",
		    .driver = "limit",
		    .pace_ns = 100},
	.options = {.nr_samples = 16, .counts_idle_age = true},
	.cost_profile = "x86-tdp",
	.database = db_path,
	.command = "test",
	.threads = 1,
};

static void sweep(const struct sweep *how, const char *path)
{
	struct sweep_outcome outcome = {0};
	struct status st = {""};

	if (sweep_trace(how, path, &outcome, &st))
		fail_msg("%s", st.message);
}

/* The one number that @sql asks for. */
static long long ask(const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	long long answer;

	assert_int_equal(sqlite3_open(db_path, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return answer;
}

static void assert_none(const char *rows)
{
	char sql[1024];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM (%s)", rows);
	if (ask(sql))
		fail_msg("%lld rows: %s", ask(sql), rows);
}

static int remove_db(void **state)
{
	(void)state;
	unlink(db_path);
	return 0;
}

static void make_empty(void)
{
	struct store *store;
	struct status st = {""};

	if (store_open(&store, db_path, "x86-tdp", NULL, &st))
		fail_msg("%s", st.message);
	store_close(store);
}

static void new_database_knows_the_counters(void **state)
{
	(void)state;
	make_empty();
	assert_int_equal(ask("PRAGMA user_version"), 4);
	assert_int_equal(ask("SELECT count(*) FROM counter"), NR_COUNTERS);
	for (int i = 0; i < NR_COUNTERS; i++) {
		const struct counter_info *c = &counter_info[i];
		char *sql = sqlite3_mprintf(
			"SELECT count(*) FROM counter WHERE name = %Q"
			" AND unit = %Q AND meaning = %Q",
			c->name, c->unit, c->meaning);

		assert_int_equal(ask(sql), 1);
		sqlite3_free(sql);
	}
}

static void every_price_has_a_source(void **state)
{
	(void)state;
	make_empty();
	assert_true(ask("SELECT count(*) FROM cost") > 0);
	assert_none(
		"SELECT * FROM cost WHERE trim(source) = '' OR trim(how) = ''");
	assert_none("SELECT * FROM cost WHERE profile NOT IN"
		    " (SELECT profile FROM cost_profile)");
	assert_none("SELECT * FROM cost WHERE value_ns < 0");
	assert_none("SELECT * FROM cost WHERE (source = 'none found') <>"
		    " (value_ns IS NULL)");
}

/* What has no row is in neither run_price nor run_unpriced: nobody would know. */
static void no_work_drops_out_of_the_price(void **state)
{
	static const char *const outcomes[] = {
		"accesses", "first_touches", "evictions", "wrong_evictions",
		"wrong_evictions_120s", "same_epoch_evictions",
		"failed_reclaims", "kept", "busy", "swap_cache_faults",
		"lookaround_young", "aging_young", "sptes_young",
		"unmap_refused", "file_evictions", "file_faults",
		"protected_skips", "min_ttl_ooms", "read_ahead_hits",
		"read_ahead_unused",
		/* sums of work that other counters hold */
		"reclaims", "scanned", "tables_skipped", "recent_refaults",
		"recent_file_refaults",
		/* of invalidations: parts of calls, faults and flushes, and what those
		 * prices are for */
		"calls_unmap_evict", "calls_unmap_numa", "calls_unmap_migrate",
		"calls_unmap_trace", "calls_unmap_discard", "unmap_ranges",
		"unmap_pages", "unmap_visited", "unmap_sptes", "unmap_zapped",
		"unmap_unchanged", "flushes_numa", "numa_zapped",
		"flushes_unmap", "ages_marked", "ages_erased", "zap_faults",
		"device_pages", "device_clipped", "device_idle", "numa_scans",
		"numa_updates", "numa_faults", "numa_refused",
		/* of aging: what it left alone, or looks at for nothing */
		"first_looks", "tables_inflated", "sptes_raced", "ages_kept"};

	(void)state;
	make_empty();
	for (int i = 0; i < NR_COUNTERS; i++) {
		bool is_outcome = false;
		char *sql = sqlite3_mprintf(
			"SELECT count(*) FROM cost WHERE name = %Q"
			" AND profile = 'x86-tdp'",
			counter_info[i].name);

		for (size_t k = 0; k < sizeof(outcomes) / sizeof(*outcomes);
		     k++)
			is_outcome |=
				!strcmp(outcomes[k], counter_info[i].name);
		if (ask(sql) != !is_outcome)
			fail_msg("%s: %lld rows", counter_info[i].name,
				 ask(sql));
		sqlite3_free(sql);
	}
}

static void series_and_histograms_add_up(void **state)
{
	static const char *const never[] = {
		"SELECT * FROM series a JOIN series b USING (run_id)"
		" WHERE b.sample = a.sample + 1 AND (b.end_ns <= a.end_ns OR"
		" b.faults < a.faults OR b.refaults < a.refaults OR"
		" b.evictions < a.evictions OR b.scanned < a.scanned OR"
		" b.passes < a.passes OR b.calls < a.calls OR"
		" b.sptes < a.sptes OR b.lock_holds < a.lock_holds)",
		"SELECT * FROM (SELECT run_id, max(sample), refaults, faults,"
		" evictions, end_ns FROM series GROUP BY 1) AS last"
		" JOIN run USING (run_id) JOIN trace USING (trace_id)"
		" WHERE end_ns <> duration_ns + 1 OR refaults <> (SELECT value"
		" FROM total WHERE total.run_id = last.run_id AND"
		" name = 'refaults') OR faults <> (SELECT value FROM total"
		" WHERE total.run_id = last.run_id AND name = 'faults')",
		"SELECT * FROM total WHERE name = 'refaults' AND run_id IN"
		" (SELECT run_id FROM run WHERE NOT is_bound) AND value <>"
		" (SELECT coalesce(sum(refaults), 0) FROM refault_age"
		" WHERE refault_age.run_id = total.run_id)",
		"SELECT * FROM series WHERE run_id IN (SELECT run_id FROM run"
		" WHERE NOT is_bound) AND resident_pages <> (SELECT"
		" coalesce(sum(pages), 0) FROM idle_age WHERE idle_age.run_id ="
		" series.run_id AND idle_age.sample = series.sample)",
		"SELECT run_id, pass, sum(pages) AS p, limit_pages FROM"
		" generation JOIN run USING (run_id) GROUP BY 1, 2"
		" HAVING p > limit_pages OR min(pages) < 0",
		"SELECT * FROM series JOIN run USING (run_id)"
		" WHERE resident_pages > limit_pages",
		"SELECT run_id FROM run WHERE (SELECT count(*) FROM series"
		" WHERE series.run_id = run.run_id) NOT IN (16, 17)",
	};

	(void)state;
	sweep(&normal, stream_path);
	sweep(&normal, epoch_path);
	assert_int_equal(ask("SELECT count(*) FROM run"), 20);
	assert_true(ask("SELECT count(*) FROM generation") > 0);
	assert_true(ask("SELECT count(*) FROM refault_age") > 0);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_none(never[i]);
	assert_none("SELECT value FROM run JOIN total USING (run_id)"
		    " WHERE name = 'same_epoch_evictions' AND value > 0"
		    " AND epoch_rule = 'stream'");
}

/* Asked for after the run was stored: added to it, and nothing else is lost. */
static void accuracy_adds_up(void **state)
{
	static const char *const never[] = {
		"SELECT * FROM accuracy a WHERE passes <> (SELECT value FROM"
		" total WHERE total.run_id = a.run_id AND name = 'passes')",
		"SELECT run_id FROM accuracy a JOIN accuracy_pass p USING"
		" (run_id) GROUP BY run_id HAVING count(*) <> passes"
		" OR sum(p.true_young) <> a.true_young"
		" OR sum(p.false_young) <> a.false_young"
		" OR sum(p.true_old) <> a.true_old"
		" OR sum(p.false_old) <> a.false_old"
		" OR abs(avg(p.distance_s) - a.distance_s) > 1e-9"
		" OR abs(avg(p.exact_distance_s) - a.exact_distance_s) > 1e-9",
		"SELECT * FROM accuracy_pass JOIN generation USING"
		" (run_id, pass) WHERE accuracy_pass.end_ns <>"
		" generation.end_ns",
		"SELECT * FROM accuracy_pass JOIN run USING (run_id) WHERE"
		" true_young + false_young + true_old + false_old >"
		" limit_pages",
		"SELECT * FROM working_set WHERE accessed_pages > 1000"
		" OR estimated_pages > 1000 OR accessed_pages = 0",
		"SELECT run_id, sum(pages) AS p FROM misplacement JOIN run"
		" USING (run_id) JOIN accuracy USING (run_id) GROUP BY run_id"
		" HAVING p > passes * limit_pages",
	};
	struct sweep judged = normal;
	struct sweep_outcome again = {0};

	(void)state;
	sweep(&normal, stream_path);
	assert_int_equal(ask("SELECT count(*) FROM accuracy"), 0);
	judged.options.measures_accuracy = true;
	judged.options.counts_idle_age = false;
	sweep(&judged, stream_path);
	sweep(&judged, epoch_path);
	assert_int_equal(ask("SELECT count(*) FROM run"), 20);
	assert_int_equal(ask("SELECT count(*) FROM accuracy"), 16);
	assert_int_equal(ask("SELECT count(DISTINCT run_id) FROM idle_age"), 8);
	assert_true(ask("SELECT count(*) FROM working_set"
			" WHERE estimated_pages > 0") > 0);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++)
		assert_none(never[i]);
	assert_int_equal(sweep_trace(&judged, stream_path, &again, NULL), 0);
	assert_int_equal(again.stored, 0);
	assert_int_equal(sweep_trace(&normal, stream_path, &again, NULL), 0);
	assert_int_equal(again.stored, 0);
}

static void rows_are_what_the_lane_counted(void **state)
{
	struct plan_request wanted = normal.request;
	const struct lane_config *config;
	struct engine_trace trace;
	struct status st = {""};
	struct lane lane;
	struct plan plan;
	int nr_counters = 0;

	(void)state;
	wanted.policies = "batched";
	wanted.limits = "1M";
	assert_int_equal(plan_init(&plan, &wanted, 0, &st), 0);
	config = &plan.lanes[0];
	assert_int_equal(engine_run(stream_path, &normal.options, &config, 1,
				    &lane, NULL, &trace, &st),
			 0);
	sweep(&(struct sweep){.request = wanted,
			      .options = normal.options,
			      .cost_profile = "x86-tdp",
			      .database = db_path,
			      .command = "",
			      .threads = 1},
	      stream_path);
	for (int i = 0; i < NR_COUNTERS; i++) {
		bool has = lane_has_counter(&lane, (enum counter)i);
		char *sql = sqlite3_mprintf(
			"SELECT count(*) FROM total WHERE name = %Q AND value = %llu",
			counter_info[i].name, lane.counters.n[i]);

		/* what the lane cannot know is missing, not zero */
		assert_int_equal(ask(sql), has);
		nr_counters += has;
		sqlite3_free(sql);
	}
	assert_int_equal(ask("SELECT count(*) FROM total"), nr_counters);
	assert_true(nr_counters < NR_COUNTERS);
	assert_int_equal(ask("SELECT count(*) FROM generation"),
			 lane.nr_generations);
	assert_int_equal(ask("SELECT count(*) FROM series"), lane.nr_samples);
	assert_int_equal(ask("SELECT limit_pages FROM run"), 256);
	lane_fini(&lane);
	plan_fini(&plan);
}

struct identity {
	struct plan_request request;
	struct engine_options options;
	struct run_context context;
};

static void id_of(const struct identity *i, char id[RUN_ID_TEXT])
{
	struct run_context context = i->context;
	struct status st = {""};
	struct plan plan;
	struct run run;

	context.options = &i->options;
	if (plan_init(&plan, &i->request, 1000, &st))
		fail_msg("%s", st.message);
	run_of_lane(&run, &plan.lanes[0], &context);
	memcpy(id, run.id, RUN_ID_TEXT);
	plan_fini(&plan);
}

static const struct identity same = {
	.request = {.policies = "batched",
		    .limits = "50%",
		    .kernel = "6.12",
		    .mmu = "tdp",
		    .driver = "limit",
		    .pace_ns = 100},
	.options = {.nr_samples = 16},
	.context = {.trace_id = "0", .cost_profile = "a", .epoch_rule = "x"},
};

static void any_change_changes_the_id(void **state)
{
	struct identity i[16];
	char id[16][RUN_ID_TEXT];

	(void)state;
	for (size_t k = 0; k < 16; k++)
		i[k] = same;
	i[1].request.policies = "rmap";
	i[2].request.policies = "batched:batch=63";
	i[3].request.limits = "51%";
	i[4].request.pace_ns = 101;
	i[5].request.wrong_window_ns = 5;
	i[6].request.driver = "proactive";
	i[6].request.limits = NULL;
	i[7].request.driver = "proactive:pages=1";
	i[7].request.limits = NULL;
	i[8].options.seed = 1;
	i[9].options.nr_samples = 17;
	i[10].options.ps_per_tick = 1;
	i[11].context.trace_id = "1";
	i[12].context.cost_profile = "b";
	i[13].context.epoch_rule = "y";
	i[14].context.lower_bound = true;
	i[15].request.limits = "2000K"; /* the same pages, another row */
	for (size_t a = 0; a < 16; a++) {
		id_of(&i[a], id[a]);
		for (size_t b = 0; b < a; b++)
			if (!strcmp(id[a], id[b]))
				fail_msg("%zu and %zu have the same id", a, b);
	}
}

static void what_means_the_same_has_the_same_id(void **state)
{
	struct identity other = same;
	char a[RUN_ID_TEXT], b[RUN_ID_TEXT];

	(void)state;
	id_of(&same, a);
	id_of(&other, b);
	assert_string_equal(a, b);
	other.request.policies = "batched:batch=64";
	other.request.wrong_window_ns = 1000000000;
	id_of(&other, b);
	assert_string_equal(a, b);
}

static void unknown_cost_profile_makes_no_database(void **state)
{
	struct store *store = NULL;
	struct status st = {""};

	(void)state;
	assert_int_equal(store_open(&store, db_path, "nosuch", NULL, &st),
			 -EINVAL);
	assert_non_null(strstr(st.message, "known: arm64 x86-shadow x86-tdp"));
	assert_int_not_equal(access(db_path, F_OK), 0);
}

static int make_traces(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(stream_path, sizeof(stream_path), "%s/s.kgt", folder);
	snprintf(epoch_path, sizeof(epoch_path), "%s/e.kgt", folder);
	snprintf(db_path, sizeof(db_path), "%s/r.db", folder);
	test_trace_mixed(stream_path, 1000, 30000, 1000, 1);
	test_trace_mixed_epochs(epoch_path, 1000, 30000, 1000, 1, 500000,
				false);
	return 0;
}

static int remove_traces(void **state)
{
	(void)state;
	unlink(stream_path);
	unlink(epoch_path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(new_database_knows_the_counters,
					  remove_db),
		cmocka_unit_test_teardown(every_price_has_a_source, remove_db),
		cmocka_unit_test_teardown(no_work_drops_out_of_the_price,
					  remove_db),
		cmocka_unit_test_teardown(series_and_histograms_add_up,
					  remove_db),
		cmocka_unit_test_teardown(accuracy_adds_up, remove_db),
		cmocka_unit_test_teardown(rows_are_what_the_lane_counted,
					  remove_db),
		cmocka_unit_test(any_change_changes_the_id),
		cmocka_unit_test(what_means_the_same_has_the_same_id),
		cmocka_unit_test(unknown_cost_profile_makes_no_database),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}
