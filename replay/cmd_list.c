/* SPDX-License-Identifier: MIT */
/* kage list: what can be named on the command line of kage replay. */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "models/bounds.h"
#include "models/mglru.h"
#include "models/numa.h"
#include "models/policy.h"
#include "replay/cmd.h"
#include "replay/driver.h"
#include "replay/preset.h"

struct list_values {
	bool verbose;
};

static const struct list_values no_options = {.verbose = false};

static const struct opt opts[] = {
	{"verbose", 'v', OPT_FLAG, offsetof(struct list_values, verbose), NULL,
	 "parameters with unit, default, range and source"},
	{0},
};

static void show(const struct list_values *v, const char *name,
		 const char *summary, const struct param_spec *params)
{
	printf("  %-10s %s\n", name, summary);
	if (v->verbose)
		param_explain(params, stdout);
	else
		param_help(params, stdout);
}

static void list_policies(const struct list_values *v)
{
	puts("policies (--policy NAME:key=value:key=value,...)");
	for (const struct policy_entry *e = policies; e->name; e++)
		show(v, e->name, e->ops->summary, e->ops->params);
}

static void list_bounds(const struct list_values *v)
{
	puts("bounds (--policy; with --driver limit)");
	for (const struct bound_entry *e = bounds; e->name; e++)
		show(v, e->name, e->ops->summary, NULL);
}

static void list_releases(const struct list_values *v)
{
	puts("released kernels (--policy NAME), with their MGLRU");
	for (const struct preset *p = presets; p->kernel; p++)
		show(v, p->name, p->policy, NULL);
}

static void list_drivers(const struct list_values *v)
{
	puts("drivers (--driver NAME:key=value; script:FILE)");
	for (const struct driver_entry *e = drivers; e->name; e++)
		show(v, e->name, e->ops->summary, e->ops->params);
}

static void list_mmus(const struct list_values *v)
{
	puts("secondary MMUs (--mmu NAME:key=value:key=value)");
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++)
		show(v, e->name, e->ops->summary, e->ops->params);
}

static void list_numa(const struct list_values *v)
{
	puts("NUMA balancing (--numa MODE:key=value:key=value)");
	for (const struct numa_mode_info *m = numa_modes; m->name; m++)
		show(v, m->name, m->summary,
		     m->mode == NUMA_PRECISE ? numa_specs : NULL);
}

static void list_kernels(const struct list_values *v)
{
	puts("kernels (--kernel)");
	for (size_t i = 0; mglru_versions[i]; i++)
		show(v, mglru_versions[i]->name, "MGLRU of this release", NULL);
}

static const struct {
	const char *name;
	void (*list)(const struct list_values *v);
} lists[] = {
	{"policies", list_policies}, {"bounds", list_bounds},
	{"releases", list_releases}, {"drivers", list_drivers},
	{"mmus", list_mmus},	     {"numa", list_numa},
	{"kernels", list_kernels},
};

enum {
	NR_LISTS = sizeof(lists) / sizeof(lists[0])
};

/* Return: the index of the list called @name, or -EINVAL. */
static int find_list(const char *name, struct status *st)
{
	char known[64] = "";
	size_t used = 0;

	for (int i = 0; i < NR_LISTS; i++) {
		if (!strcmp(lists[i].name, name))
			return i;
		used += (size_t)snprintf(known + used, sizeof(known) - used,
					 " %s", lists[i].name);
	}
	return status_fail(st, EINVAL, "list: no '%s'; known:%s", name, known);
}

static int run(const struct cmd_call *call, struct status *st)
{
	for (int i = 0; i < call->argc; i++)
		if (find_list(call->argv[i], st) < 0)
			return -EINVAL;
	for (int i = 0; i < call->argc; i++)
		lists[find_list(call->argv[i], st)].list(call->values);
	for (int i = 0; i < NR_LISTS && !call->argc; i++)
		lists[i].list(call->values);
	return 0;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "the policies, bounds, drivers and their parameters",
	.operands = " [policies|bounds|releases|drivers|mmus|numa|kernels]...",
	.opts = opts,
	.presets = &no_options,
	.values_size = sizeof(no_options),
	.run = run,
};
