/* SPDX-License-Identifier: MIT */
/* kage report: tables and figures from a results database. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/cmd.h"
#include "analysis/figure.h"
#include "analysis/format.h"
#include "analysis/plot.h"
#include "analysis/queries.h"
#include "analysis/report.h"
#include "analysis/results.h"

struct report_options {
	const char *trace;
	const char *format;
	const char *plot;
	bool changelog, accuracy, sensitivity, time;
	bool plot_ascii;
};

static const struct opt report_opts[] = {
	{"trace", 't', OPT_STRING, offsetof(struct report_options, trace),
	 "NAME", "only this trace"},
	{"changelog", 'c', OPT_FLAG, offsetof(struct report_options, changelog),
	 NULL, "a table to paste: ASCII, at most 75 columns"},
	{"accuracy", 'A', OPT_FLAG, offsetof(struct report_options, accuracy),
	 NULL, "how right decisions were, and the ages behind them"},
	{"sensitivity", 'S', OPT_FLAG,
	 offsetof(struct report_options, sensitivity), NULL,
	 "whether other costs would rank the policies otherwise"},
	{"time", 'T', OPT_FLAG, offsetof(struct report_options, time), NULL,
	 "stalls, passes and locks, of runs replayed with --time"},
	{"format", 'f', OPT_STRING, offsetof(struct report_options, format),
	 "NAME", format_help},
	{"plot", 'p', OPT_STRING, offsetof(struct report_options, plot), "DIR",
	 "write figures: .gp, .dat, .svg, .png; list them"},
	{"plot-ascii", 'a', OPT_FLAG,
	 offsetof(struct report_options, plot_ascii), NULL,
	 "draw refaults by memory limit in characters"},
	{0},
};

static struct table *make_tables(sqlite3 *db, const struct results *results,
				 const struct report_options *options,
				 struct status *st)
{
	if (options->accuracy)
		return report_accuracy(db, results, st);
	if (options->time)
		return report_time(db, results, st);
	if (options->sensitivity)
		return report_sensitivity(db, results, st);
	return options->changelog ? report_changelog(results, st)
				  : report_full(results, st);
}

static int print_tables(sqlite3 *db, const struct results *results,
			const struct report_options *options,
			const struct format_ops *format, struct status *st)
{
	return format_print(format, make_tables(db, results, options, st), st);
}

/* Return: the scene of the next setup, taken off @rest; no runs at the end. */
static struct scene next_scene(sqlite3 *db, const struct results *results,
			       struct slice *rest)
{
	struct scene scene = {.db = db, .results = results};

	scene.setup = slice_take(rest, SLICE_SETUP);
	scene.middle = slice_middle_limit(scene.setup);
	return scene;
}

/* Return: 1 if drawn, 0 if skipped with a message, or -errno. */
static int draw(const struct scene *scene, const struct figure_entry *entry,
		struct figure *figure, struct status *st)
{
	struct status why = {""};
	int ret = entry->ops->draw(figure, scene, &why);

	if (!ret)
		return 1;
	if (ret != -ENODATA)
		return status_fail(st, -ret, "%s", why.message);
	fprintf(stderr, "kage: %s: no figure '%s': %s\n",
		run_text(scene->setup.runs, RUN_trace), entry->name,
		why.message);
	return 0;
}

/* Where the figures of one scene go. */
struct target {
	const char *dir;
	const char *stem; /* of file names */
	bool has_gnuplot;
	bool is_listed; /* files are named on stdout */
};

static void list_files(const struct target *target, const char *name)
{
	static const char *const kinds[] = {"gp", "dat", "svg", "png"};

	for (size_t i = 0; target->is_listed && i < 4; i++)
		if (i < 2 || target->has_gnuplot)
			printf("%s/%s.%s\n", target->dir, name, kinds[i]);
}

static int plot_figure(const struct scene *scene,
		       const struct figure_entry *entry, struct target *target,
		       struct status *st)
{
	struct figure figure = {0};
	struct outbuf name = {0};
	int ret = draw(scene, entry, &figure, st);

	if (ret <= 0)
		goto out_fini;
	outbuf_printf(&name, "%s.%s", target->stem, entry->name);
	ret = name.error;
	if (!ret)
		ret = plot_write(&figure, target->dir, name.data, st);
	if (!ret && target->has_gnuplot)
		ret = plot_draw(target->dir, name.data, st);
	if (ret == -ENOPKG) {
		target->has_gnuplot = false;
		ret = 0;
	}
	if (!ret)
		list_files(target, name.data);
out_fini:
	outbuf_fini(&name);
	figure_fini(&figure);
	return ret;
}

/* A number is added to all but the first scene of a trace name; "+" is in no stem
 * otherwise. */
