/* SPDX-License-Identifier: MIT */
/* kage validate: what a kernel did with a scenario, and what the model does. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cmd.h"
#include "analysis/format.h"
#include "analysis/validate_run.h"
#include "analysis/validate_store.h"
#include "base/alloc.h"
#include "base/units.h"
#include "replay/preset.h"
#include "replay/store.h"

struct options {
	struct validate_request request;
	const char *tolerance, *max_misplaced, *output;
	uint64_t pages;
	double min_jaccard, min_tau, max_survivors;
	bool json, all, verbose;
};

#define NOT_SAID     UINT64_MAX
#define LEAST_PAGES  16
#define NO_MINIMUM   -1
#define FIELD(field) offsetof(struct options, field)
#define ASKED(field) FIELD(request.field)

static const struct options option_presets = {
	.pages = NOT_SAID,
	.min_jaccard = NO_MINIMUM,
	.min_tau = NO_MINIMUM,
	.max_survivors = NO_MINIMUM,
};

static const struct opt opts[] = {
	{"trace", 't', OPT_STRING, ASKED(trace), "FILE.kgt|DIR",
	 "run the model on this trace, or the right one of a folder"},
	{"scenario", 's', OPT_STRING, ASKED(scenario), "FILE.scn|DIR",
	 "and this scenario, or the right one of a folder"},
	{"model", 'm', OPT_STRING, ASKED(model), "MODEL.json",
	 "take results of a model instead (kage replay --snapshots)"},
	{"kernel-model", 0, OPT_STRING, ASKED(kernel_model), "VERSION",
	 "compare with the model of this kernel, whatever has run"},
	{"policy", 'p', OPT_STRING, ASKED(policy), "NAME",
	 "run this policy instead of the kernel's"},
	{"mmu", 0, OPT_STRING, ASKED(mmu), "KIND",
	 "secondary MMU (the kernel's; tdp if it does not say)"},
	{"output", 'o', OPT_STRING, FIELD(output), "FILE.db",
	 "also store both sides in a results database, for kage report"},
	{"tolerance", 0, OPT_STRING, FIELD(tolerance), "P%",
	 "exit code 1 if a counter is off by more, and by more pages"},
	{"tolerance-pages", 0, OPT_COUNT, FIELD(pages), "N",
	 "than these (16; alone: the only tolerance)"},
	{"min-jaccard", 0, OPT_REAL, FIELD(min_jaccard), "X",
	 "exit code 1 if an evicted set agrees less"},
	{"min-tau", 0, OPT_REAL, FIELD(min_tau), "X",
	 "exit code 1 if an order of eviction agrees less"},
	{"max-misplaced", 0, OPT_STRING, FIELD(max_misplaced), "P%",
	 "exit code 1 if more pages are in another generation"},
	{"max-survivors", 0, OPT_REAL, FIELD(max_survivors), "POINTS",
	 "exit code 1 if the hot set that a step leaves differs by more"},
	{"verbose", 'v', OPT_FLAG, FIELD(verbose), NULL,
	 "show each of several files by itself, too"},
	{"all", 'a', OPT_FLAG, FIELD(all), NULL,
	 "the same, with all counters, not only the main ones"},
	{"json", 0, OPT_FLAG, FIELD(json), NULL, "print one JSON document"},
	{.name = NULL},
};

struct jobs {
	const struct options *options;
	struct validate_limits limits;
	struct validate_job *job; /* owned */
	size_t n;
	struct validate_verdict verdict; /* on all of them */
};

/* "5%" as a share.  NULL leaves @share alone. */
static int parse_share(const char *name, const char *text, double *share,
		       struct status *st)
{
	char number[32];
	size_t length = text ? strlen(text) : 0;
	struct status why;

