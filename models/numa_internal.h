/* SPDX-License-Identifier: MIT */
/* What the files of NUMA balancing share. */
#ifndef MODELS_NUMA_INTERNAL_H
#define MODELS_NUMA_INTERNAL_H

#include "models/numa.h"

/* Move next_ns on by one period. */
void numa_set_next(struct numa *n, const struct mglru *m);

#endif
