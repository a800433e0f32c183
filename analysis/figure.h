/* SPDX-License-Identifier: MIT */
/*
 * Figures: pure functions from runs to gnuplot commands and their data.  They never
 * open a file and never start gnuplot; plot.h does.
 */
#ifndef ANALYSIS_FIGURE_H
#define ANALYSIS_FIGURE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "analysis/results.h"
#include "base/outbuf.h"
#include "base/status.h"

/* What a figure shows: the runs of one trace and setup. */
struct scene {
	sqlite3 *db;
	const struct results *results; /* for the series and their looks */
	struct slice setup;	       /* all limits */
	struct slice middle;	       /* those at the middle limit */
};

struct figure {
	/* Commands.  The string variable `data` names the file that holds .data;
	 * terminal and output are set, and text is not enhanced. */
	struct outbuf commands;
	struct outbuf
		data; /* blocks with two empty lines between: index 0, 1.. */
	/* Whose each block is; the array is owned, the runs are borrowed. */
	const struct run **blocks;
	size_t block_count, block_capacity;
};

struct figure_ops {
	const char *summary; /* one line for lists */
	/* Fill the empty figure.  Running out of memory may be left in its
	 * buffers.  Return: 0, -ENODATA with the reason in @st if the runs do not
	 * have what it takes, or -errno. */
	int (*draw)(struct figure *figure, const struct scene *scene,
		    struct status *st);
};

struct figure_entry {
	const char *name;
	const struct figure_ops *ops;
};

#define ENTRY(name) extern const struct figure_ops figure_##name;
#include "analysis/figures.def"
#undef ENTRY

/* All of them; ends with a NULL name. */
extern const struct figure_entry figures[];

void figure_fini(struct figure *figure);

/* Append @text as a gnuplot string: quoted, and without effect beyond it. */
void figure_quote(struct outbuf *out, const char *text);
/* Append @command and a title of two lines: trace, @what, limit of @run or nothing;
 * whose MGLRU, and the driver unless it is the usual one. */
void figure_title(struct figure *figure, const char *command,
		  const struct run *run, const char *what, bool has_limit);
/* Start a block of data for @run. */
void figure_block(struct figure *figure, const struct run *run);
/* Give every run of the middle limit that has rows under @sql a block with them.
 * Return: 0, -ENODATA with @reason if there are no rows at all, or -errno. */
int figure_query(struct figure *figure, const struct scene *scene,
		 const char *sql, const char *reason, struct status *st);
/* Put the legend below the figure: rows as the labels of all blocks need.  The gnuplot
 * variable `legend` is then the height it takes, as a share of the figure's. */
void figure_legend(struct figure *figure);

/* Two panels over one time axis: the upper one, with legend and the title @text, then
 * the lower one; "unset multiplot" ends them. */
void figure_upper_panel(struct figure *figure, const struct scene *scene,
			const char *text, const char *ylabel);
void figure_lower_panel(struct figure *figure, const char *ylabel);
/* Append a plot command with one line per block, in the look of its policy. */
void figure_lines(struct figure *figure, const struct scene *scene,
		  const char *how, bool is_named);

#endif
