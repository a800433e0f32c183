/* SPDX-License-Identifier: MIT */
/* The replay loop; see engine.h for the rules that it keeps. */
#include "replay/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/progress.h"
#include "replay/closed_loop.h"
#include "replay/engine_internal.h"

static void find_next_wake(struct engine *e)
{
	uint64_t next = (e->sample + UINT64_C(1)) * e->sample_ns;

	for (size_t i = 0; i < e->nr_lanes; i++) {
		uint64_t ns = lane_next_ns(&e->lanes[i]);

		next = ns < next ? ns : next;
	}
	if (engine_mix_ns(e) < next)
		next = engine_mix_ns(e);
	e->wake_ns = next;
}

/* Note which pages were accessed in the interval that ends. */
static void see_accessed(struct engine *e)
{
	uint64_t bit = pages_accessed_bit(ENGINE_OWN_BIT);

	for (uint32_t page = 0; page < e->pages.npages; page++) {
		if (e->pages.word[page] & bit) {
			e->last_seen[page] = e->sample;
			e->pages.word[page] &= ~bit;
		}
	}
}

static void take_sample(struct engine *e, uint64_t end_ns)
{
	if (e->last_seen)
		see_accessed(e);
	for (size_t i = 0; i < e->nr_lanes; i++)
		lane_take_sample(&e->lanes[i], end_ns, e->last_seen, e->sample);
	e->sample++;
	if (!e->tape)
		return;
	if (kage_grow(&e->tape->sample_at, &e->tape->samples_capacity,
		      e->tape->nr_samples, sizeof(*e->tape->sample_at), NULL))
		e->error = -ENOMEM;
	else
		e->tape->sample_at[e->tape->nr_samples++] = e->tape->n;
}

void engine_advance(struct engine *e, uint64_t now_ns)
{
	while (e->wake_ns <= now_ns) {
		uint64_t end_ns = (e->sample + UINT64_C(1)) * e->sample_ns;

		for (size_t i = 0; i < e->nr_lanes; i++)
			lane_advance(&e->lanes[i], e->wake_ns);
		if (engine_mix_ns(e) <= e->wake_ns)
			engine_mix(e, e->wake_ns);
		if (end_ns <= e->wake_ns)
			take_sample(e, end_ns);
		find_next_wake(e);
	}
}

