/* SPDX-License-Identifier: MIT */
/* The rows of a comparison; see validate_store.h. */
#include "analysis/validate_store.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "base/outbuf.h"
#include "replay/store_internal.h"
#include "version.h"

enum {
	KEY_TEXT = 33
};

struct writer {
	struct store *store;
	const struct validate_job *job;
	char id[KEY_TEXT];
};

#define COUNT(x) NUMBER_IF((x) != SCENARIO_UNKNOWN, x)
#define REAL(x)	 REAL_IF(!isnan(x), x)

static void hash_snapshot(struct outbuf *out, const struct scenario_snapshot *s)
{
	outbuf_printf(out, "|%s|%" PRIu64 "|%" PRIu64, s->name, s->step,
		      s->epochs);
	for (size_t i = 0; i < s->nr_counters; i++)
		outbuf_printf(out, "|%s=%" PRIu64, s->counters[i].name,
			      s->counters[i].value);
	for (size_t i = 0; i < s->nr_generations; i++)
		outbuf_printf(out, "|%" PRIu64, s->generations[i].anon);
}

/* All that was counted; not in which files, when, or on whose machine. */
static void hash_side(struct outbuf *out, const struct scenario_results *r)
{
	outbuf_printf(out, "|%s|%s|%016" PRIx64 "|%s|%" PRIu64 "|%" PRIu64,
		      r->kernel, r->policy, r->scenario_id, r->trace_id,
		      r->seed, r->footprint_pages);
	for (size_t i = 0; i < r->nr_snapshots; i++)
		hash_snapshot(out, &r->snapshots[i]);
	for (size_t i = 0; i < r->nr_steps; i++)
		outbuf_printf(out, "|%s|%" PRIu64 "|%zu",
			      scenario_words[r->steps[i].word],
			      r->steps[i].asked, r->steps[i].nr_evicted);
	outbuf_printf(out, "|%d|", r->has_evicted);
	if (r->nr_evicted)
		outbuf_put(out, r->evicted,
			   r->nr_evicted * sizeof(*r->evicted));
}

static int set_id(struct writer *w, struct status *st)
{
	const struct validate_job *job = w->job;
	struct outbuf text = {0};
	XXH128_hash_t hash;
	int ret = 0;

	outbuf_printf(&text, "%s|%s|%s|%s|%s",
		      job->model_rev ? job->model_rev : "",
		      job->mmu ? job->mmu : "", job->facts.version,
		      job->facts.accel, job->facts.mmu);
	hash_side(&text, &job->kernel);
	hash_side(&text, &job->model);
	if (text.error)
		ret = status_fail(st, -text.error, "out of memory");
	else
		hash = XXH3_128bits(text.data, text.used);
	if (!ret)
		snprintf(w->id, sizeof(w->id), "%016" PRIx64 "%016" PRIx64,
			 (uint64_t)hash.high64, (uint64_t)hash.low64);
	outbuf_fini(&text);
	return ret;
}

/* Without what all files of a kind end in. */
static void cut_suffix(char name[96], const char *from, const char *suffix)
{
	size_t n = strlen(from), tail = strlen(suffix);

	if (n > tail && !strcmp(from + n - tail, suffix))
		n -= tail;
	snprintf(name, 96, "%.*s", (int)n, from);
}

static int put_validation(const struct writer *w, struct status *st)
{
	const struct validate_job *job = w->job;
	const struct scenario_results *k = &job->kernel, *m = &job->model;
	const struct kernel_facts *facts = &job->facts;
	size_t policy = strcspn(m->policy, ":");
	char trace[96], scenario[96], scenario_id[20], policy_name[96];
	const struct store_value values[] = {
		TEXT(w->id),
		TEXT(k->trace_id),
		TEXT(trace),
		TEXT(scenario_id),
		TEXT(scenario),
		NUMBER(k->seed),
		NUMBER(k->footprint_pages),
		TEXT(k->kernel),
		TEXT_IF(facts->version[0], facts->version),
		TEXT_IF(facts->accel[0], facts->accel),
		TEXT_IF(facts->mmu[0], facts->mmu),
		TEXT(m->kernel),
		TEXT(policy_name),
		TEXT(m->policy + policy + (m->policy[policy] == ':')),
		TEXT_IF(job->mmu, job->mmu),
		TEXT_IF(job->model_rev, job->model_rev),
		NUMBER(job->validation.is_substitute),
		TEXT(KAGE_VERSION),
	};

	cut_suffix(trace, k->trace, ".kgt");
	cut_suffix(scenario, k->scenario, ".scn");
	snprintf(scenario_id, sizeof(scenario_id), "%016" PRIx64,
		 k->scenario_id);
	snprintf(policy_name, sizeof(policy_name), "%.*s", (int)policy,
		 m->policy);
	return STORE_INSERT(
		w->store,
		"validation VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
		values, st);
}

static int put_counters(const struct writer *w, size_t i,
			const struct validate_snapshot *s, struct status *st)
{
	int ret = 0;

	for (size_t k = 0; k < s->nr_counters && !ret; k++) {
		const struct validate_counter *c = &s->counters[k];
		const struct store_value values[] = {TEXT(w->id), NUMBER(i),
						     TEXT(c->name),
						     COUNT(c->model),
						     COUNT(c->kernel)};

		ret = STORE_INSERT(w->store,
				   "validation_counter VALUES (?,?,?,?,?)",
				   values, st);
	}
	return ret;
}

