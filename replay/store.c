/* SPDX-License-Identifier: MIT */
/* Opening the results database, and statements that read like their values. */
#include "replay/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "replay/store_internal.h"

enum {
	SCHEMA_VERSION = 1,
	BUSY_MS = 10000
};

extern const char store_schema[], store_costs[];

int store_fail(struct store *store, struct status *st)
{
	int code = sqlite3_errcode(store->db);
	int error = code == SQLITE_NOTADB || code == SQLITE_CORRUPT ? EBADMSG
		    : code == SQLITE_NOMEM			    ? ENOMEM
		    : code == SQLITE_FULL			    ? ENOSPC
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

int store_insert(struct store *store, const char *sql,
		 const struct store_value *values, size_t n, struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret = 0;

	if (sqlite3_prepare_v2(store->db, sql, -1, &statement, NULL))
		return store_fail(store, st);
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
	if (sqlite3_step(statement) != SQLITE_DONE)
		ret = store_fail(store, st);
	sqlite3_finalize(statement);
	return ret;
}

static int fill_new(struct store *store, struct status *st)
{
	int ret = store_exec(store, "BEGIN", st);

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
		ret = store_exec(store, store_costs, st);
	return ret ? ret : store_exec(store, "COMMIT", st);
}

/* A database appears under its name only once it is whole. */
static int create(const char *path, struct status *st)
{
	char temporary[PATH_MAX];
	struct store store = {.path = temporary};
	int ret;

	if (snprintf(temporary, sizeof(temporary), "%s.tmp", path) >=
	    (int)sizeof(temporary))
		return status_fail(st, ENAMETOOLONG, "%s: name too long", path);
	unlink(temporary);
	if (sqlite3_open(temporary, &store.db))
		ret = store_fail(&store, st);
	else
		ret = fill_new(&store, st);
	sqlite3_close(store.db);
	if (!ret && rename(temporary, path))
		ret = status_fail(st, errno, "%s: %s", path, strerror(errno));
	if (ret)
		unlink(temporary);
	return ret ? ret : outbuf_sync_folder(path, st);
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

int store_open(struct store **out, const char *path, struct status *st)
{
	struct store *store;
	int ret = 0;

	if (access(path, F_OK))
		ret = create(path, st);
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

int store_has_run(struct store *store, const char *run_id, struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret;

	if (sqlite3_prepare_v2(store->db, "SELECT 1 FROM run WHERE run_id = ?",
			       -1, &statement, NULL))
		return store_fail(store, st);
	sqlite3_bind_text(statement, 1, run_id, -1, SQLITE_STATIC);
	ret = sqlite3_step(statement);
	sqlite3_finalize(statement);
	if (ret == SQLITE_ROW || ret == SQLITE_DONE)
		return ret == SQLITE_ROW;
	return store_fail(store, st);
}
