/* SPDX-License-Identifier: MIT */
/*
 * A trace as an SQLite database: all that it says, in tables (export_schema.h).  Times
 * are ticks of the clock that table meta describes; a value that was not observed is
 * NULL.
 */
#include <errno.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "datasets/convert/csv_table.h"
#include "datasets/convert/export.h"
#include "datasets/convert/export_schema.h"
#include "datasets/trace/meta.h"

static const char *const sqlite_lost[] = {NULL};

enum insertion {
	INTO_META,
	INTO_SLOT,
	INTO_EVENT,
	INTO_EPOCH,
	INTO_RUN,
	INTO_NOTE,
	NR_INSERTIONS
};

static const char *const insertions[NR_INSERTIONS] = {
	[INTO_META] = "INSERT INTO meta VALUES(?, ?)",
	[INTO_SLOT] = "INSERT INTO slot VALUES(?, ?, ?, ?, ?, ?)",
	[INTO_EVENT] = "INSERT INTO event VALUES(NULL, ?, ?, ?, ?, ?, ?)",
	[INTO_EPOCH] = "INSERT INTO epoch VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[INTO_RUN] = "INSERT INTO run VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	[INTO_NOTE] = "INSERT INTO note VALUES(NULL, ?)",
};

struct sqlite_state {
	sqlite3 *db;
	sqlite3_stmt *stmt[NR_INSERTIONS];
};

static int db_fail(const struct export_job *job, struct status *st)
{
	const struct sqlite_state *s = job->state;

	return status_fail(st, EIO, "%s: %s", job->path,
			   s->db ? sqlite3_errmsg(s->db) : "out of memory");
}

static int insert(struct export_job *job, enum insertion into,
		  struct status *st)
{
	const struct sqlite_state *s = job->state;
	bool is_done = sqlite3_step(s->stmt[into]) == SQLITE_DONE;

	sqlite3_reset(s->stmt[into]);
	return is_done ? 0 : db_fail(job, st);
}

static void set(sqlite3_stmt *stmt, int at, uint64_t value)
{
	sqlite3_bind_int64(stmt, at, (sqlite3_int64)value);
}

static void set_text(sqlite3_stmt *stmt, int at, const char *text)
{
	sqlite3_bind_text(stmt, at, text, -1, SQLITE_TRANSIENT);
}

static void set_if(sqlite3_stmt *stmt, int at, bool is_known, uint64_t value)
{
	if (is_known)
		set(stmt, at, value);
	else
		sqlite3_bind_null(stmt, at);
}

/* SQLite's integers have a sign (Datatypes In SQLite, 2): a later time would be a
 * negative one.  Nothing else in a trace is so large but host addresses, of which user
 * space has the lower half. */
static int check_time(uint64_t ticks, struct status *st)
{
	return ticks <= INT64_MAX
		       ? 0
		       : status_fail(st, EINVAL,
				     "sqlite has no place for times of 2^63 "
				     "ticks or more: %" PRIu64,
				     ticks);
}

static int put_meta(struct export_job *job, const char *name, const char *value,
		    struct status *st)
{
	const struct sqlite_state *s = job->state;

	set_text(s->stmt[INTO_META], 1, name);
	set_text(s->stmt[INTO_META], 2, value);
	return insert(job, INTO_META, st);
}

static int put_head(struct export_job *job, struct status *st)
{
	const struct trace_meta *m = job->meta;
	const char *details = m->details ? m->details : "{}";
	char ps[32], vcpus[32];
	int ret = put_meta(job, "fidelity", trace_fidelity_names[m->fidelity],
			   st);

	snprintf(ps, sizeof(ps), "%u", m->clock.ps_per_tick);
	snprintf(vcpus, sizeof(vcpus), "%u", m->nr_vcpus);
	if (!ret)
		ret = put_meta(job, "clock",
			       m->clock.kind == TRACE_CLOCK_NS ? "ns" : "insn",
			       st);
	if (!ret)
		ret = put_meta(job, "ps_per_tick", ps, st);
	if (!ret)
		ret = put_meta(job, "vcpus", vcpus, st);
	if (!ret)
		ret = put_meta(job, "source", m->source, st);
	return ret ? ret : put_meta(job, "details", details, st);
}

static int put_slots(struct export_job *job, struct status *st)
{
	const struct sqlite_state *s = job->state;
	sqlite3_stmt *stmt = s->stmt[INTO_SLOT];
	int ret = 0;

	for (size_t i = 0; i < job->meta->nr_slots && !ret; i++) {
		const struct trace_slot *slot = &job->meta->slots[i];

		set(stmt, 1, slot->gfn);
		set(stmt, 2, slot->npages);
		set(stmt, 3, slot->hva);
		set(stmt, 4, slot->page_bytes);
		sqlite3_bind_int(stmt, 5, slot->node);
		set_text(stmt, 6, slot->backing);
		ret = insert(job, INTO_SLOT, st);
	}
	return ret;
}

