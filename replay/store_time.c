/* SPDX-License-Identifier: MIT */
/* The rows that tell when it all happened. */
#include <stdio.h>

#include "replay/store_internal.h"

int store_load_costs(struct store *store, const char *profile,
		     struct costs *costs, struct status *st)
{
	return costs_load(costs, store->db, profile, st);
}

int store_costs_digest(struct store *store, const char *profile,
		       char digest[RUN_DIGEST], struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret = 0;

	if (sqlite3_prepare_v2(
		    store->db,
		    "SELECT digest FROM cost_profile WHERE profile = ?", -1,
		    &statement, NULL))
		return store_fail(store, st);
	sqlite3_bind_text(statement, 1, profile, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) == SQLITE_ROW)
		snprintf(digest, RUN_DIGEST, "%s",
			 (const char *)sqlite3_column_text(statement, 0));
	else
		ret = store_fail(store, st);
	sqlite3_finalize(statement);
	return ret;
}

#define QUANTILE(known, h, share) NUMBER_IF(known, hist_quantile(h, share))

static int put_use(struct store *store, const struct run *run,
		   const struct timeline_result *r, int lock, int class,
		   struct status *st)
{
	const struct timeline_use *use = r->uses[lock][class];
	bool k = r->knows_holds[class], w = r->knows_time;
	const struct store_value values[] = {
		TEXT(run->id),
		TEXT(run->time_setup),
		TEXT(timeline_locks[lock]),
		TEXT(timeline_classes[class]),
		NUMBER(use->wait.n),
		NUMBER_IF(k, use->hold.sum),
		QUANTILE(k, &use->hold, 0.5),
		QUANTILE(k, &use->hold, 0.99),
		QUANTILE(k, &use->hold, 0.999),
		NUMBER_IF(k, use->hold.max),
		NUMBER_IF(w, use->wait.sum),
		QUANTILE(w, &use->wait, 0.5),
		QUANTILE(w, &use->wait, 0.99),
		QUANTILE(w, &use->wait, 0.999),
		NUMBER_IF(w, use->wait.max),
	};

	return STORE_INSERT(store,
			    "lock_time VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
			    values, st);
}

static double share(const struct timeline_result *r)
{
	return ((double)r->stall.sum + (double)r->stall_flush_ns) /
	       ((double)r->span_ns * r->vcpus);
}

/* Of nothing there is no quantile. */
static int put_timing(struct store *store, const struct run *run,
		      const struct timeline_result *r, struct status *st)
{
	bool k = r->knows_time, s = k && r->stall.n, p = k && r->pass.n,
	     i = k && r->invalidation.n;
	const struct store_value values[] = {
		TEXT(run->id),
		TEXT(run->time_setup),
		TEXT(run->cost_profile),
		NUMBER(r->vcpus),
		NUMBER(r->reclaimers),
		NUMBER(r->agers),
		NUMBER(r->has_time),
		TEXT(r->lacking),
		NUMBER_IF(k, r->span_ns),
		NUMBER_IF(k, r->behind_ns),
		NUMBER(r->stall.n),
		REAL_IF(k && r->span_ns, share(r)),
		NUMBER_IF(k, r->stall.sum),
		QUANTILE(s, &r->stall, 0.5),
		QUANTILE(s, &r->stall, 0.99),
		QUANTILE(s, &r->stall, 0.999),
		NUMBER_IF(s, r->stall.max),
		NUMBER_IF(k, r->stall_lock_ns),
		NUMBER_IF(k, r->stall_reclaim_ns),
		NUMBER_IF(k, r->stall_swap_ns),
		NUMBER_IF(k, r->stall_flush_ns),
		NUMBER(r->pass.n),
		NUMBER_IF(k, r->pass.sum),
		QUANTILE(p, &r->pass, 0.5),
		QUANTILE(p, &r->pass, 0.99),
		NUMBER_IF(p, r->pass.max),
		NUMBER(r->invalidation.n),
		NUMBER_IF(k, r->invalidation.sum),
		QUANTILE(i, &r->invalidation, 0.5),
		QUANTILE(i, &r->invalidation, 0.99),
		QUANTILE(i, &r->invalidation, 0.999),
		NUMBER_IF(i, r->invalidation.max),
		REAL_IF(k && r->reclaim_ns,
			(double)r->evictions * 1e9 / (double)r->reclaim_ns),
		NUMBER(r->flushes),
		NUMBER_IF(k, r->ipis),
		NUMBER_IF(r->knows_ager_cpu, r->ager_cpu_ns),
	};

	return STORE_INSERT(
		store,
		"timing VALUES (?,?,"
		" (SELECT digest FROM cost_profile WHERE profile = ?),?,?,?,?,"
		"?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		values, st);
}

int store_time(struct store *store, const struct run *run,
	       const struct timeline_result *r, struct status *st)
{
	static const char *const statements[] = {
		"DELETE FROM timing WHERE run_id = ? AND setup = ?",
		"DELETE FROM lock_time WHERE run_id = ? AND setup = ?",
	};
	const struct store_value key[] = {TEXT(run->id), TEXT(run->time_setup)};
	int ret = 0;

	for (int i = 0; i < 2 && !ret; i++)
		ret = store_insert(store, statements[i], key, 2, st);
	if (!ret)
		ret = put_timing(store, run, r, st);
	for (int l = 0; l < TIMELINE_LOCKS; l++)
		for (int c = 0; c < TIMELINE_CLASSES && !ret; c++)
			if (r->uses[l][c])
				ret = put_use(store, run, r, l, c, st);
	return ret;
}