	if (!text)
		return 0;
	if (length < 2 || length > sizeof(number) || text[length - 1] != '%')
		return status_fail(st, EINVAL, "--%s %s: a percentage, as 5%%",
				   name, text);
	memcpy(number, text, length - 1);
	number[length - 1] = '\0';
	if (units_parse_real(number, share, &why))
		return status_fail(st, EINVAL, "--%s %s: a percentage, as 5%%",
				   name, text);
	*share /= 100;
	return 0;
}

static int set_limits(struct validate_limits *limits, const struct options *o,
		      struct status *st)
{
	bool has_pages = o->pages != NOT_SAID;
	int ret;

	*limits = (struct validate_limits){
		.tolerance = has_pages ? 0 : NAN,
		.min_pages = has_pages ? o->pages : LEAST_PAGES,
		.min_jaccard = o->min_jaccard < 0 ? NAN : o->min_jaccard,
		.min_tau = o->min_tau < 0 ? NAN : o->min_tau,
		.most_misplaced = NAN,
		.hot = o->max_survivors < 0 ? NAN : o->max_survivors / 100,
	};
	if (limits->min_jaccard > 1 || limits->min_tau > 1)
		return status_fail(st, EINVAL,
				   "--min-jaccard and --min-tau: 0 to 1");
	ret = parse_share("tolerance", o->tolerance, &limits->tolerance, st);
	return ret ? ret
		   : parse_share("max-misplaced", o->max_misplaced,
				 &limits->most_misplaced, st);
}

static int check_inputs(const struct validate_request *o, struct status *st)
{
	if (o->model && (o->trace || o->scenario || o->policy))
		return status_fail(st, EINVAL,
				   "--model excludes --trace, --scenario and "
				   "--policy");
	if (!o->model && (!o->trace || !o->scenario))
		return status_fail(st, EINVAL,
				   "validate needs --trace FILE and --scenario "
				   "FILE, or --model MODEL.json");
	return 0;
}

static int check_usage(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	const char *kernel = o->request.kernel_model;
	char known[128];

	if (!call->argc)
		return status_fail(st, EINVAL,
				   "validate needs results of a kernel "
				   "(kage live -o OUT.json)");
	if (o->output && !strcmp(o->output, "-"))
		return status_fail(st, EINVAL,
				   "validate: -o names a database, not "
				   "standard output");
	if (kernel && !preset_find(kernel)) {
		preset_names(known, sizeof(known));
		return status_fail(st, EINVAL,
				   "--kernel-model %s: no such model; known:%s",
				   kernel, known);
	}
	return check_inputs(&o->request, st);
}

static void free_jobs(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++)
		validate_job_fini(&jobs->job[i]);
	free(jobs->job);
}

static int run_jobs(struct jobs *jobs, const struct cmd_call *call,
		    struct status *st)
{
	int ret = 0;

	jobs->job = kage_calloc((size_t)call->argc, sizeof(*jobs->job), st);
	if (!jobs->job)
		return -ENOMEM;
	while (jobs->n < (size_t)call->argc && !ret) {
		struct validate_job *job = &jobs->job[jobs->n];

		job->path = call->argv[jobs->n++];
		ret = validate_job_run(job, &jobs->options->request, st);
		if (!ret) {
			validate_judge(&job->validation, &jobs->limits,
				       &job->verdict);
			validate_verdict_add(&jobs->verdict, &job->verdict);
		}
	}
	return ret;
}

/* A database has comparisons page by page. */
static int store_job(struct store *store, const struct validate_job *job,
		     const struct validate_limits *limits, struct status *st)
{
	if (!job->validation.is_concurrent)
		return validate_store(store, job, limits, st);
	fprintf(stderr,
		"kage: %s: not stored: the guest went on beside the host\n",
		job->path);
	return 0;
}

/* All of them or, when one fails, those before it: each is whole. */
static int store_jobs(const struct jobs *jobs, struct status *st)
{
	const char *path = jobs->options->output;
	struct store *store = NULL;
	int ret = path ? store_open(&store, path, NULL, NULL, st) : 0;

	for (size_t i = 0; path && i < jobs->n && !ret; i++)
		ret = store_job(store, &jobs->job[i], &jobs->limits, st);
	store_close(store);
	return ret;
}

