/* SPDX-License-Identifier: MIT */
/* From words to what plan and engine take; see words.h. */
#include "replay/words.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct plan_request replay_words_request(const struct replay_words *w)
{
	return (struct plan_request){
		.policies = w->policy,
		.limits = w->limit,
		.kernel = w->kernel,
		.mmu = w->mmu,
		.memory = w->memory,
		.swappiness = w->swappiness,
		.is_thp = w->thp,
		.numa = w->numa,
		.chunk = w->chunk,
		.driver = w->driver,
		.pace_ns = w->pace,
		.wrong_window_ns = w->window,
	};
}

static int choose(const char *what, const char *text, const char *const *names,
		  unsigned int *chosen, struct status *st)
{
	char known[64] = "";
	size_t used = 0;

	for (*chosen = 0; names[*chosen]; ++*chosen) {
		if (!strcmp(names[*chosen], text))
			return 0;
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 " %s", names[*chosen]);
	}
	return status_fail(st, EINVAL, "--%s: no '%s'; known:%s", what, text,
			   known);
}

int replay_words_options(const struct replay_words *w,
			 struct engine_options *options, struct status *st)
{
	static const char *const expands[] = {"refuse", "all", "one", NULL};
	static const char *const rules[] = {"once", "hold", NULL};
	unsigned int expand, rule;
	int ret = choose("expand", w->expand, expands, &expand, st);

	if (!ret)
		ret = choose("epoch", w->epoch, rules, &rule, st);
	if (ret)
		return ret;
	if (w->ns_per_tick && (w->ns_per_tick < 1e-3 || w->ns_per_tick > 1e6))
		return status_fail(st, EINVAL, "--ns-per-tick: 0.001 to 1e6");
	*options = (struct engine_options){
		.seed = w->seed,
		.ps_per_tick = (uint32_t)lround(w->ns_per_tick * 1000),
		.writes_as_accesses = w->writes_as_accesses,
		.holds_epochs = rule == 1,
		.expand = (enum engine_expand)expand,
	};
	return 0;
}
