/* SPDX-License-Identifier: MIT */
/* Judging the passes of a lane; see accuracy.h. */
#include "replay/accuracy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "replay/age_error.h"
#include "replay/lane.h"

/* What is idle for longer is cold in "Software-defined far memory in warehouse-scale
 * computers", ASPLOS 2019. */
#define LONG_WINDOW_NS UINT64_C(120000000000)

static bool is_resident(const struct mglru *m, uint32_t page)
{
	return mglru_flags(m, page) & PAGE_RESIDENT;
}

static int gen_of(const struct mglru *m, uint32_t page)
{
	return (int)(mglru_flags(m, page) & PAGE_GEN_MASK) - 1;
}

static uint64_t current_pass(const struct lane *lane)
{
	return lane->counters.n[COUNT_passes] + 1;
}

static uint64_t idle_ns(const struct truth *truth, uint32_t page,
			uint64_t now_ns)
{
	bool was_accessed = truth->last[page].number;
	uint64_t last_ns = was_accessed ? truth_ns(truth, page) : 0;

	return now_ns > last_ns ? now_ns - last_ns : 0;
}

static void judge_page(struct lane *lane, uint32_t page, bool is_called_young,
		       uint64_t now_ns)
{
	struct accuracy *a = lane->accuracy;
	struct accuracy_verdicts *v = &a->verdicts;
	bool is_young = a->truth->last[page].number >
			a->judged_after[page / WINDOW];

	if (is_called_young) {
		v->true_young += is_young;
		v->false_young += !is_young;
		return;
	}
	v->true_old += !is_young;
	v->false_old += is_young;
	v->staleness_ns += (double)idle_ns(a->truth, page, now_ns);
}

/* The pass under way has its turn at the pages @want from @first on. */
static void judge(struct lane *lane, uint32_t first, uint64_t want,
		  uint64_t young, uint64_t now_ns)
{
	struct accuracy *a = lane->accuracy;
	const struct mglru *m = &lane->mglru;
	int youngest = (int)(m->max_seq % MAX_NR_GENS);

	for (; want; want &= want - 1) {
		int i = __builtin_ctzll(want);
		uint32_t page = first + (uint32_t)i;

		if (gen_of(m, page) >= 0)
			judge_page(lane, page,
				   young >> i & 1 ||
					   gen_of(m, page) == youngest,
				   now_ns);
	}
	a->judged_after[first / WINDOW] = a->truth->done;
	a->judged_in[first / WINDOW] = (uint32_t)current_pass(lane);
}

static void asked(void *arg, enum mglru_asker who, uint32_t first,
		  uint64_t want, uint64_t young)
{
	struct lane *lane = arg;

	if (who == MGLRU_ASKS_WALK)
		judge(lane, first, want, young, lane->now_ns);
}

static void judge_unseen(struct lane *lane, uint64_t now_ns)
{
	const struct mglru *m = &lane->mglru;
	uint32_t pass = (uint32_t)current_pass(lane);

	for (uint32_t first = 0; first < m->npages; first += WINDOW) {
		uint64_t want = 0;

		if (lane->accuracy->judged_in[first / WINDOW] == pass)
			continue;
		for (uint32_t i = 0; i < WINDOW; i++)
			want |= (uint64_t)is_resident(m, first + i) << i;
		judge(lane, first, want, 0, now_ns);
	}
}

/* Return: the generation that @page belongs to by its last access, 0 the youngest. */
static unsigned int true_rank(const struct lane *lane, uint32_t page)
{
	const struct accuracy *a = lane->accuracy;
	const struct mglru *m = &lane->mglru;
	uint64_t seq = m->max_seq;

	while (seq > mglru_oldest_seq(m) &&
	       a->truth->last[page].number <= a->born_after[seq % MAX_NR_GENS])
		seq--;
	return (unsigned int)(m->max_seq - seq);
}

static unsigned int assigned_rank(const struct mglru *m, uint32_t page)
{
	unsigned int youngest = (unsigned int)(m->max_seq % MAX_NR_GENS);

	return (youngest - (unsigned int)gen_of(m, page)) % MAX_NR_GENS;
}

static void count_accessed(const struct accuracy *a, struct accuracy_pass *p,
			   uint64_t idle)
{
	for (int w = 0; w < ACCURACY_WINDOWS; w++)
		p->working_set[w].accessed += p->working_set[w].is_known &&
					      idle <= a->window_ns[w];
}

struct placement {
	struct age_group assigned[MAX_NR_GENS], exact[MAX_NR_GENS];
	size_t nr_groups;
};

