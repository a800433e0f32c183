/* SPDX-License-Identifier: MIT */
/* Lines of tracepoints; see tracepoints.h. */
#include "datasets/convert/tracepoints.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "datasets/convert/id_map.h"
#include "datasets/convert/lines.h"
#include "datasets/convert/regions.h"

enum {
	EVENTS_AUTO,
	EVENTS_FAULTS,
	EVENTS_DIRTY,
	EVENTS_DAMON
};

enum {
	PAGING_UNKNOWN,
	PAGING_EPT,
	PAGING_NPT
};

static const char *const events_names[] = {"auto", "kvm_page_fault",
					   "kvm_dirty_ring_push",
					   "damon_aggregated", NULL};
static const char *const paging_names[] = {"unknown", "ept", "npt", NULL};

const struct param_spec tracepoints_params[] = {
	{.name = "events",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct tracepoints_params, events),
	 .preset = EVENTS_AUTO,
	 .names = events_names,
	 .unit = "",
	 .help = "which to take; auto: the kind that comes first"},
	{.name = "paging",
	 .type = PARAM_ENUM,
	 .offset = offsetof(struct tracepoints_params, paging),
	 .preset = PAGING_UNKNOWN,
	 .names = paging_names,
	 .unit = "",
	 .help = "how error codes name a fetch; unknown: fetches are reads"},
	{.name = "slot",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct tracepoints_params, slot),
	 .preset = (double)UINT32_MAX,
	 .min = 0,
	 .max = (double)UINT32_MAX,
	 .unit = "",
	 .help = "whose pages of kvm_dirty_ring_push to take; 4294967295: of "
		 "the slot that comes first"},
	{.name = "samples",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct tracepoints_params, samples),
	 .preset = 20,
	 .min = 1,
	 .max = 1 << 20,
	 .unit = "looks",
	 .help = "of DAMON per snapshot: aggregation over sampling interval"},
	{.name = "target",
	 .type = PARAM_UINT,
	 .offset = offsetof(struct tracepoints_params, target),
	 .min = 0,
	 .max = 1 << 20,
	 .unit = "",
	 .help = "which of DAMON's targets, from 1 as they come; 0: the only "
		 "one"},
	{.name = NULL},
};

const char *const tracepoints_lost[] = {
	"other events, instruction addresses, which vCPU it was (threads are "
	"counted as vCPUs)",
	"the time of day: the trace begins with the first event",
	NULL,
};

/* What is being read; one kind of events after another is dropped. */
struct points {
	struct import_job *job;
	const struct tracepoints_params *params;
	unsigned int events; /* EVENTS_AUTO until the first one */
	uint64_t slot;	     /* of pages; UINT32_MAX until the first one */
	uint64_t origin;     /* ns of the first event taken */
	bool has_origin;
	struct id_map threads; /* to vCPUs */
	struct id_map targets; /* to numbers from 0 */
	struct regions regions;
	uint64_t nr_regions;   /* of the snapshot, taken so far */
	uint64_t snapshot_end; /* of the one before */
	bool is_in_step;       /* where snapshots begin is known */
	uint64_t last_start;   /* of the region before, 0: none, in bytes + 1 */
	uint64_t last_ns;      /* when it came */
};

/* One line, taken apart. */
struct point {
	uint64_t tid, time_ns;
	const char *text; /* behind the event's name */
};

/* "123.456789:" ending at @end.  Return: whether it is one. */
static bool parse_time(const char *from, const char *end, uint64_t *ns)
{
	uint64_t seconds, part = 0;
	unsigned int digits = 0;

	if (!lines_number(&from, 10, &seconds) || *from++ != '.' ||
	    seconds > UINT64_MAX / 1000000000 - 1)
		return false;
	for (; isdigit((unsigned char)*from) && digits < 9; digits++)
		part = part * 10 + (uint64_t)(*from++ - '0');
	for (; digits && digits < 9; digits++)
		part *= 10;
	*ns = seconds * 1000000000 + part;
	return digits && from == end;
}

static const char *back_over(const char *from, const char *at, bool spaces)
{
	while (at > from && (at[-1] == ' ') == spaces)
		at--;
	return at;
}

/* What stands before @event in @line: a thread, maybe a CPU, a time.  The command may
 * have blanks in it. */
static bool take_apart(const char *line, const char *event, struct point *p)
{
	const char *end = back_over(line, event, true), *at;

	if (end == line || end[-1] != ':')
		return false;
	at = back_over(line, end, false);
	if (!parse_time(at, end - 1, &p->time_ns))
		return false;
	end = back_over(line, at, true);
	at = back_over(line, end, false);
	if (*at == '[') {
		end = back_over(line, at, true);
		at = back_over(line, end, false);
	}
	return lines_number(&at, 10, &p->tid) && at == end;
}

