/* SPDX-License-Identifier: MIT */
/* Running a generator; see synth.h. */
#include "datasets/synth/synth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "datasets/fold.h"

#define ENTRY(name) extern const struct synth synth_##name;
#include "datasets/synth/synths.def"
#undef ENTRY

const struct synth *const synths[] = {
#define ENTRY(name) &synth_##name,
#include "datasets/synth/synths.def"
#undef ENTRY
	NULL,
};

enum {
	PARAM_TEXT = 512
};

/* Pages times pages must fit 64 bits: generators multiply. */
#define PAGES_MAX (UINT64_C(1) << 32)

const struct synth *synth_find(const char *name, struct status *st)
{
	struct outbuf known = {0};

	for (size_t i = 0; synths[i]; i++) {
		if (!strcmp(synths[i]->name, name)) {
			outbuf_fini(&known);
			return synths[i];
		}
		outbuf_printf(&known, " %s", synths[i]->name);
	}
	status_fail(st, EINVAL, "no generator '%s'; known:%s", name,
		    known.data ? known.data : "");
	outbuf_fini(&known);
	return NULL;
}

static int check_job(const struct synth_job *job, struct status *st)
{
	uint64_t last;

	if (!job->pages || job->pages > PAGES_MAX)
		return status_fail(st, EINVAL, "synth: 1 to 2^32 pages");
	if (!(job->writes >= 0 && job->writes <= 1))
		return status_fail(st, EINVAL, "synth: writes is a share");
	if (__builtin_mul_overflow(job->accesses, job->tick_ns, &last))
		return status_fail(st, EINVAL, "synth: the clock would wrap");
	return 0;
}

static int open_writer(struct trace_writer **writer, const struct synth *synth,
		       const void *params, const struct synth_job *job,
		       const char *path, struct status *st)
{
	char text[PARAM_TEXT] = "";
	char details[2 * PARAM_TEXT];
	struct trace_slot slot = {.npages = job->pages,
				  .page_bytes = TRACE_PAGE_BYTES,
				  .node = -1,
				  .backing = "unknown"};
	struct trace_meta meta = {
		.clock = {.kind = TRACE_CLOCK_NS, .ps_per_tick = 1000},
		.fidelity = TRACE_SYNTHETIC,
		.channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY,
		.nr_vcpus = 1,
		.nr_slots = 1,
		.slots = &slot,
		.source = "synth",
		.details = details,
	};

	param_format(synth->params, params, text, sizeof(text));
	snprintf(details, sizeof(details),
		 "{\"generator\": \"%s\", \"params\": \"%s\", "
		 "\"seed\": \"%llu\", \"writes\": %.17g}",
		 synth->name, text, (unsigned long long)job->seed, job->writes);
	return trace_writer_open(writer, path, &meta, st);
}

/* Writes come from their own generator: they do not disturb the pages. */
static int put_stream(const struct synth *synth, void *state,
		      const struct synth_job *job, struct trace_writer *writer,
		      struct status *st)
{
	struct rng pages = {job->seed}, writes = {~job->seed};
	int ret = 0;

	for (uint64_t i = 0; i < job->accesses && !ret; i++) {
		struct trace_event event = {
			.time = (i + 1) * job->tick_ns,
			.gfn = synth->next(state, i, &pages),
			.count = 1,
			.kind = rng_unit(&writes) < job->writes ? TRACE_WRITE
								: TRACE_READ,
		};

		ret = trace_writer_event(writer, &event, st);
	}
	return ret;
}

static int put_epochs(const struct synth *synth, void *state,
		      const struct synth_job *job, struct trace_writer *writer,
		      struct status *st)
{
	struct rng pages = {job->seed}, writes = {~job->seed};
	struct fold fold;
	int ret = fold_init(&fold, writer, job->epoch_ns,
			    TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY, st);

	for (uint64_t i = 0; i < job->accesses && !ret; i++) {
		uint64_t gfn = synth->next(state, i, &pages);
		bool is_write = rng_unit(&writes) < job->writes;
		struct trace_run run = {.gfn = gfn,
					.npages = 1,
					.flags = TRACE_RUN_ACCESSED |
						 (is_write ? TRACE_RUN_DIRTY
							   : 0)};

		ret = fold_until(&fold, (i + 1) * job->tick_ns, st);
		if (!ret)
			ret = fold_add(&fold, &run, st);
	}
	if (!ret)
		ret = fold_end(&fold, st);
	fold_fini(&fold);
	return ret;
}

static int generate(const struct synth *synth, void *state, const void *params,
		    const struct synth_job *job, const char *path,
		    struct trace_totals *totals, struct status *st)
{
	struct trace_writer *writer;
	int ret = open_writer(&writer, synth, params, job, path, st);

	if (ret)
		return ret;
	ret = job->epoch_ns ? put_epochs(synth, state, job, writer, st)
			    : put_stream(synth, state, job, writer, st);
	if (!ret)
		return trace_writer_close(writer, totals, st);
	trace_writer_discard(writer);
	return ret;
}

int synth_run(const struct synth *synth, const char *params_text,
	      const struct synth_job *job, const char *path,
	      struct trace_totals *totals, struct status *st)
{
	char owner[64];
	void *params = kage_calloc(1, synth->params_size, st);
	void *state = kage_calloc(1, synth->state_size, st);
	int ret = params && state ? check_job(job, st) : -ENOMEM;

	snprintf(owner, sizeof(owner), "generator %s", synth->name);
	if (!ret)
		ret = param_parse(synth->params, params, owner, params_text,
				  st);
	if (ret)
		goto out_free;
	ret = synth->init ? synth->init(state, job, params, st) : 0;
	if (!ret)
		ret = generate(synth, state, params, job, path, totals, st);
	if (synth->fini)
		synth->fini(state);
out_free:
	free(state);
	free(params);
	return ret;
}
