/* SPDX-License-Identifier: MIT */
/* kage mrc: the miss-ratio curve of a trace. */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "analysis/cmd.h"
#include "analysis/format.h"
#include "analysis/mrc.h"
#include "analysis/plot.h"
#include "analysis/queries.h"
#include "analysis/vmin.h"
#include "base/units.h"

enum {
	POINTS_MAX = 1000,
	RATE_TEXT = 32
};

struct mrc_options {
	const char *sample, *db, *format, *plot, *expand;
	uint64_t points, seed;
	bool vmin, json, plot_ascii, writes_as_accesses;
};

static const struct mrc_options presets = {.points = 20, .expand = "refuse"};

static const struct opt mrc_opts[] = {
	{"sample", 's', OPT_STRING, offsetof(struct mrc_options, sample),
	 "SHARE", "of the blocks of 64 pages, as 1/16 or 0.0625 (all)"},
	{"vmin", 'v', OPT_FLAG, offsetof(struct mrc_options, vmin), NULL,
	 "by memory on average instead: VMIN and exact working sets"},
	{"points", 'n', OPT_COUNT, offsetof(struct mrc_options, points), "N",
	 "limits, in equal parts of the most (20)"},
	{"db", 'd', OPT_STRING, offsetof(struct mrc_options, db), "FILE.db",
	 "results of policies on this trace, to put beside it"},
	{"json", 'j', OPT_FLAG, offsetof(struct mrc_options, json), NULL,
	 "as --format json"},
	{"format", 'f', OPT_STRING, offsetof(struct mrc_options, format),
	 "NAME", format_help},
	{"plot", 'p', OPT_STRING, offsetof(struct mrc_options, plot), "DIR",
	 "draw it: .gp, .dat, .svg, .png"},
	{"plot-ascii", 'a', OPT_FLAG, offsetof(struct mrc_options, plot_ascii),
	 NULL, "draw it in characters"},
	{"seed", 0, OPT_COUNT, offsetof(struct mrc_options, seed), "N",
	 "of the sample and of orders that are unknown"},
	{"expand", 0, OPT_STRING, offsetof(struct mrc_options, expand), "HOW",
	 "2M, 1G and region records as pages: refuse, all, one"},
	{"writes-as-accesses", 0, OPT_FLAG,
	 offsetof(struct mrc_options, writes_as_accesses), NULL,
	 "take a trace that saw only writes"},
	{0},
};

/* "1/16", "0.0625"; NULL: everything, which 0 stands for. */
static int parse_rate(const char *text, double *rate, struct status *st)
{
	char number[RATE_TEXT];
	double divisor = 1;
	size_t length;
	int ret;

	*rate = 0;
	if (!text)
		return 0;
	length = strcspn(text, "/");
	if (length >= sizeof(number))
		return status_fail(st, EINVAL, "--sample: '%s' is too long",
				   text);
	memcpy(number, text, length);
	number[length] = '\0';
	ret = units_parse_real(number, rate, st);
	if (!ret && text[length])
		ret = units_parse_real(text + length + 1, &divisor, st);
	if (ret)
		return ret;
	if (!(divisor > 0) || !(*rate > 0) || *rate > divisor)
		return status_fail(st, EINVAL,
				   "--sample %s: more than 0 and up to 1",
				   text);
	*rate /= divisor;
	return 0;
}

static int parse_expand(const char *text, enum engine_expand *expand,
			struct status *st)
{
	static const char *const names[] = {"refuse", "all", "one"};

	for (unsigned int i = 0; i < 3; i++) {
		if (strcmp(text, names[i]))
			continue;
		*expand = (enum engine_expand)i;
		return 0;
	}
	return status_fail(st, EINVAL,
			   "--expand: no '%s'; known: refuse all one", text);
}

static int print_table(struct table *table, const struct format_ops *format,
		       struct status *st)
{
	struct outbuf out = {0};
	int ret = -ENOMEM;

	if (table)
		ret = format->render(&out, table, st);
	if (!ret && out.error)
		ret = status_fail(st, -out.error, "out of memory");
	if (!ret)
		fwrite(out.data, 1, out.used, stdout);
	outbuf_fini(&out);
	table_free(table);
	return ret;
}

static int draw(const struct figure *figure, const char *trace,
		const char *what, const struct mrc_options *o,
		struct status *st)
{
	struct outbuf name = {0};
	char *safe = plot_file_name(trace, st);
	int ret = -ENOMEM;

	if (safe)
		outbuf_printf(&name, "%s.%s", safe, what);
	if (!safe || name.error)
		goto out;
	ret = 0;
	if (o->plot && mkdir(o->plot, 0777) && errno != EEXIST)
		ret = status_fail(st, EACCES, "%s: %s", o->plot,
				  strerror(errno));
	if (!ret && o->plot)
		ret = plot_write(figure, o->plot, name.data, st);
	if (!ret && o->plot)
		ret = plot_draw(o->plot, name.data, st);
	if (!ret && o->plot_ascii)
		ret = plot_ascii(figure, st);
out:
	free(safe);
	outbuf_fini(&name);
	return ret;
}

