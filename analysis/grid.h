/* SPDX-License-Identifier: MIT */
/* Tables as monospaced text. */
#ifndef ANALYSIS_GRID_H
#define ANALYSIS_GRID_H

#include <stddef.h>

#include "analysis/table.h"
#include "base/outbuf.h"
#include "base/status.h"

/**
 * grid_render - append a document as monospaced text
 * @columns: at most this many per line, and ASCII only; 0: no limit
 *
 * A table that is too wide is cut between columns and continues below, with its
 * first column repeated.  Return: 0 or -errno with @st set.
 */
int grid_render(struct outbuf *out, const struct table *first, size_t columns,
		struct status *st);

#endif
