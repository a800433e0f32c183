/* SPDX-License-Identifier: MIT */
/*
 * Figures on disk and on terminals.  gnuplot is run as a program, never through a
 * shell; what it draws appears under its final name only when it is whole.
 */
#ifndef ANALYSIS_PLOT_H
#define ANALYSIS_PLOT_H

#include "analysis/figure.h"
#include "base/status.h"

/* Write <dir>/<name>.gp and .dat, from which anybody can draw the figure again. */
int plot_write(const struct figure *figure, const char *dir, const char *name,
	       struct status *st);

/* Draw <dir>/<name>.svg and .png from them.  Return: 0, -ENOPKG without gnuplot, or
 * -EIO if it fails. */
int plot_draw(const char *dir, const char *name, struct status *st);

/* Draw on stdout in characters, at most 75 columns.  Return: as plot_draw(). */
int plot_ascii(const struct figure *figure, struct status *st);

/* Run @script, which sets a terminal but no output, and replace @path by what it draws;
 * "-" is stdout.  Return: as plot_draw(). */
int plot_png(const struct outbuf *script, const char *path, struct status *st);

/* Return: a copy of @name that is safe as part of a file name, to free(); NULL
 * with @st set. */
char *plot_file_name(const char *name, struct status *st);

#endif
