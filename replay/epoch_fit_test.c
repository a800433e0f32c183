/* SPDX-License-Identifier: MIT */
/* Coarser epochs in the engine are those of the coarsened file; fits are stored. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/test.h"
#include "datasets/coarsen.h"
#include "replay/epoch_fit.h"
#include "replay/sweep.h"
#include "replay/test_replay.h"
#include "replay/test_trace.h"

enum {
	PAGES = 3000,
	ACCESSES = 60000,
	TICK_NS = 1000,
	EPOCH_NS = 1100000, /* 55 epochs: the last has no pair */
};

struct place {
	char source[64], other[64], database[64];
};

static struct place place;

static int make_place(void **state)
{
	static const char *const format = "/tmp/kage-fit-%d-%s";

	snprintf(place.source, sizeof(place.source), format, (int)getpid(),
		 "source.kgt");
	snprintf(place.other, sizeof(place.other), format, (int)getpid(),
		 "other.kgt");
	snprintf(place.database, sizeof(place.database), format, (int)getpid(),
		 "r.db");
	*state = &place;
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	unlink(place.source);
	unlink(place.other);
	unlink(place.database);
	return 0;
}

static void write_epochs(const char *path, uint64_t period_ns, bool is_ordered)
{
	test_trace_mixed_epochs(path, PAGES, ACCESSES, TICK_NS, 1, period_ns,
				is_ordered);
}

static void check_coarse(unsigned int by, bool is_ordered, bool holds)
{
	const struct coarsen_job job = {.by = by};
	struct plan_request wanted =
		test_request("none,rmap,batched,fast-only", "20%,50%");
	struct engine_options options = {.nr_samples = 8,
					 .holds_epochs = holds};
	struct outcome *fine, *file, *engine;

	write_epochs(place.source, EPOCH_NS, is_ordered);
	test_coarsen(place.source, place.other, &job);
	fine = test_replay(place.source, &options, &wanted, PAGES, 0, 8);
	file = test_replay(place.other, &options, &wanted, PAGES, 0, 8);
	options.coarsen_by = by;
	engine = test_replay(place.source, &options, &wanted, PAGES, 0, 8);
	assert_int_equal(engine->trace.records, file->trace.records);
	assert_int_equal(engine->trace.largest_epoch_pages,
			 file->trace.largest_epoch_pages);
	assert_int_equal(engine->trace.is_ordered, is_ordered);
	for (size_t i = 0; i < 8; i++) {
		assert_memory_equal(&engine->lanes[i].counters,
				    &file->lanes[i].counters,
				    sizeof(struct counters));
		assert_memory_not_equal(&engine->lanes[i].counters,
					&fine->lanes[i].counters,
					sizeof(struct counters));
	}
	test_outcome_free(fine);
	test_outcome_free(file);
	test_outcome_free(engine);
	remove_files(NULL);
}

static void coarse_replay_is_that_of_the_coarsened_file(void **state)
{
	(void)state;
	check_coarse(2, true, false);
	check_coarse(2, false, false);
	check_coarse(2, true, true);
	check_coarse(7, false, false);
}

/* Passes at 10, 12, 17 and 41 ns, two generations each; 2 ns are an epoch. */
static void the_gap_between_passes_is_a_median_in_epochs(void **state)
{
	static const uint64_t end_ns[] = {10, 12, 17, 41};
	const struct lane_config config = {.limit_pages = 200};
	struct engine_trace trace = {.duration_ns = 100,
				     .largest_epoch_pages = 50};
	struct lane_generation generations[8];
	struct lane lane = {.config = &config, .generations = generations};
	struct lane coarse = {.counters.n[COUNT_refaults] = 7};

	(void)state;
	for (size_t i = 0; i < 8; i++)
		generations[i] = (struct lane_generation){
			.pass = i / 2 + 1, .end_ns = end_ns[i / 2]};
	assert_int_equal(epoch_fit_set(&lane, &trace, NULL, NULL), 0);
	assert_false(lane.fit.has_epochs);
	trace.totals.epochs = 50;
	lane.nr_generations = 2;
	assert_int_equal(epoch_fit_set(&lane, &trace, NULL, NULL), 0);
	assert_true(lane.fit.has_epochs);
	assert_false(lane.fit.has_pass_gap);
	assert_false(lane.fit.has_coarse_refaults);
	lane.nr_generations = 6; /* gaps 2 and 5 */
	assert_int_equal(epoch_fit_set(&lane, &trace, &coarse, NULL), 0);
	assert_float_equal(lane.fit.pass_gap_epochs, 1.75, 1e-9);
	assert_float_equal(lane.fit.largest_set_share, 0.25, 1e-9);
	assert_int_equal(lane.fit.coarse_refaults, 7);
	lane.nr_generations = 8; /* and 24 */
	assert_int_equal(epoch_fit_set(&lane, &trace, &coarse, NULL), 0);
	assert_float_equal(lane.fit.pass_gap_epochs, 2.5, 1e-9);
}

