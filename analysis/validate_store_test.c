/* SPDX-License-Identifier: MIT */
/*
 * Comparisons in the results database: what is stored is what was compared, once; and
 * whatever allocation, write or sync fails, it is there as a whole or not at all.
 */
#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "analysis/validate_store.h"
#include "base/alloc.h"
#include "base/test.h"
#include "replay/store.h"
#include "replay/test_faulty_vfs.h"

enum {
	FAULTS_MAX = 2000 /* more than there can be */
};

static char folder[] = "/tmp/kage-validate-XXXXXX";
static char db_path[64];

static const struct validate_limits strict = {
	.hot = NAN,
	.tolerance = 0.01,
	.min_pages = 4,
	.min_jaccard = NAN,
	.min_tau = NAN,
	.most_misplaced = NAN,
};
static const struct validate_limits wide = {
	.hot = NAN,
	.tolerance = NAN,
	.min_jaccard = 0.5,
	.min_tau = 0.5,
	.most_misplaced = 0.25,
};
static const struct validate_limits nothing = {
	.hot = NAN,
	.tolerance = NAN,
	.min_jaccard = NAN,
	.min_tau = NAN,
	.most_misplaced = NAN,
};

static int load_job(void **state)
{
	struct validate_job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	job->path = "k.json";
	job->mmu = "tdp";
	job->model_rev = "0011223344556677";
	assert_int_equal(scenario_results_read(
				 &job->kernel,
				 "tests/fixtures/validate-kernel.json", NULL),
			 0);
	assert_int_equal(scenario_results_read(
				 &job->model,
				 "tests/fixtures/validate-model.json", NULL),
			 0);
	kernel_facts(&job->facts, job->kernel.details);
	assert_int_equal(validate_init(&job->validation, &job->model,
				       &job->kernel, job->path, NULL),
			 0);
	*state = job;
	return 0;
}

static int free_job(void **state)
{
	struct validate_job *job = *state;

	validate_job_fini(job);
	free(job);
	unlink(db_path);
	return 0;
}

static int store(struct validate_job *job, const struct validate_limits *limits,
		 struct status *st)
{
	struct store *store = NULL;
	int ret = store_open(&store, db_path, NULL, NULL, st);

	job->verdict = (struct validate_verdict){0};
	validate_judge(&job->validation, limits, &job->verdict);
	if (!ret)
		ret = validate_store(store, job, limits, st);
	store_close(store);
	return ret;
}

static void must_store(struct validate_job *job,
		       const struct validate_limits *limits)
{
	struct status st = {""};

	if (store(job, limits, &st))
		fail_msg("%s", st.message);
}

