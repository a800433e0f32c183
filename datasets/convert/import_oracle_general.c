/* SPDX-License-Identifier: MIT */
/*
 * Requests in libCacheSim's oracleGeneral format, plain or .zst: each is one read of
 * one page, whatever the object's size.  Whose requests they were, and what an id is,
 * the file does not say: block caches and web caches are not memory.
 */
#include <errno.h>

#include "datasets/convert/bytes.h"
#include "datasets/convert/id_map.h"
#include "datasets/convert/oracle_general.h"

enum {
	IDS_AUTO,
	IDS_KEEP,
	IDS_NUMBER
};

struct oracle_params {
	uint64_t unit_ns;
	unsigned int ids;
};

static const char *const ids_names[] = {"auto", "keep", "number", NULL};

static const struct param_spec oracle_params[] = {
	{.name = "unit",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct oracle_params, unit_ns),
	 .preset = 1e9,
	 .min = 1,
	 .max = 1e12,
	 .unit = "ns",
	 .help = "what the file's times count"},
	{.name = "ids",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct oracle_params, ids),
	 .preset = IDS_AUTO,
	 .names = ids_names,
	 .unit = "",
	 .help = "keep them as gfns, or number them by first request; auto "
		 "keeps them if all are below 2^40"},
	{.name = NULL},
};

static const char *const oracle_lost[] = {
	"sizes: an object is one page",
	"what the future holds (next): it can be counted again",
	NULL,
};

static const char kept[] = "ids kept", numbered[] = "numbered by first request";

/* Which way all of the file is read; found in the survey. */
static int choose(struct import_job *job, bool *is_kept, struct status *st)
{
	const struct oracle_params *p = job->params;
	struct oracle_general r;
	struct bytes b;
	uint64_t largest = 0;
	int step, ret;

	*is_kept = p->ids == IDS_KEEP;
	if (p->ids != IDS_AUTO)
		return 0;
	ret = bytes_init(&b, job, st);
	while (!ret && (step = bytes_read(&b, &r, sizeof(r), st))) {
		ret = step < 0 ? step : 0;
		job->offset += sizeof(r);
		largest = r.id > largest ? r.id : largest;
	}
	bytes_fini(&b);
	rewind(job->file);
	job->offset = 0;
	*is_kept = largest < TRACE_GFN_LIMIT;
	return ret;
}

static int find_gfn(struct id_map *map, bool is_kept, uint64_t id, gfn_t *gfn,
		    struct status *st)
{
	const uint64_t *known;

	*gfn = id;
	if (is_kept)
		return 0;
	known = id_map_at(map, id, map->n, st);
	if (!known)
		return -ENOMEM;
	*gfn = *known;
	return 0;
}

static int one_request(struct import_job *job, const struct oracle_general *r,
		       gfn_t gfn, struct status *st)
{
	const struct oracle_params *p = job->params;
	struct trace_event event = {.gfn = gfn, .count = 1, .kind = TRACE_READ};

	if (__builtin_mul_overflow(r->time, p->unit_ns, &event.time))
		return import_bad(job, st, "time %u is too large", r->time);
	if (r->next < -1)
		return import_bad(job, st,
				  "the next request is number %lld: this is "
				  "not oracleGeneral",
				  (long long)r->next);
	return import_event(job, &event, st);
}

static int read_oracle(struct import_job *job, struct status *st)
{
	struct oracle_general r;
	struct id_map map = {0};
	struct bytes b = {0};
	bool is_kept = false;
	gfn_t gfn = 0;
	int step, ret = choose(job, &is_kept, st);

	job->meta.fidelity = TRACE_EXACT;
	job->meta.channels = TRACE_CHANNEL_ACCESSED;
	if (!ret)
		ret = bytes_init(&b, job, st);
	while (!ret && (step = bytes_read(&b, &r, sizeof(r), st))) {
		ret = step < 0 ? step : find_gfn(&map, is_kept, r.id, &gfn, st);
		if (!ret)
			ret = one_request(job, &r, gfn, st);
		job->offset += sizeof(r);
	}
	import_tell(job, "gfns", json_string(is_kept ? kept : numbered));
	import_tell(job, "memory",
		    json_string("requests of a cache, unless "
				"the file was exported"));
	id_map_fini(&map);
	bytes_fini(&b);
	return ret;
}

const struct importer importer_oracle_general = {
	.name = "oracleGeneral",
	.summary = "libCacheSim's binary requests, plain or .zst",
	.lost = oracle_lost,
	.params = oracle_params,
	.params_size = sizeof(struct oracle_params),
	.read = read_oracle,
};
