/* SPDX-License-Identifier: MIT */
/* Cost profiles on standard output, for kage list. */
#ifndef REPLAY_COST_LIST_H
#define REPLAY_COST_LIST_H

#include "replay/cost_profile.h"

/* A profile and its host; a line for each of its rows, if there are to be any; and for
 * each of these what it is of, its unit, source and way. */
void cost_list(const struct cost_file *file, bool has_rows, bool has_facts);

/* The same of all that kage has. */
void cost_list_shipped(bool has_rows, bool has_facts);

#endif
