/* SPDX-License-Identifier: MIT */
/* What a lane counts; the list itself is counters.def. */
#ifndef MODELS_COUNTERS_H
#define MODELS_COUNTERS_H

#include <stdint.h>

enum counter {
#define COUNTER(name, unit, meaning) COUNT_##name,
#include "models/counters.def"
#undef COUNTER
	NR_COUNTERS
};

struct counters {
	uint64_t n[NR_COUNTERS];
};

struct counter_info {
	const char *name, *unit, *meaning;
};

extern const struct counter_info counter_info[NR_COUNTERS];

#endif
