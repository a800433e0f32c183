/* SPDX-License-Identifier: MIT */
/* Passes of agers: jobs that count as one, and how long all of it took. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "replay/timeline_internal.h"

struct pass *timeline_pass(struct timeline *t)
{
	struct pass *pass = kage_calloc(1, sizeof(*pass), NULL);

	if (!pass) {
		t->error = -ENOMEM;
		return NULL;
	}
	pass->next = t->passes;
	t->passes = pass;
	return pass;
}

static void free_pass(struct timeline *t, struct pass *pass)
{
	struct pass **at = &t->passes;

	while (*at != pass)
		at = &(*at)->next;
	*at = pass->next;
	free(pass);
}

void timeline_pass_done(struct timeline *t, struct pass *pass)
{
	if (--pass->left || !pass->is_closed)
		return;
	if (pass->took_ns)
		hist_add(&t->result.pass, pass->took_ns);
	free_pass(t, pass);
}

void timeline_free_passes(struct timeline *t)
{
	while (t->passes)
		free_pass(t, t->passes);
}