static struct match make_match(const struct validate_job *job,
			       const struct validate_limits *limits,
			       const char *limits_text)
{
	const struct scenario_results *k = &job->kernel, *m = &job->model;
	const struct validate_verdict *v = &job->verdict;
	struct match match = {
		.release = k->kernel,
		.accel = job->facts.accel[0] ? job->facts.accel : NULL,
		.kernel_mmu = job->facts.mmu[0] ? job->facts.mmu : NULL,
		.kernel = m->kernel,
		.policy = m->policy,
		.mmu = job->mmu,
		.model_rev = job->model_rev,
		.scenario = k->scenario,
		.is_substitute = job->validation.is_substitute,
		.limits = limits_text[0] ? limits_text : NULL,
		.judged = validate_judged(v),
		.beyond = v->beyond,
		.passed = !v->beyond &&
			  !validate_unmet(&job->validation, limits, v),
	};

	validate_worst(&job->validation, limits->min_pages, &match.worst);
	return match;
}

/* A line per file. */
static int render_summary(struct outbuf *out, const struct jobs *jobs,
			  struct status *st)
{
	const struct format_ops *format = format_find("changelog", st);
	struct match *matches = kage_calloc(jobs->n, sizeof(*matches), st);
	struct table *table = NULL;
	char limits[VALIDATE_LIMITS_TEXT];
	int ret = -ENOMEM;

	validate_limits_text(limits, &jobs->limits);
	for (size_t i = 0; matches && i < jobs->n; i++)
		matches[i] = make_match(&jobs->job[i], &jobs->limits, limits);
	if (matches)
		table = matches_table(matches, jobs->n, st);
	if (table)
		ret = format->render(out, table, st);
	table_free(table);
	free(matches);
	return ret;
}

static int render(struct outbuf *out, const struct validate_job *job,
		  bool shows_all, struct status *st)
{
	const struct format_ops *format = format_find("changelog", st);
	struct table *tables = validate_tables(&job->validation, shows_all, st);
	int ret = tables ? format->render(out, tables, st) : -ENOMEM;

	table_free(tables);
	return ret;
}

/* All of it or, when memory runs out, nothing. */
static int print_text(const struct jobs *jobs, struct status *st)
{
	const struct options *o = jobs->options;
	bool has_details = jobs->n == 1 || o->verbose || o->all;
	struct outbuf out = {0};
	int ret = jobs->n > 1 ? render_summary(&out, jobs, st) : 0;

	for (size_t i = 0; has_details && i < jobs->n && !ret; i++) {
		if (jobs->n > 1)
			outbuf_put(&out, "\n", 1);
		ret = render(&out, &jobs->job[i], o->all, st);
	}
	if (!ret && out.error)
		ret = status_fail(st, -out.error, "out of memory");
	if (!ret)
		fwrite(out.data, 1, out.used, stdout);
	outbuf_fini(&out);
	return ret;
}

static int put_verdict(json_t *document, const struct validate_verdict *v)
{
	json_t *judged = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "hot",
				   (json_int_t)v->hot, "counters",
				   (json_int_t)v->counters, "jaccards",
				   (json_int_t)v->jaccards, "taus",
				   (json_int_t)v->taus, "snapshots",
				   (json_int_t)v->snapshots, "beyond",
				   (json_int_t)v->beyond);

	if (json_object_set_new(document, "judged", judged))
		return -ENOMEM;
	return v->beyond ? json_object_set_new(document, "worst",
					       json_string(v->worst))
			 : 0;
}

