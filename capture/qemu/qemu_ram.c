/* SPDX-License-Identifier: MIT */
/* Guest RAM out of QEMU's flat view; see qemu_ram.h. */
#include "capture/qemu/qemu_ram.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Return: the backend that a piece belongs to, or NULL. */
static const json_t *find_backend(const json_t *memdevs, const char *block)
{
	const json_t *memdev;
	size_t i;

	json_array_foreach(memdevs, i, memdev)
	{
		const char *id =
			json_string_value(json_object_get(memdev, "id"));

		if (id && !strcmp(id, block))
			return memdev;
	}
	return NULL;
}

/* Return: the one host node that the backend's memory is bound to, or -1. */
static int32_t find_node(const json_t *memdev)
{
	const json_t *nodes = json_object_get(memdev, "host-nodes");
	const char *policy =
		json_string_value(json_object_get(memdev, "policy"));

	if (json_array_size(nodes) != 1 || !policy ||
	    strcmp(policy, "bind") != 0)
		return -1;
	return (int32_t)json_integer_value(json_array_get(nodes, 0));
}

static struct trace_slot make_slot(const struct qemu_piece *piece,
				   const json_t *memdev)
{
	return (struct trace_slot){
		.gfn = piece->gpa / TRACE_PAGE_BYTES,
		.npages = piece->bytes / TRACE_PAGE_BYTES,
		.hva = piece->hva,
		.page_bytes = TRACE_PAGE_BYTES,
		.node = find_node(memdev),
		.backing = "unknown",
	};
}

/* Return: whether @piece goes on where @last, a piece of the same backend, has led
 * to, windows between them left aside. */
static bool continues(const struct qemu_piece *last,
		      const struct qemu_piece *piece)
{
	return last && !strcmp(last->block, piece->block) &&
	       last->gpa - last->offset == piece->gpa - piece->offset;
}

static uint64_t count_bytes(const struct trace_slot *slots, size_t nr)
{
	uint64_t pages = 0;

	for (size_t i = 0; i < nr; i++)
		pages += slots[i].npages;
	return pages * TRACE_PAGE_BYTES;
}

static int check_all_is_there(const struct trace_slot *slots, size_t nr,
			      uint64_t bytes, struct status *st)
{
	if (count_bytes(slots, nr) == bytes)
		return 0;
	return status_fail(st, EPROTO,
			   "the guest has %" PRIu64
			   " bytes of RAM, QEMU's 'info "
			   "mtree -f' shows %" PRIu64
			   ": this memory layout is not supported",
			   bytes, count_bytes(slots, nr));
}

int qemu_ram_slots(const struct qemu_view *view, const json_t *memdevs,
		   uint64_t bytes, struct trace_slot **slots, size_t *nr,
		   struct status *st)
{
	const struct qemu_piece *last = NULL;
	int ret;

	*nr = 0;
	*slots = kage_calloc(view->nr, sizeof(**slots), st);
	if (!*slots)
		return -ENOMEM;
	for (size_t i = 0; i < view->nr; i++) {
		const struct qemu_piece *piece = &view->pieces[i];
		const json_t *memdev = find_backend(memdevs, piece->block);
		struct trace_slot *slot = *nr ? &(*slots)[*nr - 1] : NULL;

		if (!memdev)
			continue;
		if (slot && continues(last, piece))
			slot->npages =
				(piece->gpa + piece->bytes) / TRACE_PAGE_BYTES -
				slot->gfn;
		else
			(*slots)[(*nr)++] = make_slot(piece, memdev);
		last = piece;
	}
	ret = check_all_is_there(*slots, *nr, bytes, st);
	if (!ret)
		return 0;
	free(*slots);
	*slots = NULL;
	return ret;
}

int qemu_ram_read(struct qmp *qmp, struct trace_slot **slots, size_t *nr,
		  struct status *st)
{
	struct qemu_view view = {0};
	json_t *memdevs = qmp_command(qmp, "query-memdev", NULL, st);
	json_t *sizes = NULL;
	json_int_t base = 0, plugged = 0;
	int ret = -EPROTO;

	if (memdevs)
		sizes = qmp_command(qmp, "query-memory-size-summary", NULL, st);
	if (sizes) {
		json_unpack(sizes, "{s:I, s?:I}", "base-memory", &base,
			    "plugged-memory", &plugged);
		ret = qemu_view_read(&view, qmp, st);
	}
	if (!ret)
		ret = qemu_ram_slots(&view, memdevs,
				     (uint64_t)base + (uint64_t)plugged, slots,
				     nr, st);
	qemu_view_fini(&view);
	json_decref(sizes);
	json_decref(memdevs);
	return ret;
}
