/* SPDX-License-Identifier: MIT */
/* Reuse distances; see mrc.h. */
#include "models/mrc.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "models/window.h"

enum {
	PAGES_MAX = (1 << 29) - 64,
	FAN_SHIFT = 6,
	UPPER = MRC_LEVELS - 2 /* levels above words */
};

static size_t nodes_at(const struct mrc *m, unsigned int level)
{
	return ((size_t)m->end >> FAN_SHIFT * (level + 1)) + 1;
}

int mrc_init(struct mrc *m, uint32_t npages, struct status *st)
{
	*m = (struct mrc){.npages = npages, .end = 2 * npages + 64};
	if (npages > PAGES_MAX)
		return status_fail(st, E2BIG,
				   "reuse distances of %u pages are too many",
				   npages);
	m->last = kage_calloc_pages((size_t)npages + 1, sizeof(*m->last), st);
	m->page_at =
		kage_calloc_pages((size_t)m->end + 1, sizeof(*m->page_at), st);
	m->bits = kage_calloc(nodes_at(m, 0), sizeof(*m->bits), st);
	m->in_word = kage_calloc(nodes_at(m, 0), sizeof(*m->in_word), st);
	if (!m->last || !m->page_at || !m->bits || !m->in_word)
		return -ENOMEM;
	for (unsigned int i = 0; i < UPPER; i++) {
		m->above[i] = kage_calloc(nodes_at(m, i + 1),
					  sizeof(*m->above[i]), st);
		if (!m->above[i])
			return -ENOMEM;
	}
	return 0;
}

void mrc_fini(struct mrc *m)
{
	free(m->last);
	free(m->page_at);
	free(m->bits);
	free(m->in_word);
	for (unsigned int i = 0; i < UPPER; i++)
		free(m->above[i]);
}

/* Behind @node, as far as its parent or @end reaches. */
static uint32_t last_sibling(uint32_t node, uint32_t end)
{
	uint32_t last = node | ((1u << FAN_SHIFT) - 1);

	return last < end ? last : end;
}

/* Return: last accesses behind @time. */
static uint32_t sum_behind(const struct mrc *m, uint32_t time)
{
	uint32_t node = time >> FAN_SHIFT, end = m->now >> FAN_SHIFT, last;
	uint32_t sum = window_count(m->bits[node] >> time % 64 >> 1);

	last = last_sibling(node, end);
	for (uint32_t i = node + 1; i <= last; i++)
		sum += m->in_word[i];
	for (unsigned int level = 0; level < UPPER; level++) {
		const uint32_t *count = m->above[level];

		node >>= FAN_SHIFT;
		end >>= FAN_SHIFT;
		last = level < UPPER - 1 ? last_sibling(node, end) : end;
		for (uint32_t i = node + 1; i <= last; i++)
			sum += count[i];
	}
	return sum;
}

/* Make @time a last access, or with UINT32_MAX for @what no longer. */
static void change(struct mrc *m, uint32_t time, uint32_t what)
{
	uint32_t node = time >> FAN_SHIFT;

	m->bits[node] ^= UINT64_C(1) << time % 64;
	m->in_word[node] = (uint8_t)(m->in_word[node] + what);
	for (unsigned int level = 0; level < UPPER; level++) {
		node >>= FAN_SHIFT;
		m->above[level][node] += what;
	}
}

/* Give the last accesses the first times, in their order: none moves ahead of one
 * that was not moved yet. */
static void renumber(struct mrc *m)
{
	uint32_t kept = 0;

	for (uint32_t time = 1; time <= m->end; time++) {
		if (!(m->bits[time / 64] >> time % 64 & 1))
			continue;
		change(m, time, UINT32_MAX);
		m->page_at[++kept] = m->page_at[time];
		m->last[m->page_at[kept]] = kept;
		change(m, kept, 1);
	}
	m->now = kept;
}

uint32_t mrc_access(struct mrc *m, uint32_t page)
{
	uint32_t last = m->last[page], distance = 0;

	m->accesses++;
	if (last && last == m->now)
		return 1;
	if (last) {
		distance = sum_behind(m, last) + 1;
		change(m, last, UINT32_MAX);
	} else {
		m->distinct++;
	}
	if (m->now == m->end)
		renumber(m);
	m->last[page] = ++m->now;
	m->page_at[m->now] = page;
	change(m, m->now, 1);
	return distance;
}