static int sqlite_begin(struct export_job *job, struct status *st)
{
	struct sqlite_state *s = job->state;
	int ret = sqlite3_open(job->path, &s->db) == SQLITE_OK &&
				  sqlite3_exec(s->db,
					       "PRAGMA journal_mode = OFF;"
					       "PRAGMA synchronous = OFF;"
					       "BEGIN;" EXPORT_SCHEMA,
					       NULL, NULL, NULL) == SQLITE_OK
			  ? 0
			  : db_fail(job, st);

	for (size_t i = 0; i < NR_INSERTIONS && !ret; i++)
		if (sqlite3_prepare_v2(s->db, insertions[i], -1, &s->stmt[i],
				       NULL) != SQLITE_OK)
			ret = db_fail(job, st);
	if (!ret)
		ret = put_head(job, st);
	return ret ? ret : put_slots(job, st);
}

static int sqlite_event(struct export_job *job, const struct trace_event *e,
			struct status *st)
{
	const struct sqlite_state *s = job->state;
	sqlite3_stmt *stmt = s->stmt[INTO_EVENT];
	int ret = check_time(e->time, st);

	if (ret)
		return ret;
	set(stmt, 1, e->time);
	set_text(stmt, 2, trace_event_names[e->kind]);
	set_if(stmt, 3, e->kind != TRACE_LOST, e->gfn);
	set(stmt, 4, e->count);
	set(stmt, 5, e->vcpu);
	set_text(stmt, 6, trace_reason_names[e->reason]);
	return insert(job, INTO_EVENT, st);
}

static int put_run(struct export_job *job, const struct trace_epoch *e,
		   size_t place, const struct trace_run *run, struct status *st)
{
	const struct sqlite_state *s = job->state;
	sqlite3_stmt *stmt = s->stmt[INTO_RUN];

	set(stmt, 1, e->index);
	set(stmt, 2, place);
	set(stmt, 3, run->gfn);
	set(stmt, 4, run->npages);
	set_text(stmt, 5, csv_levels[run->flags & TRACE_RUN_LEVEL_MASK]);
	set_if(stmt, 6, e->channels & TRACE_CHANNEL_ACCESSED,
	       !!(run->flags & TRACE_RUN_ACCESSED));
	set_if(stmt, 7, e->channels & TRACE_CHANNEL_DIRTY,
	       !!(run->flags & TRACE_RUN_DIRTY));
	set_if(stmt, 8, e->has_hits, run->hits);
	return insert(job, INTO_RUN, st);
}

static int sqlite_epoch(struct export_job *job, const struct trace_epoch *e,
			const struct trace_run *runs, size_t n,
			struct status *st)
{
	const struct sqlite_state *s = job->state;
	sqlite3_stmt *stmt = s->stmt[INTO_EPOCH];
	uint64_t last = e->end > e->scan_end ? e->end : e->scan_end;
	int ret = check_time(last, st);

	if (ret)
		return ret;
	set(stmt, 1, e->index);
	set(stmt, 2, e->start);
	set(stmt, 3, e->end);
	set(stmt, 4, e->scan_start);
	set(stmt, 5, e->scan_end);
	set(stmt, 6, e->is_ordered);
	set(stmt, 7, !!(e->channels & TRACE_CHANNEL_ACCESSED));
	set(stmt, 8, !!(e->channels & TRACE_CHANNEL_DIRTY));
	set_if(stmt, 9, e->has_hits, e->samples);
	ret = insert(job, INTO_EPOCH, st);
	for (size_t i = 0; i < n && !ret; i++)
		ret = put_run(job, e, i, &runs[i], st);
	return ret;
}

static int sqlite_note(struct export_job *job, const char *text,
		       struct status *st)
{
	const struct sqlite_state *s = job->state;

	set_text(s->stmt[INTO_NOTE], 1, text);
	return insert(job, INTO_NOTE, st);
}

static int sqlite_end(struct export_job *job, struct status *st)
{
	const struct sqlite_state *s = job->state;

	return sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK
		       ? 0
		       : db_fail(job, st);
}

static void sqlite_fini(struct export_job *job)
{
	struct sqlite_state *s = job->state;

	for (size_t i = 0; i < NR_INSERTIONS; i++)
		sqlite3_finalize(s->stmt[i]);
	sqlite3_close(s->db);
}

const struct exporter exporter_sqlite = {
	.name = "sqlite",
	.summary = "a database with a table each of events, epochs and runs",
	.lost = sqlite_lost,
	.state_size = sizeof(struct sqlite_state),
	.opens_itself = true,
	.begin = sqlite_begin,
	.event = sqlite_event,
	.epoch = sqlite_epoch,
	.note = sqlite_note,
	.end = sqlite_end,
	.fini = sqlite_fini,
};
