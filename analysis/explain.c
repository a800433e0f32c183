/* SPDX-License-Identifier: MIT */
/* Replays that watch one page; see explain.h. */
#include "analysis/explain.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

/* What is told of the trace is read beside the replay. */
struct opened {
	struct trace_reader *reader;
	char id[TRACE_ID_TEXT];
};

static int open_trace(struct opened *o, const char *path, struct status *st)
{
	const struct trace_totals *totals;
	int ret = trace_reader_open(&o->reader, path, 0, st);

	if (ret)
		return ret;
	totals = trace_reader_totals(o->reader);
	if (!totals)
		return engine_refuse_unfinished(path, st);
	trace_id_text(o->id, totals->id);
	return 0;
}

/* A pass without lanes finds out what percentages are of. */
static int find_footprint(const struct explain_job *job, uint64_t *pages,
			  struct status *st)
{
	struct engine_trace trace = {0};
	struct lane none;
	int ret = 0;

	if (plan_needs_footprint(&job->request))
		ret = engine_run(job->path, &job->options, NULL, 0, &none, NULL,
				 &trace, st);
	*pages = trace.footprint_pages;
	return ret;
}

static int make_plan(const struct explain_job *job, struct plan *plan,
		     struct status *st)
{
	uint64_t footprint_pages;
	int ret;

	*plan = (struct plan){0};
	ret = find_footprint(job, &footprint_pages, st);
	if (!ret)
		ret = plan_init(plan, &job->request, footprint_pages, st);
	if (!ret && !plan->nr_lanes)
		ret = status_fail(
			st, EINVAL,
			"bounds keep no generations: there is no life to tell");
	return ret;
}

static void tell(struct explain_out *out, const struct explained *what,
		 const struct lane *lane)
{
	if (out->json) {
		json_array_append_new(out->json, explain_json_lane(what, lane));
		return;
	}
	if (!out->has_subject)
		explain_text_subject(&out->text, what, lane);
	out->has_subject = true;
	explain_text_lane(&out->text, what, lane, out->lines);
}

static bool is_touched(const struct lane *lane)
{
	return lane->life->totals[LIFE_TOUCHED] ||
	       lane->life->totals[LIFE_HOST_TOUCHED];
}

/* Lanes [from, from + n) of the plan. */
static int run_lanes(const struct explain_job *job, const struct plan *plan,
		     size_t from, size_t n, struct lane *lanes,
		     struct engine_trace *trace, struct status *st)
{
	const struct lane_config *configs[ENGINE_LANES_MAX];
	int ret;

	for (size_t i = 0; i < n; i++)
		configs[i] = &plan->lanes[from + i];
	ret = engine_run(job->path, &job->options, configs, n, lanes, NULL,
			 trace, st);
	if (!ret && !is_touched(&lanes[0]))
		ret = status_fail(st, EINVAL, "%s: gfn %#llx is never touched",
				  job->path,
				  (unsigned long long)job->options.watched_gfn);
	return ret;
}

int explain_job_run(struct explain_job *job, struct explain_out *out,
		    void (*note)(void *arg, const struct lane *lane), void *arg,
		    struct status *st)
{
	struct lane *lanes = kage_calloc(ENGINE_LANES_MAX, sizeof(*lanes), st);
	struct opened opened = {0};
	struct engine_trace trace;
	struct plan plan = {0};
	int ret = lanes ? open_trace(&opened, job->path, st) : -ENOMEM;

	if (!ret)
		ret = make_plan(job, &plan, st);
	for (size_t at = 0, n; at < plan.nr_lanes && !ret; at += n) {
		const struct explained what = {job, &trace,
					       trace_reader_meta(opened.reader),
					       opened.id};

		n = plan.nr_lanes - at;
		n = n < ENGINE_LANES_MAX ? n : ENGINE_LANES_MAX;
		ret = run_lanes(job, &plan, at, n, lanes, &trace, st);
		for (size_t i = 0; i < n && !ret; i++) {
			if (note)
				note(arg, &lanes[i]);
			tell(out, &what, &lanes[i]);
		}
		for (size_t i = 0; i < n; i++)
			lane_fini(&lanes[i]);
	}
	plan_fini(&plan);
	trace_reader_close(opened.reader);
	free(lanes);
	return ret;
}
