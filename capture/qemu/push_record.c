/* SPDX-License-Identifier: MIT */
/* Handing pushes over; see push_record.h. */
#include "capture/qemu/push_record.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static bool is_ram(const struct trace_meta *meta, gfn_t gfn)
{
	for (size_t i = 0; i < meta->nr_slots; i++)
		if (gfn - meta->slots[i].gfn < meta->slots[i].npages)
			return true;
	return false;
}

/* Say which pushes of this epoch have no page, and why. */
static int note_fates(struct recorder *recorder,
		      const uint64_t fates[PUSH_NR_FATES], uint64_t *unmapped,
		      struct status *st)
{
	char text[160];
	int ret = 0;

	*unmapped = 0;
	for (int i = PUSH_FOUND + 1; !ret && i < PUSH_NR_FATES; i++) {
		if (!fates[i])
			continue;
		*unmapped += fates[i];
		snprintf(text, sizeof(text),
			 "epoch %" PRIu64 ": %" PRIu64 " pushes left out: %s",
			 recorder->index, fates[i], push_fate_texts[i]);
		ret = recorder_note(recorder, text, st);
	}
	return ret;
}

int push_record(const struct push_list *list, const struct kvm_slots *before,
		const struct kvm_slots *after, struct recorder *recorder,
		uint64_t *unmapped, uint64_t *device, struct status *st)
{
	struct trace_run run = {.npages = 1,
				.flags = TRACE_4K | TRACE_RUN_DIRTY};
	uint64_t fates[PUSH_NR_FATES] = {0};
	int ret = 0;

	for (size_t i = 0; !ret && i < list->nr; i++) {
		enum push_fate fate = push_find(list, &list->pushes[i], before,
						after, &run.gfn);

		fates[fate]++;
		if (fate != PUSH_FOUND)
			continue;
		if (is_ram(recorder->setup.meta, run.gfn))
			ret = recorder_run(recorder, &run, st);
		else
			++*device;
	}
	return ret ? ret : note_fates(recorder, fates, unmapped, st);
}
