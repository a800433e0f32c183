/* SPDX-License-Identifier: MIT */
/* Is the model close enough?  Counters, sets and generations by one measure: how often
 * a difference holds what is allowed. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/validate.h"

/* Count @difference.  Return: whether it is beyond, and worse than all before. */
static bool is_worst(struct validate_verdict *verdict, double difference,
		     double allowed)
{
	double excess = allowed > 0 ? difference / allowed : INFINITY;

	if (difference <= allowed)
		return false;
	if (verdict->beyond++ && excess <= verdict->excess)
		return false;
	verdict->excess = excess;
	return true;
}

void validate_judge_one(struct validate_verdict *verdict,
			const struct validation *v, double difference,
			double allowed, const char *format, ...)
{
	size_t size = sizeof(verdict->worst);
	va_list args;
	int used;

	if (!is_worst(verdict, difference, allowed))
		return;
	used = snprintf(verdict->worst, size, "%.100s: ", v->path);
	va_start(args, format);
	vsnprintf(verdict->worst + used, size - (size_t)used, format, args);
	va_end(args);
}

static void judge_counter(const struct validation *v,
			  const struct validate_limits *limits,
			  const char *snapshot,
			  const struct validate_counter *c,
			  struct validate_verdict *verdict)
{
	double model = (double)c->model, kernel = (double)c->kernel;
	double allowed =
		fmax(limits->tolerance * kernel, (double)limits->min_pages);

	if (c->model == SCENARIO_UNKNOWN || c->kernel == SCENARIO_UNKNOWN)
		return;
	verdict->counters++;
	validate_judge_one(verdict, v, fabs(model - kernel), allowed,
			   "%s at %s: model %" PRIu64 ", kernel %" PRIu64
			   ", allowed %.0f more or less",
			   c->name, snapshot, c->model, c->kernel,
			   floor(allowed));
}

static void judge_snapshot(const struct validation *v,
			   const struct validate_limits *limits,
			   const struct validate_snapshot *s,
			   struct validate_verdict *verdict)
{
	for (size_t i = 0; i < s->nr_counters && !isnan(limits->tolerance); i++)
		judge_counter(v, limits, s->kernel->name, &s->counters[i],
			      verdict);
	if (isnan(s->misplaced) || isnan(limits->most_misplaced))
		return;
	verdict->snapshots++;
	validate_judge_one(verdict, v, s->misplaced, limits->most_misplaced,
			   "generations at %s: %.3g%% of pages misplaced, "
			   "allowed %g%%",
			   s->kernel->name, 100 * s->misplaced,
			   100 * limits->most_misplaced);
}

static void judge_step(const struct validation *v,
		       const struct validate_limits *limits,
		       const struct validate_step *step,
		       struct validate_verdict *verdict)
{
	double jaccard = agreement_jaccard(&step->evicted);
	double tau = agreement_tau(&step->evicted);
	const char *word = scenario_words[step->kernel->word];

	if (!isnan(jaccard) && !isnan(limits->min_jaccard)) {
		verdict->jaccards++;
		validate_judge_one(verdict, v, 1 - jaccard,
				   1 - limits->min_jaccard,
				   "evicted by %s in step %zu: Jaccard %.4f, "
				   "at least %g is asked",
				   word, step->index, jaccard,
				   limits->min_jaccard);
	}
	if (!isnan(tau) && !isnan(limits->min_tau)) {
		verdict->taus++;
		validate_judge_one(verdict, v, 1 - tau, 1 - limits->min_tau,
				   "evicted by %s in step %zu: tau %.4f, at "
				   "least %g is asked",
				   word, step->index, tau, limits->min_tau);
	}
}

void validate_judge(const struct validation *validation,
		    const struct validate_limits *limits,
		    struct validate_verdict *verdict)
{
	validate_judge_hot(validation, limits, verdict);
	if (validation->is_concurrent)
		return;
	for (size_t i = 0; i < validation->nr_snapshots; i++)
		judge_snapshot(validation, limits, &validation->snapshots[i],
			       verdict);
	for (size_t i = 0; i < validation->nr_steps; i++)
		judge_step(validation, limits, &validation->steps[i], verdict);
}

/* Of a concurrent run the other limits ask for nothing. */
static const char *unmet_beside(const struct validate_limits *limits,
				const struct validate_verdict *verdict)
{
	if (!isnan(limits->hot))
		return verdict->hot ? NULL
				    : "--max-survivors: no hot set is known";
	if (!isnan(limits->tolerance) || !isnan(limits->min_jaccard) ||
	    !isnan(limits->min_tau) || !isnan(limits->most_misplaced))
		return "the guest went on beside the host: only "
		       "--max-survivors judges that";
	return NULL;
}

const char *validate_unmet(const struct validation *validation,
			   const struct validate_limits *limits,
			   const struct validate_verdict *verdict)
{
	bool has_evicted = validation->has_evicted;

	if (validation->is_concurrent)
		return unmet_beside(limits, verdict);
	if (!isnan(limits->tolerance) && !verdict->counters)
		return "--tolerance: no counter is known to both sides";
	if (!isnan(limits->min_jaccard) && !has_evicted)
		return "--min-jaccard: no evicted set is known";
	if (!isnan(limits->min_tau) && !has_evicted)
		return "--min-tau: no order of eviction is known";
	if (!isnan(limits->most_misplaced) && !verdict->snapshots)
		return "--max-misplaced: no generations are known to both sides";
	return NULL;
}

size_t validate_judged(const struct validate_verdict *verdict)
{
	return verdict->counters + verdict->jaccards + verdict->taus +
	       verdict->snapshots + verdict->hot;
}

void validate_verdict_add(struct validate_verdict *verdict,
			  const struct validate_verdict *other)
{
	if (other->beyond &&
	    (!verdict->beyond || other->excess > verdict->excess)) {
		verdict->excess = other->excess;
		memcpy(verdict->worst, other->worst, sizeof(other->worst));
	}
	verdict->counters += other->counters;
	verdict->jaccards += other->jaccards;
	verdict->taus += other->taus;
	verdict->snapshots += other->snapshots;
	verdict->hot += other->hot;
	verdict->beyond += other->beyond;
}

/* Nothing is too long: six numbers of %g. */
static size_t append(char *text, size_t used, const char *name, double value,
		     const char *unit)
{
	return used + (size_t)snprintf(text + used, VALIDATE_LIMITS_TEXT - used,
				       "%s%s %g%s", used ? ", " : "", name,
				       value, unit);
}

bool validate_limits_text(char text[VALIDATE_LIMITS_TEXT],
			  const struct validate_limits *limits)
{
	size_t used = 0;

	text[0] = '\0';
	if (!isnan(limits->tolerance))
		used = (size_t)snprintf(text, VALIDATE_LIMITS_TEXT,
					"counters %g%% or %" PRIu64,
					100 * limits->tolerance,
					limits->min_pages);
	if (!isnan(limits->min_jaccard))
		used = append(text, used, "Jaccard", limits->min_jaccard, "");
	if (!isnan(limits->min_tau))
		used = append(text, used, "tau", limits->min_tau, "");
	if (!isnan(limits->most_misplaced))
		used = append(text, used, "misplaced",
			      100 * limits->most_misplaced, "%");
	if (!isnan(limits->hot))
		used = append(text, used, "hot set", 100 * limits->hot,
			      " points");
	return used;
}
