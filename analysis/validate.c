/* SPDX-License-Identifier: MIT */
/* Model and kernel, laid side by side; see validate.h. */
#include "analysis/validate.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* What decisions and their price show in; SCENARIO.md says what they count. */
static const char *const main_counters[] = {
	"pgscan",
	"pgsteal",
	"pgrefill",
	"pgactivate",
	"workingset_refault_anon",
	"workingset_activate_anon",
	"workingset_restore_anon",
	"pswpin",
	"pswpout",
	"kvm_age_hva",
	"kvm_test_age_hva",
	"kvm_unmap_hva_range",
	"kvm_tdp_mmu_spte_changed",
	"guest_faults",
};

enum {
	NR_MAIN = sizeof(main_counters) / sizeof(main_counters[0])
};

struct pair {
	const struct scenario_results *model, *kernel;
	const char *model_path, *kernel_path;
	struct status *st;
};

static int differ(const struct pair *p, const char *what, uint64_t model,
		  uint64_t kernel)
{
	return status_fail(p->st, EBADMSG,
			   "%.160s: %s is %" PRIu64 ", but %" PRIu64
			   " in %.160s",
			   p->kernel_path, what, kernel, model, p->model_path);
}

static int check_sides(const struct pair *p)
{
	if (p->kernel->by_model)
		return status_fail(
			p->st, EBADMSG,
			"%.400s: results of a model, not of a kernel",
			p->kernel_path);
	if (!p->model->by_model)
		return status_fail(
			p->st, EBADMSG,
			"%.400s: results of a kernel, not of a model",
			p->model_path);
	return 0;
}

static int check_concurrent(const struct pair *p)
{
	if (p->model->is_concurrent == p->kernel->is_concurrent)
		return 0;
	return status_fail(p->st, EBADMSG,
			   "%.200s: the guest %s while the host worked, but %s "
			   "in %.200s",
			   p->kernel_path,
			   p->kernel->is_concurrent ? "went on" : "stood still",
			   p->kernel->is_concurrent ? "stood still" : "went on",
			   p->model_path);
}

static int check_ids(const struct pair *p)
{
	const struct scenario_results *m = p->model, *k = p->kernel;

	if (m->scenario_id != k->scenario_id)
		return status_fail(p->st, EBADMSG,
				   "%.160s: scenario_id is %016" PRIx64
				   ", but %016" PRIx64 " in %.160s",
				   p->kernel_path, k->scenario_id,
				   m->scenario_id, p->model_path);
	if (!k->trace_id[0] || strcmp(m->trace_id, k->trace_id))
		return status_fail(
			p->st, EBADMSG,
			"%.160s: trace_id is '%.32s', but '%.32s' in "
			"%.160s",
			p->kernel_path, k->trace_id, m->trace_id,
			p->model_path);
	if (strcmp(m->mix, k->mix))
		return status_fail(
			p->st, EBADMSG,
			"%.160s: mixed with '%.60s', which nobody has captured together; mix is '%.60s' in %.160s",
			p->model_path, m->mix, k->mix, p->kernel_path);
	if (m->seed != k->seed)
		return differ(p, "seed", m->seed, k->seed);
	if (m->footprint_pages != k->footprint_pages)
		return differ(p, "footprint_pages", m->footprint_pages,
			      k->footprint_pages);
	return 0;
}

/* The same scenario has the same steps: else a file was cut or changed. */
static int check_steps(const struct pair *p)
{
	const struct scenario_results *m = p->model, *k = p->kernel;

	if (m->nr_steps != k->nr_steps)
		return differ(p, "the number of steps", m->nr_steps,
			      k->nr_steps);
	if (m->nr_snapshots != k->nr_snapshots)
		return differ(p, "the number of snapshots", m->nr_snapshots,
			      k->nr_snapshots);
	for (size_t i = 0; i < m->nr_steps; i++)
		if (m->steps[i].word != k->steps[i].word)
			return status_fail(p->st, EBADMSG,
					   "%.160s: step %zu is '%s', but '%s' "
					   "in %.160s",
					   p->kernel_path, i,
					   scenario_words[k->steps[i].word],
					   scenario_words[m->steps[i].word],
					   p->model_path);
	for (size_t i = 0; i < m->nr_snapshots; i++)
		if (strcmp(m->snapshots[i].name, k->snapshots[i].name))
			return status_fail(p->st, EBADMSG,
					   "%.160s: snapshot %zu is '%.70s', "
					   "but '%.70s' in %.160s",
					   p->kernel_path, i,
					   k->snapshots[i].name,
					   m->snapshots[i].name, p->model_path);
	return 0;
}

