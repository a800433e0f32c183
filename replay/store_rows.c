/* SPDX-License-Identifier: MIT */
/* The rows of a trace and of a run. */
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "replay/store_internal.h"
#include "version.h"

static void trace_name(const char *path, char *name, size_t size)
{
	char copy[4096];
	char *base;
	size_t length;

	snprintf(copy, sizeof(copy), "%s", path);
	base = basename(copy);
	length = strlen(base);
	if (length > 4 && !strcmp(base + length - 4, ".kgt"))
		base[length - 4] = '\0';
	snprintf(name, size, "%s", base);
}

static const char *channel_names(unsigned int channels)
{
	static const char *const names[] = {"", "accessed", "dirty",
					    "accessed,dirty"};

	return names[channels & 3];
}

int store_trace(struct store *store, const char *path,
		const struct trace_meta *meta, const struct engine_trace *trace,
		struct status *st)
{
	char id[TRACE_ID_TEXT], name[256];
	const struct trace_totals *t = &trace->totals;
	/* by the trace's own clock, whatever a pass was told */
	uint64_t duration_ns =
		(uint64_t)((unsigned __int128)(t->last_time - t->first_time) *
			   meta->clock.ps_per_tick / 1000);
	const struct store_value values[] = {
		TEXT(id),
		TEXT(name),
		TEXT(meta->source),
		TEXT(trace_fidelity_names[meta->fidelity]),
		TEXT(channel_names(meta->channels)),
		TEXT(meta->clock.kind == TRACE_CLOCK_NS ? "ns" : "insn"),
		NUMBER(meta->clock.ps_per_tick),
		NUMBER(trace->guest_pages),
		NUMBER(trace->footprint_pages - trace->mixed_pages),
		NUMBER(t->events + t->epoch_pages),
		/* folds count accesses; an epoch cannot */
		NUMBER_IF(!t->epochs, t->accesses),
		NUMBER(t->epochs),
		NUMBER(t->lost),
		NUMBER(duration_ns),
		NUMBER(meta->nr_vcpus),
		TEXT(meta->details ? meta->details : "{}"),
	};

	trace_id_text(id, t->id);
	trace_name(path, name, sizeof(name));
	return STORE_INSERT(
		store,
		"trace VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET"
		/* whoever comes first: --expand decides what a pass touches */
		" name = min(name, excluded.name), footprint_pages ="
		" max(footprint_pages, excluded.footprint_pages)",
		values, st);
}

static int put_run(struct store *store, const struct run *run,
		   struct status *st)
{
	const struct store_value values[] = {
		TEXT(run->id),
		TEXT(run->trace_id),
		TEXT(run->policy),
		TEXT(run->policy_params),
		NUMBER(run->is_bound),
		TEXT(run->kernel),
		TEXT(run->mmu),
		TEXT(run->mmu_params),
		TEXT(run->numa),
		TEXT(run->numa_params),
		TEXT(run->chunk),
		TEXT(run->driver),
		TEXT(run->driver_params),
		NUMBER_IF(run->has_limit, run->limit_pages),
		TEXT_IF(run->has_limit, run->limit_text),
		NUMBER(run->pace_ns),
		NUMBER_IF(!run->is_bound, run->wrong_window_ns),
		NUMBER(run->nr_samples),
		NUMBER_IF(run->ps_per_tick, run->ps_per_tick),
		TEXT(run->epoch_rule),
		NUMBER(run->seed),
		TEXT(run->cost_profile),
		NUMBER(run->lower_bound),
		TEXT(run_model_rev),
		TEXT(KAGE_VERSION),
	};

	return STORE_INSERT(
		store,
		"run VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		values, st);
}

static int put_memory(struct store *store, const struct run *run,
		      struct status *st)
{
	const struct store_value values[] = {
		TEXT(run->id),
		TEXT(run->memory),
		TEXT_IF(run->mix, run->mix),
	};

	return STORE_INSERT(store, "memory VALUES (?,?,?)", values, st);
}

static int put_closed_loop(struct store *store, const struct run *run,
			   struct status *st)
{
	const struct store_value values[] = {TEXT(run->id),
					     TEXT(run->closed_loop)};

