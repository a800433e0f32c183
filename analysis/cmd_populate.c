/* SPDX-License-Identifier: MIT */
/* kage populate: a published table of the populate test, and the model of it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/cmd.h"
#include "analysis/format.h"
#include "analysis/plot.h"
#include "analysis/populate.h"
#include "base/pool.h"

struct populate_values {
	const char *changes, *format, *plot;
	double hold_share, start_share;
	uint64_t seed;
	bool has_given_faults;
};

static const struct populate_values presets = {
	.format = "text", .hold_share = 0.5, .start_share = 0.05};

#define VALUE(name) offsetof(struct populate_values, name)

static const struct opt opts[] = {
	{"changes", 'c', OPT_STRING, VALUE(changes), "FILE.tsv",
	 "also try changes of a lock of which one setup is published"},
	{"given-faults", 0, OPT_FLAG, VALUE(has_given_faults), NULL,
	 "fault times of all rows are inputs (only those of the two)"},
	{"hold-share", 0, OPT_REAL, VALUE(hold_share), "SHARE",
	 "of a notifier call that holds the lock (0.5)"},
	{"start-share", 0, OPT_REAL, VALUE(start_share), "SHARE",
	 "of the pages, there when the first pass begins (0.05)"},
	{"seed", 0, OPT_COUNT, VALUE(seed), "N", "of fault times"},
	{"format", 'f', OPT_STRING, VALUE(format), "NAME", format_help},
	{"plot", 'p', OPT_STRING, VALUE(plot), "DIR",
	 "draw pass times: .gp, .dat, .svg, .png"},
	{0},
};

static int print(const struct populate_view *v, const struct format_ops *format,
		 struct status *st)
{
	return format_print(format, populate_tables(v, st), st);
}

static int draw(const struct populate_view *v, const char *dir,
		struct status *st)
{
	struct figure figure = {0};
	char *name = plot_file_name(v->name, st);
	int ret = -ENOMEM;

	if (!name)
		goto out;
	ret = 0;
	if (mkdir(dir, 0777) && errno != EEXIST)
		ret = status_fail(st, EACCES, "%s: %s", dir, strerror(errno));
	populate_figure(v, &figure);
	if (!ret)
		ret = plot_write(&figure, dir, name, st);
	if (!ret)
		ret = plot_draw(dir, name, st);
out:
	free(name);
	figure_fini(&figure);
	return ret;
}

/* The file's name without folder and ending. */
static void name_table(char *name, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	snprintf(name, size, "%.*s", (int)strcspn(base, "."), base);
}

static int check(const struct cmd_call *call, struct status *st)
{
	const struct populate_values *o = call->values;

	if (call->argc != 1)
		return status_fail(st, EINVAL, "populate needs one table");
	if (!(o->hold_share >= 0 && o->hold_share <= 1))
		return status_fail(st, EINVAL, "--hold-share: 0 to 1");
	if (!(o->start_share >= 0 && o->start_share < 1))
		return status_fail(st, EINVAL,
				   "--start-share: 0 to less than 1");
	return 0;
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct populate_values *o = call->values;
	char name[64];
	struct populate_table table;
	struct populate_changes changes;
	struct populate_view v = {.name = name,
				  .table = &table,
				  .changes = o->changes ? &changes : NULL,
				  .options = {o->hold_share, o->start_share,
					      o->has_given_faults, o->seed}};
	const struct format_ops *format = format_find(o->format, st);
	int ret = format ? check(call, st) : -EINVAL;

	if (!ret)
		ret = populate_load(&table, call->argv[0], st);
	if (!ret && o->changes)
		ret = populate_changes_load(&changes, o->changes, st);
	if (ret)
		return ret;
	name_table(name, sizeof(name), call->argv[0]);
	ret = populate_view_measure(&v, pool_default_threads(), st);
	if (!ret)
		ret = print(&v, format, st);
	if (!ret && o->plot)
		ret = draw(&v, o->plot, st);
	populate_view_fini(&v);
	return ret;
}

const struct cmd cmd_populate = {
	.name = "populate",
	.summary =
		"what aging costs vCPUs that populate memory: model and table",
	.operands = " TABLE.tsv",
	.details =
		"Calibrates a closed loop (vCPUs fault pages in while one ager passes over "
		"what is\npresent) on every two rows of a published table, predicts all rows, "
		"and shows how\nfar each prediction is off.  A table is one host; "
		"doc/experiments/populate has one.",
	.opts = opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run,
};
