/* SPDX-License-Identifier: MIT */
/* The kernels whose MGLRU is modelled; what differs between them is in mglru.h. */
#include <string.h>

#include "models/mglru_internal.h"

const struct mglru_version *const mglru_versions[] = {&mglru_6_1, &mglru_6_12,
						      &mglru_7_2, NULL};

const struct mglru_version *mglru_version_find(const char *name)
{
	for (size_t i = 0; mglru_versions[i]; i++)
		if (!strcmp(mglru_versions[i]->name, name))
			return mglru_versions[i];
	return NULL;
}
