/* SPDX-License-Identifier: MIT */
/* Columns of text for a terminal, as wide as the table wants to be. */
#include "analysis/format.h"
#include "analysis/grid.h"

static int text_render(struct outbuf *out, const struct table *first,
		       struct status *st)
{
	return grid_render(out, first, 0, st);
}

const struct format_ops format_text = {
	.summary = "aligned columns for a terminal",
	.render = text_render,
};
