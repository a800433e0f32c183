/* SPDX-License-Identifier: MIT */
/*
 * Faults: the Nth allocation, or the Nth write or sync of SQLite, fails, once or from
 * then on, for every N until none is left to fail.  Each time the sweep says why, the
 * database is whole, has whole runs only, and the next sweep ends the work.
 */
#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/test.h"
#include "replay/sweep.h"
#include "replay/test_faulty_vfs.h"
#include "replay/test_trace.h"

enum {
	RUNS = 4,
	SAMPLES = 4,
	FAULTS_MAX = 5000 /* more than there can be */
};

static char folder[] = "/tmp/kage-fault-XXXXXX";
static char stream_path[64], epoch_path[64], db_path[64];

static const struct sweep small = {
	.request = {.policies = "batched,fast-only,lru,opt",
		    .limits = "40%",
		    .kernel = "6.12",
		    .mmu = "tdp",
		    .driver = "limit",
		    .pace_ns = 100},
	.options = {.nr_samples = SAMPLES, .counts_idle_age = true},
	.cost_profile = "x86-tdp",
	.database = db_path,
	.command = "test",
	.threads = 1,
};

static bool alloc_has_fired, write_has_fired;

static long long ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *statement;
	long long answer;

	if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL))
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	answer = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return answer;
}

/* Nothing lies about but the traces, the database and a journal to roll back. */
static void assert_no_litter(void)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".tmp"))
			fail_msg("%s is left", entry->d_name);
	closedir(dir);
}

/* Return: the runs in the database, all of them whole. */
static long long whole_runs(void)
{
	sqlite3 *db;
	long long runs;

	if (access(db_path, F_OK))
		return 0;
	assert_int_equal(
		sqlite3_open_v2(db_path, &db, SQLITE_OPEN_READWRITE, NULL), 0);
	assert_int_equal(ask(db, "SELECT integrity_check = 'ok'"
				 " FROM pragma_integrity_check"),
			 1);
	assert_int_equal(
		ask(db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	runs = ask(db, "SELECT count(*) FROM run");
	assert_int_equal(
		ask(db,
		    "SELECT count(*) FROM run JOIN provenance USING (run_id)"
		    " JOIN (SELECT run_id, count(*) AS seen FROM series"
		    " GROUP BY 1) USING (run_id)"
		    " JOIN (SELECT run_id, count(*) AS totals FROM total"
		    " GROUP BY 1) USING (run_id)"
		    " WHERE seen = samples AND totals = iif(is_bound,"
		    " 3, (SELECT count(*) FROM counter WHERE"
		    /* which lanes of KVM without NUMA balancing cannot have */
		    " name NOT LIKE 'numa%' AND name NOT IN ('accesses', 'device_pages',"
		    " 'device_clipped', 'device_idle', 'calls_unmap_numa',"
		    " 'calls_unmap_migrate', 'calls_protect',"
		    " 'unmap_unchanged', 'flushes_numa', 'retried_faults')))"),
		runs);
	sqlite3_close(db);
	return runs;
}

/* One sweep under a fault.  Return: what sweep_trace() did. */
static int try_sweep(const char *path, unsigned long nth)
{
	struct sweep_outcome outcome = {0};
	struct status st = {""};
	int ret = sweep_trace(&small, path, &outcome, &st);

	alloc_has_fired = kage_alloc_failed();
	kage_alloc_fail_at(0);
	write_has_fired = faulty_disarm();
	if (ret >= 0 && whole_runs() != RUNS)
		fail_msg("fault %lu: success with %lld runs", nth,
			 whole_runs());
	if (ret < 0 && !st.message[0])
		fail_msg("fault %lu: error %d without a message", nth, ret);
	if (whole_runs() < (long long)outcome.stored)
		fail_msg("fault %lu: %zu runs said to be stored", nth,
			 outcome.stored);
	assert_no_litter();
	return ret;
}

/* End what the @nth fault began; not each time, for syncs are slow. */
static void finish_sweep(const char *path, unsigned long nth)
{
	if (nth % 4 == 0) {
		assert_int_equal(try_sweep(path, 0), 0);
		assert_int_equal(whole_runs(), RUNS);
	}
	unlink(db_path);
}

static void fail_allocations(const char *path)
{
	unsigned long n = 0;
	int ret;

	do {
		kage_alloc_fail_at(++n);
		ret = try_sweep(path, n);
		assert_int_equal(ret, alloc_has_fired ? -ENOMEM : 0);
		finish_sweep(path, n);
	} while (n < FAULTS_MAX && ret < 0);
	assert_in_range(n, 20, FAULTS_MAX - 1);
}

static void failed_allocation_is_reported(void **state)
{
	(void)state;
	fail_allocations(stream_path);
	fail_allocations(epoch_path);
}

static void fail_writes(int code, bool stays)
{
	unsigned long n = 0;
	bool has_fired;

	do {
		int ret;

		faulty_arm(++n, code, stays);
		ret = try_sweep(stream_path, n);
		has_fired = write_has_fired;
		/* a rollback may do without the write that failed */
		if (has_fired && stays)
			assert_true(ret == -ENOSPC || ret == -EIO);
		finish_sweep(stream_path, n);
	} while (has_fired && n < FAULTS_MAX);
	assert_in_range(n, 20, FAULTS_MAX - 1);
}

static void full_disk_leaves_whole_runs(void **state)
{
	(void)state;
	fail_writes(SQLITE_FULL, true);
}

static void one_failed_write_leaves_whole_runs(void **state)
{
	(void)state;
	fail_writes(SQLITE_IOERR_WRITE, false);
}

static int make_traces(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(stream_path, sizeof(stream_path), "%s/s.kgt", folder);
	snprintf(epoch_path, sizeof(epoch_path), "%s/e.kgt", folder);
	snprintf(db_path, sizeof(db_path), "%s/r.db", folder);
	test_trace_mixed(stream_path, 300, 3000, 1000, 1);
	test_trace_mixed_epochs(epoch_path, 300, 3000, 1000, 1, 500000, false);
	return faulty_register();
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
		cmocka_unit_test(failed_allocation_is_reported),
		cmocka_unit_test(full_disk_leaves_whole_runs),
		cmocka_unit_test(one_failed_write_leaves_whole_runs),
	};

	return cmocka_run_group_tests(tests, make_traces, remove_traces);
}
