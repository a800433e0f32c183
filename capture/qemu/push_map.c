/* SPDX-License-Identifier: MIT */
/* Pushes and what they mean; see push_map.h. */
#include "capture/qemu/push_map.h"

#include <stdlib.h>

#include "base/alloc.h"

const char *const push_fate_texts[PUSH_NR_FATES] = {
	[PUSH_FOUND] = "found",
	[PUSH_CHANGING] = "the memory map changed before and after them",
	[PUSH_UNKNOWN] = "their memslot is not in QEMU's table",
	[PUSH_BEYOND] = "they lie behind the end of their memslot",
	[PUSH_SMM] = "they were made in system management mode",
};

int push_list_add(struct push_list *list, const struct push *push,
		  struct status *st)
{
	int ret = kage_grow(&list->pushes, &list->capacity, list->nr,
			    sizeof(*list->pushes), st);

	if (!ret)
		list->pushes[list->nr++] = *push;
	return ret;
}

void push_list_zap(struct push_list *list, uint64_t time_ns)
{
	if (!list->zaps || time_ns < list->first_zap_ns)
		list->first_zap_ns = time_ns;
	if (!list->zaps || time_ns > list->last_zap_ns)
		list->last_zap_ns = time_ns;
	list->zaps++;
}

void push_list_clear(struct push_list *list)
{
	list->nr = 0;
	list->zaps = 0;
}

void push_list_fini(struct push_list *list)
{
	free(list->pushes);
	*list = (struct push_list){0};
}

static bool is_smm(const struct push *push)
{
	return push->slot >> 16;
}

bool push_list_needs_later(const struct push_list *list,
			   const struct kvm_slots *before)
{
	uint32_t last = UINT32_MAX;

	if (list->zaps)
		return true;
	for (size_t i = 0; i < list->nr; i++) {
		uint32_t slot = list->pushes[i].slot;

		if (slot == last || is_smm(&list->pushes[i]))
			continue;
		if (!kvm_slots_find(before, slot))
			return true;
		last = slot;
	}
	return false;
}

/* Return: the slot as it was then.  Without a zap a number can have got its first
 * meaning, but not another one. */
static const struct kvm_slot *find_slot(const struct push_list *list,
					const struct push *push,
					const struct kvm_slots *before,
					const struct kvm_slots *after)
{
	const struct kvm_slot *slot;

	if (list->zaps && push->time_ns > list->last_zap_ns)
		return kvm_slots_find(after, push->slot);
	slot = kvm_slots_find(before, push->slot);
	if (!slot && !list->zaps)
		slot = kvm_slots_find(after, push->slot);
	return slot;
}

enum push_fate push_find(const struct push_list *list, const struct push *push,
			 const struct kvm_slots *before,
			 const struct kvm_slots *after, gfn_t *gfn)
{
	const struct kvm_slot *slot;

	if (is_smm(push))
		return PUSH_SMM;
	if (list->zaps && push->time_ns >= list->first_zap_ns &&
	    push->time_ns <= list->last_zap_ns)
		return PUSH_CHANGING;
	slot = find_slot(list, push, before, after);
	if (!slot)
		return PUSH_UNKNOWN;
	if (push->offset >= slot->npages)
		return PUSH_BEYOND;
	*gfn = slot->gfn + push->offset;
	return PUSH_FOUND;
}