static int plot_scene(const struct scene *scene, struct target *target,
		      unsigned int number, struct status *st)
{
	char *safe = plot_file_name(run_text(scene->setup.runs, RUN_trace), st);
	struct outbuf stem = {0};
	int ret;

	if (!safe)
		return -ENOMEM;
	outbuf_printf(&stem, number > 1 ? "%s+%u" : "%s", safe, number);
	ret = stem.error;
	target->stem = stem.data;
	for (const struct figure_entry *f = figures; f->name && !ret; f++)
		ret = plot_figure(scene, f, target, st);
	target->stem = NULL;
	outbuf_fini(&stem);
	free(safe);
	return ret;
}

static int plot_all(sqlite3 *db, const struct results *results,
		    struct target *target, struct status *st)
{
	const char *dir = target->dir;
	struct slice rest = results_all(results);
	const char *previous = "";
	unsigned int number = 0;
	int ret = 0;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return status_fail(st, EACCES, "%s: %s", dir, strerror(errno));
	while (!ret && rest.count) {
		struct scene scene = next_scene(db, results, &rest);
		const char *trace = run_text(scene.setup.runs, RUN_trace);

		number = strcmp(trace, previous) ? 1 : number + 1;
		previous = trace;
		ret = plot_scene(&scene, target, number, st);
	}
	if (!ret && !target->has_gnuplot)
		ret = status_fail(st, ENOPKG,
				  "gnuplot is not installed (apt-get install "
				  "gnuplot-nox): %s has only .gp and .dat",
				  dir);
	return ret;
}

static int plot_characters(sqlite3 *db, const struct results *results,
			   struct status *st)
{
	static const struct figure_entry entry = {"limits", &figure_limits};
	struct slice rest = results_all(results);
	int ret = 0;

	while (ret >= 0 && rest.count) {
		struct scene scene = next_scene(db, results, &rest);
		struct figure figure = {0};

		ret = draw(&scene, &entry, &figure, st);
		if (ret > 0) {
			putchar('\n');
			ret = plot_ascii(&figure, st);
		}
		figure_fini(&figure);
	}
	return ret;
}

static int report(sqlite3 *db, const struct report_options *options,
		  const struct format_ops *format, struct status *st)
{
	/* Asked for figures only, tables are not what one wants to read. */
	bool has_tables = !options->plot || options->changelog ||
			  options->accuracy || options->sensitivity ||
			  options->time || options->format;
	struct target target = {.dir = options->plot,
				.has_gnuplot = true,
				.is_listed = !has_tables};
	struct results results;
	int ret = results_load(&results, db, options->trace, st);

	if (ret)
		return ret;
	if (!results.run_count && (options->plot || options->plot_ascii))
		ret = status_fail(st, ENOENT,
				  "no runs to draw (kage replay makes them)");
	if (!ret && has_tables)
		ret = print_tables(db, &results, options, format, st);
	if (!ret && options->plot_ascii)
		ret = plot_characters(db, &results, st);
	if (!ret && options->plot)
		ret = plot_all(db, &results, &target, st);
	results_fini(&results);
	return ret;
}

static int report_run(const struct cmd_call *call, struct status *st)
{
	const struct report_options *options = call->values;
	const char *name = options->format;
	const struct format_ops *format;
	sqlite3 *db = NULL;
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL,
				   "report needs one results database");
	if ((options->sensitivity || options->time) &&
	    (options->changelog || options->accuracy ||
	     options->sensitivity == options->time))
		return status_fail(st, EINVAL,
				   "report: --%s is a report of its own",
				   options->time ? "time" : "sensitivity");
	if (!name)
		name = options->changelog ? "changelog" : "text";
	format = format_find(name, st);
	if (!format)
		return -EINVAL;
	ret = queries_open(call->argv[0], &db, st);
	if (!ret)
		ret = report(db, options, format, st);
	sqlite3_close(db);
	return ret;
}

const struct cmd cmd_report = {
	.name = "report",
	.summary = "tables and figures from a results database",
	.operands = " DB",
	.details =
		"Prints what each policy did at each memory limit of each trace: "
		"decisions,\ntheir distance to the bounds, and the work they took. "
		"A number that is not known\nis shown as missing, never as zero.\n"
		"What kage validate -o stored follows: how well models agreed with kernels.  A run is\n"
		"judged by a kernel that found its policy, with these parameters and this code,\n"
		"within the tolerance in some scenario; else it is unjudged.\n"
		"With --accuracy: refaults beyond opt's, wrong evictions, pages "
		"evicted of those\nscanned, and, of runs replayed with "
		"--accuracy, how far ages are from the truth.\n"
		"With --sensitivity: each cost at 1/2 and at 2x, and where the "
		"ranking by price\nchanges (doc/costs.md).\n"
		"With --time: what stalls cost vCPUs and who waited for which lock, of runs\nreplayed "
		"with --time.\n"
		"With --plot the files are listed instead, unless --changelog or "
		"--format asks\nfor tables too.",
	.opts = report_opts,
	.values_size = sizeof(struct report_options),
	.run = report_run,
};
