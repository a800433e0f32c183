/* SPDX-License-Identifier: MIT */
/*
 * What a step left of the hot set: pages of the last epoch before it that it never
 * evicted, and those that are resident when it ends (datasets/scenario/hot.h).
 *
 * A page that is evicted beside a running guest soon comes back, so the first says
 * more about decisions, the second what the guest has.
 */
#include <math.h>

#include "analysis/validate.h"
#include "datasets/scenario/hot.h"

static double share(uint64_t part, const struct scenario_beside *beside)
{
	if (part == SCENARIO_UNKNOWN || beside->hot == SCENARIO_UNKNOWN ||
	    !beside->hot)
		return NAN;
	return (double)part / (double)beside->hot;
}

bool validate_hot(struct validate_hot *hot, const struct validate_step *step)
{
	const struct scenario_beside *model = &step->model->beside;
	const struct scenario_beside *kernel = &step->kernel->beside;

	hot->kept.model = share(model->kept, model);
	hot->kept.kernel = share(kernel->kept, kernel);
	hot->present.model = share(model->present, model);
	hot->present.kernel = share(kernel->present, kernel);
	return !isnan(hot->kept.model - hot->kept.kernel) ||
	       !isnan(hot->present.model - hot->present.kernel);
}

static void judge(const struct validation *v,
		  const struct validate_limits *limits,
		  const struct validate_step *step, const char *what,
		  double model, double kernel, struct validate_verdict *verdict)
{
	if (isnan(model - kernel))
		return;
	verdict->hot++;
	validate_judge_one(
		verdict, v, fabs(model - kernel), limits->hot,
		"hot set after %s in step %zu: model %.2f%% %s, kernel "
		"%.2f%%, allowed %g points more or less",
		scenario_words[step->kernel->word], step->index, 100 * model,
		what, 100 * kernel, 100 * limits->hot);
}

void validate_judge_hot(const struct validation *v,
			const struct validate_limits *limits,
			struct validate_verdict *verdict)
{
	struct validate_hot hot;

	for (size_t i = 0; i < v->nr_steps && !isnan(limits->hot); i++) {
		if (!validate_hot(&hot, &v->steps[i]))
			continue;
		judge(v, limits, &v->steps[i], "never evicted", hot.kept.model,
		      hot.kept.kernel, verdict);
		judge(v, limits, &v->steps[i], "resident", hot.present.model,
		      hot.present.kernel, verdict);
	}
}

double validate_hot_worst(const struct validation *v)
{
	struct validate_hot hot;
	double worst = NAN;

	for (size_t i = 0; i < v->nr_steps; i++) {
		if (!validate_hot(&hot, &v->steps[i]))
			continue;
		worst = fmax(worst, fabs(hot.kept.model - hot.kept.kernel));
		worst = fmax(worst,
			     fabs(hot.present.model - hot.present.kernel));
	}
	return worst;
}

static struct cell real(double value)
{
	return (struct cell){.kind = isnan(value) ? CELL_MISSING : CELL_REAL,
			     .real = value};
}

static struct cell count(uint64_t value)
{
	return (struct cell){.kind = value == SCENARIO_UNKNOWN ? CELL_MISSING
							       : CELL_INTEGER,
			     .integer = (int64_t)value};
}

static double pace(const struct scenario_beside *beside)
{
	if (beside->touches == SCENARIO_UNKNOWN ||
	    beside->calls == SCENARIO_UNKNOWN || !beside->calls)
		return NAN;
	return (double)beside->touches / (double)beside->calls;
}

static void put_step(struct table *table, const struct validate_step *step)
{
	const struct scenario_beside *kernel = &step->kernel->beside;
	struct validate_hot hot;

	validate_hot(&hot, step);
	table_cell(table,
		   cell_text(table_text(table, "%zu %s, line %u", step->index,
					scenario_words[step->kernel->word],
					step->kernel->line)));
	table_cell(table, real(pace(kernel)));
	table_cell(table, count(kernel->hot));
	table_cell(table, real(100 * hot.kept.model));
	table_cell(table, real(100 * hot.kept.kernel));
	table_cell(table, real(100 * hot.present.model));
	table_cell(table, real(100 * hot.present.kernel));
	table_cell(table, count(step->model->nr_evicted));
	table_cell(table, count(step->kernel->nr_evicted));
}

struct table *validate_hot_table(const struct validation *v, struct status *st)
{
	static const struct column columns[] = {
		{COLUMN_VALUE, "step", "step", NULL, "", 0},
		{COLUMN_VALUE, "pace", "per call", "touches", "", 2},
		{COLUMN_VALUE, "hot_pages", "hot", NULL, "pages", 0},
		{COLUMN_VALUE, "kept_model", "model", "never evicted", "%", 2},
		{COLUMN_VALUE, "kept_kernel", "kernel", "never evicted", "%",
		 2},
		{COLUMN_VALUE, "present_model", "model", "resident", "%", 2},
		{COLUMN_VALUE, "present_kernel", "kernel", "resident", "%", 2},
		{COLUMN_VALUE, "evicted_model", "model", "evicted", "pages", 0},
		{COLUMN_VALUE, "evicted_kernel", "kernel", "evicted", "pages",
		 0},
	};
	struct table *table = table_new(st);

	if (!table)
		return NULL;
	table_intro(table, "The guest went on beside the host: of each step "
			   "what is left of the hot set, the pages of the last "
			   "epoch before it");
	table_intro(table, "Not compared: counters, which pages were evicted "
			   "and in what order, generations");
	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(table, columns[i]);
	for (size_t i = 0; i < v->nr_steps; i++)
		put_step(table, &v->steps[i]);
	return table;
}

static int put(json_t *object, const char *key, double value)
{
	return isnan(value)
		       ? 0
		       : json_object_set_new(object, key, json_real(value));
}

json_t *validate_hot_json(const struct validate_step *step)
{
	struct validate_hot hot;
	json_t *object;

	if (!validate_hot(&hot, step))
		return NULL;
	object = json_pack("{s:I}", "pages",
			   (json_int_t)step->kernel->beside.hot);
	if (object &&
	    !put(object, "touches_per_call", pace(&step->kernel->beside)) &&
	    !put(object, "kept_model", hot.kept.model) &&
	    !put(object, "kept_kernel", hot.kept.kernel) &&
	    !put(object, "present_model", hot.present.model) &&
	    !put(object, "present_kernel", hot.present.kernel))
		return object;
	json_decref(object);
	return NULL;
}
