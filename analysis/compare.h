/* SPDX-License-Identifier: MIT */
/* What has to be said of runs side by side: prices that leave out different work, and
 * policies that cannot differ on this MMU. */
#ifndef ANALYSIS_COMPARE_H
#define ANALYSIS_COMPARE_H

#include "analysis/results.h"

/* Set run.is_price_apart and run.is_alike.  Runs have to be in order. */
void compare_find(struct results *results);

#endif