int validate_pair(const struct scenario_results *model, const char *model_path,
		  const struct scenario_results *kernel,
		  const char *kernel_path, struct status *st)
{
	const struct pair pair = {model, kernel, model_path, kernel_path, st};
	int ret = check_sides(&pair);

	if (!ret)
		ret = check_ids(&pair);
	if (!ret)
		ret = check_concurrent(&pair);
	return ret ? ret : check_steps(&pair);
}

static bool has_counter(const struct validate_snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->nr_counters; i++)
		if (!strcmp(s->counters[i].name, name))
			return true;
	return false;
}

static int add_counter(struct validate_snapshot *s, const char *name,
		       bool is_main, struct status *st)
{
	int ret;

	if (has_counter(s, name))
		return 0;
	ret = kage_grow(&s->counters, &s->counters_capacity, s->nr_counters,
			sizeof(*s->counters), st);
	if (ret)
		return ret;
	s->counters[s->nr_counters++] = (struct validate_counter){
		.name = name,
		.is_main = is_main,
		.model = scenario_snapshot_value(s->model, name),
		.kernel = scenario_snapshot_value(s->kernel, name),
	};
	return 0;
}

static int add_all(struct validate_snapshot *s,
		   const struct scenario_snapshot *side, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < side->nr_counters && !ret; i++)
		ret = add_counter(s, side->counters[i].name, false, st);
	return ret;
}

/* The main ones that anybody knows come first, then all others. */
static int add_counters(struct validate_snapshot *s, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < NR_MAIN && !ret; i++) {
		const char *name = main_counters[i];

		if (scenario_snapshot_value(s->model, name) !=
			    SCENARIO_UNKNOWN ||
		    scenario_snapshot_value(s->kernel, name) !=
			    SCENARIO_UNKNOWN)
			ret = add_counter(s, name, true, st);
	}
	if (!ret)
		ret = add_all(s, s->kernel, st);
	return ret ? ret : add_all(s, s->model, st);
}

/* Return: pages by generation, to free(); NULL with *@n 0 if some are not known. */
static int anon_pages(const struct scenario_snapshot *s, uint64_t **pages,
		      size_t *n, struct status *st)
{
	*pages = kage_calloc(s->nr_generations + 1, sizeof(**pages), st);
	*n = 0;
	if (!*pages)
		return -ENOMEM;
	for (size_t i = 0; i < s->nr_generations; i++) {
		if (s->generations[i].anon == SCENARIO_UNKNOWN) {
			*n = 0;
			return 0;
		}
		(*pages)[(*n)++] = s->generations[i].anon;
	}
	return 0;
}

static int compare_generations(struct validate_snapshot *s, struct status *st)
{
	uint64_t *model = NULL, *kernel = NULL;
	size_t nr_model, nr_kernel = 0;
	int ret = anon_pages(s->model, &model, &nr_model, st);

	s->misplaced = NAN;
	if (!ret)
		ret = anon_pages(s->kernel, &kernel, &nr_kernel, st);
	if (!ret && nr_model && nr_kernel)
		s->misplaced =
			agreement_misplaced(model, nr_model, kernel, nr_kernel);
	free(model);
	free(kernel);
	return ret;
}