/* Return: pages of the generation that is @older than the youngest. */
static uint64_t pages_at(const struct scenario_snapshot *s, size_t older)
{
	return older < s->nr_generations
		       ? s->generations[s->nr_generations - 1 - older].anon
		       : SCENARIO_UNKNOWN;
}

static int put_generations(const struct writer *w, size_t i,
			   const struct validate_snapshot *s, struct status *st)
{
	int ret = 0;

	for (size_t k = 0; !ret && (k < s->model->nr_generations ||
				    k < s->kernel->nr_generations);
	     k++) {
		uint64_t model = pages_at(s->model, k);
		uint64_t kernel = pages_at(s->kernel, k);
		const struct store_value values[] = {TEXT(w->id), NUMBER(i),
						     NUMBER(k), COUNT(model),
						     COUNT(kernel)};

		ret = STORE_INSERT(w->store,
				   "validation_generation VALUES (?,?,?,?,?)",
				   values, st);
	}
	return ret;
}

static int put_snapshot(const struct writer *w, size_t i, struct status *st)
{
	const struct validate_snapshot *s = &w->job->validation.snapshots[i];
	const struct store_value values[] = {TEXT(w->id), NUMBER(i),
					     TEXT(s->kernel->name),
					     NUMBER(s->kernel->step),
					     REAL(s->misplaced)};
	int ret = STORE_INSERT(
		w->store, "validation_snapshot VALUES (?,?,?,?,?)", values, st);

	if (!ret)
		ret = put_counters(w, i, s, st);
	return ret ? ret : put_generations(w, i, s, st);
}

static int put_step(const struct writer *w, const struct validate_step *s,
		    struct status *st)
{
	double jaccard = agreement_jaccard(&s->evicted);
	double tau = agreement_tau(&s->evicted);
	uint64_t asked = validate_asked(s);
	const struct store_value values[] = {
		TEXT(w->id),
		NUMBER(s->index),
		NUMBER(s->kernel->line),
		TEXT(scenario_words[s->kernel->word]),
		COUNT(asked),
		NUMBER(s->evicted.a),
		NUMBER(s->evicted.b),
		NUMBER(s->evicted.common),
		REAL(jaccard),
		REAL(tau),
	};

	return STORE_INSERT(w->store,
			    "validation_step VALUES (?,?,?,?,?,?,?,?,?,?)",
			    values, st);
}

/* Its judgements stay: the same comparison is as close as it was. */
static int delete_rows(const struct writer *w, struct status *st)
{
	static const char *const statements[] = {
		"DELETE FROM validation_step WHERE validation_id = ?",
		"DELETE FROM validation_generation WHERE validation_id = ?",
		"DELETE FROM validation_counter WHERE validation_id = ?",
		"DELETE FROM validation_snapshot WHERE validation_id = ?",
		"DELETE FROM validation WHERE validation_id = ?",
	};
	const struct store_value id = TEXT(w->id);
	int ret = 0;

	for (size_t i = 0;
	     i < sizeof(statements) / sizeof(statements[0]) && !ret; i++)
		ret = store_insert(w->store, statements[i], &id, 1, st);
	return ret;
}

static int put_judgement(const struct writer *w,
			 const struct validate_limits *l, struct status *st)
{
	const struct validate_verdict *v = &w->job->verdict;
	const char *unmet = validate_unmet(&w->job->validation, l, v);
	bool passed = !v->beyond && !unmet;
	char limits[VALIDATE_LIMITS_TEXT];
	bool is_judged = validate_limits_text(limits, l);
	const struct store_value values[] = {
		TEXT(w->id),
		TEXT(limits),
		REAL(l->tolerance),
		NUMBER_IF(!isnan(l->tolerance), l->min_pages),
		REAL(l->min_jaccard),
		REAL(l->min_tau),
		REAL(l->most_misplaced),
		NUMBER(validate_judged(v)),
		NUMBER(v->beyond),
		NUMBER(passed),
		TEXT_IF(!passed, v->beyond ? v->worst : unmet),
	};

	if (!is_judged)
		return 0;
	return store_insert(
		w->store,
		"INSERT OR REPLACE INTO judgement VALUES (?,?,?,?,?,?,?,?,?,?,?)",
		values, sizeof(values) / sizeof(values[0]), st);
}

static int put_rows(const struct writer *w,
		    const struct validate_limits *limits, struct status *st)
{
	const struct validation *v = &w->job->validation;
	int ret = delete_rows(w, st);

	if (!ret)
		ret = put_validation(w, st);
	for (size_t i = 0; i < v->nr_snapshots && !ret; i++)
		ret = put_snapshot(w, i, st);
	for (size_t i = 0; i < v->nr_steps && !ret; i++)
		ret = put_step(w, &v->steps[i], st);
	return ret ? ret : put_judgement(w, limits, st);
}

int validate_store(struct store *store, const struct validate_job *job,
		   const struct validate_limits *limits, struct status *st)
{
	struct writer w = {.store = store, .job = job};
	int ret = set_id(&w, st);

	if (ret)
		return ret;
	ret = store_exec(store, "BEGIN IMMEDIATE", st);
	if (!ret)
		ret = put_rows(&w, limits, st);
	if (!ret)
		ret = store_exec(store, "COMMIT", st);
	if (ret)
		store_exec(store, "ROLLBACK", NULL);
	return ret;
}
