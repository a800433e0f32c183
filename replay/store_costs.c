/* SPDX-License-Identifier: MIT */
/*
 * Cost profiles into the results database.  Those that kage has are brought up to date
 * each time; one's own stays as it came, since runs may have been timed by it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "replay/store_internal.h"

enum {
	DIGEST_TEXT = 17
};

static int put_row(sqlite3_stmt *statement, struct store *store,
		   const char *profile, const struct cost_row *row,
		   struct status *st)
{
	bool has_value = row->kind != COST_MISSING;
	const struct store_value values[] = {
		TEXT(profile),
		TEXT(row->name),
		REAL_IF(has_value, row->value_ns),
		REAL_IF(row->has_range, row->low_ns),
		REAL_IF(row->has_range, row->high_ns),
		TEXT(cost_kind_names[row->kind]),
		TEXT(row->source),
		TEXT(row->how),
	};

	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
	store_bind(statement, values, sizeof(values) / sizeof(values[0]));
	return sqlite3_step(statement) == SQLITE_DONE ? 0
						      : store_fail(store, st);
}

static int put_rows(struct store *store, const struct cost_file *file,
		    struct status *st)
{
	sqlite3_stmt *statement = NULL;
	int ret = 0;

	if (sqlite3_prepare_v2(
		    store->db,
		    "INSERT INTO cost (profile, name, value_ns, low_ns, high_ns,"
		    " kind, source, how) VALUES (?,?,?,?,?,?,?,?)",
		    -1, &statement, NULL))
		return store_fail(store, st);
	for (size_t i = 0; i < file->nr_rows && !ret; i++)
		ret = put_row(statement, store, file->profile, &file->rows[i],
			      st);
	sqlite3_finalize(statement);
	return ret;
}

static int delete_profile(struct store *store, const char *profile,
			  struct status *st)
{
	const struct store_value values[] = {TEXT(profile)};
	int ret = store_insert(store, "DELETE FROM cost WHERE profile = ?",
			       values, 1, st);

	return ret ? ret
		   : store_insert(store,
				  "DELETE FROM cost_profile WHERE profile = ?",
				  values, 1, st);
}

static int put_profile(struct store *store, const struct cost_file *file,
		       struct status *st)
{
	char digest[DIGEST_TEXT];
	const struct store_value values[] = {TEXT(file->profile),
					     TEXT(file->host), TEXT(digest)};
	int ret;

	snprintf(digest, sizeof(digest), "%016" PRIx64,
		 cost_profile_digest(file));
	ret = delete_profile(store, file->profile, st);
	if (!ret)
		ret = STORE_INSERT(store,
				   "cost_profile (profile, host, digest)"
				   " VALUES (?,?,?)",
				   values, st);
	return ret ? ret : put_rows(store, file, st);
}

/* Return: 1 if the database has this very profile, 0 if it has none of that name,
 * -EBADMSG if it has another one. */
static int has_profile(struct store *store, const struct cost_file *file,
		       struct status *st)
{
	sqlite3_stmt *statement = NULL;
	char digest[DIGEST_TEXT];
	int step, ret = 0;

	snprintf(digest, sizeof(digest), "%016" PRIx64,
		 cost_profile_digest(file));
	if (sqlite3_prepare_v2(store->db,
			       "SELECT digest = ?2 FROM cost_profile"
			       " WHERE profile = ?1 UNION ALL"
			       " SELECT 0 FROM cost WHERE profile = ?1 LIMIT 1",
			       -1, &statement, NULL))
		return store_fail(store, st);
	sqlite3_bind_text(statement, 1, file->profile, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, digest, -1, SQLITE_STATIC);
	step = sqlite3_step(statement);
	if (step == SQLITE_ROW && sqlite3_column_int(statement, 0))
		ret = 1;
	else if (step == SQLITE_ROW)
		ret = status_fail(st, EBADMSG,
				  "%s has another cost profile '%s': give the "
				  "new one another name",
				  store->path, file->profile);
	else if (step != SQLITE_DONE)
		ret = store_fail(store, st);
	sqlite3_finalize(statement);
	return ret;
}

int store_own_costs(struct store *store, const struct cost_file *own,
		    struct status *st)
{
	int ret = has_profile(store, own, st);

	return ret ? (ret < 0 ? ret : 0) : put_profile(store, own, st);
}

int store_shipped_costs(struct store *store, struct status *st)
{
	int ret = 0;

	for (const struct cost_profile *p = cost_profiles; p->name && !ret;
	     p++) {
		struct cost_file file;

		ret = cost_profile_read(&file, p, st);
		if (!ret)
			ret = put_profile(store, &file, st);
		cost_file_fini(&file);
	}
	return ret;
}
