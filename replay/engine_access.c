/* SPDX-License-Identifier: MIT */
/* Accesses of the guest up to the next wake-up: what is done to all of them. */
#include "replay/engine_internal.h"

enum {
	FETCH_AHEAD = FEEDER_PAD, /* accesses whose words are asked for early */
	AT_ONCE = 8,		  /* accesses that one test is for */
};

/* The engine's own watch: the first touch of a page is part of the footprint.  A page
 * whose life is told never gets quiet. */
static void watch_touch(struct engine *e, uint32_t page)
{
	if (page != e->watched)
		e->pages.word[page] |= pages_quiet_bit(ENGINE_OWN_BIT);
	else if (e->has_seen_watched)
		return;
	else
		e->has_seen_watched = true;
	e->trace->footprint_pages++;
	e->trace->mixed_pages += page >= e->map.npages;
}

void engine_access_slow(struct engine *e, uint32_t page, uint64_t slow,
			uint64_t now_ns, bool is_write)
{
	if (slow & pages_quiet_bit(ENGINE_OWN_BIT))
		watch_touch(e, page);
	slow &= ~pages_quiet_bit(ENGINE_OWN_BIT);
	for (; slow; slow &= slow - 1)
		lane_access(&e->lanes[__builtin_ctzll(slow)], page, now_ns,
			    is_write);
	if (page == e->watched)
		engine_tell(e, page, LIFE_TOUCHED, now_ns);
}

/* An access to a page that is not quiet, or was not accessed since aging looked. */
static void access_one(struct engine *e, uint32_t page, uint64_t tick,
		       bool is_write)
{
	uint64_t *word = &e->pages.word[page];
	uint64_t slow = ~*word & e->slow_mask;

	*word |= e->accessed_mask;
	if (slow)
		engine_access_slow(e, page, slow, engine_ns(e, tick), is_write);
}

/* Lanes keep what they know of a page in arrays of their own: ask for the entries of
 * @n pages that are not quiet before the first is waited for. */
static inline __attribute__((always_inline)) void
fetch_slow(const struct engine *e, const uint32_t *index, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t slow = ~e->pages.word[index[i]] & e->slow_mask &
				~pages_quiet_bit(ENGINE_OWN_BIT);

		for (; slow; slow &= slow - 1) {
			const struct mglru *m =
				&e->lanes[__builtin_ctzll(slow)].mglru;

			__builtin_prefetch(&m->flags[index[i]], 1);
			__builtin_prefetch(&m->where[index[i]], 1);
		}
	}
}

/* The loop that all the rest is built around: no lane may wake inside it.  Pages that
 * are quiet and accessed in all lanes cost a load and a part of a test, and no store
 * that the next access to the same word had to wait for. */
static void access_all(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, const uint8_t *is_write, size_t n)
{
	const uint64_t all = e->slow_mask | e->accessed_mask;
	const uint64_t *word = e->pages.word;
	size_t i = 0, end;

	while (i < n) {
		end = i + AT_ONCE < n ? i + AT_ONCE : n;
		if (end - i == AT_ONCE) {
			uint64_t both = all;

			for (size_t j = i; j < i + AT_ONCE; j++) {
				__builtin_prefetch(
					&word[index[j + FETCH_AHEAD]]);
				both &= word[index[j]];
			}
			if (__builtin_expect(both == all, 1)) {
				i = end;
				continue;
			}
			fetch_slow(e, index + i, 2 * AT_ONCE);
		}
		for (; i < end; i++)
			if ((word[index[i]] & all) != all)
				access_one(e, index[i], tick[i], is_write[i]);
	}
}

static void access_all_or_tlb(struct engine *e, const uint32_t *index,
			      const uint64_t *tick, const uint8_t *is_write,
			      size_t n)
{
	if (e->has_tlb)
		engine_access_tlb(e, index, tick, is_write, n);
	else
		access_all(e, index, tick, is_write, n);
}

/* For those who want to know when each page was last accessed, or by whom: one by one. */
static void access_each_noted(struct engine *e, const uint32_t *index,
			      const uint64_t *tick, const uint8_t *is_write,
			      size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t vcpu = e->vcpu ? e->vcpu[tick + i - e->vcpu_tick] : 0;

		for (size_t l = 0; e->options->timeline && l < e->nr_lanes; l++)
			e->lanes[l].vcpu = vcpu;
		if (e->truth.last)
			truth_begin(&e->truth, index[i], tick[i]);
		access_all_or_tlb(e, index + i, tick + i, is_write + i, 1);
		if (e->truth.last)
			truth_end(&e->truth);
	}
}

void engine_access_all(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, const uint8_t *is_write, size_t n)
{
	if (e->truth.last || e->options->timeline)
		access_each_noted(e, index, tick, is_write, n);
	else
		access_all_or_tlb(e, index, tick, is_write, n);
}
