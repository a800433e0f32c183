/* SPDX-License-Identifier: MIT */
/*
 * NUMA balancing of the VMM's memory: a scanner that makes PTEs PROT_NONE so that the
 * next access tells on which node it was (task_numa_work() in kernel/sched/fair.c,
 * change_prot_numa() in mm/mempolicy.c, change_protection() in mm/mprotect.c), and what
 * its notifier calls zap on the way.  The three modes are those of the thread "KVM:
 * Unmap pages only when it's indeed protected for NUMA migration" (RFC v2, August 2023):
 *
 *	range	 what kernels do: the range is invalidated before it is known
 *		 whether one of its PTEs will change
 *	deferred at the first PTE that changes, from there to the same end
 *		 (S. Christopherson, 2023-08-14; untested, he wrote)
 *	precise	 the pages that changed and no others (Y. Zhao, RFC v2): the range is
 *		 announced, and each change has a call of its own
 *
 * It cannot know nodes: which pages change_pte_range() leaves out (pinned for DMA, KSM,
 * shared copy-on-write, already on the node of a single thread) and which hint faults
 * move their page are hashes of a seed, in the shares that parameters say.  A memslot
 * stands for a VMA, and all vCPUs for one task.  A page that moves keeps its place on its
 * list.  Folios of 2 MiB (mglru_huge.c) are not balanced: change_huge_pmd() and
 * do_huge_pmd_numa_page() are missing.
 */
#ifndef MODELS_NUMA_H
#define MODELS_NUMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/param.h"
#include "models/mglru.h"

enum numa_mode {
	NUMA_OFF,
	NUMA_RANGE,
	NUMA_DEFERRED,
	NUMA_PRECISE
};

enum {
	NUMA_PARAMS_MAX = 128,
	NUMA_BUSY_MAX = 16
};

struct numa_mode_info {
	const char *name, *summary;
	enum numa_mode mode;
};

extern const struct numa_mode_info numa_modes[]; /* ends with a NULL name */
extern const struct param_spec numa_specs[];	 /* of all modes but off */

struct numa_params {
	uint64_t delay, min, max, adapt;
	uint64_t size; /* bytes */
	uint64_t pinned, block, migratable, private, seed;
	unsigned int scanner; /* enum numa_scanner */
};

/* Whose thread scans: the guest of one vCPU stands still while that one does. */
enum numa_scanner {
	NUMA_BY_VCPU,
	NUMA_BY_OTHER
};

/* Pages of one VMA: [first, end). */
struct numa_vma {
	uint32_t first, end;
};

/* A range that is being invalidated for a while. */
struct numa_busy {
	uint32_t first, end;
	uint64_t from_ns, until_ns;
};

struct numa {
	enum numa_mode mode;
	const struct numa_params *params; /* borrowed */
	const struct numa_vma *vmas;	  /* borrowed; in order */
	size_t nr_vmas;
	uint64_t pace_ns;    /* of the walk over PTEs, per PTE */
	uint64_t *prot_none; /* per page; owned */

	/* struct mm_struct: numa_next_scan, numa_scan_offset, numa_scan_seq */
	uint64_t next_ns; /* UINT64_MAX: never */
	uint32_t offset;
	uint64_t seq;

	/* struct task_struct: numa_scan_period, 0 until the first scan; what update_task_scan_period()
	 * goes by, since it last did */
	uint64_t period_ns, placed_seq, nr_local, nr_remote;

	struct numa_busy busy[NUMA_BUSY_MAX]; /* by the last scan */
	unsigned int nr_busy;
	uint64_t visited; /* PTEs, by the scan under way */
	uint64_t began_ns;
};

/* Return: the mode called @name, or NULL. */
const struct numa_mode_info *numa_find(const char *name);

/**
 * numa_init - @m's VMM is balanced from time 0 on; NUMA_OFF: never
 * @m: without huge folios, unless it is never
 * @vmas: its memory; must stay
 * @pace_ns: virtual time that a scan takes per PTE, in which its ranges stay invalid
 *
 * Return: 0 or -ENOMEM; numa_fini() is safe in either case.
 */
int numa_init(struct numa *n, enum numa_mode mode,
	      const struct numa_params *params, const struct mglru *m,
	      const struct numa_vma *vmas, size_t nr_vmas, uint64_t pace_ns,
	      struct status *st);
void numa_fini(struct numa *n);

/* task_numa_work() at @n->next_ns, which it moves on. */
void numa_scan(struct numa *n, struct mglru *m);

static inline bool numa_is_prot_none(const struct numa *n, uint32_t page)
{
	return n->prot_none && n->prot_none[page / 64] >> page % 64 & 1;
}

/* @page has no such PTE any more: it was unmapped, or given back. */
static inline void numa_forget(struct numa *n, uint32_t page)
{
	if (n->prot_none)
		n->prot_none[page / 64] &= ~(UINT64_C(1) << page % 64);
}

/*
 * do_numa_page(): somebody touches a page that is PROT_NONE.  Return: whether it was
 * migrated, and so invalidated once more.
 */
bool numa_fault(struct numa *n, struct mglru *m, uint32_t page,
		uint64_t now_ns);

/* Return: whether a fault on @page at @now_ns meets a range that is being
 * invalidated: mmu_invalidate_in_progress and its range. */
bool numa_is_busy(const struct numa *n, const struct mmu *mmu, uint32_t page,
		  uint64_t now_ns);

#endif
