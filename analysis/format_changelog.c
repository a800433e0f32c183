/* SPDX-License-Identifier: MIT */
/*
 * Plain ASCII for a commit message or a mail: at most 75 columns, so that it still
 * fits 80 when quoted.  Wide tables continue below themselves.
 */
#include "analysis/format.h"
#include "analysis/grid.h"

enum {
	CHANGELOG_COLUMNS = 75
};

static int changelog_render(struct outbuf *out, const struct table *first,
			    struct status *st)
{
	return grid_render(out, first, CHANGELOG_COLUMNS, st);
}

const struct format_ops format_changelog = {
	.summary = "ASCII of at most 75 columns for changelogs and mail",
	.render = changelog_render,
};