	return *run->closed_loop
		       ? STORE_INSERT(store, "closed_loop VALUES (?,?)", values,
				      st)
		       : 0;
}

static int put_provenance(struct store *store, const struct run *run,
			  const struct store_provenance *p, struct status *st)
{
	struct utsname name;
	char host[256] = "unknown", finished[32];
	time_t now = time(NULL);
	struct tm utc;
	const struct store_value values[] = {
		TEXT(run->id),	TEXT(p->command),      TEXT(host),
		TEXT(finished), NUMBER(p->elapsed_ns), NUMBER(p->nr_lanes),
	};

	if (!uname(&name))
		snprintf(host, sizeof(host), "%.60s %.100s %.60s", name.sysname,
			 name.release, name.machine);
	gmtime_r(&now, &utc);
	strftime(finished, sizeof(finished), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return STORE_INSERT(store, "provenance VALUES (?,?,?,?,?,?)", values,
			    st);
}

static int put_total(struct store *store, const struct run *run,
		     enum counter counter, uint64_t value, struct status *st)
{
	const struct store_value values[] = {
		TEXT(run->id), TEXT(counter_info[counter].name), NUMBER(value)};

	return STORE_INSERT(store, "total VALUES (?,?,?)", values, st);
}

static uint64_t lock_holds(const struct counters *c)
{
	return c->n[COUNT_lock_write_young] + c->n[COUNT_lock_read_young] +
	       c->n[COUNT_lock_write_unmap];
}

static uint64_t young_calls(const struct counters *c)
{
	return c->n[COUNT_calls_aging] + c->n[COUNT_calls_victim] +
	       c->n[COUNT_calls_window];
}

static int put_sample(struct store *store, const struct run *run, size_t i,
		      const struct lane_sample *s, struct status *st)
{
	const struct counters *c = &s->counters;
	const struct store_value values[] = {
		TEXT(run->id),
		NUMBER(i),
		NUMBER(s->end_ns),
		NUMBER(s->resident),
		NUMBER(c->n[COUNT_faults]),
		NUMBER(c->n[COUNT_refaults]),
		NUMBER(c->n[COUNT_evictions]),
		NUMBER(c->n[COUNT_scanned]),
		NUMBER(c->n[COUNT_passes]),
		NUMBER(young_calls(c)),
		NUMBER(c->n[COUNT_sptes]),
		NUMBER(lock_holds(c)),
	};
	int ret = STORE_INSERT(store, "series VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
			       values, st);

	for (int b = 0; b < LANE_IDLE_BUCKETS && !ret; b++) {
		const struct store_value idle[] = {TEXT(run->id), NUMBER(i),
						   NUMBER(b),
						   NUMBER(s->idle[b])};

		if (s->idle[b])
			ret = STORE_INSERT(store, "idle_age VALUES (?,?,?,?)",
					   idle, st);
	}
	return ret;
}

static int put_refault_ages(struct store *store, const struct run *run,
			    const struct lane *lane, struct status *st)
{
	int ret = 0;

	for (int b = 0; b < LANE_AGE_BUCKETS && !ret; b++) {
		const struct store_value values[] = {
			TEXT(run->id), NUMBER(b), NUMBER(lane->refault_age[b])};

		if (lane->refault_age[b])
			ret = STORE_INSERT(store, "refault_age VALUES (?,?,?)",
					   values, st);
	}
	return ret;
}

static int put_generations(struct store *store, const struct run *run,
			   const struct lane *lane, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < lane->nr_generations && !ret; i++) {
		const struct lane_generation *g = &lane->generations[i];
		const struct store_value values[] = {
			TEXT(run->id),	NUMBER(g->pass),   NUMBER(g->end_ns),
			NUMBER(g->seq), NUMBER(g->age_ns), NUMBER(g->pages)};

		ret = STORE_INSERT(store, "generation VALUES (?,?,?,?,?,?)",
				   values, st);
	}
	return ret;
}

static int put_epoch_fit(struct store *store, const struct run *run,
			 const struct epoch_fit *fit, struct status *st)
{
	const struct store_value values[] = {
		TEXT(run->id),
		REAL_IF(fit->has_pass_gap, fit->pass_gap_epochs),
		REAL_IF(fit->has_set_share, fit->largest_set_share),
		NUMBER_IF(fit->has_coarse_refaults, fit->coarse_refaults),
	};

	return fit->has_epochs
		       ? STORE_INSERT(store, "epoch_fit VALUES (?,?,?,?)",
				      values, st)
		       : 0;
}

/* Somebody else made the same run meanwhile, or it lacked what is now asked for.  What
 * it has and this time was not asked for stays: the run is the same. */
static int delete_run(struct store *store, const struct run *run,
		      struct status *st)
{
	static const char *const statements[] = {
		"DELETE FROM provenance WHERE run_id = ?",
		"DELETE FROM total WHERE run_id = ?",
		"DELETE FROM series WHERE run_id = ?",
		"DELETE FROM refault_age WHERE run_id = ?",
		"DELETE FROM generation WHERE run_id = ?",
		"DELETE FROM epoch_fit WHERE run_id = ?",
		"DELETE FROM memory WHERE run_id = ?",
		"DELETE FROM closed_loop WHERE run_id = ?",
		"DELETE FROM run WHERE run_id = ?",
	};
	const struct store_value id = TEXT(run->id);
	int ret =
		run->has_idle_age
			? store_insert(store,
				       "DELETE FROM idle_age WHERE run_id = ?",
				       &id, 1, st)
			: 0;