static int bad_line(const struct points *s, const char *event,
		    struct status *st)
{
	return import_bad(s->job, st, "%s: not as perf script prints it",
			  event);
}

/* Times count from the first event; it is not at 0, where no epoch can end. */
static uint64_t since_first(struct points *s, uint64_t time_ns)
{
	if (!s->has_origin) {
		s->origin = time_ns;
		import_tell(s->job, "begins_at_ns",
			    json_sprintf("%" PRIu64, time_ns));
	}
	s->has_origin = true;
	return time_ns < s->origin ? 0 : time_ns - s->origin;
}

static bool hex_after(const char *text, const char *word, uint64_t *value)
{
	const char *at = strstr(text, word);

	if (!at)
		return false;
	at += strlen(word);
	return lines_number(&at, 16, value) && (!*at || *at == ' ');
}

/* Bits of both are told in capture/tracing/kvm_faults.h. */
static enum trace_event_kind fault_kind(const struct points *s, uint64_t code)
{
	if (code & 2)
		return TRACE_WRITE;
	if ((s->params->paging == PAGING_EPT && code & 4) ||
	    (s->params->paging == PAGING_NPT && code & 16))
		return TRACE_FETCH;
	return TRACE_READ;
}

static int vcpu_of(struct points *s, uint64_t key, uint16_t *vcpu,
		   struct status *st)
{
	const uint64_t *known = id_map_at(&s->threads, key, s->threads.n, st);

	if (!known)
		return -ENOMEM;
	if (*known >= TRACE_VCPUS_MAX)
		return import_bad(s->job, st, "more than %d threads",
				  TRACE_VCPUS_MAX);
	*vcpu = (uint16_t)*known;
	return 0;
}

static int one_fault(struct points *s, const struct point *p, struct status *st)
{
	struct trace_event event = {.count = 1};
	uint64_t address, code;
	int ret;

	if (!hex_after(p->text, " address ", &address) ||
	    !hex_after(p->text, " error_code ", &code))
		return bad_line(s, "kvm_page_fault", st);
	ret = vcpu_of(s, p->tid, &event.vcpu, st);
	if (ret)
		return ret;
	event.time = since_first(s, p->time_ns);
	event.gfn = address / TRACE_PAGE_BYTES;
	event.kind = (uint8_t)fault_kind(s, code);
	return import_event(s->job, &event, st);
}

static int one_push(struct points *s, const struct point *p, struct status *st)
{
	struct trace_event event = {.count = 1, .kind = TRACE_WRITE};
	const char *at = strstr(p->text, " slot ");
	uint64_t slot;
	int ret;

	if (!at || !lines_word(&at, " slot ") ||
	    !lines_number(&at, 10, &slot) ||
	    !hex_after(at, " offset ", &event.gfn))
		return bad_line(s, "kvm_dirty_ring_push", st);
	if (s->slot == UINT32_MAX)
		s->slot = slot;
	if (slot != s->slot) {
		import_lost(s->job,
			    "pages of other memslots (--params slot=N)");
		return 0;
	}
	import_lost(s->job, "where the memslot is: its pages are numbered "
			    "from 0");
	ret = vcpu_of(s, p->tid, &event.vcpu, st);
	event.time = since_first(s, p->time_ns);
	return ret ? ret : import_event(s->job, &event, st);
}

/* The last region of a snapshot came: it covers the time since the one before. */
static int end_snapshot(struct points *s, uint64_t time_ns, struct status *st)
{
	uint64_t end = since_first(s, time_ns);
	int ret = regions_emit(&s->regions, s->job, s->snapshot_end, end, st);

	s->nr_regions = 0;
	s->snapshot_end = end;
	return ret;
}

/* At the file's beginning, and behind a loss, regions may be the rest of a snapshot.
 * They rise in it (damon_for_each_region()), so one that is not above the one before
 * begins the next, and the one before ended what is not taken. */
static bool find_step(struct points *s, const struct point *p,
		      const struct region *region)
{
	if (!s->is_in_step && s->last_start && region->start < s->last_start) {
		s->is_in_step = true;
		s->snapshot_end = since_first(s, s->last_ns);
	}
	s->last_start = region->start + 1;
	s->last_ns = p->time_ns;
	return s->is_in_step;
}

static void lose_step(struct points *s)
{
	s->is_in_step = false;
	s->last_start = 0;
	s->regions.n = s->nr_regions = 0;
	s->regions.free_from = 0;
}

static bool parse_region(const char *at, uint64_t *target, uint64_t *regions,
			 struct region *region)
{
	return lines_word(&at, " target_id=") &&
	       lines_number(&at, 10, target) &&
	       lines_word(&at, " nr_regions=") &&
	       lines_number(&at, 10, regions) && lines_word(&at, " ") &&
	       lines_number(&at, 10, &region->start) && lines_word(&at, "-") &&
	       lines_number(&at, 10, &region->end) && lines_word(&at, ": ") &&
	       lines_number(&at, 10, &region->hits) && (!*at || *at == ' ');
}

