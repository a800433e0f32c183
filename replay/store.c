/* SPDX-License-Identifier: MIT */
/* Opening the results database, and statements that read like their values. */
#include "replay/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "replay/store_internal.h"

enum {
	SCHEMA_VERSION = 4,
	BUSY_MS = 10000
};

extern const char store_schema[], store_validation[];

int store_fail(struct store *store, struct status *st)
{
	int code = sqlite3_errcode(store->db);
	int error = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ||
				    code == SQLITE_ERROR /* no such table */
			    ? EBADMSG
			    : code == SQLITE_NOMEM  ? ENOMEM
			      : code == SQLITE_FULL ? ENOSPC
						    : EIO;

	return status_fail(st, error, "%s: %s", store->path,
			   sqlite3_errmsg(store->db));
}

int store_exec(struct store *store, const char *sql, struct status *st)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL)
		       ? store_fail(store, st)
		       : 0;
}

void store_bind(sqlite3_stmt *statement, const struct store_value *values,
		size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (values[i].type == STORE_TEXT)
			sqlite3_bind_text(statement, (int)i + 1, values[i].text,
					  -1, SQLITE_STATIC);
		else if (values[i].type == STORE_NUMBER)
			sqlite3_bind_int64(statement, (int)i + 1,
					   (sqlite3_int64)values[i].number);
		else if (values[i].type == STORE_REAL)
			sqlite3_bind_double(statement, (int)i + 1,
					    values[i].real);
	}
}

int store_insert(struct store *store, const char *sql,
		 const struct store_value *values, size_t n, struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL))
		return store_fail(store, st);
	store_bind(statement, values, n);
	if (sqlite3_step(statement) != SQLITE_DONE)
		ret = store_fail(store, st);
	sqlite3_finalize(statement);
	return ret;
}

static int check_profile(struct store *store, const char *profile,
			 struct status *st)
{
	sqlite3_stmt *statement = NULL;
	bool is_known = false;
	char known[256] = "";
	int ret;

	if (!profile)
		return 0;
	if (sqlite3_prepare_v2(store->db,
			       "SELECT DISTINCT profile FROM cost ORDER BY 1",
			       -1, &statement, NULL))
		return store_fail(store, st);
	while ((ret = sqlite3_step(statement)) == SQLITE_ROW) {
		const char *name =
			(const char *)sqlite3_column_text(statement, 0);
		size_t used = strlen(known);

		is_known |= name && !strcmp(name, profile);
		snprintf(known + used, sizeof(known) - used, " %s",
			 name ? name : "");
	}
	sqlite3_finalize(statement);
	if (ret != SQLITE_DONE)
		return store_fail(store, st);
	return is_known ? 0
			: status_fail(st, EINVAL,
				      "no cost profile '%s' in %s; known:%s",
				      profile, store->path, known);
}

static int put_costs(struct store *store, const struct cost_file *own,
		     struct status *st)
{
	int ret = store_shipped_costs(store, st);

	return ret || !own ? ret : store_own_costs(store, own, st);
}

static int fill_new(struct store *store, const struct cost_file *own,
		    struct status *st)
{
	/* a database that nobody sees yet needs no journal on the disk */
	int ret = store_exec(store, "PRAGMA journal_mode = MEMORY; BEGIN", st);

	if (!ret)
		ret = store_exec(store, store_schema, st);
	for (int i = 0; i < NR_COUNTERS && !ret; i++) {
		const struct store_value values[] = {
			TEXT(counter_info[i].name),
			TEXT(counter_info[i].unit),
			TEXT(counter_info[i].meaning),
		};

		ret = STORE_INSERT(store, "counter VALUES (?, ?, ?)", values,
				   st);
	}
	if (!ret)
		ret = put_costs(store, own, st);
	if (!ret)
		ret = store_exec(store, store_validation, st);
	return ret ? ret : store_exec(store, "COMMIT", st);
}

/* Rename, but never over a database that somebody else made meanwhile. */
static int publish(const char *temporary, const char *path, struct status *st)
{
	int ret = renameat2(AT_FDCWD, temporary, AT_FDCWD, path,
			    RENAME_NOREPLACE);

	if (ret && errno == EINVAL) /* the file system cannot promise that */
		ret = rename(temporary, path);
	if (!ret)
		return outbuf_sync_folder(path, st);
	ret = errno == EEXIST
		      ? 0
		      : status_fail(st, errno, "%s: %s", path, strerror(errno));
	unlink(temporary);
	return ret;
}

