/* SPDX-License-Identifier: MIT */
/* From 64-bit ids to 64-bit values: a hash table that grows. */
#ifndef DATASETS_ID_MAP_H
#define DATASETS_ID_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct id_cell {
	uint64_t id, value;
	uint64_t is_used;
};

struct id_map {
	struct id_cell *cells; /* zeroed: empty */
	size_t size, n;
};

/* The value of @id; a new one gets @preset.  Return: NULL with @st set for want of
 * memory; valid until the next call. */
uint64_t *id_map_at(struct id_map *map, uint64_t id, uint64_t preset,
		    struct status *st);
void id_map_fini(struct id_map *map);

#endif
