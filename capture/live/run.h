/* SPDX-License-Identifier: MIT */
/*
 * One run of `kage live`: a scenario's steps on this host's kernel, with a guest
 * that plays a trace.  Page i of the footprint is page playback.place[i] of the
 * guest's data slot, which begins at a multiple of 2 MiB; places rise.
 */
#ifndef CAPTURE_LIVE_RUN_H
#define CAPTURE_LIVE_RUN_H

#include <jansson.h>
#include <sys/types.h>

#include "base/status.h"
#include "capture/host/guard.h"
#include "capture/live/cgroup.h"
#include "capture/live/counters.h"
#include "capture/live/evictions.h"
#include "capture/live/memory_stat.h"
#include "capture/live/vm.h"
#include "capture/live/worker.h"
#include "capture/mglru/lru_gen.h"
#include "datasets/scenario/playback.h"
#include "datasets/scenario/results.h"
#include "datasets/scenario/scenario.h"

struct live_config {
	const struct scenario *scenario;
	const struct playback *playback;
	enum vmm_backing backing;
	unsigned int nr_vcpus;
	bool is_thp;
	bool is_concurrent; /* the guest goes on during host work, see meanwhile.c */
	int signals;	    /* signalfd, non-blocking: ends the run; -1: none */
};

struct live_run {
	struct live_config config;
	struct guard guard;
	struct live_cgroup cgroup;
	struct live_vm vm;
	struct live_counting counting;
	struct evictions evictions;
	int debugfs, tracefs, lru_gen, drop_caches;
	struct scenario_results *results;
	struct scenario_outcome *outcome; /* of the current step */
	uint32_t *orders; /* room for the largest batch asked for */
	size_t orders_capacity;
	size_t next_epoch, next_step;
	uint64_t meanwhile; /* batches of orders followed during host work */
	uint64_t turns, stride; /* in this step: every so many is a point */
	uint64_t *entries;	/* room for the pagemap of the slot */
	uint64_t unused_evicted; /* pages of the slot that the trace never touches */
	uint64_t short_requests; /* memory.reclaim that said EAGAIN */
	uint64_t settle_ns;	 /* before counters are read */
	bool is_still;		 /* live_hold_still() */
	struct memory_stat base;
	uint64_t *base_counts;	/* of live_counters[] */
	uint64_t base_swaps[2]; /* in, out, of the host */
	json_t *moments; /* per snapshot: amounts and KVM's own counters */
};

/**
 * live_run_open - cgroup, guest, counters; nothing is played yet
 *
 * Return: 0 or an error; live_run_close() is due in any case.
 */
int live_run_open(struct live_run *run, const struct live_config *config,
		  struct scenario_results *results, struct status *st);

/* All steps.  Return: 0; -ENOBUFS when events were lost; -EINTR after a signal; or
 * an error. */
int live_run_steps(struct live_run *run, struct status *st);

/* Return: what the results tell in details, to json_decref(). */
json_t *live_run_details(const struct live_run *run);

/* Ends the guest and removes the cgroup.  Return: 0, or -EIO if that failed. */
int live_run_close(struct live_run *run, struct status *st);

/*
 * The steps, for run.c.  Each obeys one step of the scenario.
 */

/* play.c */

/* Return: the page in the slot of a touched one, which is in the footprint
 * (playback.h). */
uint64_t live_page_of(const struct playback *playback, gfn_t gfn);
int live_play_epochs(struct live_run *run, uint64_t n, struct status *st);
int live_populate(struct live_run *run, struct status *st);
int live_sweep(struct live_run *run, const struct scenario_step *step,
	       struct status *st);

/* Return: how many orders, now in run->orders, are the last epoch played; 0 before the
 * first, or -ENOMEM. */
ssize_t live_last_epoch(struct live_run *run, struct status *st);

/* pagemap.c: which pages of the slot are in page tables of the guest's process. */

/* Return: 0 with how many, or an error. */
int live_count_present(struct live_run *run, uint64_t *present,
		       struct status *st);

/* Note in the outcome of this step of the host how many hot pages there are now, if
 * the guest goes on beside it.  Return: 0 or an error. */
int live_note_present(struct live_run *run, struct status *st);

/*
 * meanwhile.c: do what the kernel takes its time for, take the evictions while it
 * does, and let the guest go on if it is to and @is_frozen is not set.
 */
int live_host_work(struct live_run *run, worker_job job, void *arg,
		   bool is_frozen, struct status *st);

/* host_work.c */
int live_age(struct live_run *run, const struct scenario_step *step,
	     struct status *st);
int live_reclaim(struct live_run *run, const struct scenario_step *step,
		 struct status *st);
int live_evict_gen(struct live_run *run, const struct scenario_step *step,
		   struct status *st);
int live_limit(struct live_run *run, const struct scenario_step *step,
	       struct status *st);

/* Before host work and after: the guest sleeps, and lists are complete.
 * New pages wait in batches per CPU until a list takes them, and so do pages that
 * look-around activates; this makes every CPU empty its own (a write to drop_caches, for
 * its lru_add_drain_all()). */
int live_settle_lists(const struct live_run *run, struct status *st);

/* Return: the guest's generations in @memcg, or an error. */
int live_generations(const struct live_run *run, struct lru_gen_memcg *memcg,
		     struct status *st);

/* snapshot.c */
int live_snapshot(struct live_run *run, const struct scenario_step *step,
		  struct status *st);

/* Take the counts from which snapshots count. */
int live_snapshot_base(struct live_run *run, struct status *st);

/* Return: 0 with memory.stat, brought up to date, in @stat, or an error. */
int live_memory_stat(const struct live_run *run, struct memory_stat *stat,
		     struct status *st);

/* Return: -EINTR with a message when a signal came, else 0. */
int live_interrupted(const struct live_run *run, struct status *st);

#endif
