/* SPDX-License-Identifier: MIT */
/*
 * One pass of MGLRU's aging over a cgroup, with what KVM says about the guest's
 * pages meanwhile.
 *
 * The kernel ages in the thread that writes the command, and the events come up
 * there, while it is in write(2).  So that their buffer need not hold a whole
 * pass, another thread empties it meanwhile; it lives as long as the pass.
 *
 * What it cannot know: whether 6.12 aged at all if another thread made the next
 * generation between our look at the file and our command; nor what an aging of
 * somebody else took that ran at the same time: the kernel shares the processes out
 * between the two (mm/vmscan.c iterate_mm_list()), and the guest's events come up
 * there.  Only if the other one ends the generation is that seen (@is_disturbed).
 */
#ifndef CAPTURE_MGLRU_PASS_H
#define CAPTURE_MGLRU_PASS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "capture/mglru/lru_gen.h"
#include "capture/mglru/spte.h"
#include "capture/recorder.h"

struct tracer;

/* What stays from pass to pass.  The descriptors and @changes are the caller's, who
 * also fills @memcg for the first pass. */
struct mglru_ager {
	int lru_gen;		/* lru_gen_open() */
	int over;		/* eventfd, non-blocking: the pass is over */
	struct tracer *changes; /* MGLRU_EVENT of the thread that ages */
	enum spte_format format;
	struct lru_gen_memcg memcg; /* as the last pass left it */
	uint64_t nr_passes;
	uint64_t nr_disturbed; /* of these: somebody else aged too */
	uint64_t events, aged; /* changes of SPTEs; those that say accessed */
};

struct mglru_pass {
	struct mglru_ager *ager;
	struct recorder *recorder; /* gets the pages; NULL: count only */
	uint64_t ns;		   /* what it took */
	uint64_t lost;		   /* events, exactly */
	bool is_disturbed;	   /* somebody else aged since the last pass */
	int drained;		   /* the drainer's alone, until it ended */
	struct status why;
};

/**
 * mglru_pass_run - age every node of the cgroup
 * @pass: @ager and @recorder are set
 *
 * To be called by the thread whose events @changes has.
 * Return: 0; -ENOBUFS if the cgroup is gone; -EBADMSG if the text of lru_gen
 * cannot be read; or an errno of the kernel.
 */
int mglru_pass_run(struct mglru_pass *pass, struct status *st);

#endif
