/* SPDX-License-Identifier: MIT */
/* Parts of epochs; see whole.h. */
#include "datasets/trace/whole.h"

#include <stdlib.h>

#include "base/alloc.h"

int whole_add(struct whole *w, const struct trace_block *part,
	      struct status *st)
{
	int ret = 0;

	if (!part->first_rank)
		w->n = 0;
	for (size_t i = 0; i < part->nr_runs && !ret; i++) {
		ret = kage_grow(&w->runs, &w->capacity, w->n, sizeof(*w->runs),
				st);
		if (!ret)
			w->runs[w->n++] = part->runs[i];
	}
	return ret ? ret : part->is_last_part;
}

void whole_fini(struct whole *w)
{
	free(w->runs);
	*w = (struct whole){0};
}
