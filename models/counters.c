/* SPDX-License-Identifier: MIT */
/* The names, units and meanings of the counters, from counters.def. */
#include "models/counters.h"

const struct counter_info counter_info[NR_COUNTERS] = {
#define COUNTER(name, unit, meaning) {#name, unit, meaning},
#include "models/counters.def"
#undef COUNTER
};
