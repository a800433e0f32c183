/* SPDX-License-Identifier: MIT */
/* The naive twin: the per-CPU batch of folio_activate(); see naive_mglru.h. */
#include "models/naive_internal.h"

static uint32_t pagevec_size(const struct naive_mglru *n)
{
	return n->version == NAIVE_6_1 ? 15 : 31;
}

static void move_batch(struct naive_mglru *n)
{
	for (uint32_t i = 0; i < n->activating.n; i++) {
		uint32_t page = n->activating.page[i];

		if (n->page[page].gen < 0)
			continue;
		naive_del(n, page);
		n->page[page].is_active = true;
		naive_add(n, page);
		n->counters.n[COUNT_promoted]++;
	}
	n->activating.n = 0;
}

void naive_lru_add_drain(struct naive_mglru *n)
{
	n->nr_lru_add = 0;
	move_batch(n);
}

void naive_activate(struct naive_mglru *n, uint32_t page)
{
	if (n->page[page].gen < 0)
		return;
	naive_list_add_tail(&n->activating, page);
	if (n->activating.n == pagevec_size(n))
		move_batch(n);
}

bool naive_has_extra_reference(const struct naive_mglru *n, uint32_t page)
{
	for (uint32_t i = 0; i < n->activating.n; i++)
		if (n->activating.page[i] == page)
			return true;
	return false;
}

void naive_forget_activation(struct naive_mglru *n, uint32_t page)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < n->activating.n; i++)
		if (n->activating.page[i] != page)
			n->activating.page[kept++] = n->activating.page[i];
	n->activating.n = kept;
}
