/* SPDX-License-Identifier: MIT */
/* `kage trace heat`: a trace as a picture of gfn against time. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "analysis/cmd.h"
#include "analysis/heat_plot.h"
#include "analysis/plot.h"
#include "datasets/cmd_trace.h"

enum {
	TEXT_ROWS = 24,
	TEXT_COLUMNS = 64, /* where there is no terminal to ask */
	TEXT_MARGIN = 12,  /* of labels */
	IMAGE_ROWS = 160,
	IMAGE_COLUMNS = 320,
};

struct heat_options {
	uint64_t rows, columns;
	const char *output;
	bool ascii;
	bool partial;
};

static size_t terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) ||
	    size.ws_col < 2 * TEXT_MARGIN)
		return TEXT_COLUMNS;
	return size.ws_col - TEXT_MARGIN;
}

static int check_options(const struct heat_options *o, struct status *st)
{
	if (o->output && o->ascii)
		return status_fail(st, EINVAL,
				   "--ascii and --output exclude each other");
	if (o->rows > HEAT_ROWS_MAX || o->columns > HEAT_COLUMNS_MAX)
		return status_fail(st, EINVAL, "at most %d rows and %d columns",
				   HEAT_ROWS_MAX, HEAT_COLUMNS_MAX);
	return 0;
}

/* The range of time must be known before the first record.  Read once for it if the
 * file does not say. */
static int find_totals(struct trace_reader *reader, struct trace_totals *totals,
		       struct status *st)
{
	const struct trace_totals *known = trace_reader_totals(reader);
	struct trace_block block;
	int ret = 0;

	if (!known) {
		do
			ret = trace_reader_next(reader, &block, st);
		while (ret > 0);
		known = trace_reader_totals(reader);
	}
	if (ret)
		return ret;
	*totals = *known;
	return trace_reader_rewind(reader, st);
}

/* Columns that are narrower than the folds of a stream would show gaps that the guest
 * did not make. */
static size_t widest(size_t columns, const struct trace_meta *meta,
		     const struct trace_totals *totals)
{
	json_t *details = json_loads(meta->details, 0, NULL);
	json_int_t fold =
		json_integer_value(json_object_get(details, "fold_ticks"));
	uint64_t folds = 0;

	if (fold > 0)
		folds = (totals->last_time - totals->first_time) /
			(uint64_t)fold;
	json_decref(details);
	return folds && folds < columns ? (size_t)folds : columns;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int draw(const struct heat *heat, const struct heat_scale *scale,
		const char *path, struct status *st)
{
	struct outbuf script = {0};
	int ret;

	heat_script(&script, heat, scale);
	ret = plot_png(&script, path, st);
	outbuf_fini(&script);
	return ret;
}

static int show(const struct heat *heat, const struct trace_meta *meta,
		const struct heat_options *o, const char *path,
		struct status *st)
{
	struct heat_scale scale;
	char title[HEAT_TEXT];

	snprintf(title, sizeof(title), "%.80s: %s by guest-physical address",
		 base_name(path),
		 heat->is_written ? "pages written" : "pages accessed");
	for (char *c = title; *c; c++)
		*c = iscntrl((unsigned char)*c) ? '?' : *c;
	scale = heat_scale_of(heat, meta, title);
	if (o->output)
		return draw(heat, &scale, o->output, st);
	heat_print(heat, &scale,
		   o->ascii		   ? HEAT_ASCII
		   : isatty(STDOUT_FILENO) ? HEAT_COLOUR
					   : HEAT_SHADES);
	return 0;
}

static int heat_run(const struct cmd_call *call, struct status *st)
{
	const struct heat_options *o = call->values;
	size_t rows = o->output ? IMAGE_ROWS : TEXT_ROWS;
	size_t columns = o->output ? IMAGE_COLUMNS : terminal_columns();
	struct trace_reader *reader = NULL;
	struct trace_totals totals;
	struct heat heat = {0};
	int ret = check_options(o, st);

	if (!ret)
		ret = cmd_trace_open(&reader, call,
				     o->partial ? TRACE_OPEN_PARTIAL : 0, st);
	if (!ret)
		ret = find_totals(reader, &totals, st);
	if (!ret)
		ret = heat_trace(&heat, reader, &totals,
				 o->rows ? o->rows : rows,
				 widest(o->columns ? o->columns : columns,
					trace_reader_meta(reader), &totals),
				 st);
	if (!ret)
		ret = show(&heat, trace_reader_meta(reader), o, call->argv[0],
			   st);
	if (!ret)
		cmd_trace_warn_partial(reader, call->argv[0]);
	heat_fini(&heat);
	trace_reader_close(reader);
	return ret;
}

static const struct opt heat_opts[] = {
	{"output", 'o', OPT_STRING, offsetof(struct heat_options, output),
	 "FILE.png", "draw a PNG (needs gnuplot) instead of characters"},
	{"rows", 'r', OPT_COUNT, offsetof(struct heat_options, rows), "N",
	 "cells by address, about (24; 160 in a PNG)"},
	{"columns", 'c', OPT_COUNT, offsetof(struct heat_options, columns), "N",
	 "cells by time (as the terminal has room; 320 in a PNG)"},
	{"ascii", 0, OPT_FLAG, offsetof(struct heat_options, ascii), NULL,
	 "plain ASCII, without colour"},
	{"partial", 0, OPT_FLAG, offsetof(struct heat_options, partial), NULL,
	 "read an unfinished or damaged file as far as it is whole"},
	{.name = NULL},
};

const struct cmd cmd_trace_heat = {
	.name = "heat",
	.summary = "draw page addresses against time",
	.operands = " TRACE",
	.details =
		"A cell shows which share of its pages the guest accessed in its "
		"time (wrote, where only\nwrites were seen).  What was not "
		"observed is left blank, in a PNG grey.  Large holes\nbetween "
		"memslots are left out and marked.",
	.opts = heat_opts,
	.values_size = sizeof(struct heat_options),
	.run = heat_run,
};