/* Is it so that @condition, in SQL?  A database that is not there has nothing. */
static bool holds(const char *condition)
{
	sqlite3_stmt *statement;
	sqlite3 *db;
	char *sql = sqlite3_mprintf("SELECT (%s)", condition);
	bool is_so;

	assert_int_equal(
		sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	is_so = sqlite3_column_int(statement, 0) == 1;
	sqlite3_finalize(statement);
	sqlite3_free(sql);
	sqlite3_close(db);
	return is_so;
}

static void must_hold(const char *condition)
{
	if (!holds(condition))
		fail_msg("not so: %s", condition);
}

static void both_sides_are_stored(void **state)
{
	must_store(*state, &nothing);
	must_hold("(SELECT count(*) FROM validation WHERE kernel = '6.12'"
		  " AND policy = 'batched' AND mmu = 'tdp'"
		  " AND policy_params = 'batch=1,lock=write,calls=1'"
		  " AND model_rev = '0011223344556677' AND NOT is_substitute"
		  " AND scenario_id = '0123456789abcdef' AND seed = 7"
		  " AND footprint_pages = 1000 AND accel IS NULL) = 1");
	must_hold("(SELECT group_concat(name) FROM validation_snapshot)"
		  " = 'aged,reclaimed'");
	must_hold("(SELECT misplaced FROM validation_snapshot"
		  " WHERE snapshot = 0) BETWEEN 0.0499 AND 0.0501");
	must_hold("(SELECT model = 950 AND kernel = 1000"
		  " FROM validation_counter"
		  " WHERE snapshot = 0 AND name = 'kvm_age_hva')");
	must_hold("(SELECT model = 8 AND kernel = 8 AND common = 7"
		  " AND abs(jaccard - 7 / 9.0) < 1e-9"
		  " AND abs(tau - 19 / 21.0) < 1e-9"
		  " FROM validation_step WHERE step = 2)");
	must_hold("(SELECT group_concat(kernel) FROM (SELECT kernel"
		  " FROM validation_generation WHERE snapshot = 0"
		  " ORDER BY older)) = '100,200,700'");
	must_hold("(SELECT count(*) FROM judgement) = 0");
}

static void what_a_side_does_not_know_is_null(void **state)
{
	must_store(*state, &nothing);
	must_hold("(SELECT model IS NULL AND kernel = 12"
		  " FROM validation_counter"
		  " WHERE snapshot = 0 AND name = 'pgactivate')");
	must_hold("(SELECT kernel IS NULL AND model = 17"
		  " FROM validation_counter"
		  " WHERE snapshot = 0 AND name = 'sorted')");
	must_hold("(SELECT misplaced IS NULL FROM validation_snapshot"
		  " WHERE snapshot = 1)");
	must_hold("(SELECT jaccard IS NULL AND tau IS NULL AND kernel = 0"
		  " FROM validation_step ORDER BY step DESC LIMIT 1)");
}

static void a_comparison_is_stored_once(void **state)
{
	struct validate_job *job = *state;

	must_store(job, &strict);
	must_store(job, &strict);
	must_store(job, &nothing);
	must_hold("(SELECT count(*) FROM validation) = 1");
	must_hold("(SELECT count(*) FROM validation_snapshot) = 2");
	must_hold("(SELECT count(*) FROM judgement) = 1");
	job->model_rev = "8899aabbccddeeff";
	must_store(job, &nothing);
	must_hold("(SELECT count(*) FROM validation) = 2");
	job->kernel.snapshots[0].counters[0].value++;
	must_store(job, &nothing);
	must_hold("(SELECT count(*) FROM validation) = 3");
	job->kernel.evicted[0]++;
	must_store(job, &nothing);
	must_hold("(SELECT count(*) FROM validation) = 4");
	job->kernel.snapshots[0].counters[0].value--;
	job->kernel.evicted[0]--;
	job->path = "elsewhere/k.json";
	must_store(job, &nothing);
	must_hold("(SELECT count(*) FROM validation) = 4");
	must_hold("(SELECT count(*) FROM pragma_foreign_key_check) = 0");
}

static void every_tolerance_has_a_judgement(void **state)
{
	struct validate_job *job = *state;

	must_store(job, &strict);
	must_store(job, &wide);
	must_hold("(SELECT count(*) FROM judgement) = 2");
	must_hold("(SELECT passed AND worst IS NULL AND tolerance IS NULL"
		  " AND min_pages IS NULL AND min_jaccard = 0.5 AND beyond = 0"
		  " AND judged = 3 FROM judgement"
		  " WHERE limits = 'Jaccard 0.5, tau 0.5, misplaced 25%')");
	must_hold("(SELECT NOT passed AND worst LIKE 'k.json: %'"
		  " AND min_pages = 4 AND beyond > 0 FROM judgement"
		  " WHERE limits = 'counters 1% or 4')");
	/* a set that nobody watched has not agreed */
	job->validation.has_evicted = false;
	must_store(job, &wide);
	must_hold("(SELECT count(*) FROM judgement WHERE passed) = 0");
	must_hold("(SELECT worst FROM judgement WHERE min_jaccard = 0.5)"
		  " = '--min-jaccard: no evicted set is known'");
}

/* Return: whether there is a comparison; if so, it is whole. */
static bool is_stored(void)
{
	if (access(db_path, F_OK))
		return false;
	must_hold("(SELECT integrity_check = 'ok'"
		  " FROM pragma_integrity_check)");
	if (holds("(SELECT count(*) FROM validation) = 0")) {
		must_hold("(SELECT count(*) FROM validation_snapshot) = 0");
		must_hold("(SELECT count(*) FROM validation_counter) = 0");
		must_hold("(SELECT count(*) FROM judgement) = 0");
		return false;
	}
	must_hold("(SELECT count(*) FROM validation_snapshot) = 2");
	must_hold("(SELECT count(*) FROM validation_counter) = 13");
	must_hold("(SELECT count(*) FROM validation_step) = 2");
	must_hold("(SELECT count(*) FROM judgement) = 1");
	return true;
}

static void check_attempt(int ret, const struct status *st, unsigned long nth)
{
	if (!ret && !is_stored())
		fail_msg("fault %lu: success, but nothing is stored", nth);
	if (ret && !st->message[0])
		fail_msg("fault %lu: error %d without a message", nth, ret);
	is_stored();
}

static void failed_allocation_is_reported(void **state)
{
	unsigned long nth = 0;
	int ret;

	do {
		struct status st = {""};
		int has_fired;

		unlink(db_path);
		kage_alloc_fail_at(++nth);
		ret = store(*state, &strict, &st);
		has_fired = kage_alloc_failed();
		kage_alloc_fail_at(0);
		assert_int_equal(ret, has_fired ? -ENOMEM : 0);
		check_attempt(ret, &st, nth);
	} while (ret && nth < FAULTS_MAX);
	assert_in_range(nth, 2, FAULTS_MAX - 1);
}

/* Into a new database and into one that has it already. */
static void fail_writes(struct validate_job *job, int code, bool stays,
			bool is_new)
{
	unsigned long nth = 0;
	bool has_fired;

	must_store(job, &strict);
	do {
		struct status st = {""};
		int ret;

		if (is_new)
			unlink(db_path);
		faulty_arm(++nth, code, stays);
		ret = store(job, &strict, &st);
		has_fired = faulty_disarm();
		/* a rollback may do without the write that failed */
		if (has_fired && stays)
			assert_true(ret == -ENOSPC || ret == -EIO);
		check_attempt(ret, &st, nth);
		if (!is_new)
			assert_true(is_stored());
	} while (has_fired && nth < FAULTS_MAX);
	assert_in_range(nth, 5, FAULTS_MAX - 1);
	must_store(job, &strict);
	assert_true(is_stored());
}

static void full_disk_leaves_whole_comparisons(void **state)
{
	fail_writes(*state, SQLITE_FULL, true, true);
	fail_writes(*state, SQLITE_FULL, true, false);
}

static void one_failed_write_leaves_whole_comparisons(void **state)
{
	fail_writes(*state, SQLITE_IOERR_WRITE, false, true);
	fail_writes(*state, SQLITE_IOERR_WRITE, false, false);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(db_path, sizeof(db_path), "%s/r.db", folder);
	return faulty_register();
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, load_job, free_job)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_sides_are_stored),
		TEST(what_a_side_does_not_know_is_null),
		TEST(a_comparison_is_stored_once),
		TEST(every_tolerance_has_a_judgement),
		TEST(failed_allocation_is_reported),
		TEST(full_disk_leaves_whole_comparisons),
		TEST(one_failed_write_leaves_whole_comparisons),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
