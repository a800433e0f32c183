/* SPDX-License-Identifier: MIT */
/* Reuse distances; see mrc.h. */
#include "models/mrc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clones.h"
#include "models/window.h"

enum {
	PAGES_MAX = (1 << 29) - 64,
	TIMES_PER_PAGE = 4, /* as few renumberings as the caches allow */
	WORD_SHIFT = 6,
	GROUP_SHIFT = 12, /* times of a group */
	FAN_SHIFT = 5,
	AHEAD = 64 /* accesses for which memory is asked for early */
};

static size_t nodes_at(const struct mrc *m, unsigned int level)
{
	size_t nodes =
		((size_t)m->end >> (GROUP_SHIFT + FAN_SHIFT * level)) + 1;

	return (nodes + MRC_FAN - 1) / MRC_FAN * MRC_FAN;
}

int mrc_init(struct mrc *m, uint32_t npages, struct status *st)
{
	size_t words;

	*m = (struct mrc){.npages = npages};
	if (npages > PAGES_MAX)
		return status_fail(st, E2BIG,
				   "reuse distances of %u pages are too many",
				   npages);
	m->end = TIMES_PER_PAGE * npages + 64;
	words = nodes_at(m, 0) * MRC_GROUP;
	m->last = kage_calloc_pages((size_t)npages + 1, sizeof(*m->last), st);
	m->bits = kage_calloc_pages(words, sizeof(*m->bits), st);
	m->before = kage_calloc_pages(words, sizeof(*m->before), st);
	if (!m->last || !m->bits || !m->before)
		return -ENOMEM;
	for (unsigned int i = 0; i < MRC_LEVELS; i++) {
		m->above[i] = kage_calloc_pages(nodes_at(m, i),
						sizeof(*m->above[i]), st);
		if (!m->above[i])
			return -ENOMEM;
		m->levels++;
		if (nodes_at(m, i) == MRC_FAN)
			break;
	}
	return 0;
}

void mrc_fini(struct mrc *m)
{
	free(m->last);
	free(m->bits);
	free(m->before);
	for (unsigned int i = 0; i < MRC_LEVELS; i++)
		free(m->above[i]);
}

/* Return: last accesses before @time. */
KAGE_INLINE uint32_t rank(const struct mrc *m, uint32_t time)
{
	uint32_t word = time >> WORD_SHIFT, node = time >> GROUP_SHIFT;
	uint64_t earlier = (UINT64_C(1) << time % 64) - 1;
	uint32_t sum = window_count(m->bits[word] & earlier) + m->before[word];

	for (unsigned int i = 0; i < m->levels; i++, node >>= FAN_SHIFT)
		sum += m->above[i][node];
	return sum;
}

/* @time is no last access any more: one less before all that follow. */
KAGE_INLINE void forget(struct mrc *m, uint32_t time)
{
	uint32_t word = time >> WORD_SHIFT, node = time >> GROUP_SHIFT;
	uint16_t *before = m->before + word / MRC_GROUP * MRC_GROUP;

	m->bits[word] ^= UINT64_C(1) << time % 64;
	word %= MRC_GROUP;
	for (uint16_t i = 0; i < MRC_GROUP; i++)
		before[i] = (uint16_t)(before[i] - (i > (uint16_t)word));
	for (unsigned int level = 0; level < m->levels; level++) {
		uint32_t *above = m->above[level] + node / MRC_FAN * MRC_FAN;

		for (uint32_t i = 0; i < MRC_FAN; i++)
			above[i] -= i > node % MRC_FAN;
		node >>= FAN_SHIFT;
	}
}

/* The first time of @word: what is before it is known from the elder ones. */
static void begin_word(struct mrc *m, uint32_t word)
{
	uint32_t node = word / MRC_GROUP, sum;

	if (!word)
		return;
	sum = window_count(m->bits[word - 1]) + m->before[word - 1];
	m->before[word] = word % MRC_GROUP ? (uint16_t)sum : 0;
	if (word % MRC_GROUP)
		return;
	for (unsigned int i = 0; i < m->levels; i++, node /= MRC_FAN) {
		sum += m->above[i][node - 1];
		m->above[i][node] = node % MRC_FAN ? sum : 0;
		if (node % MRC_FAN)
			return;
	}
}

/* Give the last accesses the first times, in their order. */
static __attribute__((noinline)) void renumber(struct mrc *m)
{
	uint32_t words = (m->end >> WORD_SHIFT) + 1, kept = m->distinct;

	for (uint32_t page = 0; page < m->npages; page++)
		if (m->last[page])
			m->last[page] = rank(m, m->last[page] - 1) + 1;
	memset(m->bits, 0, words * sizeof(*m->bits));
	memset(m->bits, 0xff, kept / 64 * sizeof(*m->bits));
	if (kept % 64)
		m->bits[kept / 64] = (UINT64_C(1) << kept % 64) - 1;
	for (uint32_t word = 0; word <= kept / 64; word++)
		begin_word(m, word);
	m->now = kept;
}

KAGE_INLINE uint32_t access_page(struct mrc *m, uint32_t page)
{
	uint32_t last = m->last[page], distance = 0;

	m->accesses++;
	if (last && last == m->now)
		return 1;
	if (last) {
		distance = m->distinct - rank(m, last - 1);
		forget(m, last - 1);
	}
	if (m->now == m->end) {
		m->last[page] = 0;
		m->distinct -= distance != 0;
		renumber(m);
		m->distinct += distance != 0;
	}
	m->distinct += distance == 0;
	if (!(m->now % 64))
		begin_word(m, m->now / 64);
	m->bits[m->now / 64] |= UINT64_C(1) << m->now % 64;
	m->last[page] = ++m->now;
	return distance;
}

uint32_t mrc_access(struct mrc *m, uint32_t page)
{
	return access_page(m, page);
}

KAGE_INLINE void prefetch(const struct mrc *m, const uint32_t *page, size_t i,
			  size_t n)
{
	uint32_t word;

	if (i + AHEAD >= n)
		return;
	__builtin_prefetch(&m->last[page[i + AHEAD]], 1);
	word = m->last[page[i + AHEAD / 2]] >> WORD_SHIFT;
	__builtin_prefetch(&m->bits[word], 1);
	word = word / MRC_GROUP * MRC_GROUP;
	__builtin_prefetch(&m->before[word], 1);
	__builtin_prefetch(&m->before[word + MRC_GROUP / 2], 1);
}

KAGE_CLONES void mrc_accesses(struct mrc *m, const uint32_t *page, size_t n,
			      uint32_t *distance)
{
	for (size_t i = 0; i < n; i++) {
		prefetch(m, page, i, n);
		distance[i] = access_page(m, page[i]);
	}
}
