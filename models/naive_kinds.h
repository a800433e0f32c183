/* SPDX-License-Identifier: MIT */
/*
 * The kinds of secondary MMU as the kernel source has them, written beside the model
 * and not from it: what parameters and release should come to.  Tests only.
 */
#ifndef MODELS_NAIVE_KINDS_H
#define MODELS_NAIVE_KINDS_H

#include "models/naive_mglru.h"

struct naive_kind_case {
	const char *name, *params, *kernel;
	uint64_t nested_share; /* percent */
	struct naive_kind is;
};

extern const struct naive_kind_case naive_kinds[]; /* ends with a NULL name */

#endif