static int print_json(const struct jobs *jobs, struct status *st)
{
	json_t *files = json_array();
	json_t *document =
		json_pack("{s:i, s:o}", "kage_validate", 1, "files", files);
	int failed = !document;

	for (size_t i = 0; i < jobs->n && !failed; i++)
		failed = json_array_append_new(
			files, validate_json(&jobs->job[i].validation));
	if (!failed)
		failed = put_verdict(document, &jobs->verdict) ||
			 json_dumpf(document, stdout,
				    JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(document);
	if (failed)
		return status_fail(st, ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

/* A demand that nothing was measured for has not been met.  Return: its name. */
static const char *unmet(const struct jobs *jobs)
{
	const struct validate_limits *limits = &jobs->limits;
	bool all_concurrent = true;

	for (size_t i = 0; i < jobs->n; i++)
		all_concurrent &= jobs->job[i].validation.is_concurrent;
	if (!isnan(limits->hot) && !jobs->verdict.hot)
		return "--max-survivors: no hot set is known";
	if (all_concurrent)
		return NULL;
	if (!isnan(limits->min_jaccard) && !jobs->verdict.jaccards)
		return "--min-jaccard: no evicted set is known";
	if (!isnan(limits->min_tau) && !jobs->verdict.taus)
		return "--min-tau: no order of eviction is known";
	return NULL;
}

/* Return: an exit code. */
static int decide(const struct jobs *jobs, struct status *st)
{
	const struct validate_verdict *v = &jobs->verdict;
	const char *nothing = unmet(jobs), *path = NULL;

	for (size_t i = 0; i < jobs->n && !nothing; i++) {
		path = jobs->job[i].path;
		nothing = validate_unmet(&jobs->job[i].validation,
					 &jobs->limits, &jobs->job[i].verdict);
	}
	if (v->beyond)
		status_fail(st, EINVAL,
			    "%zu of %zu beyond the tolerance; worst: %s",
			    v->beyond, validate_judged(v), v->worst);
	else if (nothing)
		status_fail(st, EINVAL, "%.300s%s%s", path ? path : "",
			    path ? ": " : "", nothing);
	else
		return KAGE_EXIT_OK;
	return KAGE_EXIT_CHECK;
}

static int validate_run(const struct cmd_call *call, struct status *st)
{
	struct jobs jobs = {.options = call->values};
	int ret = check_usage(call, st);

	if (!ret)
		ret = set_limits(&jobs.limits, jobs.options, st);
	if (!ret)
		ret = run_jobs(&jobs, call, st);
	if (!ret)
		ret = store_jobs(&jobs, st);
	if (!ret)
		ret = jobs.options->json ? print_json(&jobs, st)
					 : print_text(&jobs, st);
	if (!ret)
		ret = decide(&jobs, st);
	free_jobs(&jobs);
	return ret;
}

const struct cmd cmd_validate = {
	.name = "validate",
	.summary = "hold the models against what real kernels did",
	.operands = " OUT.json...",
	.details =
		"Takes results of kage live, runs the same trace and scenario on the model of\n"
		"that kernel, and prints both side by side:\n"
		"  kage validate out.json --trace a.kgt --scenario a.scn --tolerance 5%\n"
		"Errors are relative to the kernel.  A kernel without a model is refused unless\n"
		"--kernel-model names another.\n\n"
		"Of several files each gets a line.  They may be of several kernels and scenarios:\n"
		"then --trace and --scenario are folders, in which content ids, not names, decide:\n"
		"  kage validate 6.1/*.json 6.12/*.json --trace traces --scenario scenarios \\\n"
		"      --tolerance 5% -o r.db\n"
		"Where the guest went on beside the host (kage live --concurrent), the model's does\n"
		"so as often per notifier call, and only the hot set is compared: which share of\n"
		"its pages each step left (--max-survivors 5).\n"
		"With -o, kage report r.db shows them, and calls runs of a policy judged that a\n"
		"kernel has found within the tolerance, by the same code and parameters.",
	.opts = opts,
	.presets = &option_presets,
	.values_size = sizeof(struct options),
	.run = validate_run,
};