/* Return: how many of the rising ticks come before the next wake-up. */
static size_t before_wake(const struct engine *e, const uint64_t *tick,
			  size_t n)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (engine_ns(e, tick[middle]) < e->wake_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The VMM runs when a turn of the guest begins, and when it ends: the thread that
 * waited for the vCPU does (context_switch() calls lru_gen_use_mm() for either). */
static void schedule_vmm(struct engine *e)
{
	for (size_t i = 0; e->breath && i < e->nr_lanes; i++)
		e->lanes[i].mglru.has_run = true;
}

/* NUMA balancing of a lane: a fault may want the next scan sooner. */
static bool may_wake_sooner(const struct engine *e)
{
	for (size_t i = 0; i < e->nr_lanes; i++)
		if (e->lanes[i].numa.mode != NUMA_OFF)
			return true;
	return false;
}

void engine_accesses(struct engine *e, const uint32_t *index,
		     const uint64_t *tick, const uint8_t *is_write, size_t n)
{
	const bool is_one_by_one = may_wake_sooner(e);

	while (n) {
		size_t turn = e->breath && e->breath < n ? e->breath : n;
		size_t now;

		if (is_one_by_one)
			find_next_wake(e);
		now = before_wake(e, tick, is_one_by_one ? 1 : turn);
		schedule_vmm(e);
		engine_access_all(e, index, tick, is_write, now);
		schedule_vmm(e);
		if (e->tape && engine_record_tape(e, index, tick, now))
			e->error = -ENOMEM;
		index += now;
		tick += now;
		is_write += now;
		n -= now;
		if (is_one_by_one)
			find_next_wake(e);
		if (n)
			engine_advance(e, engine_ns(e, *tick));
	}
}

void engine_start(struct engine *e, uint64_t tick)
{
	if (e->has_started)
		return;
	e->has_started = true;
	e->first_tick = tick;
	e->truth.first_tick = tick;
	e->now_tick = tick;
	find_next_wake(e);
}

int engine_reserve(struct engine *e, size_t n, struct status *st)
{
	if (n <= e->index_capacity)
		return 0;
	free(e->index);
	free(e->tick);
	free(e->is_write);
	e->index_capacity = 0;
	/* engine_access_all() looks ahead: what it finds there must be pages */
	e->index = kage_calloc(n + FEEDER_PAD, sizeof(*e->index), st);
	e->tick = kage_calloc(n, sizeof(*e->tick), st);
	e->is_write = kage_calloc(n, sizeof(*e->is_write), st);
	if (!e->index || !e->tick || !e->is_write)
		return -ENOMEM;
	e->index_capacity = n;
	return 0;
}

/* Whether the trace says which pages were accessed. */
static int check_fidelity(const struct engine *e, const char *path,
			  struct status *st)
{
	if (e->meta->fidelity != TRACE_REGION_SAMPLE ||
	    e->options->expand == EXPAND_ALL)
		return 0;
	return status_fail(
		st, EINVAL,
		"%s: holds regions, each judged by samples of single pages; --expand=all replays all pages of a region as accessed",
		path);
}

static int check_channels(const struct engine *e, const char *path,
			  struct status *st)
{
	if ((e->meta->channels & TRACE_CHANNEL_ACCESSED) ||
	    e->options->writes_as_accesses)
		return 0;
	return status_fail(
		st, EINVAL,
		"%s: holds writes only; --writes-as-accesses replays it as a lower bound without ranking",
		path);
}

static int stream_block(struct engine *e, const struct feed *feed,
			struct status *st)
{
	const struct trace_stream *s = &feed->block.stream;
	const uint64_t *tick = feed->is_accesses ? feed->tick : s->time;
	size_t n = feed->is_accesses ? feed->n : s->n;

	if (!n)
		return 0;
	engine_start(e, tick[0]);
	e->trace->records += n;
	e->now_tick = tick[n - 1];
	if (e->closed)
		return closed_loop_block(e, feed, st);
	if (!feed->is_accesses)
		return engine_events(e, s, st);
	e->vcpu = feed->vcpu;
	e->vcpu_tick = tick;
	engine_accesses(e, feed->index, tick, feed->is_write, n);
	return 0;
}

static int replay_item(struct engine *e, const struct feed *feed,
		       struct status *st)
{
	if (feed->result < 0 && st)
		*st = feed->status;
	if (feed->result <= 0)
		return feed->result;
	progress_show("replay", e->trace->records,
		      e->trace->totals.events + e->trace->totals.epoch_pages);
	if (feed->block.type == TRACE_BLOCK_STREAM)
		return stream_block(e, feed, st);
	e->vcpu = NULL;
	if (feed->block.type == TRACE_BLOCK_EPOCH)
		return engine_epoch(e, &feed->block, st);
	return 0;
}

static int read_blocks(struct engine *e, struct status *st)
{
	struct feeder feeder;
	const struct feed *feed;
	int ret;

	engine_limit_huge(e);
	feeder_init(&feeder, e->reader, &e->map, e->options->store,
		    e->options->reads_ahead);
	do {
		feed = feeder_next(&feeder);
		ret = replay_item(e, feed, st);
	} while (!ret && feed->result > 0);
	feeder_fini(&feeder);
	progress_end();
	return ret ? ret : engine_epochs_end(e, st);
}

/* File pages come behind the guest's. */
static int add_files(struct engine *e, struct status *st)
{
	uint32_t files = e->options->mix->tape.npages;

	if (files > UINT32_MAX - 2 * PTRS_PER_PTE - e->map.npages)
		return status_fail(st, E2BIG,
				   "guest and files have 2^32 pages or more");
	e->pages.npages += files;
	e->pages.file_pages = files;
	return 0;
}

static int alloc_pages(struct engine *e, struct status *st)
{
	int ret = gfn_map_init(&e->map, e->meta, st);

	if (ret)
		return ret;
	e->pages.npages = e->map.npages;
	if (e->options->mix && add_files(e, st))
		return -E2BIG;
	e->pages.word =
		kage_calloc_pages(e->pages.npages, sizeof(*e->pages.word), st);
	if (!e->pages.word)
		return -ENOMEM;
	if (e->tape)
		e->tape->npages = e->pages.npages;
	if (e->options->counts_idle_age) {
		e->last_seen = kage_calloc_pages(e->pages.npages,
						 sizeof(*e->last_seen), st);
		if (!e->last_seen)
			return -ENOMEM;
	}
	return 0;
}

int engine_refuse_unfinished(const char *path, struct status *st)
{
	if (!strcmp(path, "-"))
		return status_fail(
			st, EINVAL,
			"replay reads a trace twice: it takes files, not a pipe");
	return status_fail(
		st, EBADMSG,
		"%s: is not finished; kage trace recover makes it a file to replay",
		path);
}

/* Everything that can be known before the first record. */
static int prepare(struct engine *e, const char *path, struct status *st)
{
	const struct trace_totals *totals;
	int ret = trace_reader_open(&e->reader, path, 0, st);

	if (ret)
		return ret;
	e->meta = trace_reader_meta(e->reader);
	e->ps_per_tick = e->options->ps_per_tick ? e->options->ps_per_tick
						 : e->meta->clock.ps_per_tick;
	e->trace->guest_pages = trace_meta_pages(e->meta);
	e->trace->is_ordered = true;
	ret = check_channels(e, path, st);
	if (!ret)
		ret = check_fidelity(e, path, st);
	if (ret)
		return ret;
	totals = trace_reader_totals(e->reader);
	if (!totals)
		return engine_refuse_unfinished(path, st);
	e->trace->totals = *totals;
	if ((unsigned __int128)totals->last_time * e->ps_per_tick / 1000 >
	    INT64_MAX)
		return status_fail(
			st, EINVAL,
			"%s: ends after 2^63 ns; --ns-per-tick is too large",
			path);
	engine_set_sample_length(e);
	ret = alloc_pages(e, st);
	return ret ? ret : engine_witness_init(e, path, st);
}

static void finish(struct engine *e)
{
	uint64_t end_ns = engine_ns(e, e->now_tick), done_ns = end_ns;

	if (!e->has_started)
		return;
	if (e->closed)
		done_ns = closed_loop_end(e);
	engine_advance(e, done_ns);
	take_sample(e, done_ns + 1);
	e->trace->duration_ns = end_ns;
	if (engine_finish_timelines(e, end_ns, done_ns))
		e->error = -ENOMEM;
}

static int init_lanes(struct engine *e,
		      const struct lane_config *const *configs,
		      struct status *st)
{
	e->slow_mask = pages_quiet_bit(ENGINE_OWN_BIT);
	e->accessed_mask = pages_accessed_bit(ENGINE_OWN_BIT);
	for (size_t i = 0; i < e->nr_lanes; i++) {
		int ret = lane_init(&e->lanes[i], configs[i], &e->pages,
				    (unsigned int)i, st);

		if (!ret)
			ret = engine_witness_lane(e, &e->lanes[i], st);
		if (ret)
			return ret;
		e->slow_mask |= pages_quiet_bit((unsigned int)i);
		e->accessed_mask |= pages_accessed_bit((unsigned int)i);
	}
	if (engine_init_timelines(e, st) || engine_balance(e, st))
		return -ENOMEM;
	return engine_init_tlb(e, st);
}

static int late_error(const struct engine *e, struct status *st)
{
	int error = e->error;

	for (size_t i = 0; i < e->nr_lanes && !error; i++)
		error = e->lanes[i].error ? e->lanes[i].error
					  : e->lanes[i].mglru.error;
	return error ? status_fail(st, -error, "out of memory while replaying")
		     : 0;
}

int engine_run(const char *path, const struct engine_options *options,
	       const struct lane_config *const *configs, size_t nr_lanes,
	       struct lane *lanes, struct engine_tape *tape,
	       struct engine_trace *trace, struct status *st)
{
	struct engine e = {.options = options,
			   .lanes = lanes,
			   .nr_lanes = nr_lanes,
			   .trace = trace,
			   .tape = tape};
	int ret;

	memset(lanes, 0, nr_lanes * sizeof(*lanes));
	*trace = (struct engine_trace){0};
	ret = prepare(&e, path, st);
	if (!ret)
		ret = init_lanes(&e, configs, st);
	if (!ret)
		ret = closed_loop_init(&e, path, st);
	if (!ret && nr_lanes && configs[0]->scenario)
		ret = engine_script(&e, path, st);
	else if (!ret)
		ret = read_blocks(&e, st);
	if (!ret) {
		finish(&e);
		ret = late_error(&e, st);
	}
	if (!ret)
		ret = closed_loop_check(&e, st);
	closed_loop_fini(&e);
	for (size_t i = 0; i < nr_lanes; i++) {
		lanes[i].epoch = NULL;
		lanes[i].mmu.pages = NULL;
		lanes[i].mmu.tlb = NULL;
	}
	engine_witness_fini(&e);
	trace_reader_close(e.reader);
	gfn_map_fini(&e.map);
	tlb_fini(&e.tlb);
	engine_balance_end(&e);
	free(e.pages.word);
	free(e.last_seen);
	free(e.index);
	free(e.tick);
	free(e.is_write);
	epoch_set_fini(&e.set);
	fold_fini(&e.fold);
	return ret;
}