/* The file's name without folder and .kgt, as in results. */
static void name_trace(char *name, size_t size, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t length = strlen(base);

	if (length > 4 && !strcmp(base + length - 4, ".kgt"))
		length -= 4;
	snprintf(name, size, "%.*s", (int)length, base);
}

/* What is to be shown, and how. */
struct request {
	const char *name;
	const struct curve_trace *trace;
	const struct mrc_options *options;
	const struct format_ops *format;
	double rate;
	sqlite3 *db; /* NULL, with results: none was asked for */
	const struct results *results;
};

static int show_mrc(const struct request *r, struct status *st)
{
	struct mrc_view v = {.name = r->name,
			     .trace = r->trace,
			     .results = r->results,
			     .rate = r->rate};
	const struct mrc_options *o = r->options;
	struct figure figure = {0};
	int ret = mrc_view_measure(&v, o->points, st);

	if (!ret)
		ret = print_table(mrc_table(&v, st), r->format, st);
	if (!ret && (o->plot || o->plot_ascii)) {
		mrc_figure(&v, &figure);
		ret = draw(&figure, r->name, "mrc", o, st);
	}
	figure_fini(&figure);
	mrc_view_fini(&v);
	return ret;
}

static int show_vmin(const struct request *r, struct status *st)
{
	struct vmin_view v = {.name = r->name,
			      .trace = r->trace,
			      .db = r->db,
			      .results = r->results};
	const struct mrc_options *o = r->options;
	struct figure figure = {0};
	int ret = vmin_view_measure(&v, o->points, st);

	if (!ret)
		ret = print_table(vmin_table(&v, st), r->format, st);
	if (!ret && (o->plot || o->plot_ascii)) {
		vmin_figure(&v, &figure);
		ret = draw(&figure, r->name, "vmin", o, st);
	}
	figure_fini(&figure);
	vmin_view_fini(&v);
	return ret;
}

static int show(const struct request *r, struct status *st)
{
	return r->options->vmin ? show_vmin(r, st) : show_mrc(r, st);
}

/* With results, if any were asked for. */
static int compare(struct request *r, struct status *st)
{
	struct results results;
	int ret;

	if (!r->options->db)
		return show(r, st);
	ret = queries_open(r->options->db, &r->db, st);
	if (!ret)
		ret = results_load(&results, r->db, NULL, st);
	if (!ret) {
		r->results = &results;
		ret = show(r, st);
		results_fini(&results);
	}
	sqlite3_close(r->db);
	return ret;
}

static int check(const struct cmd_call *call, struct request *r,
		 struct engine_options *options, struct status *st)
{
	const struct mrc_options *o = call->values;
	const char *name = o->format ? o->format : o->json ? "json" : "text";
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL, "mrc needs one trace");
	if (!o->points || o->points > POINTS_MAX)
		return status_fail(st, EINVAL, "--points: 1 to %d", POINTS_MAX);
	if (o->vmin && o->sample)
		return status_fail(st, EINVAL,
				   "--vmin is exact: leave out --sample");
	*options = (struct engine_options){
		.seed = o->seed, .writes_as_accesses = o->writes_as_accesses};
	r->format = format_find(name, st);
	if (!r->format)
		return -EINVAL;
	ret = parse_rate(o->sample, &r->rate, st);
	return ret ? ret : parse_expand(o->expand, &options->expand, st);
}

static int mrc_run(const struct cmd_call *call, struct status *st)
{
	const struct mrc_options *o = call->values;
	char name[NAME_MAX + 1];
	struct engine_options options = {0};
	struct curve_trace trace = {0};
	struct request r = {.name = name, .trace = &trace, .options = o};
	int ret = check(call, &r, &options, st);

	if (ret)
		return ret;
	name_trace(name, sizeof(name), call->argv[0]);
	ret = curve_read(&trace, call->argv[0], &options, o->vmin, st);
	if (!ret)
		ret = compare(&r, st);
	curve_fini(&trace);
	return ret;
}

const struct cmd cmd_mrc = {
	.name = "mrc",
	.summary = "the miss-ratio curve of a trace: LRU at all memory limits",
	.operands = " TRACE",
	.details =
		"Exact, by reuse distances, or estimated from aligned blocks of 64 "
		"pages with a 95 %\ninterval. The limits of a results database "
		"become points, too, with what policies\ndid there. --vmin compares "
		"runs of drivers without a limit with VMIN and with exact\nworking "
		"sets of as much memory on average.",
	.opts = mrc_opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = mrc_run,
};
