/* SPDX-License-Identifier: MIT */
/* Counters and their prices, as a matrix; see sensitivity_db.h. */
#include "analysis/sensitivity_db.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/queries.h"
#include "base/alloc.h"

enum {
	COSTS_MAX = 256, /* more than there are counters */
};

static int pick_runs(struct sensitivity_data *data, struct slice limit,
		     struct status *st)
{
	data->runs = kage_calloc(limit.count + 1, sizeof(*data->runs), st);
	data->counts =
		kage_calloc(limit.count + 1, sizeof(double) * COSTS_MAX, st);
	if (!data->runs || !data->counts)
		return -ENOMEM;
	for (size_t i = 0; i < limit.count; i++) {
		const struct run *run = &limit.runs[i];

		if (!run_integer(run, RUN_is_bound) &&
		    !run_integer(run, RUN_lower_bound) &&
		    !*run_text(run, RUN_closed_loop)) /* costs decided */
			data->runs[data->s.nr_policies++] = run;
	}
	return 0;
}

/* Return: the index of the cost that @row is of, new if need be, or an error. */
static int cost_of(struct sensitivity_data *data, sqlite3_stmt *row,
		   struct texts *texts, struct status *st)
{
	const char *name = (const char *)sqlite3_column_text(row, 0);
	struct sensitivity_cost *cost;
	size_t n = data->s.nr_costs;

	for (size_t i = 0; i < n && name; i++)
		if (!strcmp(data->costs[i].name, name))
			return (int)i;
	if (!name || n == COSTS_MAX)
		return status_fail(st, EBADMSG,
				   "the database has no, or more "
				   "than %d, names of costs",
				   COSTS_MAX);
	if (kage_grow(&data->costs, &data->cost_capacity, n, sizeof(*cost), st))
		return -ENOMEM;
	cost = &data->costs[n];
	*cost = (struct sensitivity_cost){
		.name = texts_printf(texts, st, "%s", name),
		.is_known = sqlite3_column_type(row, 2) != SQLITE_NULL,
		.ns = sqlite3_column_double(row, 2),
		.has_range = sqlite3_column_type(row, 4) != SQLITE_NULL,
		.low_ns = sqlite3_column_double(row, 4),
		.high_ns = sqlite3_column_double(row, 5),
		.kind = texts_printf(texts, st, "%s",
				     (const char *)sqlite3_column_text(row, 3)),
	};
	if (!cost->name || !cost->kind)
		return -ENOMEM;
	data->s.nr_costs++;
	return (int)n;
}

/* Rows lie COSTS_MAX apart while it is not known how many there are. */
static int read_run(struct sensitivity_data *data, sqlite3 *db, size_t policy,
		    struct texts *texts, struct status *st)
{
	sqlite3_stmt *row;
	int ret = queries_start(db, query_price,
				run_text(data->runs[policy], RUN_run_id), &row,
				st);

	while (!ret && (ret = queries_step(row, st)) == 1) {
		double n = sqlite3_column_double(row, 1);
		int cost = n > 0 ? cost_of(data, row, texts, st) : 0;

		if (n > 0 && cost >= 0)
			data->counts[policy * COSTS_MAX + (size_t)cost] = n;
		ret = cost < 0 ? cost : 0;
	}
	sqlite3_finalize(row);
	return ret;
}

static void swap_costs(struct sensitivity_data *data, size_t a, size_t b)
{
	struct sensitivity_cost cost = data->costs[a];

	data->costs[a] = data->costs[b];
	data->costs[b] = cost;
	for (size_t p = 0; p < data->s.nr_policies; p++) {
		double *row = data->counts + p * COSTS_MAX;
		double count = row[a];

		row[a] = row[b];
		row[b] = count;
	}
}

/* By name: in what order they came says only who did what first. */
static void sort_costs(struct sensitivity_data *data)
{
	for (size_t i = 1; i < data->s.nr_costs; i++)
		for (size_t k = i; k && strcmp(data->costs[k - 1].name,
					       data->costs[k].name) > 0;
		     k--)
			swap_costs(data, k - 1, k);
}

int sensitivity_load(struct sensitivity_data *data, sqlite3 *db,
		     struct slice limit, struct texts *texts, struct status *st)
{
	int ret;

	*data = (struct sensitivity_data){0};
	ret = pick_runs(data, limit, st);
	for (size_t p = 0; p < data->s.nr_policies && !ret; p++)
		ret = read_run(data, db, p, texts, st);
	if (ret)
		return ret;
	sort_costs(data);
	for (size_t p = 0; p < data->s.nr_policies; p++)
		memmove(data->counts + p * data->s.nr_costs,
			data->counts + p * COSTS_MAX,
			data->s.nr_costs * sizeof(double));
	data->s.costs = data->costs;
	data->s.counts = data->counts;
	return 0;
}

void sensitivity_fini(struct sensitivity_data *data)
{
	free(data->runs);
	free(data->costs);
	free(data->counts);
	*data = (struct sensitivity_data){0};
}
