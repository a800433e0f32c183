/* SPDX-License-Identifier: MIT */
/*
 * A life for people to read: what it came to, then line by line.  It tells what the
 * model did; whether a kernel would, `kage validate` says.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "analysis/explain.h"
#include "base/units.h"

enum {
	TIMES_WIDTH = 26,
	ID_SHORT = 12, /* digits of a content id that people are shown */
};

static const char *seconds(char buf[UNITS_TEXT], uint64_t ns)
{
	snprintf(buf, UNITS_TEXT, "%" PRIu64 ".%06" PRIu64, ns / 1000000000,
		 ns % 1000000000 / 1000);
	return buf;
}

/* " 3 times" */
static const char *times(char buf[UNITS_TEXT + 8], uint64_t n)
{
	char count[UNITS_TEXT];

	if (n == 1)
		snprintf(buf, UNITS_TEXT + 8, " once");
	else
		snprintf(buf, UNITS_TEXT + 8, " %s times",
			 units_count(count, n));
	return buf;
}

static const char *generation(int rank)
{
	static const char *const names[] = {"the youngest generation",
					    "the second youngest generation",
					    "the third youngest generation",
					    "the fourth youngest generation"};

	return rank >= 0 && rank < MAX_NR_GENS ? names[rank] : "no generation";
}

/* What happened, how often, what came of it, and where the page is now. */
struct wording {
	const char *what, *outcome;
	bool has_generation;
};

static const struct wording wordings[LIFE_KINDS] = {
	[LIFE_FIRST_TOUCH] = {"first touch", ": faulted in, to ", true},
	[LIFE_REFAULT] = {"refault", ": swapped in, to ", true},
	[LIFE_TOUCHED] = {"touched", "", false},
	[LIFE_HOST_TOUCHED] = {"touched by the VMM", "", false},
	[LIFE_MAPPED] = {"faulted in again", ", for its SPTE only", false},
	[LIFE_WALK_YOUNG] = {"the aging walk looked", ": young", false},
	[LIFE_WALK_OLD] = {"the aging walk looked", ": not young", false},
	[LIFE_VICTIM_YOUNG] = {"asked as a candidate for eviction",
			       ": young, so kept", false},
	[LIFE_VICTIM_OLD] = {"asked as a candidate for eviction", ": not young",
			     false},
	[LIFE_WINDOW_YOUNG] = {"a neighbour's look-around looked", ": young",
			       false},
	[LIFE_WINDOW_OLD] = {"a neighbour's look-around looked", ": not young",
			     false},
	[LIFE_PROMOTED] = {"found young and moved", ", to ", true},
	[LIFE_PUT_BACK] = {"put on the lists again", ", to ", true},
	[LIFE_CARRIED] = {"carried on from the oldest generation", ", to ",
			  true},
	[LIFE_AGED] = {"a pass made a younger generation", ": now in ", true},
	[LIFE_EVICTED] = {"evicted", ": unmapped and written to swap, from ",
			  true},
	[LIFE_GIVEN_BACK] = {"given back by the guest", "", false},
	[LIFE_INVALIDATED] = {"its SPTE was zapped", "", false},
};

static void put_times(struct outbuf *out, uint64_t first_ns, uint64_t last_ns)
{
	char from[UNITS_TEXT], to[UNITS_TEXT], span[2 * UNITS_TEXT + 8];

	if (first_ns == last_ns)
		snprintf(span, sizeof(span), "%s s", seconds(from, first_ns));
	else
		snprintf(span, sizeof(span), "%s to %s s",
			 seconds(from, first_ns), seconds(to, last_ns));
	outbuf_printf(out, "  %-*s", TIMES_WIDTH, span);
}

static void put_event(struct outbuf *out, const struct life_event *e)
{
	const struct wording *w = &wordings[e->kind];
	char text[UNITS_TEXT + 8];

	put_times(out, e->first_ns, e->last_ns);
	outbuf_printf(out, "%s%s%s%s", w->what,
		      e->count == 1 ? "" : times(text, e->count), w->outcome,
		      w->has_generation ? generation(e->rank) : "");
	if (e->kind == LIFE_REFAULT)
		outbuf_printf(out, ", after %s s",
			      seconds(text, e->first_ns - e->since_ns));
	outbuf_printf(out, "\n");
}

static void put_events(struct outbuf *out, const struct life *life,
		       uint64_t lines)
{
	size_t n = life->nr_events, head = n;
	char count[UNITS_TEXT];

	if (lines && n > lines) /* its beginning, and a third for its end */
		head = (size_t)(lines - lines / 3);
	for (size_t i = 0; i < head; i++)
		put_event(out, &life->events[i]);
	if (head == n)
		return;
	head = n - (size_t)(lines / 3);
	outbuf_printf(out, "  ... %s more; --lines 0 shows all of them\n",
		      units_count(count, n - lines));
	for (size_t i = head; i < n; i++)
		put_event(out, &life->events[i]);
}

