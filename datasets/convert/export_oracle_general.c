/* SPDX-License-Identifier: MIT */
/*
 * Guest accesses as requests in libCacheSim's oracleGeneral format: an id is a gfn, a
 * size 4096.  The pages of an epoch come in the order in which a replay plays them
 * (seed 0, epoch_order.h), each once.
 *
 * So exact LRU over the file misses as often as `kage replay --policy lru` faults.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "datasets/convert/export.h"
#include "datasets/convert/id_map.h"
#include "datasets/convert/oracle_general.h"
#include "datasets/epoch_order.h"

struct oracle_params {
	uint64_t unit_ns;
};

static const struct param_spec oracle_params[] = {
	{.name = "unit",
	 .type = PARAM_TIME,
	 .offset = offsetof(struct oracle_params, unit_ns),
	 .preset = 1e9,
	 .min = 1,
	 .max = 1e12,
	 .unit = "ns",
	 .help = "what the file's times count; other readers take seconds"},
	{.name = NULL},
};

static const char *const oracle_lost[] = {
	"memslots, vCPUs, and what is known of the capture",
	"reads, writes and fetches are requests alike",
	"times but for whole units (--params unit=1s)",
	NULL,
};

struct oracle_state {
	uint64_t requests;
	struct order *pages; /* of an epoch */
	size_t capacity;
};

struct order {
	uint64_t key;
	gfn_t gfn;
};

static int put(struct export_job *job, uint64_t ticks, gfn_t gfn,
	       struct status *st)
{
	const struct oracle_params *p = job->params;
	struct oracle_state *s = job->state;
	uint64_t time = export_ns(job, ticks) / p->unit_ns;
	struct oracle_general r = {.time = (uint32_t)time,
				   .id = gfn,
				   .bytes = TRACE_PAGE_BYTES,
				   .next = -1};

	if (time > UINT32_MAX)
		return status_fail(st, EINVAL,
				   "a time does not fit 32 bits; take a longer "
				   "--params unit");
	s->requests++;
	return export_wrote(job, fwrite(&r, sizeof(r), 1, job->file) == 1, st);
}

static int oracle_event(struct export_job *job, const struct trace_event *e,
			struct status *st)
{
	if (!trace_event_is_access((enum trace_event_kind)e->kind)) {
		export_lost(job, "records that are no access of the guest");
		return 0;
	}
	if (e->count > 1)
		export_lost(job, "how many accesses were folded into a record: "
				 "it is one request");
	return put(job, e->time, e->gfn, st);
}

static int by_key(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->gfn > y->gfn) - (x->gfn < y->gfn);
}

/* The pages that were seen, in rank order or that of the keys. */
static int gather(struct export_job *job, const struct trace_epoch *e,
		  const struct trace_run *runs, size_t n, size_t *pages,
		  struct status *st)
{
	struct oracle_state *s = job->state;
	uint64_t salt = epoch_order_salt(0, e->index);
	int ret = 0;

	*pages = 0;
	for (size_t i = 0; i < n; i++) {
		if (!(runs[i].flags & (TRACE_RUN_ACCESSED | TRACE_RUN_DIRTY)))
			continue;
		if (runs[i].flags & TRACE_RUN_LEVEL_MASK)
			export_lost(job, "that pages were seen as huge ones: "
					 "each of their 4K is a request");
		for (uint32_t k = 0; k < runs[i].npages && !ret; k++) {
			gfn_t gfn = runs[i].gfn + k;

			ret = kage_grow(&s->pages, &s->capacity, *pages,
					sizeof(*s->pages), st);
			if (!ret)
				s->pages[(*pages)++] = (struct order){
					epoch_order_key(salt, gfn), gfn};
		}
	}
	if (!ret && !e->is_ordered)
		qsort(s->pages, *pages, sizeof(*s->pages), by_key);
	return ret;
}

static int oracle_epoch(struct export_job *job, const struct trace_epoch *e,
			const struct trace_run *runs, size_t n,
			struct status *st)
{
	const struct oracle_state *s = job->state;
	uint64_t length = e->end - e->start;
	size_t pages;
	int ret = gather(job, e, runs, n, &pages, st);

	export_lost(job, "epochs: a page is requested once in each, at a time "
			 "of our choice");
	if (!(e->channels & TRACE_CHANNEL_ACCESSED))
		export_lost(job, "that reads are missing: only writes were "
				 "seen");
	for (size_t i = 0; i < pages && !ret; i++) {
		unsigned __int128 at = (unsigned __int128)length * (i + 1);

		ret = put(job, e->start + (uint64_t)(at / (pages + 1)),
			  s->pages[i].gfn, st);
	}
	return ret;
}

/* From the back: whose request comes next. */
static int fill_next(struct oracle_general *r, uint64_t n, struct status *st)
{
	struct id_map next = {0};
	int ret = 0;

	for (uint64_t i = n; i-- && !ret;) {
		uint64_t *known = id_map_at(&next, r[i].id, UINT64_MAX, st);

		if (!known) {
			ret = -ENOMEM;
			break;
		}
		r[i].next = (int64_t)*known;
		*known = i;
	}
	id_map_fini(&next);
	return ret;
}

static int oracle_end(struct export_job *job, struct status *st)
{
	const struct oracle_state *s = job->state;
	size_t bytes = s->requests * sizeof(struct oracle_general);
	struct oracle_general *r;
	int ret;

	if (fflush(job->file))
		return export_wrote(job, false, st);
	if (!bytes)
		return 0;
	r = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		 fileno(job->file), 0);
	if (r == MAP_FAILED)
		return export_wrote(job, false, st);
	ret = fill_next(r, s->requests, st);
	munmap(r, bytes);
	return ret;
}

static void oracle_fini(struct export_job *job)
{
	const struct oracle_state *s = job->state;

	free(s->pages);
}

const struct exporter exporter_oracle_general = {
	.name = "oracleGeneral",
	.summary = "libCacheSim's binary requests; OUT.zst is compressed",
	.lost = oracle_lost,
	.params = oracle_params,
	.params_size = sizeof(struct oracle_params),
	.state_size = sizeof(struct oracle_state),
	.can_zstd = true,
	.event = oracle_event,
	.epoch = oracle_epoch,
	.end = oracle_end,
	.fini = oracle_fini,
};
