/* SPDX-License-Identifier: MIT */
/*
 * The SQL of reports.  What it cannot know: whether a counter that is absent was
 * impossible or forgotten; both come out as NULL.
 */
#include "analysis/queries.h"

#include <errno.h>
#include <stddef.h>

#define TOTAL(name)                                                            \
	"(SELECT value FROM total WHERE total.run_id = run.run_id"             \
	" AND total.name = '" name "')"
/* A lane may have only some of several counters; NULL if it has none. */
#define TOTAL_OF(names)                                                        \
	"(SELECT sum(value) FROM total WHERE total.run_id = run.run_id"        \
	" AND total.name IN (" names "))"
#define EVICTIONS "nullif(" TOTAL("evictions") ", 0)"
/* Its guest waited: not the accesses of the trace as bounds have them, nor its time. */
#define IS_CLOSED                                                              \
	"EXISTS (SELECT 1 FROM closed_loop WHERE closed_loop.run_id = run.run_id)"
/* Bounds depend on the trace, its order and the limit, not on kernel or MMU; but
 * opt counts pages of 4 KiB: no bound of a guest whose faults bring folios of 2 MiB. */
#define OPT_REFAULTS_OR_0                                                            \
	"iif(" IS_CLOSED                                                             \
	" OR (mmu_params LIKE '%level=thp%' AND policy <> 'opt'), NULL, max(" TOTAL( \
		"refaults") ") FILTER (WHERE policy = 'opt') OVER (PARTITION BY "    \
			    "run.trace_id, limit_pages, epoch_rule, model_rev, seed))"
#define OPT_REFAULTS "nullif(" OPT_REFAULTS_OR_0 ", 0)"
/* By the clock of the replay, in s. */
#define DURATION_S                                                             \
	"(duration_ns / 1e9 * coalesce(asked_ps_per_tick, ps_per_tick) /"      \
	" ps_per_tick)"
/* Pages accessed within 120 s: all of a trace that is shorter, unless files of another
 * trace are beside it. */
#define WORKING_SET                                                            \
	"iif(" DURATION_S " > 120, (SELECT avg(accessed_pages) FROM"           \
	" working_set WHERE working_set.run_id = run.run_id AND span ="        \
	" '120s'), iif((SELECT mix FROM memory WHERE memory.run_id ="          \
	" run.run_id) IS NULL, footprint_pages, NULL))"
#define SHARE(part, other)                                                     \
	"100.0 * accuracy." part " / nullif(accuracy." part                    \
	" + accuracy." other ", 0)"
#define MISPLACED                                                              \
	"(SELECT 100.0 * sum(pages * (true_rank <> assigned_rank)) /"          \
	" sum(pages) FROM misplacement WHERE misplacement.run_id ="            \
	" run.run_id)"
#define WORKING_SET_ERROR(which)                                               \
	"(SELECT 100.0 * avg(abs(estimated_pages - accessed_pages) * 1.0 /"    \
	" accessed_pages) FROM working_set WHERE working_set.run_id ="         \
	" run.run_id AND span = '" which "')"
/* In ms; @what: a condition on the counters. */
#define PRICE_OF(what)                                                         \
	"(SELECT sum(price_ns) / 1e6 FROM run_price"                           \
	" WHERE run_price.run_id = run.run_id AND " what ")"
/* Of work only: refaults have a column of their own, where a price that is not known
 * is missing; faults are the guest's. */
#define IS_WORK "name NOT IN ('refaults', 'faults')"
/* The profile, and that its figures are for tests of kage only. */
#define COST_PROFILE                                                           \
	"cost_profile || iif(EXISTS (SELECT 1 FROM cost WHERE cost.profile ="  \
	" run.cost_profile AND kind = 'not-for-citing'), ' (not for citing)'," \
	" '')"
#define UNPRICED                                                               \
	"(SELECT group_concat(name, ', ') FROM run_unpriced"                   \
	" WHERE run_unpriced.run_id = run.run_id AND name NOT IN"              \
	" ('refaults', 'faults'))"
#define MEAN_MIB                                                               \
	"(SELECT avg(resident_pages) / 256 FROM series"                        \
	" WHERE series.run_id = run.run_id)"
#define DETAIL(key)                                                            \
	"iif(json_valid(trace.details), trace.details ->> '" key "', NULL)"
#define BALANCED(name)                                                         \
	"iif(numa <> 'off' OR chunk <> 'range', " TOTAL(name) ", NULL)"
#define IN_BRACKETS(params)                                                    \
	" || iif(" params " = '', '', '(' || " params " || ')')"

const char query_runs[] = "SELECT "
#define RUN_COLUMN(id, role, group, name, unit, decimals, sql) sql ", "
#include "analysis/run_columns.def"
#undef RUN_COLUMN
			  "NULL FROM run JOIN trace USING (trace_id)"
			  " LEFT JOIN epoch_fit USING (run_id)"
			  " LEFT JOIN accuracy USING (run_id)"
			  " WHERE ?1 IS NULL OR trace.name = ?1";