	for (size_t i = 0;
	     i < sizeof(statements) / sizeof(statements[0]) && !ret; i++)
		ret = store_insert(store, statements[i], &id, 1, st);
	return ret;
}

/* One transaction around the rows of a run. */
static int begin(struct store *store, const struct run *run,
		 const struct store_provenance *p, struct status *st)
{
	int ret = store_exec(store, "BEGIN IMMEDIATE", st);

	if (!ret)
		ret = delete_run(store, run, st);
	if (!ret)
		ret = put_run(store, run, st);
	if (!ret)
		ret = put_memory(store, run, st);
	if (!ret)
		ret = put_closed_loop(store, run, st);
	return ret ? ret : put_provenance(store, run, p, st);
}

static int end(struct store *store, int ret, struct status *st)
{
	if (!ret)
		ret = store_exec(store, "COMMIT", st);
	if (ret)
		store_exec(store, "ROLLBACK", NULL);
	return ret;
}

int store_lane(struct store *store, const struct run *run,
	       const struct lane *lane,
	       const struct store_provenance *provenance, struct status *st)
{
	int ret = begin(store, run, provenance, st);

	for (int c = 0; c < NR_COUNTERS && !ret; c++)
		if (lane_has_counter(lane, (enum counter)c))
			ret = put_total(store, run, (enum counter)c,
					lane->counters.n[c], st);
	for (size_t i = 0; i < lane->nr_samples && !ret; i++)
		ret = put_sample(store, run, i, &lane->samples[i], st);
	if (!ret)
		ret = put_refault_ages(store, run, lane, st);
	if (!ret)
		ret = put_generations(store, run, lane, st);
	if (!ret)
		ret = put_epoch_fit(store, run, &lane->fit, st);
	if (!ret && lane->accuracy)
		ret = store_accuracy(store, run, lane->accuracy, st);
	if (!ret && lane->timeline)
		ret = store_time(store, run, timeline_result(lane->timeline),
				 st);
	return end(store, ret, st);
}

int store_bound(struct store *store, const struct run *run,
		const struct bound_result *result,
		const struct bound_sample *samples, size_t nr_samples,
		const struct engine_trace *trace,
		const struct store_provenance *provenance, struct status *st)
{
	int ret = begin(store, run, provenance, st);

	if (!ret)
		ret = put_total(store, run, COUNT_faults, result->faults, st);
	if (!ret)
		ret = put_total(store, run, COUNT_refaults, result->refaults,
				st);
	if (!ret)
		ret = put_total(store, run, COUNT_evictions, result->evictions,
				st);
	for (size_t i = 0; i < nr_samples && !ret; i++) {
		const struct bound_result *r = &samples[i].so_far;
		uint64_t end_ns = i + 1 < nr_samples
					  ? (i + 1) * trace->sample_ns
					  : trace->duration_ns + 1;
		const struct store_value values[] = {
			TEXT(run->id),	      NUMBER(i),
			NUMBER(end_ns),	      NUMBER(samples[i].resident),
			NUMBER(r->faults),    NUMBER(r->refaults),
			NUMBER(r->evictions),
		};

		ret = STORE_INSERT(
			store,
			"series VALUES (?,?,?,?,?,?,?,NULL,NULL,NULL,NULL,NULL)",
			values, st);
	}
	return end(store, ret, st);
}