static int add_snapshots(struct validation *v, struct status *st)
{
	size_t n = v->kernel->nr_snapshots;
	int ret = 0;

	v->snapshots = kage_calloc(n + 1, sizeof(*v->snapshots), st);
	if (!v->snapshots)
		return -ENOMEM;
	for (; v->nr_snapshots < n && !ret;) {
		struct validate_snapshot *s = &v->snapshots[v->nr_snapshots];

		s->model = &v->model->snapshots[v->nr_snapshots];
		s->kernel = &v->kernel->snapshots[v->nr_snapshots++];
		ret = add_counters(s, st);
		if (!ret)
			ret = compare_generations(s, st);
	}
	return ret;
}

static bool is_of_interest(const struct scenario_outcome *model,
			   const struct scenario_outcome *kernel)
{
	return model->word == SCENARIO_RECLAIM ||
	       model->word == SCENARIO_EVICT_GEN || model->nr_evicted ||
	       kernel->nr_evicted;
}

static int add_step(struct validation *v, size_t i, struct status *st)
{
	const struct scenario_outcome *model = &v->model->steps[i];
	const struct scenario_outcome *kernel = &v->kernel->steps[i];
	struct validate_step *step;

	if (!is_of_interest(model, kernel))
		return 0;
	if (kage_grow(&v->steps, &v->steps_capacity, v->nr_steps, sizeof(*step),
		      st))
		return -ENOMEM;
	step = &v->steps[v->nr_steps++];
	*step = (struct validate_step){i, model, kernel, {0}};
	return agreement_of(
		&step->evicted,
		model->nr_evicted ? v->model->evicted + model->first_evicted
				  : NULL,
		model->nr_evicted,
		kernel->nr_evicted ? v->kernel->evicted + kernel->first_evicted
				   : NULL,
		kernel->nr_evicted, st);
}

int validate_init(struct validation *validation,
		  const struct scenario_results *model,
		  const struct scenario_results *kernel, const char *path,
		  struct status *st)
{
	int ret;

	*validation = (struct validation){
		.path = path,
		.model = model,
		.kernel = kernel,
		.is_concurrent = kernel->is_concurrent,
		.has_evicted = model->has_evicted && kernel->has_evicted,
	};
	ret = add_snapshots(validation, st);
	for (size_t i = 0;
	     i < model->nr_steps && validation->has_evicted && !ret; i++)
		ret = add_step(validation, i, st);
	return ret;
}

void validate_fini(struct validation *validation)
{
	for (size_t i = 0; i < validation->nr_snapshots; i++)
		free(validation->snapshots[i].counters);
	free(validation->snapshots);
	free(validation->steps);
	*validation = (struct validation){0};
}

double validate_error(const struct validate_counter *counter)
{
	if (counter->model == SCENARIO_UNKNOWN ||
	    counter->kernel == SCENARIO_UNKNOWN)
		return NAN;
	if (counter->model == counter->kernel)
		return 0;
	if (!counter->kernel)
		return NAN;
	return ((double)counter->model - (double)counter->kernel) /
	       (double)counter->kernel;
}

uint64_t validate_asked(const struct validate_step *step)
{
	return step->kernel->asked == SCENARIO_UNKNOWN ? step->model->asked
						       : step->kernel->asked;
}

void validate_worst(const struct validation *validation, uint64_t pages,
		    struct match_worst *worst)
{
	match_worst_init(worst, pages);
	if (validation->is_concurrent) {
		worst->hot = validate_hot_worst(validation);
		return;
	}
	for (size_t i = 0; i < validation->nr_snapshots; i++) {
		const struct validate_snapshot *s = &validation->snapshots[i];

		match_worst_snapshot(worst, s->misplaced);
		for (size_t k = 0; k < s->nr_counters; k++) {
			const struct validate_counter *c = &s->counters[k];

			if (c->model != SCENARIO_UNKNOWN &&
			    c->kernel != SCENARIO_UNKNOWN)
				match_worst_counter(worst, s->kernel->name,
						    c->name, c->model,
						    c->kernel);
		}
	}
	for (size_t i = 0; i < validation->nr_steps; i++)
		match_worst_step(
			worst, agreement_jaccard(&validation->steps[i].evicted),
			agreement_tau(&validation->steps[i].evicted));
}