const char query_trace_names[] =
	"SELECT DISTINCT trace.name FROM run JOIN trace USING (trace_id)"
	" ORDER BY trace.name";

const char query_resident[] =
	"SELECT avg(resident_pages) FROM series WHERE run_id = ?1";
const char query_all_trace_names[] =
	"SELECT trace.name FROM run JOIN trace USING (trace_id)"
	" UNION SELECT trace FROM validation ORDER BY 1";

const char query_has_validations[] =
	"SELECT 1 FROM sqlite_schema WHERE type = 'table'"
	" AND name = 'judgement'";

const char query_validations[] =
	"SELECT validation_id, min_pages, release, version, accel, kernel_mmu,"
	" kernel, policy || iif(policy_params = '', '', ':' || policy_params),"
	" mmu, model_rev, scenario, scenario_id, trace, trace_id, limits,"
	" is_substitute, judged, beyond, passed"
	" FROM validation LEFT JOIN judgement USING (validation_id)"
	" WHERE ?1 IS NULL OR trace = ?1"
	/* versions of Linux are no numbers: 6.12 comes after 6.2 */
	" ORDER BY CAST(release AS INTEGER),"
	" CAST(substr(release, instr(release, '.') + 1) AS INTEGER), release,"
	" kernel_mmu, accel, kernel, mmu, model_rev, policy, policy_params,"
	" is_substitute, scenario, trace, limits, validation_id";

const char query_validation_counters[] =
	"SELECT s.name, c.name, model, kernel FROM validation_counter AS c"
	" JOIN validation_snapshot AS s USING (validation_id, snapshot)"
	" WHERE validation_id = ?1 AND model IS NOT NULL"
	" AND kernel IS NOT NULL ORDER BY snapshot, c.name";

const char query_validation_steps[] =
	"SELECT jaccard, tau FROM validation_step WHERE validation_id = ?1";

const char query_validation_snapshots[] =
	"SELECT misplaced FROM validation_snapshot WHERE validation_id = ?1";

/* A kernel says nothing about the model of another one, about other code, or about
 * another MMU than it ran with. */
const char query_judges[] =
	"SELECT run_id, release, limits,"
	" count(DISTINCT v.trace_id || scenario_id) FILTER (WHERE passed),"
	" count(DISTINCT v.trace_id || scenario_id)"
	" FROM run JOIN validation AS v ON v.model_rev = run.model_rev"
	" AND v.policy = run.policy AND v.policy_params = run.policy_params"
	" AND v.kernel = run.kernel AND v.mmu = run.mmu"
	" AND run.numa = 'off' AND run.chunk = 'range'"
	" AND coalesce(kernel_mmu, v.mmu) = v.mmu AND NOT is_substitute"
	" JOIN judgement USING (validation_id) WHERE NOT is_bound"
	" AND NOT " IS_CLOSED
	" GROUP BY run_id, release, limits HAVING max(passed)"
	" ORDER BY run_id, release, limits";

const char query_series[] =
	"SELECT end_ns / 1e9, resident_pages / 256.0, refaults"
	" FROM series WHERE run_id = ?1 ORDER BY sample";

const char query_idle_age[] =
	"WITH whole AS (SELECT max(end_ns) / 1e9 / count(*) AS interval,"
	"               (count(*) + 119) / 120 AS step"
	"               FROM series WHERE run_id = ?1),"
	" kept AS (SELECT sample, end_ns / 1e9 AS until,"
	"          lag(end_ns / 1e9, 1, 0.0) OVER (ORDER BY sample) AS since"
	"          FROM series, whole"
	"          WHERE run_id = ?1 AND (sample + 1) % step = 0)"
	" SELECT since, until,"
	" interval * iif(bucket = 0, 0.5, 1 << max(bucket - 1, 0)),"
	" interval * (1 << bucket), pages"
	" FROM idle_age JOIN kept USING (sample), whole"
	" WHERE run_id = ?1 AND pages > 0 AND interval > 0 ORDER BY sample, bucket";

const char query_misplacement[] =
	"SELECT true_rank, assigned_rank, pages,"
	" sum(pages) OVER (PARTITION BY true_rank)"
	" FROM misplacement WHERE run_id = ?1 ORDER BY true_rank, assigned_rank";

const char query_accuracy[] =
	"SELECT end_ns / 1e9, distance_s,"
	" 100.0 * true_young / nullif(true_young + false_old, 0)"
	" FROM accuracy_pass WHERE run_id = ?1 ORDER BY pass";

const char query_price[] =
	"SELECT total.name, value, value_ns, coalesce(kind, 'missing'),"
	" low_ns, high_ns"
	" FROM run JOIN total USING (run_id) LEFT JOIN cost"
	" ON cost.profile = run.cost_profile AND cost.name = total.name"
	" WHERE run_id = ?1 AND total.name <> 'faults'"
	" AND total.name IN (SELECT name FROM cost) ORDER BY total.name";

