/* SPDX-License-Identifier: MIT */
/* Prices by name; see costs.h. */
#include "replay/costs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "models/counters.h"

const struct cost_info cost_infos[] = {
#define COST(name, unit, meaning) {#name, unit, meaning},
#include "replay/costs.def"
#undef COST
	{NULL, NULL, NULL},
};

bool costs_is_name(const char *name)
{
	for (int i = 0; i < NR_COUNTERS; i++)
		if (!strcmp(counter_info[i].name, name))
			return true;
	for (const struct cost_info *c = cost_infos; c->name; c++)
		if (!strcmp(c->name, name))
			return true;
	return false;
}

const struct cost *costs_find(const struct costs *costs, const char *name)
{
	for (size_t i = 0; i < costs->n; i++)
		if (!strcmp(costs->items[i].name, name))
			return &costs->items[i];
	return NULL;
}

bool costs_ns(const struct costs *costs, const char *name, double *value_ns)
{
	const struct cost *cost = costs_find(costs, name);

	if (!cost || !cost->is_known)
		return false;
	*value_ns = cost->value_ns;
	return true;
}

/* Return: the row called @name, new and without a price if need be, or NULL. */
static struct cost *row_of(struct costs *costs, const char *name,
			   struct status *st)
{
	struct cost *c;

	for (size_t i = 0; i < costs->n; i++)
		if (!strcmp(costs->items[i].name, name))
			return &costs->items[i];
	if (kage_grow(&costs->items, &costs->capacity, costs->n, sizeof(*c),
		      st))
		return NULL;
	c = &costs->items[costs->n++];
	*c = (struct cost){0};
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

static int set_source(struct cost *cost, const char *source, struct status *st)
{
	char *copy = kage_strdup(source, st);

	if (!copy)
		return -ENOMEM;
	free(cost->source);
	cost->source = copy;
	return 0;
}

int costs_set(struct costs *costs, const char *name, double value_ns,
	      const char *source, struct status *st)
{
	struct cost *cost = row_of(costs, name, st);

	if (!cost || set_source(cost, source, st))
		return -ENOMEM;
	cost->value_ns = value_ns;
	cost->is_known = true;
	return 0;
}

static int take_row(struct costs *costs, sqlite3_stmt *row, struct status *st)
{
	const char *name = (const char *)sqlite3_column_text(row, 0);
	const char *source = (const char *)sqlite3_column_text(row, 2);
	struct cost *cost;

	if (!name || !source)
		return -ENOMEM;
	if (sqlite3_column_type(row, 1) != SQLITE_NULL)
		return costs_set(costs, name, sqlite3_column_double(row, 1),
				 source, st);
	cost = row_of(costs, name, st);
	return cost ? set_source(cost, source, st) : -ENOMEM;
}

int costs_load(struct costs *costs, struct sqlite3 *db, const char *profile,
	       struct status *st)
{
	sqlite3_stmt *row = NULL;
	int ret = 0, step;

	*costs = (struct costs){0};
	snprintf(costs->profile, sizeof(costs->profile), "%s", profile);
	if (sqlite3_prepare_v2(db,
			       "SELECT name, value_ns, source FROM cost"
			       " WHERE profile = ? ORDER BY name",
			       -1, &row, NULL))
		return status_fail(st, EBADMSG, "%s", sqlite3_errmsg(db));
	sqlite3_bind_text(row, 1, profile, -1, SQLITE_STATIC);
	while (!ret && (step = sqlite3_step(row)) == SQLITE_ROW)
		ret = take_row(costs, row, st);
	if (!ret && step != SQLITE_DONE)
		ret = status_fail(st, EBADMSG, "%s", sqlite3_errmsg(db));
	sqlite3_finalize(row);
	if (!ret && !costs->n)
		ret = status_fail(st, EINVAL, "no cost profile '%s'", profile);
	return ret;
}

void costs_fini(struct costs *costs)
{
	for (size_t i = 0; i < costs->n; i++)
		free(costs->items[i].source);
	free(costs->items);
	*costs = (struct costs){0};
}