/* A database appears under its name only once it is whole. */
static int create(const char *path, const char *cost_profile,
		  const struct cost_file *own, struct status *st)
{
	char temporary[PATH_MAX];
	struct store store = {.path = path};
	int ret;

	if (snprintf(temporary, sizeof(temporary), "%s.%ld.tmp", path,
		     (long)getpid()) >= (int)sizeof(temporary))
		return status_fail(st, ENAMETOOLONG, "%s: name too long", path);
	unlink(temporary);
	if (sqlite3_open(temporary, &store.db))
		ret = store_fail(&store, st);
	else
		ret = fill_new(&store, own, st);
	if (!ret)
		ret = check_profile(&store, cost_profile, st);
	sqlite3_close(store.db);
	if (!ret)
		return publish(temporary, path, st);
	unlink(temporary);
	return ret;
}

static int check_version(struct store *store, struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int version = -1;

	if (sqlite3_prepare_v2(store->db, "PRAGMA user_version", -1, &statement,
			       NULL))
		return store_fail(store, st);
	if (sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	if (version < 0)
		return store_fail(store, st);
	if (version != SCHEMA_VERSION)
		return status_fail(
			st, EBADMSG,
			"%s: results of version %d, this kage writes version %d",
			store->path, version, SCHEMA_VERSION);
	return 0;
}

/* Prices never change what happened, and a table more does not either: an old
 * database gets today's. */
static int refresh(struct store *store, const struct cost_file *own,
		   struct status *st)
{
	int ret = store_exec(store, "BEGIN IMMEDIATE", st);

	if (!ret)
		ret = put_costs(store, own, st);
	if (!ret)
		ret = store_exec(store, store_validation, st);
	if (!ret)
		ret = store_exec(store, "COMMIT", st);
	if (ret)
		store_exec(store, "ROLLBACK", NULL);
	return ret;
}

int store_open(struct store **out, const char *path, const char *cost_profile,
	       const struct cost_file *own, struct status *st)
{
	struct store *store;
	int ret = 0;

	if (access(path, F_OK))
		ret = create(path, cost_profile, own, st);
	if (ret)
		return ret;
	store = kage_calloc(1, sizeof(*store), st);
	if (!store)
		return -ENOMEM;
	store->path = path;
	if (sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE, NULL))
		ret = store_fail(store, st);
	if (!ret) {
		sqlite3_busy_timeout(store->db, BUSY_MS);
		ret = check_version(store, st);
	}
	if (!ret)
		ret = refresh(store, own, st);
	if (!ret)
		ret = check_profile(store, cost_profile, st);
	if (ret)
		store_close(store);
	else
		*out = store;
	return ret;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	sqlite3_close(store->db);
	free(store);
}

int store_has_run(struct store *store, const struct run *run, struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret;

	if (sqlite3_prepare_v2(
		    store->db,
		    "SELECT 1 FROM run WHERE run_id = ?1"
		    " AND (NOT ?2 OR EXISTS (SELECT 1 FROM idle_age WHERE run_id = ?1))"
		    " AND (NOT ?3 OR EXISTS (SELECT 1 FROM accuracy WHERE run_id = ?1))"
		    " AND (?4 = '' OR EXISTS (SELECT 1 FROM timing"
		    " JOIN cost_profile ON profile = cost_profile"
		    " AND digest = costs_digest"
		    " WHERE timing.run_id = ?1 AND setup = ?4))",
		    -1, &statement, NULL))
		return store_fail(store, st);
	sqlite3_bind_text(statement, 1, run->id, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 2, run->has_idle_age);
	sqlite3_bind_int(statement, 3, run->has_accuracy);
	sqlite3_bind_text(statement, 4, run->time_setup, -1, SQLITE_STATIC);
	ret = sqlite3_step(statement);
	sqlite3_finalize(statement);
	if (ret == SQLITE_ROW || ret == SQLITE_DONE)
		return ret == SQLITE_ROW;
	return store_fail(store, st);
}
