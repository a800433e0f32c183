/* SPDX-License-Identifier: MIT */
/* What a closed loop asks of the timeline; see timeline.h. */
#include "replay/timeline_internal.h"

bool timeline_is_busy(const struct timeline *t, uint32_t vcpu)
{
	return t->sim.threads[vcpu].job != NULL;
}

bool timeline_until_done(struct timeline *t, uint64_t until_ns, uint32_t *vcpu,
			 uint64_t *done_ns)
{
	while (!t->nr_done && t->sim.heap_n && sim_next_ns(&t->sim) <= until_ns)
		sim_fire(&t->sim);
	if (!t->nr_done)
		return false;
	t->nr_done--;
	*vcpu = t->done[t->nr_done].vcpu;
	*done_ns = t->done[t->nr_done].ns;
	return true;
}

uint64_t timeline_exits_ns(const struct timeline *t)
{
	return t->exits_ns;
}

uint64_t timeline_end_ns(const struct timeline *t)
{
	return t->options.is_closed ? t->guest_ns : t->result.span_ns;
}

void timeline_guest_done(struct timeline *t, uint64_t now_ns)
{
	sim_run(&t->sim, now_ns);
	t->guest_ns = now_ns;
}
