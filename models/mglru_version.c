/* SPDX-License-Identifier: MIT */
/* The kernels whose MGLRU is modelled, and what differs between them. */
#include <string.h>

#include "models/mglru.h"

const struct mglru_version mglru_versions[] = {
	{
		.name = "6.12",
		.fault_gens_back = 0,
		.rejected_gens_back = 0,
		.tier_gain = {1, 2},
		.has_size_heuristic = true,
		.lru_batch = 31,
	},
	{.name = NULL},
};

const struct mglru_version *mglru_version_find(const char *name)
{
	for (const struct mglru_version *v = mglru_versions; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}
