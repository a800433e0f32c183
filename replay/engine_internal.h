/* SPDX-License-Identifier: MIT */
/* The engine's state, shared by its loop (engine.c) and its epochs (epochs.c). */
#ifndef REPLAY_ENGINE_INTERNAL_H
#define REPLAY_ENGINE_INTERNAL_H

#include "datasets/fold.h"
#include "models/tlb.h"
#include "replay/engine.h"
#include "replay/epoch_set.h"
#include "replay/feeder.h"
#include "replay/mix.h"
#include "replay/truth.h"

enum {
	ENGINE_OWN_BIT = PAGES_LANES_MAX - 1 /* of a page word: not a lane's */
};

struct engine {
	const struct engine_options *options;
	const struct trace_meta *meta;
	struct trace_reader *reader;
	struct gfn_map map;
	struct pages pages;
	struct numa_vma *vmas; /* of the VMM: owned */
	struct lane *lanes;
	size_t nr_lanes;
	uint64_t slow_mask;	/* quiet bits of all lanes and of the engine */
	uint64_t accessed_mask; /* accessed bits of the same */
	bool has_tlb;
	struct tlb tlb; /* of the guest; only where a lane has one */
	struct engine_trace *trace;
	struct engine_tape *tape;

	uint32_t ps_per_tick;
	bool has_started;
	uint64_t first_tick; /* of the trace: time zero */
	uint64_t now_tick;   /* of the last record */
	uint64_t wake_ns;    /* the next thing a lane or sample wants */

	uint64_t sample_ns;  /* length of an interval */
	uint32_t sample;     /* the current one */
	uint32_t *last_seen; /* per page, the last interval of an access */

	struct truth truth; /* its array is NULL unless accuracy is measured */

	size_t mixed; /* accesses of options->mix that are done */

	struct closed_loop *closed; /* NULL: the loop is open */

	uint32_t watched; /* the page whose life is told; pages.npages: none */
	bool has_seen_watched;

	uint32_t *index; /* per record of a block or page of an epoch */
	uint64_t *tick;
	uint8_t *is_write;
	size_t index_capacity;
	int error;
	/* Of a stream: whose the accesses are, in parallel to the ticks from vcpu_tick
	 * on; borrowed.  NULL: not known. */
	const uint16_t *vcpu;
	const uint64_t *vcpu_tick;
	size_t breath; /* a scenario: after as many accesses the guest sleeps */

	struct epoch_set set; /* the epoch that is gathered or played */
	struct fold fold;     /* epochs that become one; only where they do */
	uint64_t nr_joined;   /* so far */
};

static inline uint64_t engine_ns(const struct engine *e, uint64_t tick)
{
	if (e->ps_per_tick == 1000)
		return tick - e->first_tick;
	return (uint64_t)((unsigned __int128)(tick - e->first_tick) *
			  e->ps_per_tick / 1000);
}

/* Return: how long the trace is by its totals: known before the first record. */
static inline uint64_t engine_span_ns(const struct engine *e)
{
	const struct trace_totals *totals = &e->trace->totals;

	return engine_ns(e, totals->last_time) -
	       engine_ns(e, totals->first_time);
}

/* Replay accesses [0, n) of @index, which is padded by FEEDER_PAD pages, at the times
 * of @tick, which never fall.  @is_write: where writes were not observed, 0. */
void engine_accesses(struct engine *e, const uint32_t *index,
		     const uint64_t *tick, const uint8_t *is_write, size_t n);

/*
 * Witnesses (witness.c): what is kept beside the lanes for those who judge them by the
 * truth or tell the life of a page.  init comes once the page words are there and is
 * undone by fini in any case.
 * Return: 0, -ENOMEM, or -EINVAL if no memslot has options->watched_gfn.
 */
int engine_witness_init(struct engine *e, const char *path, struct status *st);
int engine_witness_lane(struct engine *e, struct lane *lane, struct status *st);
void engine_witness_fini(struct engine *e);

/* Tell all lanes what happened to @page, if it is the watched one. */
void engine_tell(struct engine *e, uint32_t page, enum life_kind kind,
		 uint64_t now_ns);

/* The lanes of @slow, quiet bits, hear of an access to @page. */
void engine_access_slow(struct engine *e, uint32_t page, uint64_t slow,
			uint64_t now_ns, bool is_write);

/* Give every lane a timeline, if that was asked for.  Return: 0 or -ENOMEM. */
int engine_init_timelines(struct engine *e, struct status *st);
/* The trace ended at @end_ns, and the guest was done with it at @done_ns. */
int engine_finish_timelines(struct engine *e, uint64_t end_ns,
			    uint64_t done_ns);
/* By the trace's totals: how long an interval of the series is. */
void engine_set_sample_length(struct engine *e);
/* Begin NUMA balancing of the lanes that have it.  Return: 0 or -ENOMEM. */
int engine_balance(struct engine *e, struct status *st);
void engine_balance_end(struct engine *e);

/* Make the guest's TLB if a lane has one.  Return: 0, -EINVAL or -ENOMEM. */
int engine_init_tlb(struct engine *e, struct status *st);

/* Outside of a scenario: no huge folio where the guest has less than all 2 MiB. */
void engine_limit_huge(struct engine *e);

/* Results of a scenario name the pages of its footprint only, @n gfns.
 * Return: a bit per page, to be freed, or NULL for want of memory. */
uint64_t *engine_list_footprint(const struct engine *e, const gfn_t *gfn,
				size_t n, struct status *st);

/* As engine_accesses() up to the next wake-up. */
void engine_access_all(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, const uint8_t *is_write, size_t n);

/* The same where lanes have a TLB. */
void engine_access_tlb(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, const uint8_t *is_write, size_t n);

/* Return: when the process with the files makes its next access. */
static inline uint64_t engine_mix_ns(const struct engine *e)
{
	const struct mix *mix = e->options->mix;

	return mix && e->mixed < mix->tape.n ? mix->tape.ns[e->mixed]
					     : UINT64_MAX;
}

/* Make its accesses up to and including @now_ns; there is a mix. */
void engine_mix(struct engine *e, uint64_t now_ns);

/* Note accesses for the bounds; there is a tape.  Return: 0 or -ENOMEM. */
int engine_record_tape(struct engine *e, const uint32_t *index,
		       const uint64_t *tick, size_t n);

/* Let lanes and samples run up to and including @now_ns. */
void engine_advance(struct engine *e, uint64_t now_ns);

/* Note when the trace begins; the first record of a trace calls it. */
void engine_start(struct engine *e, uint64_t tick);

/* Make room for @n entries of index, tick and is_write.  Return: 0 or -ENOMEM. */
int engine_reserve(struct engine *e, size_t n, struct status *st);

/* A stream block that is not accesses only. */
int engine_events(struct engine *e, const struct trace_stream *s,
		  struct status *st);

/* One block of an epoch; the last part replays it. */
int engine_epoch(struct engine *e, const struct trace_block *block,
		 struct status *st);

/* Replay an epoch of the pages of @e->set, in this order, between two ticks. */
int engine_play(struct engine *e, uint64_t start, uint64_t end,
		struct status *st);

/* Append to the set of the next epoch.  Return: 0 or -ENOMEM. */
int engine_push(struct engine *e, gfn_t gfn, bool is_write, struct status *st);

/* Play the scenario of the lanes instead of the trace as it comes. */
int engine_script(struct engine *e, const char *path, struct status *st);

/* Replay the epochs that still wait for others to become one with. */
int engine_epochs_end(struct engine *e, struct status *st);

#endif
