/* SPDX-License-Identifier: MIT */
/* The registry of policies. */
#include "models/policy.h"

#include <string.h>

#define ENTRY(id, name) extern const struct policy_ops policy_##id;
#include "models/policies.def"
#undef ENTRY

const struct policy_entry policies[] = {
#define ENTRY(id, name) {name, &policy_##id},
#include "models/policies.def"
#undef ENTRY
	{NULL, NULL},
};

const struct policy_entry *policy_find(const char *name)
{
	for (const struct policy_entry *e = policies; e->name; e++)
		if (!strcmp(e->name, name))
			return e;
	return NULL;
}
