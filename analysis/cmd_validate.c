/* SPDX-License-Identifier: MIT */
/* kage validate: what a kernel did with a scenario, and what the model does. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cmd.h"
#include "analysis/format.h"
#include "analysis/validate.h"
#include "base/alloc.h"
#include "base/units.h"
#include "replay/preset.h"
#include "replay/script.h"

struct options {
	const char *model, *trace, *scenario, *kernel_model, *policy, *mmu,
		*tolerance, *max_misplaced;
	uint64_t pages;
	double min_jaccard, min_tau;
	bool json, all;
};

#define NOT_SAID     UINT64_MAX
#define LEAST_PAGES  16
#define NO_MINIMUM   -1
#define FIELD(field) offsetof(struct options, field)

static const struct options option_presets = {
	.mmu = "tdp",
	.pages = NOT_SAID,
	.min_jaccard = NO_MINIMUM,
	.min_tau = NO_MINIMUM,
};

static const struct opt opts[] = {
	{"trace", 't', OPT_STRING, FIELD(trace), "FILE.kgt",
	 "run the model on this trace; needs --scenario"},
	{"scenario", 's', OPT_STRING, FIELD(scenario), "FILE.scn",
	 "and this scenario"},
	{"model", 'm', OPT_STRING, FIELD(model), "MODEL.json",
	 "take results of a model instead (kage replay --snapshots)"},
	{"kernel-model", 0, OPT_STRING, FIELD(kernel_model), "VERSION",
	 "compare with the model of this kernel, whatever has run"},
	{"policy", 'p', OPT_STRING, FIELD(policy), "NAME",
	 "run this policy instead of the kernel's"},
	{"mmu", 0, OPT_STRING, FIELD(mmu), "KIND", "secondary MMU (tdp)"},
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
	{"all", 'a', OPT_FLAG, FIELD(all), NULL,
	 "show all counters, not only the main ones"},
	{"json", 0, OPT_FLAG, FIELD(json), NULL, "print one JSON document"},
	{.name = NULL},
};

/* One kernel file and its model. */
struct job {
	const char *path;
	struct scenario_results kernel, model;
	struct validation validation;
};

struct jobs {
	const struct options *options;
	struct validate_limits limits;
	struct job *job; /* owned */
	size_t n;
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
	};
	if (limits->min_jaccard > 1 || limits->min_tau > 1)
		return status_fail(st, EINVAL,
				   "--min-jaccard and --min-tau: 0 to 1");
	ret = parse_share("tolerance", o->tolerance, &limits->tolerance, st);
	return ret ? ret
		   : parse_share("max-misplaced", o->max_misplaced,
				 &limits->most_misplaced, st);
}

static int check_usage(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;

	if (!call->argc)
		return status_fail(st, EINVAL,
				   "validate needs results of a kernel "
				   "(kage live -o OUT.json)");
	if (o->model && (o->trace || o->scenario || o->policy))
		return status_fail(st, EINVAL,
				   "--model excludes --trace, --scenario and "
				   "--policy");
	if (!o->model && (!o->trace || !o->scenario))
		return status_fail(st, EINVAL,
				   "validate needs --trace FILE and --scenario "
				   "FILE, or --model MODEL.json");
	if (o->kernel_model && !preset_find(o->kernel_model)) {
		char known[128];

		preset_names(known, sizeof(known));
		return status_fail(st, EINVAL,
				   "--kernel-model %s: no such model; known:%s",
				   o->kernel_model, known);
	}
	return 0;
}

/* Which model is to judge the kernel of @job: its own, or the one that is named. */
static const struct preset *
choose_preset(const struct options *o, const struct job *job, struct status *st)
{
	const struct preset *preset = preset_find(
		o->kernel_model ? o->kernel_model : job->kernel.kernel);
	char known[128];

	if (preset)
		return preset;
	preset_names(known, sizeof(known));
	status_fail(
		st, ENOTSUP,
		"%.200s: there is no model of Linux '%s' yet; --kernel-model "
		"compares with another (known:%s)",
		job->path, job->kernel.kernel, known);
	return NULL;
}

/* Is it known before a model runs that it would be for nothing? */
static int check_scenario(const struct options *o, const struct job *job,
			  struct status *st)
{
	struct scenario scenario = {0};
	int ret = scenario_load(&scenario, o->scenario, st);

	if (!ret && scenario_id(&scenario) != job->kernel.scenario_id)
		ret = status_fail(st, EBADMSG,
				  "%.200s: scenario_id is that of another "
				  "scenario than %.200s",
				  job->path, o->scenario);
	scenario_fini(&scenario);
	return ret;
}

static int run_model(const struct options *o, struct job *job,
		     struct status *st)
{
	/* As the guest of kage live: writes are accesses, and 2M is 512 pages. */
	const struct engine_options options = {
		.seed = job->kernel.seed,
		.writes_as_accesses = true,
		.expand = EXPAND_ALL,
	};
	const struct preset *preset = choose_preset(o, job, st);
	struct plan_request request = {.mmu = o->mmu};
	char *driver;
	int ret;

	if (!preset)
		return -ENOTSUP;
	ret = check_scenario(o, job, st);
	if (ret)
		return ret;
	if (asprintf(&driver, "script:%s", o->scenario) < 0)
		return status_fail(st, ENOMEM, "out of memory");
	request.kernel = preset->kernel;
	request.policies = o->policy ? o->policy : preset->policy;
	request.driver = driver;
	ret = script_replay(o->trace, &options, &request, &job->model, st);
	free(driver);
	return ret;
}