const char query_timing[] =
	"SELECT has_time, lacking, setup, vcpus, reclaimers, agers,"
	" 100 * stall_share, behind_ns / 1e6, stall_p50_ns / 1e3,"
	" stall_p99_ns / 1e3, stall_p999_ns / 1e3, stall_max_ns / 1e3,"
	" stall_lock_ns / 1e6, stall_reclaim_ns / 1e6, stall_swap_ns / 1e6,"
	" stall_flush_ns / 1e6, passes, pass_sum_ns / 1e6 / nullif(passes, 0),"
	" pass_max_ns / 1e6, ager_cpu_ns / 1e6,"
	" invalidation_sum_ns / 1e3 / nullif(invalidations, 0),"
	" invalidation_p99_ns / 1e3, invalidation_max_ns / 1e3,"
	" evicted_per_s, flushes, ipis"
	" FROM timing WHERE run_id = ?1 ORDER BY vcpus, reclaimers, agers, setup";

const char query_lock_time[] =
	"SELECT has_time, lacking, setup, vcpus, reclaimers, agers, lock, class,"
	" acquisitions, hold_sum_ns / 1e6, hold_p50_ns, hold_p99_ns,"
	" hold_p999_ns, hold_max_ns, wait_sum_ns / 1e6, wait_p50_ns,"
	" wait_p99_ns, wait_p999_ns, wait_max_ns"
	" FROM lock_time JOIN timing USING (run_id, setup) WHERE run_id = ?1"
	" ORDER BY vcpus, reclaimers, agers, setup, lock, class";

const char query_stall[] = "SELECT vcpus, 100 * stall_share FROM timing"
			   " WHERE run_id = ?1 AND stall_share IS NOT NULL"
			   " ORDER BY vcpus, reclaimers, agers, setup";

const char query_explain[] =
	"SELECT trace.name, trace.trace_id, policy, policy_params, kernel, mmu,"
	" mmu_params, numa, numa_params, chunk, driver, driver_params, limit_pages, limit_text, pace_ns,"
	" wrong_window_ns, samples, asked_ps_per_tick, epoch_rule, seed,"
	" lower_bound, model_rev, " TOTAL("refaults") ", " TOTAL(
		"evictions") ", command, memory.params, memory.mix"
			     " FROM run JOIN trace USING (trace_id)"
			     " LEFT JOIN provenance USING (run_id)"
			     " LEFT JOIN memory USING (run_id)"
			     " WHERE NOT is_bound AND NOT " IS_CLOSED
			     " ORDER BY 1, 2, limit_pages,"
			     " policy, policy_params, run.run_id";

/* A database that cannot be read is bad input, whatever SQLite calls it. */
static int refuse(sqlite3 *db, const char *path, struct status *st)
{
	return status_fail(st, EBADMSG, "%s: not readable as kage results: %s",
			   path, sqlite3_errmsg(db));
}

static int check_version(sqlite3 *db, const char *path, struct status *st)
{
	sqlite3_stmt *stmt = NULL;
	int version, ret = 0;

	if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL) ||
	    sqlite3_step(stmt) != SQLITE_ROW) {
		ret = refuse(db, path, st);
		goto out_finalize;
	}
	version = sqlite3_column_int(stmt, 0);
	if (version != QUERIES_SCHEMA)
		ret = status_fail(st, EBADMSG,
				  "%s: results schema %d, this kage reads %d%s",
				  path, version, QUERIES_SCHEMA,
				  version ? "" : " (not a results database?)");
out_finalize:
	sqlite3_finalize(stmt);
	return ret;
}

int queries_open(const char *path, sqlite3 **db, struct status *st)
{
	int ret;

	if (sqlite3_open_v2(path, db, SQLITE_OPEN_READONLY, NULL))
		ret = status_fail(st, ENOENT, "%s: %s", path,
				  *db ? sqlite3_errmsg(*db) : "out of memory");
	else
		ret = check_version(*db, path, st);
	if (ret) {
		sqlite3_close(*db);
		*db = NULL;
	}
	return ret;
}

int queries_start(sqlite3 *db, const char *sql, const char *parameter,
		  sqlite3_stmt **stmt, struct status *st)
{
	*stmt = NULL;
	if (sqlite3_prepare_v2(db, sql, -1, stmt, NULL) ||
	    (parameter &&
	     sqlite3_bind_text(*stmt, 1, parameter, -1, SQLITE_STATIC)))
		return refuse(db, sqlite3_db_filename(db, "main"), st);
	return 0;
}

int queries_step(sqlite3_stmt *stmt, struct status *st)
{
	sqlite3 *db = sqlite3_db_handle(stmt);

	switch (sqlite3_step(stmt)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		return 0;
	default:
		return refuse(db, sqlite3_db_filename(db, "main"), st);
	}
}
