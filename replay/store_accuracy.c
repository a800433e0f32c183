/* SPDX-License-Identifier: MIT */
/* The rows that tell how well a run knew the ages of its pages. */
#include "replay/store_internal.h"

struct sums {
	struct accuracy_verdicts verdicts;
	double distance_s, exact_distance_s;
	double measured; /* passes that have a distance */
};

static void add_verdicts(struct accuracy_verdicts *sum,
			 const struct accuracy_verdicts *v)
{
	sum->true_young += v->true_young;
	sum->false_young += v->false_young;
	sum->true_old += v->true_old;
	sum->false_old += v->false_old;
	sum->staleness_ns += v->staleness_ns;
}

static struct sums sum_up(const struct accuracy *a)
{
	struct sums s = {.measured = 0};

	for (size_t i = 0; i < a->nr_passes; i++) {
		add_verdicts(&s.verdicts, &a->passes[i].verdicts);
		s.distance_s += a->passes[i].distance_s;
		s.exact_distance_s += a->passes[i].exact_distance_s;
		s.measured += a->passes[i].resident != 0;
	}
	return s;
}

static struct store_value staleness(const struct accuracy_verdicts *v)
{
	uint64_t old = v->true_old + v->false_old;

	return REAL_IF(old, v->staleness_ns / (double)old);
}

static int put_run(struct store *store, const struct run *run,
		   const struct accuracy *a, struct status *st)
{
	const struct sums s = sum_up(a);
	const struct store_value values[] = {
		TEXT(run->id),
		NUMBER(a->nr_passes),
		NUMBER(s.verdicts.true_young),
		NUMBER(s.verdicts.false_young),
		NUMBER(s.verdicts.true_old),
		NUMBER(s.verdicts.false_old),
		staleness(&s.verdicts),
		REAL_IF(s.measured > 0, s.distance_s / s.measured),
		REAL_IF(s.measured > 0, s.exact_distance_s / s.measured),
	};

	return STORE_INSERT(store, "accuracy VALUES (?,?,?,?,?,?,?,?,?)",
			    values, st);
}

static int put_working_sets(struct store *store, const struct run *run,
			    const struct accuracy *a,
			    const struct accuracy_pass *p, struct status *st)
{
	static const char *const spans[ACCURACY_WINDOWS] = {"1/64", "1/16",
							    "1/4", "120s"};
	int ret = 0;

	for (int w = 0; w < ACCURACY_WINDOWS && !ret; w++) {
		const struct accuracy_working_set *s = &p->working_set[w];
		const struct store_value values[] = {
			TEXT(run->id),
			NUMBER(p->pass),
			TEXT(spans[w]),
			NUMBER(a->window_ns[w]),
			NUMBER_IF(s->estimated != UINT64_MAX, s->estimated),
			NUMBER(s->accessed),
		};

		if (s->is_known)
			ret = STORE_INSERT(store,
					   "working_set VALUES (?,?,?,?,?,?)",
					   values, st);
	}
	return ret;
}

static int put_pass(struct store *store, const struct run *run,
		    const struct accuracy *a, const struct accuracy_pass *p,
		    struct status *st)
{
	const struct accuracy_verdicts *v = &p->verdicts;
	const struct store_value values[] = {
		TEXT(run->id),
		NUMBER(p->pass),
		NUMBER(p->end_ns),
		NUMBER(v->true_young),
		NUMBER(v->false_young),
		NUMBER(v->true_old),
		NUMBER(v->false_old),
		staleness(v),
		REAL_IF(p->resident, p->distance_s),
		REAL_IF(p->resident, p->exact_distance_s),
	};
	int ret = STORE_INSERT(store,
			       "accuracy_pass VALUES (?,?,?,?,?,?,?,?,?,?)",
			       values, st);

	return ret ? ret : put_working_sets(store, run, a, p, st);
}

static int put_misplacement(struct store *store, const struct run *run,
			    const struct accuracy *a, struct status *st)
{
	int ret = 0;

	for (unsigned int i = 0; i < MAX_NR_GENS * MAX_NR_GENS && !ret; i++) {
		unsigned int rank = i / MAX_NR_GENS, was = i % MAX_NR_GENS;
		const struct store_value values[] = {
			TEXT(run->id), NUMBER(rank), NUMBER(was),
			NUMBER(a->misplaced[rank][was])};

		if (a->misplaced[rank][was])
			ret = STORE_INSERT(store,
					   "misplacement VALUES (?,?,?,?)",
					   values, st);
	}
	return ret;
}

static int delete_rows(struct store *store, const struct run *run,
		       struct status *st)
{
	static const char *const statements[] = {
		"DELETE FROM accuracy WHERE run_id = ?",
		"DELETE FROM accuracy_pass WHERE run_id = ?",
		"DELETE FROM misplacement WHERE run_id = ?",
		"DELETE FROM working_set WHERE run_id = ?",
	};
	const struct store_value id = TEXT(run->id);
	int ret = 0;

	for (size_t i = 0;
	     i < sizeof(statements) / sizeof(statements[0]) && !ret; i++)
		ret = store_insert(store, statements[i], &id, 1, st);
	return ret;
}

int store_accuracy(struct store *store, const struct run *run,
		   const struct accuracy *a, struct status *st)
{
	int ret = delete_rows(store, run, st);

	if (!ret)
		ret = put_run(store, run, a, st);
	for (size_t i = 0; i < a->nr_passes && !ret; i++)
		ret = put_pass(store, run, a, &a->passes[i], st);
	return ret ? ret : put_misplacement(store, run, a, st);
}
