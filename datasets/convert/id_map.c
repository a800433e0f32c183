/* SPDX-License-Identifier: MIT */
/* Ids to values; see id_map.h. */
#include "datasets/convert/id_map.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"

enum {
	FIRST_SIZE = 1 << 10
};

void id_map_fini(struct id_map *map)
{
	free(map->cells);
	*map = (struct id_map){0};
}

static struct id_cell *find(const struct id_map *map, uint64_t id)
{
	size_t mask = map->size - 1, i = rng_mix(id) & mask;

	while (map->cells[i].is_used && map->cells[i].id != id)
		i = (i + 1) & mask;
	return &map->cells[i];
}

/* At most half of the cells are in use. */
static int grow(struct id_map *map, struct status *st)
{
	size_t size = map->size ? 2 * map->size : FIRST_SIZE;
	struct id_map larger = {.size = size, .n = map->n};

	larger.cells = kage_calloc(size, sizeof(*larger.cells), st);
	if (!larger.cells)
		return -1;
	for (size_t i = 0; i < map->size; i++)
		if (map->cells[i].is_used)
			*find(&larger, map->cells[i].id) = map->cells[i];
	free(map->cells);
	*map = larger;
	return 0;
}

uint64_t *id_map_at(struct id_map *map, uint64_t id, uint64_t preset,
		    struct status *st)
{
	struct id_cell *cell;

	if (2 * (map->n + 1) > map->size && grow(map, st))
		return NULL;
	cell = find(map, id);
	if (!cell->is_used) {
		*cell = (struct id_cell){id, preset, 1};
		map->n++;
	}
	return &cell->value;
}