static void sweep(const char *path, const char *driver, const char *limits)
{
	struct sweep sweep = {
		.request = test_request("rmap,batched,opt", limits),
		.options = {.nr_samples = 4, .counts_idle_age = true},
		.cost_profile = "x86-tdp",
		.database = place.database,
		.command = "test",
		.threads = 2,
	};
	struct sweep_outcome outcome = {0};
	struct status st = {""};

	if (!limits)
		sweep.request.policies = "rmap,batched";
	sweep.request.driver = driver;
	if (sweep_trace(&sweep, path, &outcome, &st))
		fail_msg("%s", st.message);
}

/* The one number that @sql asks the database for. */
static int64_t ask(const char *sql)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	int64_t number;

	assert_int_equal(sqlite3_open(place.database, &db), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s", sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	number = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return number;
}

static void epoch_runs_store_their_fit(void **state)
{
	struct plan_request wanted = test_request("batched", "4M");
	struct engine_options options = {.nr_samples = 1, .coarsen_by = 2};
	struct outcome *coarse;

	(void)state;
	write_epochs(place.source, EPOCH_NS, true);
	sweep(place.source, "limit", "4M");
	coarse = test_replay(place.source, &options, &wanted, PAGES, 0, 1);
	assert_int_equal(ask("SELECT count(*) FROM run"), 3);
	assert_int_equal(ask("SELECT count(*) FROM epoch_fit"), 2);
	assert_int_equal(
		ask("SELECT coarse_refaults FROM epoch_fit"
		    " JOIN run USING (run_id) WHERE policy = 'batched'"),
		test_count(coarse, 0, COUNT_refaults));
	assert_int_equal(ask("SELECT count(*) FROM epoch_fit"
			     " WHERE pass_gap_epochs BETWEEN 0.01 AND 60"
			     " AND largest_set_share BETWEEN 0.01 AND 2"),
			 2);
	test_outcome_free(coarse);
}

static void what_a_fit_cannot_know_is_null(void **state)
{
	(void)state;
	write_epochs(place.source, (uint64_t)ACCESSES * TICK_NS, true);
	sweep(place.source, "limit", "4M");
	assert_int_equal(ask("SELECT count(*) FROM epoch_fit"
			     " WHERE coarse_refaults IS NULL"),
			 2);
	remove_files(NULL);
	write_epochs(place.source, EPOCH_NS, true);
	sweep(place.source, "proactive:period=50ms", NULL);
	assert_int_equal(ask("SELECT count(*) FROM epoch_fit"
			     " WHERE largest_set_share IS NULL"
			     " AND pass_gap_epochs IS NULL"
			     " AND coarse_refaults IS NOT NULL"),
			 2);
}

static void streams_have_no_fit(void **state)
{
	(void)state;
	test_trace_mixed(place.source, PAGES, ACCESSES, TICK_NS, 1);
	sweep(place.source, "limit", "4M");
	assert_int_equal(ask("SELECT count(*) FROM run"), 3);
	assert_int_equal(ask("SELECT count(*) FROM epoch_fit"), 0);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, make_place, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(coarse_replay_is_that_of_the_coarsened_file),
		TEST(the_gap_between_passes_is_a_median_in_epochs),
		TEST(epoch_runs_store_their_fit),
		TEST(what_a_fit_cannot_know_is_null),
		TEST(streams_have_no_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