static int one_region(struct points *s, const struct point *p,
		      struct status *st)
{
	struct region region;
	uint64_t id, regions, *target;
	int ret;

	if (!parse_region(p->text, &id, &regions, &region) || !regions)
		return bad_line(s, "damon_aggregated", st);
	target = id_map_at(&s->targets, id, s->targets.n, st);
	if (!target)
		return -ENOMEM;
	if (!s->params->target && *target)
		return import_bad(s->job, st,
				  "a second target; --params target=N takes "
				  "one");
	if (s->params->target && *target + 1 != s->params->target)
		return 0;
	if (!find_step(s, p, &region))
		return 0;
	ret = regions_add(&s->regions, s->job, &region, st);
	s->nr_regions++;
	if (!ret && s->nr_regions >= regions)
		ret = end_snapshot(s, p->time_ns, st);
	return ret;
}

/* perf's own words for a ring that was full; "lost 1+" is at least one, in what is made of
 * a trace.dat. */
static int one_loss(struct points *s, const struct point *p, struct status *st)
{
	struct trace_event event = {.kind = TRACE_LOST};
	const char *at = p->text;
	uint64_t count;

	if (!lines_word(&at, " lost ") || !lines_number(&at, 10, &count) ||
	    !count || count > UINT32_MAX)
		return bad_line(s, "PERF_RECORD_LOST", st);
	if (s->events == EVENTS_DAMON) {
		import_lost(s->job, "snapshots of which perf lost regions");
		lose_step(s);
		return 0;
	}
	event.time = since_first(s, p->time_ns);
	event.count = (uint32_t)count;
	if (*at == '+')
		event.reason = TRACE_REASON_UNKNOWN;
	return import_event(s->job, &event, st);
}

typedef int point_fn(struct points *s, const struct point *p,
		     struct status *st);

static int one_line(struct points *s, const char *line, struct status *st)
{
	static const struct {
		const char *name;
		unsigned int events; /* AUTO: of either kind */
		point_fn *take;
	} known[] = {
		{"kvm:kvm_page_fault:", EVENTS_FAULTS, one_fault},
		{"kvm:kvm_dirty_ring_push:", EVENTS_DIRTY, one_push},
		{"damon:damon_aggregated:", EVENTS_DAMON, one_region},
		{"PERF_RECORD_LOST", EVENTS_AUTO, one_loss},
	};
	struct point p = {0};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const char *at = strstr(line, known[i].name);

		if (!at)
			continue;
		if (!take_apart(line, at, &p))
			return bad_line(s, known[i].name, st);
		p.text = at + strlen(known[i].name);
		if (s->events == EVENTS_AUTO)
			s->events = known[i].events;
		if (known[i].events == EVENTS_AUTO ||
		    known[i].events == s->events)
			return known[i].take(s, &p, st);
		return 0;
	}
	return 0;
}

/* What was seen, for the header, which the second reading writes first. */
static void describe(const struct points *s)
{
	struct trace_meta *meta = &s->job->meta;

	meta->fidelity = TRACE_FAULT;
	meta->channels = TRACE_CHANNEL_ACCESSED | TRACE_CHANNEL_DIRTY;
	if (s->events == EVENTS_DIRTY) {
		meta->fidelity = TRACE_FIRST_WRITE;
		meta->channels = TRACE_CHANNEL_DIRTY;
	} else if (s->events == EVENTS_DAMON) {
		meta->fidelity = TRACE_REGION_SAMPLE;
		meta->channels = TRACE_CHANNEL_ACCESSED;
		import_lost(s->job, "the first snapshot: when it began is not "
				    "known");
	}
}

int tracepoints_read(struct import_job *job, struct status *st)
{
	const struct tracepoints_params *params = job->params;
	struct points s = {.job = job,
			   .params = params,
			   .events = params->events,
			   .slot = params->slot};
	struct lines lines = {.job = job};
	int step, ret = 0;

	s.regions.samples = (uint32_t)params->samples;
	while (!ret && (step = lines_next(&lines, st)))
		ret = step < 0 ? step : one_line(&s, lines.text, st);
	if (s.nr_regions)
		import_lost(job, "the last snapshot: it is not whole");
	describe(&s);
	id_map_fini(&s.threads);
	id_map_fini(&s.targets);
	regions_fini(&s.regions);
	return ret;
}

int tracepoints_read_made(struct import_job *job, FILE *made, const char *what,
			  struct status *st)
{
	const char *path = job->path;
	FILE *file = job->file;
	char name[512];
	int ret;

	snprintf(name, sizeof(name), "%.400s (%s)", path, what);
	rewind(made);
	job->path = name;
	job->file = made;
	ret = tracepoints_read(job, st);
	job->path = path;
	job->file = file;
	return ret;
}
