/* SPDX-License-Identifier: MIT */
/* Reuse distances; see mrc.h. */
#include "models/mrc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

int mrc_init(struct mrc *m, uint32_t npages, struct status *st)
{
	*m = (struct mrc){.npages = npages};
	if (npages > INT32_MAX - 64)
		return status_fail(st, E2BIG,
				   "reuse distances of %u pages are too many",
				   npages);
	m->end = 2 * npages + 64;
	m->last = kage_calloc_pages((size_t)npages + 1, sizeof(*m->last), st);
	m->page_at =
		kage_calloc_pages((size_t)m->end + 1, sizeof(*m->page_at), st);
	m->tree = kage_calloc_pages((size_t)m->end + 1, sizeof(*m->tree), st);
	return m->last && m->page_at && m->tree ? 0 : -ENOMEM;
}

void mrc_fini(struct mrc *m)
{
	free(m->last);
	free(m->page_at);
	free(m->tree);
}

/* Return: last accesses at @time and before. */
static uint32_t sum_to(const struct mrc *m, uint32_t time)
{
	uint32_t sum = 0;

	for (; time; time &= time - 1)
		sum += m->tree[time];
	return sum;
}

static void add_at(struct mrc *m, uint32_t time, uint32_t what)
{
	for (; time <= m->end; time += time & -time)
		m->tree[time] += what;
}

/* Give the last accesses the first times, in their order. */
static void renumber(struct mrc *m)
{
	uint32_t kept = 0;

	for (uint32_t time = 1; time <= m->end; time++) {
		uint32_t page = m->page_at[time];

		if (!page)
			continue;
		m->page_at[time] = 0;
		m->page_at[++kept] = page;
		m->last[page - 1] = kept;
	}
	m->now = kept;
	memset(m->tree, 0, ((size_t)m->end + 1) * sizeof(*m->tree));
	for (uint32_t time = 1; time <= m->end; time++) {
		uint32_t above = time + (time & -time);

		m->tree[time] += time <= kept;
		if (above <= m->end)
			m->tree[above] += m->tree[time];
	}
}

uint32_t mrc_access(struct mrc *m, uint32_t page)
{
	uint32_t last = m->last[page], distance = 0;

	m->accesses++;
	if (last && last == m->now)
		return 1;
	if (last) {
		distance = m->distinct - sum_to(m, last) + 1;
		add_at(m, last, UINT32_MAX);
		m->page_at[last] = 0;
	} else {
		m->distinct++;
	}
	if (m->now == m->end)
		renumber(m);
	m->last[page] = ++m->now;
	m->page_at[m->now] = page + 1;
	add_at(m, m->now, 1);
	return distance;
}
