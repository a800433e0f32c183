/* SPDX-License-Identifier: MIT */
/*
 * Which mm an aging pass walks next: iterate_mm_list() (mm/vmscan.c).  The memcg has
 * the VMM and, if it has file pages, the process that maps them, in this order.
 *
 * It cannot know other processes of the memcg, nor that 6.1 leaves out an mm of less
 * than 64 pages (should_skip_mm()): any process has more than that.
 */
#include "models/mglru_internal.h"

static unsigned int nr_mms(const struct mglru *m)
{
	return m->file_first < m->npages ? MGLRU_NR_MMS : MGLRU_MM_FILES;
}

/* get_next_mm(), should_skip_mm().  An mm that was never walked before is scanned by
 * force, and so are those that the same pass walks after it. */
static bool take_mm(struct mglru *m, struct mglru_walk *walk, unsigned int mm)
{
	bool is_vmm = mm == MGLRU_MM_VMM;
	bool *has_run = is_vmm ? &m->has_run : &m->has_file_run;

	if (mm >= m->mm_tail) {
		m->mm_tail = mm + 1;
		walk->force_scan = true;
	}
	if (!walk->force_scan && !*has_run && !m->never_sleeps)
		return false;
	*has_run = false;
	walk->mm = mm;
	walk->table = is_vmm ? 0 : m->file_first / PTRS_PER_PTE;
	walk->end = (is_vmm ? m->file_first : m->npages) / PTRS_PER_PTE;
	return true;
}

/* A second walk that finds all mms dealt out ends the iteration and makes the new
 * generation while the first one still walks. */
bool mglru_iterate_mm_list(struct mglru *m, struct mglru_walk *walk)
{
	bool is_first = !m->mm_head;

	walk->mm = MGLRU_NR_MMS;
	if (walk->seq <= m->mm_seq)
		return false;
	while (m->mm_head < nr_mms(m)) {
		if (!take_mm(m, walk, m->mm_head++))
			continue;
		if (is_first)
			mglru_bloom_reset(m, walk->seq + 1);
		return false;
	}
	m->mm_head = 0;
	m->mm_seq++;
	return true;
}

/* In 6.1 the last of those who walk makes it. */
bool mglru_iterate_mm_list_6_1(struct mglru *m, struct mglru_walk *walk)
{
	bool had_mm = walk->mm != MGLRU_NR_MMS, is_last = true,
	     is_first = false;

	walk->mm = MGLRU_NR_MMS;
	if (walk->seq <= m->mm_seq) {
		is_last = had_mm;
	} else {
		is_first = !m->nr_walkers;
		m->mm_head = is_first ? 0 : m->mm_head;
		while (walk->mm == MGLRU_NR_MMS && m->mm_head < nr_mms(m))
			take_mm(m, walk, m->mm_head++);
		m->mm_seq += m->mm_head == nr_mms(m);
	}
	m->nr_walkers -= had_mm;
	m->nr_walkers += walk->mm != MGLRU_NR_MMS;
	if (is_first && walk->mm != MGLRU_NR_MMS)
		mglru_bloom_reset(m, walk->seq + 1);
	return is_last && !m->nr_walkers;
}
