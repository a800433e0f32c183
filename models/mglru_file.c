/* SPDX-License-Identifier: MIT */
/*
 * File pages: mapped by an ordinary process of the memcg, which only reads them.  What
 * MGLRU knows of its accesses are the accessed bits of its page tables, of PTEs and of
 * PMD entries; no secondary MMU has to be asked.
 *
 * It cannot know what a file system does besides: a fault brings one page (neither
 * read-around nor fault-around), and pages are never dirty.
 */
#include "models/mglru_internal.h"

/* filemap_fault(): filemap_add_folio(), with its refault and the per-CPU batch. */
static void read_page(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_refault = m->flags[page] & PAGE_SHADOW;

	m->flags[page] = PAGE_RESIDENT;
	if (is_refault)
		mglru_refault(m, page, now_ns, true);
	else
		m->counters->n[COUNT_first_touches]++;
	m->version->folio_add_lru(&m->flags[page]);
	if (++m->lru_add == m->version->pagevec_size)
		m->lru_add = 0;
	m->resident++;
	mglru_add(m, page);
}

/* finish_fault(): in a table that may be new (pmd_populate()) */
static void map_page(struct mglru *m, uint32_t page)
{
	m->unmapped -= (m->flags[page] & PAGE_UNMAPPED) != 0;
	m->flags[page] &= (uint16_t)~PAGE_UNMAPPED;
	m->table[page / PTRS_PER_PTE] |= TABLE_EXISTS;
	m->counters->n[COUNT_file_faults]++;
}

void mglru_file_access(struct mglru *m, uint32_t page, uint64_t now_ns)
{
	bool is_new = mglru_needs_charge(m, page);

	if (is_new)
		read_page(m, page, now_ns);
	if (is_new || (m->flags[page] & PAGE_UNMAPPED))
		map_page(m, page);
	m->flags[page] |= PAGE_PRIMARY_YOUNG;
	m->table[page / PTRS_PER_PTE] |= TABLE_PMD_YOUNG;
	m->has_file_run = true;
}