static int read_model(const struct options *o, struct job *job,
		      struct status *st)
{
	const struct preset *preset = choose_preset(o, job, st);
	int ret;

	if (!preset)
		return -ENOTSUP;
	ret = scenario_results_read(&job->model, o->model, st);
	/* what is no model's is refused as that */
	if (ret || !job->model.by_model ||
	    preset_find(job->model.kernel) == preset)
		return ret;
	return status_fail(st, EBADMSG,
			   "%.150s: Linux '%s', but the model in %.150s is of "
			   "'%s'",
			   job->path, job->kernel.kernel, o->model,
			   job->model.kernel);
}

static int run_job(const struct options *o, struct job *job, struct status *st)
{
	int ret = scenario_results_read(&job->kernel, job->path, st);

	if (!ret && job->kernel.by_model)
		ret = status_fail(st, EBADMSG,
				  "%.400s: results of a model, not of a kernel",
				  job->path);
	if (!ret)
		ret = o->model ? read_model(o, job, st) : run_model(o, job, st);
	if (!ret)
		ret = validate_pair(&job->model, o->model ? o->model : o->trace,
				    &job->kernel, job->path, st);
	if (!ret)
		ret = validate_init(&job->validation, &job->model, &job->kernel,
				    job->path, st);
	job->validation.is_substitute = preset_find(job->kernel.kernel) !=
					preset_find(job->model.kernel);
	return ret;
}

static void free_jobs(struct jobs *jobs)
{
	for (size_t i = 0; i < jobs->n; i++) {
		validate_fini(&jobs->job[i].validation);
		scenario_results_fini(&jobs->job[i].model);
		scenario_results_fini(&jobs->job[i].kernel);
	}
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
		struct job *job = &jobs->job[jobs->n];

		job->path = call->argv[jobs->n++];
		ret = run_job(jobs->options, job, st);
	}
	return ret;
}

static int render(struct outbuf *out, const struct job *job, bool shows_all,
		  struct status *st)
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
	struct outbuf out = {0};
	int ret = 0;

	for (size_t i = 0; i < jobs->n && !ret; i++) {
		if (i)
			outbuf_put(&out, "\n", 1);
		ret = render(&out, &jobs->job[i], jobs->options->all, st);
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
	json_t *judged = json_pack("{s:I, s:I, s:I, s:I, s:I}", "counters",
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

static int print_json(const struct jobs *jobs,
		      const struct validate_verdict *verdict, struct status *st)
{
	json_t *files = json_array();
	json_t *document =
		json_pack("{s:i, s:o}", "kage_validate", 1, "files", files);
	int failed = !document;

	for (size_t i = 0; i < jobs->n && !failed; i++)
		failed = json_array_append_new(
			files, validate_json(&jobs->job[i].validation));
	if (!failed)
		failed = put_verdict(document, verdict) ||
			 json_dumpf(document, stdout,
				    JSON_INDENT(1) | JSON_REAL_PRECISION(6));
	json_decref(document);
	if (failed)
		return status_fail(st, ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

/* A demand that nothing was measured for has not been met.  Return: its name. */
static const char *unmet(const struct validate_limits *limits,
			 const struct validate_verdict *v)
{
	if (!isnan(limits->tolerance) && !v->counters)
		return "--tolerance: no counter is known to both sides";
	if (!isnan(limits->min_jaccard) && !v->jaccards)
		return "--min-jaccard: no evicted set is known";
	if (!isnan(limits->min_tau) && !v->taus)
		return "--min-tau: no order of eviction is known";
	if (!isnan(limits->most_misplaced) && !v->snapshots)
		return "--max-misplaced: no generations are known to both sides";
	return NULL;
}

/* Return: an exit code. */
static int decide(const struct validate_limits *limits,
		  const struct validate_verdict *v, struct status *st)
{
	const char *nothing = unmet(limits, v);

	if (v->beyond)
		status_fail(st, EINVAL,
			    "%zu of %zu beyond the tolerance; worst: %s",
			    v->beyond,
			    v->counters + v->jaccards + v->taus + v->snapshots,
			    v->worst);
	else if (nothing)
		status_fail(st, EINVAL, "%s", nothing);
	else
		return KAGE_EXIT_OK;
	return KAGE_EXIT_CHECK;
}

static int validate_run(const struct cmd_call *call, struct status *st)
{
	struct jobs jobs = {.options = call->values};
	struct validate_verdict verdict = {0};
	int ret = check_usage(call, st);

	if (!ret)
		ret = set_limits(&jobs.limits, jobs.options, st);
	if (!ret)
		ret = run_jobs(&jobs, call, st);
	for (size_t i = 0; i < jobs.n && !ret; i++)
		validate_judge(&jobs.job[i].validation, &jobs.limits, &verdict);
	if (!ret)
		ret = jobs.options->json ? print_json(&jobs, &verdict, st)
					 : print_text(&jobs, st);
	if (!ret)
		ret = decide(&jobs.limits, &verdict, st);
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
		"Errors are relative to the kernel.  All files must be of this trace and scenario.\n"
		"A kernel without a model is refused unless --kernel-model names another.",
	.opts = opts,
	.presets = &option_presets,
	.values_size = sizeof(struct options),
	.run = validate_run,
};
