/* SPDX-License-Identifier: MIT */
/* What the parts of the store share, also with whoever stores what comes of several
 * runs (analysis/validate_store.c). */
#ifndef REPLAY_STORE_INTERNAL_H
#define REPLAY_STORE_INTERNAL_H

#include <sqlite3.h>

#include "replay/store.h"

struct store {
	sqlite3 *db;
	const char *path; /* the caller's */
};

struct store_value {
	enum {
		STORE_NULL,
		STORE_TEXT,
		STORE_NUMBER,
		STORE_REAL
	} type;
	const char *text;
	uint64_t number;
	double real;
};

#define TEXT(x) ((struct store_value){.type = STORE_TEXT, .text = (x)})
#define NUMBER(x)                                                              \
	((struct store_value){.type = STORE_NUMBER, .number = (uint64_t)(x)})
#define NUMBER_IF(known, x) ((known) ? NUMBER(x) : (struct store_value){0})
#define REAL_IF(known, x)                                                      \
	((known) ? (struct store_value){.type = STORE_REAL, .real = (x)}       \
		 : (struct store_value){0})
#define TEXT_IF(known, x) ((known) ? TEXT(x) : (struct store_value){0})

/* Return: a negative errno that stands for the database's last error. */
int store_fail(struct store *store, struct status *st);

int store_exec(struct store *store, const char *sql, struct status *st);

/* Values for the places of a statement, whose bindings were cleared. */
void store_bind(sqlite3_stmt *statement, const struct store_value *values,
		size_t n);

/* Run one statement with @n values bound to it. */
int store_insert(struct store *store, const char *sql,
		 const struct store_value *values, size_t n, struct status *st);

#define STORE_INSERT(store, sql, values, st)                                   \
	store_insert(store, "INSERT INTO " sql, values,                        \
		     sizeof(values) / sizeof((values)[0]), st)

/* Bring the profiles that kage has up to date; add one's own unless it is there.
 * Return: 0; -EBADMSG if another one has its name. */
int store_shipped_costs(struct store *store, struct status *st);
int store_own_costs(struct store *store, const struct cost_file *own,
		    struct status *st);

/* Replace the rows of @run that tell how accurate its ages are. */
int store_accuracy(struct store *store, const struct run *run,
		   const struct accuracy *a, struct status *st);

/* Replace the rows of @run and its set of threads. */
int store_time(struct store *store, const struct run *run,
	       const struct timeline_result *r, struct status *st);

#endif