static void put_asked(struct outbuf *out, const struct life *life,
		      const char *who, enum life_kind young, enum life_kind old)
{
	uint64_t all = life->totals[young] + life->totals[old];
	char count[UNITS_TEXT], found[UNITS_TEXT];

	if (all)
		outbuf_printf(out, "  %s: %s, young %s\n", who,
			      units_count(count, all),
			      units_count(found, life->totals[young]));
}

/* What the life came to, in numbers. */
static void put_totals(struct outbuf *out, const struct life *life)
{
	const uint64_t *n = life->totals;
	char first[UNITS_TEXT], again[UNITS_TEXT], gone[UNITS_TEXT];

	outbuf_printf(out, "  first touches: %s, refaults: %s, evictions: %s\n",
		      units_count(first, n[LIFE_FIRST_TOUCH]),
		      units_count(again, n[LIFE_REFAULT]),
		      units_count(gone, n[LIFE_EVICTED]));
	put_asked(out, life, "looked at by the aging walk", LIFE_WALK_YOUNG,
		  LIFE_WALK_OLD);
	put_asked(out, life, "asked as a candidate", LIFE_VICTIM_YOUNG,
		  LIFE_VICTIM_OLD);
	put_asked(out, life, "looked at by look-around", LIFE_WINDOW_YOUNG,
		  LIFE_WINDOW_OLD);
}

static void put_params(struct outbuf *out, const char *name,
		       const struct param_spec *specs, const void *values)
{
	char params[256];

	outbuf_printf(out, "%s", name);
	if (!param_format(specs, values, params, sizeof(params)) && params[0])
		outbuf_printf(out, "(%s)", params);
}

static void put_heading(struct outbuf *out, const struct lane_config *c,
			const char *limit)
{
	char count[UNITS_TEXT], bytes[UNITS_TEXT], pace[UNITS_TEXT];

	put_params(out, c->policy->name, c->policy->ops->params,
		   c->policy_params);
	if (c->driver->ops->needs_limit)
		outbuf_printf(out, " at %s (%s pages, %s)", limit,
			      units_count(count, c->limit_pages),
			      units_bytes(bytes, c->limit_pages * 4096));
	outbuf_printf(out, ", MGLRU of %s, %s, driver ", c->version->name,
		      c->mmu->name);
	if (c->scenario)
		outbuf_printf(out, "%s(%s)", c->driver->name, c->scenario_text);
	else
		put_params(out, c->driver->name, c->driver->ops->params,
			   c->driver_params);
	outbuf_printf(out, ", pace %s\n", units_time(pace, c->pace_ns));
}

/* Whose accessed bits count: the guest's are in the secondary MMU. */
static void put_askers(struct outbuf *out, const struct policy_ops *ops)
{
	bool is_asked = ops->age_table || ops->age_victim || ops->age_window;

	outbuf_printf(out, "  the guest's MMU is asked by:%s%s%s%s\n",
		      ops->age_table ? " aging walk" : "",
		      ops->age_victim ? " eviction" : "",
		      ops->age_window ? " look-around" : "",
		      is_asked ? "" : " nobody");
}

void explain_text_lane(struct outbuf *out, const struct explained *what,
		       const struct lane *lane, uint64_t lines)
{
	const struct life *life = lane->life;
	const char *limit = what->job->limit_text ? what->job->limit_text
						  : lane->config->limit_text;
	uint64_t end_ns = what->trace->duration_ns;

	outbuf_printf(out, "\n");
	put_heading(out, lane->config, limit);
	if (what->job->note)
		outbuf_printf(out, "  %s\n", what->job->note);
	put_askers(out, lane->config->policy->ops);
	put_totals(out, life);
	put_events(out, life, lines);
	put_times(out, end_ns, end_ns);
	outbuf_printf(out, "the trace ends: ");
	if (life->is_resident)
		outbuf_printf(out, "resident, in %s\n",
			      generation(life_rank(lane)));
	else
		outbuf_printf(out, "not resident\n");
}

static void put_slot(struct outbuf *out, const struct trace_meta *meta,
		     gfn_t gfn)
{
	for (size_t i = 0; i < meta->nr_slots; i++) {
		const struct trace_slot *s = &meta->slots[i];

		if (gfn >= s->gfn && gfn - s->gfn < s->npages)
			outbuf_printf(
				out, ", memslot 0x%llx-0x%llx of %s memory",
				(unsigned long long)s->gfn,
				(unsigned long long)(s->gfn + s->npages - 1),
				s->backing);
	}
}

void explain_text_subject(struct outbuf *out, const struct explained *what,
			  const struct lane *lane)
{
	const struct trace_meta *meta = what->meta;
	gfn_t gfn = what->job->options.watched_gfn;
	char n[UNITS_TEXT + 8];

	outbuf_printf(out, "gfn %#llx of %s %.*s, %s (%s)",
		      (unsigned long long)gfn, what->job->path, ID_SHORT,
		      what->trace_id, meta->source,
		      trace_fidelity_names[meta->fidelity]);
	put_slot(out, meta, gfn);
	outbuf_printf(out,
		      "\ntouched%s, as the trace records it; times are "
		      "seconds since its first record\n",
		      times(n, lane->life->totals[LIFE_TOUCHED]));
}
