/* SPDX-License-Identifier: MIT */
/* Lines of agreement; see matches.h. */
#include "analysis/matches.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
	REV_SHORT = 8, /* digits of a model's hash that people are shown */
	NOTES_SPARE = 2,
};

void match_worst_init(struct match_worst *worst, uint64_t pages)
{
	*worst = (struct match_worst){
		.pages = pages,
		.jaccard = NAN,
		.tau = NAN,
		.misplaced = NAN,
		.hot = NAN,
	};
}

static uint64_t difference(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Return: how far @model is off, relative to @kernel; infinite if that is nothing. */
static double excess(uint64_t model, uint64_t kernel)
{
	uint64_t off = difference(model, kernel);

	if (!off)
		return 0;
	return kernel ? (double)off / (double)kernel : INFINITY;
}

/* Whatever order they come in, the same one is the worst of a snapshot. */
static bool is_worse(const struct match_worst *worst, const char *name,
		     uint64_t model, uint64_t kernel)
{
	uint64_t was_off = difference(worst->model, worst->kernel);
	uint64_t off = difference(model, kernel);
	double was = excess(worst->model, worst->kernel);
	double now = excess(model, kernel);

	if (!worst->counter[0])
		return true;
	if ((off > worst->pages) != (was_off > worst->pages))
		return off > worst->pages;
	if (now > was || now < was)
		return now > was;
	return off != was_off ? off > was_off
			      : strcmp(name, worst->counter) < 0;
}

void match_worst_counter(struct match_worst *worst, const char *snapshot,
			 const char *name, uint64_t model, uint64_t kernel)
{
	if (!is_worse(worst, name, model, kernel))
		return;
	snprintf(worst->counter, MATCH_NAME, "%s", name);
	snprintf(worst->snapshot, MATCH_NAME, "%s", snapshot);
	worst->model = model;
	worst->kernel = kernel;
}

/* fmin() and fmax() take the one that is a number. */
void match_worst_step(struct match_worst *worst, double jaccard, double tau)
{
	worst->jaccard = fmin(worst->jaccard, jaccard);
	worst->tau = fmin(worst->tau, tau);
}

void match_worst_snapshot(struct match_worst *worst, double misplaced)
{
	worst->misplaced = fmax(worst->misplaced, misplaced);
}

double match_worst_error(const struct match_worst *worst)
{
	double share = excess(worst->model, worst->kernel);

	if (!worst->counter[0] || isinf(share))
		return NAN;
	return worst->model < worst->kernel ? -share : share;
}

static struct cell text(const char *value)
{
	return (struct cell){.kind = value ? CELL_TEXT : CELL_MISSING,
			     .text = value};
}

static struct cell integer(bool is_known, uint64_t value)
{
	return (struct cell){.kind = is_known ? CELL_INTEGER : CELL_MISSING,
			     .integer = (int64_t)value};
}

static struct cell real(double value)
{
	return (struct cell){.kind = isnan(value) ? CELL_MISSING : CELL_REAL,
			     .real = value};
}

static struct cell verdict_cell(struct table *table, const struct match *m)
{
	struct cell cell = text(m->limits ? m->passed ? "pass" : "fail" : NULL);

	if (!m->limits)
		return cell;
	if (table->note_count < TABLE_NOTES_MAX - NOTES_SPARE)
		cell.notes = table_note(table, table_text(table, "held to: %s",
							  m->limits));
	else
		cell.notes = table_note(table, "held to what column limits of "
					       "format csv says");
	return cell;
}

static const char *kernel_text(struct table *table, const struct match *m)
{
	return table_text(table, "Linux %s%s%s%s%s", m->release,
			  m->kernel_mmu ? ", " : "",
			  m->kernel_mmu ? m->kernel_mmu : "",
			  m->accel ? ", under " : "", m->accel ? m->accel : "");
}

static const char *model_text(struct table *table, const struct match *m)
{
	return table_text(table, "MGLRU of %s, %s%s%s%s%.*s%s", m->kernel,
			  m->mmu ? m->mmu : "", m->mmu ? ", " : "",
			  m->policy[0] ? m->policy : "policy not known",
			  m->model_rev ? ", model " : "", REV_SHORT,
			  m->model_rev ? m->model_rev : "",
			  m->is_substitute ? ", in place of one of this kernel"
					   : "");
}

/* Files of a kind all end alike: people need not read it. */
static const char *scenario_text(struct table *table, const struct match *m)
{
	const char *dot = strrchr(m->scenario, '.');

	if (!dot || dot == m->scenario || strcmp(dot, ".scn"))
		return m->scenario;
	return table_text(table, "%.*s", (int)(dot - m->scenario), m->scenario);
}

/* Only where some guest went on beside the host. */
static bool has_hot(const struct match *matches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isnan(matches[i].worst.hot))
			return true;
	return false;
}

