/* SPDX-License-Identifier: MIT */
/* The monitor's view of guest RAM; see guest_map.h. */
#include "capture/guest/guest_map.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/qemu/qemu_view.h"

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end ? end + 1 : NULL;
}

static uint64_t displacement(const struct guest_map_slot *slot)
{
	return slot->gfn - slot->page;
}

static int add_piece(struct guest_map *map, const struct qemu_piece *piece,
		     struct status *st)
{
	const struct guest_map_slot slot = {
		.gfn = piece->gpa / TRACE_PAGE_BYTES,
		.page = piece->offset / TRACE_PAGE_BYTES,
		.npages = piece->bytes / TRACE_PAGE_BYTES,
	};
	struct guest_map_slot *last = &map->slots[map->nr_slots - 1];

	if (map->nr_slots && displacement(last) == displacement(&slot)) {
		last->npages = slot.gfn + slot.npages - last->gfn;
		return 0;
	}
	if (map->nr_slots == GUEST_MAP_SLOTS)
		return status_fail(st, EPROTO,
				   "guest RAM lies in more than %d places",
				   GUEST_MAP_SLOTS);
	map->slots[map->nr_slots++] = slot;
	return 0;
}

static int parse_mtree(struct guest_map *map, const char *mtree,
		       struct status *st)
{
	struct qemu_view view;
	int ret = qemu_view_parse(&view, mtree, st);

	for (size_t i = 0; !ret && i < view.nr; i++)
		if (!strcmp(view.pieces[i].block, map->block))
			ret = add_piece(map, &view.pieces[i], st);
	qemu_view_fini(&view);
	if (!ret && !map->nr_slots)
		ret = status_fail(st, EPROTO,
				  "QEMU's 'info mtree -f' does not show %s",
				  map->block);
	return ret;
}

/* "  pc.ram    4 KiB  0x0000000000000000 0x0000000140000000 ..." */
static bool parse_block(const char *line, struct guest_map *map)
{
	char name[64];
	uint64_t offset, used;

	if (sscanf(line, " %63s %*u %*s %" SCNx64 " %" SCNx64, name, &offset,
		   &used) != 3 ||
	    strcmp(name, map->block))
		return false;
	map->ram_offset = offset;
	map->ram_pages = used / TRACE_PAGE_BYTES;
	return true;
}

static int parse_ramblock(struct guest_map *map, const char *ramblock,
			  struct status *st)
{
	const char *line = ramblock;

	for (; line; line = next_line(line))
		if (parse_block(line, map))
			return 0;
	return status_fail(st, EPROTO,
			   "QEMU's 'info ramblock' does not show %s",
			   map->block);
}

static int check_covers_block(const struct guest_map *map, struct status *st)
{
	uint64_t covered = 0;

	for (size_t i = 0; i < map->nr_slots; i++)
		covered += map->slots[i].npages;
	if (covered == map->ram_pages)
		return 0;
	return status_fail(st, EPROTO,
			   "%s has %" PRIu64 " pages, the guest sees %" PRIu64
			   " of it: this memory layout is not supported",
			   map->block, map->ram_pages, covered);
}

int guest_map_parse(struct guest_map *map, const char *mtree,
		    const char *ramblock, const char *gpa2hva,
		    struct status *st)
{
	int ret;

	*map = (struct guest_map){0};
	if (sscanf(gpa2hva,
		   "Host virtual address for 0x0 (%63[^)]) is %" SCNx64,
		   map->block, &map->ram_host) != 2)
		return status_fail(st, EPROTO,
				   "QEMU's 'gpa2hva 0' said: %.200s", gpa2hva);
	ret = parse_mtree(map, mtree, st);
	if (!ret)
		ret = parse_ramblock(map, ramblock, st);
	return ret ? ret : check_covers_block(map, st);
}

static int check_only_block(struct qmp *qmp, const struct guest_map *map,
			    struct status *st)
{
	json_t *sizes = qmp_command(qmp, "query-memory-size-summary", NULL, st);
	json_int_t bytes =
		json_integer_value(json_object_get(sizes, "base-memory"));
	bool is_known = sizes;

	json_decref(sizes);
	if (!is_known)
		return -EPROTO;
	if ((uint64_t)bytes == map->ram_pages * TRACE_PAGE_BYTES)
		return 0;
	return status_fail(
		st, EPROTO,
		"guest RAM is several blocks in QEMU (%s has %" PRIu64
		" of %lld bytes): use one memory backend",
		map->block, map->ram_pages * TRACE_PAGE_BYTES,
		(long long)bytes);
}

int guest_map_read(struct guest_map *map, struct qmp *qmp, struct status *st)
{
	char *mtree = qmp_monitor(qmp, "info mtree -f", st);
	char *ramblock = qmp_monitor(qmp, "info ramblock", st);
	char *gpa2hva = qmp_monitor(qmp, "gpa2hva 0", st);
	int ret = -EPROTO;

	if (mtree && ramblock && gpa2hva)
		ret = guest_map_parse(map, mtree, ramblock, gpa2hva, st);
	if (!ret)
		ret = check_only_block(qmp, map, st);
	free(mtree);
	free(ramblock);
	free(gpa2hva);
	return ret;
}

gfn_t guest_map_gfn(const struct guest_map *map, uint64_t page)
{
	for (size_t i = 0; i < map->nr_slots; i++) {
		const struct guest_map_slot *slot = &map->slots[i];

		if (page - slot->page < slot->npages)
			return slot->gfn + (page - slot->page);
	}
	return TRACE_GFN_LIMIT;
}
