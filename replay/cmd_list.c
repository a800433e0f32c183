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
#include "replay/cost_list.h"
#include "replay/driver.h"
#include "replay/memory.h"
#include "replay/preset.h"

struct list_values {
	const char *costs;
	bool verbose;
	bool has_rows; /* of costs: when they are asked for */
};

static const struct list_values no_options = {.verbose = false};

static const struct opt opts[] = {
	{"verbose", 'v', OPT_FLAG, offsetof(struct list_values, verbose), NULL,
	 "parameters with unit, default, range and source; every cost"},
	{"costs", 0, OPT_STRING, offsetof(struct list_values, costs),
	 "FILE.costs", "check a cost profile of your own and list it, too"},
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

static void list_memory(const struct list_values *v)
{
	puts("memory of the host (--memory key=value:key=value)");
	show(v, "memory", "how the host manages it", memory_params);
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

static void list_costs(const struct list_values *v)
{
	puts("costs (--cost PROFILE, --costs FILE), of one host each");
	cost_list_shipped(v->has_rows, v->verbose);
}

static const struct {
	const char *name;
	void (*list)(const struct list_values *v);
} lists[] = {
	{"policies", list_policies}, {"bounds", list_bounds},
	{"releases", list_releases}, {"drivers", list_drivers},
	{"mmus", list_mmus},	     {"memory", list_memory},
	{"numa", list_numa},	     {"kernels", list_kernels},
	{"costs", list_costs},
};

enum {
	NR_LISTS = sizeof(lists) / sizeof(lists[0])
};

/* Return: the index of the list called @name, or -EINVAL. */
static int find_list(const char *name, struct status *st)
{
	char known[96] = "";
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
	struct list_values v = *(const struct list_values *)call->values;
	struct cost_file own = {0};
	int ret = 0;

	v.has_rows = call->argc || v.verbose;
	for (int i = 0; i < call->argc; i++)
		if (find_list(call->argv[i], st) < 0)
			return -EINVAL;
	if (v.costs)
		ret = cost_profile_load(&own, v.costs, st);
	for (int i = 0; i < call->argc && !ret; i++)
		lists[find_list(call->argv[i], st)].list(&v);
	for (int i = 0; i < NR_LISTS && !call->argc && !v.costs; i++)
		lists[i].list(&v);
	if (v.costs && !ret)
		cost_list(&own, true, v.verbose);
	cost_file_fini(&own);
	return ret;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "policies, bounds, drivers, costs and their parameters",
	.operands =
		" [policies|bounds|releases|drivers|mmus|memory|numa|kernels|costs]...",
	.opts = opts,
	.presets = &no_options,
	.values_size = sizeof(no_options),
	.run = run,
};