static void put_columns(struct table *table, bool shows_hot)
{
	static const struct column hot = {COLUMN_VALUE, "hot_set", "hot set",
					  NULL,		"points",  2};
	static const struct column columns[] = {
		{COLUMN_HEADING, "kernel_text", "kernel", NULL, "", 0},
		{COLUMN_HEADING, "model_text", "model", NULL, "", 0},
		{COLUMN_VALUE, "scenario", "scenario", NULL, "", 0},
		{COLUMN_DATA, "scenario_id", "scenario id", NULL, "", 0},
		{COLUMN_DATA, "trace", "trace", NULL, "", 0},
		{COLUMN_DATA, "trace_id", "trace id", NULL, "", 0},
		{COLUMN_DATA, "release", "release", NULL, "", 0},
		{COLUMN_DATA, "version", "version", NULL, "", 0},
		{COLUMN_DATA, "accel", "accelerator", NULL, "", 0},
		{COLUMN_DATA, "kernel_mmu", "MMU of the kernel", NULL, "", 0},
		{COLUMN_DATA, "kernel", "kernel of the model", NULL, "", 0},
		{COLUMN_DATA, "is_substitute", "substitute", NULL, "", 0},
		{COLUMN_DATA, "policy", "policy", NULL, "", 0},
		{COLUMN_DATA, "mmu", "MMU of the model", NULL, "", 0},
		{COLUMN_DATA, "model_rev", "model", NULL, "", 0},
		{COLUMN_VALUE, "verdict", "verdict", NULL, "", 0},
		{COLUMN_DATA, "limits", "held to", NULL, "", 0},
		{COLUMN_DATA, "judged", "figures judged", NULL, "", 0},
		{COLUMN_DATA, "beyond", "figures beyond", NULL, "", 0},
		{COLUMN_VALUE, "min_jaccard", "Jaccard", "evicted, least", "",
		 4},
		{COLUMN_VALUE, "min_tau", "tau", "evicted, least", "", 4},
		{COLUMN_VALUE, "misplaced", "misplaced", NULL, "% of pages", 2},
		{COLUMN_DATA, "snapshot", "snapshot", NULL, "", 0},
		{COLUMN_VALUE, "counter", "name", "worst counter", "", 0},
		{COLUMN_VALUE, "model_count", "model", "worst counter", "", 0},
		{COLUMN_VALUE, "kernel_count", "kernel", "worst counter", "",
		 0},
		{COLUMN_VALUE, "error", "error", "worst counter", "%", 3},
	};

	for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++)
		table_column(table, columns[i]);
	if (shows_hot)
		table_column(table, hot);
}

static void put_facts(struct table *table, const struct match *m)
{
	table_cell(table, text(kernel_text(table, m)));
	table_cell(table, text(model_text(table, m)));
	table_cell(table, text(scenario_text(table, m)));
	table_cell(table, text(m->scenario_id));
	table_cell(table, text(m->trace));
	table_cell(table, text(m->trace_id));
	table_cell(table, text(m->release));
	table_cell(table, text(m->version));
	table_cell(table, text(m->accel));
	table_cell(table, text(m->kernel_mmu));
	table_cell(table, text(m->kernel));
	table_cell(table, integer(true, m->is_substitute));
	table_cell(table, text(m->policy[0] ? m->policy : NULL));
	table_cell(table, text(m->mmu));
	table_cell(table, text(m->model_rev));
}

static void put_figures(struct table *table, const struct match *m,
			bool shows_hot)
{
	const struct match_worst *w = &m->worst;
	bool has_counter = w->counter[0];

	table_cell(table, verdict_cell(table, m));
	table_cell(table, text(m->limits));
	table_cell(table, integer(m->limits, m->judged));
	table_cell(table, integer(m->limits, m->beyond));
	table_cell(table, real(w->jaccard));
	table_cell(table, real(w->tau));
	table_cell(table, real(100 * w->misplaced));
	table_cell(table, text(has_counter ? w->snapshot : NULL));
	table_cell(table, text(has_counter ? w->counter : NULL));
	table_cell(table, integer(has_counter, w->model));
	table_cell(table, integer(has_counter, w->kernel));
	table_cell(table, real(100 * match_worst_error(w)));
	if (shows_hot)
		table_cell(table, real(100 * w->hot));
}

struct table *matches_table(const struct match *matches, size_t n,
			    struct status *st)
{
	struct table *table = table_new(st);
	bool shows_hot = has_hot(matches, n);

	if (!table)
		return NULL;
	table->title = "Agreement with kernels";
	table_intro(table, "What models and kernels did in the same scenarios; "
			   "the worst of all steps and snapshots");
	table_intro(table, "Worst counter: first those off by more than is "
			   "always allowed (16, unless said), then by the "
			   "share of the kernel's value");
	put_columns(table, shows_hot);
	for (size_t i = 0; i < n; i++) {
		put_facts(table, &matches[i]);
		put_figures(table, &matches[i], shows_hot);
	}
	if (!table->error)
		return table;
	table_free(table);
	return NULL;
}
