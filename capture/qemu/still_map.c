/* SPDX-License-Identifier: MIT */
/* Asking again until nothing changed; see still_map.h. */
#include "capture/qemu/still_map.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	TRIES = 20,
	PAUSE_NS = 20000000,
};

int still_map_read(struct qemu_memory *memory, struct qmp *qmp,
		   struct ring_trace *trace, struct kvm_slots *slots,
		   struct status *st)
{
	const struct timespec pause = {0, PAUSE_NS};
	struct status why = {""};
	int ret = -EAGAIN;

	for (int i = 0; ret == -EAGAIN && i < TRIES; i++) {
		uint64_t zaps = ring_trace_pushes(trace)->zaps;

		if (i)
			nanosleep(&pause, NULL);
		ret = qemu_slots_ask(memory, qmp, slots, &why);
		if (!ret && ring_trace_drain_all(trace, &why) < 0)
			ret = -EIO;
		if (ret || ring_trace_pushes(trace)->zaps == zaps)
			continue;
		free(slots->slots);
		*slots = (struct kvm_slots){0};
		ret = status_fail(&why, EAGAIN,
				  "QEMU's memory map does not stand still");
	}
	return ret ? status_fail(st, -ret, "%s", why.message) : 0;
}
