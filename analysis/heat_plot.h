/* SPDX-License-Identifier: MIT */
/* A grid of heat as a gnuplot script; plot.h runs it. */
#ifndef ANALYSIS_HEAT_PLOT_H
#define ANALYSIS_HEAT_PLOT_H

#include "analysis/heat_text.h"
#include "base/outbuf.h"

/* Append commands and data.  Running out of memory is left in @out. */
void heat_script(struct outbuf *out, const struct heat *heat,
		 const struct heat_scale *scale);

#endif
