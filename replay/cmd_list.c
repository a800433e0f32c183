/* SPDX-License-Identifier: MIT */
/* kage list: what can be named on the command line of kage replay. */
#include <stdio.h>

#include "models/bounds.h"
#include "models/mglru.h"
#include "models/policy.h"
#include "replay/cmd.h"
#include "replay/driver.h"
#include "replay/preset.h"

static void show(const char *name, const char *summary,
		 const struct param_spec *params)
{
	printf("  %-10s %s\n", name, summary);
	param_help(params, stdout);
}

static int run(const struct cmd_call *call, struct status *st)
{
	(void)call;
	(void)st;
	puts("policies (--policy NAME:key=value:key=value,...)");
	for (const struct policy_entry *e = policies; e->name; e++)
		show(e->name, e->ops->summary, e->ops->params);
	puts("bounds (--policy; with --driver limit)");
	for (const struct bound_entry *e = bounds; e->name; e++)
		show(e->name, e->ops->summary, NULL);
	puts("released kernels (--policy NAME), with their MGLRU");
	for (const struct preset *p = presets; p->kernel; p++)
		show(p->name, p->policy, NULL);
	puts("drivers (--driver NAME:key=value; script:FILE)");
	for (const struct driver_entry *e = drivers; e->name; e++)
		show(e->name, e->ops->summary, e->ops->params);
	puts("secondary MMUs (--mmu)");
	for (const struct mmu_entry *e = mmu_kinds; e->name; e++)
		show(e->name, e->ops->summary, NULL);
	puts("kernels (--kernel)");
	for (size_t i = 0; mglru_versions[i]; i++)
		show(mglru_versions[i]->name, "MGLRU of this release", NULL);
	return 0;
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "the policies, bounds, drivers and their parameters",
	.run = run,
};
