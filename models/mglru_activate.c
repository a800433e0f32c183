/* SPDX-License-Identifier: MIT */
/*
 * folio_activate() and its per-CPU batch (mm/swap.c): direct reclaim's look-around has
 * no walk context and activates the young neighbours it finds, but only when the batch
 * is full or drained.  Until then they stay where they are, may be isolated there, and
 * cannot be freed.  One batch stands for those of all CPUs: reclaim runs on one.
 */
#include "models/mglru_internal.h"

/* folio_batch_move_lru() with lru_activate(); what is isolated loses its turn. */
static void move_batch(struct mglru *m)
{
	unsigned int n = m->nr_activating;

	m->nr_activating = 0;
	for (unsigned int i = 0; i < n; i++) {
		uint32_t page = m->activating[i];

		if (page_gen(m, page) < 0)
			continue;
		mglru_del(m, page);
		m->flags[page] |= PAGE_ACTIVE;
		mglru_add(m, page);
		m->counters->n[COUNT_promoted]++;
	}
}

void mglru_lru_add_drain(struct mglru *m)
{
	m->lru_add = 0;
	move_batch(m);
}

void mglru_activate(struct mglru *m, uint32_t page)
{
	if (page_gen(m, page) < 0) /* !folio_test_lru() */
		return;
	m->activating[m->nr_activating++] = page;
	if (m->nr_activating == m->version->pagevec_size)
		move_batch(m);
}

bool mglru_is_activating(const struct mglru *m, uint32_t page)
{
	for (unsigned int i = 0; i < m->nr_activating; i++)
		if (m->activating[i] == page)
			return true;
	return false;
}

void mglru_activate_cancel(struct mglru *m, uint32_t page)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < m->nr_activating; i++)
		if (m->activating[i] != page)
			m->activating[kept++] = m->activating[i];
	m->nr_activating = kept;
}