/* Look at every page once. */
static void place_all(struct lane *lane, struct accuracy_pass *p,
		      struct placement *to)
{
	struct accuracy *a = lane->accuracy;
	const struct mglru *m = &lane->mglru;

	for (uint32_t page = 0; page < m->npages; page++) {
		unsigned int rank, was;
		uint64_t idle;

		if (!a->truth->last[page].number)
			continue;
		idle = idle_ns(a->truth, page, p->end_ns);
		count_accessed(a, p, idle);
		if (!is_resident(m, page) || gen_of(m, page) < 0)
			continue;
		rank = true_rank(lane, page);
		was = assigned_rank(m, page);
		a->misplaced[rank][was]++;
		to->assigned[was].pages++;
		to->exact[rank].pages++;
		a->age_ns[p->resident++] = idle;
	}
}

static void begin_placement(const struct lane *lane, struct accuracy_pass *p,
			    struct placement *to)
{
	const struct mglru *m = &lane->mglru;

	to->nr_groups = (size_t)(m->max_seq - mglru_oldest_seq(m) + 1);
	for (size_t rank = 0; rank < to->nr_groups; rank++) {
		unsigned int gen =
			(unsigned int)((m->max_seq - rank) % MAX_NR_GENS);

		to->assigned[rank].age_ns = p->end_ns - m->timestamps[gen];
		to->exact[rank].age_ns = to->assigned[rank].age_ns;
	}
	for (int w = 0; w < ACCURACY_WINDOWS; w++)
		p->working_set[w].is_known = lane->accuracy->window_ns[w] &&
					     lane->accuracy->window_ns[w] <=
						     p->end_ns;
}

static void measure(struct lane *lane, struct accuracy_pass *p)
{
	struct accuracy *a = lane->accuracy;
	struct placement to = {0};

	begin_placement(lane, p, &to);
	place_all(lane, p, &to);
	p->distance_s = age_distance(a->age_ns, p->resident, to.assigned,
				     to.nr_groups) /
			1e9;
	p->exact_distance_s =
		age_distance(a->age_ns, p->resident, to.exact, to.nr_groups) /
		1e9;
	for (int w = 0; w < ACCURACY_WINDOWS; w++)
		p->working_set[w].estimated = age_working_set(
			to.assigned, to.nr_groups, a->window_ns[w]);
}

static void aging_ends(void *arg, uint64_t now_ns)
{
	struct lane *lane = arg;
	struct accuracy *a = lane->accuracy;
	struct accuracy_pass *p;

	judge_unseen(lane, now_ns);
	if (kage_grow(&a->passes, &a->passes_capacity, a->nr_passes, sizeof(*p),
		      NULL)) {
		lane->error = -ENOMEM;
		return;
	}
	p = &a->passes[a->nr_passes++];
	*p = (struct accuracy_pass){.pass = current_pass(lane),
				    .end_ns = now_ns,
				    .verdicts = a->verdicts};
	a->verdicts = (struct accuracy_verdicts){0};
	measure(lane, p);
}

void accuracy_new_generation(struct lane *lane)
{
	struct accuracy *a = lane->accuracy;

	a->born_after[lane->mglru.max_seq % MAX_NR_GENS] = a->truth->done;
}

static void choose_windows(struct accuracy *a, uint64_t duration_ns)
{
	a->window_ns[0] = duration_ns / 64;
	a->window_ns[1] = duration_ns / 16;
	a->window_ns[2] = duration_ns / 4;
	if (duration_ns > LONG_WINDOW_NS)
		a->window_ns[3] = LONG_WINDOW_NS;
}

int accuracy_attach(struct lane *lane, const struct truth *truth,
		    uint64_t duration_ns, struct status *st)
{
	uint32_t npages = lane->mglru.npages, windows = npages / WINDOW;
	struct accuracy *a = kage_calloc(1, sizeof(*a), st);

	lane->accuracy = a;
	if (!a)
		return -ENOMEM;
	a->truth = truth;
	choose_windows(a, duration_ns);
	a->judged_after = kage_calloc(windows, sizeof(*a->judged_after), st);
	a->judged_in = kage_calloc(windows, sizeof(*a->judged_in), st);
	a->age_ns = kage_calloc_pages(npages, sizeof(*a->age_ns), st);
	if (!a->judged_after || !a->judged_in || !a->age_ns)
		return -ENOMEM;
	lane->mglru.listener.asked = asked;
	lane->mglru.listener.aging_ends = aging_ends;
	return 0;
}

void accuracy_free(struct accuracy *a)
{
	if (!a)
		return;
	free(a->passes);
	free(a->judged_after);
	free(a->judged_in);
	free(a->age_ns);
	free(a);
}
