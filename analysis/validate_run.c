/* SPDX-License-Identifier: MIT */
/* Running the model that a kernel is compared with; see validate_run.h. */
#include "analysis/validate_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/input_find.h"
#include "replay/preset.h"
#include "replay/run.h"
#include "replay/script.h"

/* Which model is to judge the kernel of @job: its own, or the one that is named. */
static const struct preset *choose_preset(const struct validate_request *o,
					  const struct validate_job *job,
					  struct status *st)
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

struct inputs {
	char trace[PATH_MAX], scenario[PATH_MAX];
};

/* Is it known before a model runs that it would be for nothing? */
static int check_scenario(const char *path, const struct validate_job *job,
			  struct status *st)
{
	struct scenario scenario = {0};
	int ret = scenario_load(&scenario, path, st);

	if (!ret && scenario_id(&scenario) != job->kernel.scenario_id)
		ret = status_fail(st, EBADMSG,
				  "%.200s: scenario_id is that of another "
				  "scenario than %.200s",
				  job->path, path);
	scenario_fini(&scenario);
	return ret;
}

static int find_inputs(struct inputs *inputs, const struct validate_request *o,
		       const struct validate_job *job, struct status *st)
{
	int ret = input_find_scenario(inputs->scenario, o->scenario,
				      &job->kernel, job->path, st);

	if (!ret)
		ret = check_scenario(inputs->scenario, job, st);
	return ret ? ret
		   : input_find_trace(inputs->trace, o->trace, &job->kernel,
				      job->path, st);
}

/* Return: the MMU to model: the kernel's, unless @o names another. */
static const char *choose_mmu(const struct validate_request *o,
			      const struct validate_job *job)
{
	if (o->mmu)
		return o->mmu;
	return job->facts.mmu[0] ? job->facts.mmu : "tdp";
}

/* Huge folios as the kernel's guest had them, unless @o says what leaves map. */
static bool wants_thp(const struct validate_request *o,
		      const struct validate_job *job)
{
	return job->facts.is_thp && !(o->mmu && strstr(o->mmu, "level="));
}

static int replay(const struct validate_request *o, struct validate_job *job,
		  const struct preset *preset, const struct inputs *inputs,
		  struct status *st)
{
	/* As the guest of kage live: writes are accesses, and 2M is 512 pages. */
	const struct engine_options options = {
		.seed = job->kernel.seed,
		.writes_as_accesses = true,
		.expand = EXPAND_ALL,
		.beside = job->kernel.is_concurrent ? &job->kernel : NULL,
	};
	struct plan_request request = {
		.kernel = preset->kernel,
		.mmu = choose_mmu(o, job),
		.is_thp = wants_thp(o, job),
		.policies = o->policy ? o->policy : preset->policy,
	};
	char *driver;
	int ret;

	if (asprintf(&driver, "script:%s", inputs->scenario) < 0)
		return status_fail(st, ENOMEM, "out of memory");
	request.driver = driver;
	ret = script_replay(inputs->trace, &options, &request, &job->model, st);
	free(driver);
	job->mmu = request.mmu;
	job->model_rev = run_model_rev;
	return ret;
}

static int run_model(const struct validate_request *o, struct validate_job *job,
		     struct status *st)
{
	const struct preset *preset = choose_preset(o, job, st);
	struct inputs inputs;
	int ret = preset ? find_inputs(&inputs, o, job, st) : -ENOTSUP;

	if (!ret)
		ret = replay(o, job, preset, &inputs, st);
	return ret ? ret
		   : validate_pair(&job->model, inputs.trace, &job->kernel,
				   job->path, st);
}

static int read_model(const struct validate_request *o,
		      struct validate_job *job, struct status *st)
{
	const struct preset *preset = choose_preset(o, job, st);
	int ret;

	if (!preset)
		return -ENOTSUP;
	ret = scenario_results_read(&job->model, o->model, st);
	/* what is no model's is refused as that */
	if (!ret && job->model.by_model &&
	    preset_find(job->model.kernel) != preset)
		ret = status_fail(
			st, EBADMSG,
			"%.150s: Linux '%s', but the model in %.150s is of "
			"'%s'",
			job->path, job->kernel.kernel, o->model,
			job->model.kernel);
	return ret ? ret
		   : validate_pair(&job->model, o->model, &job->kernel,
				   job->path, st);
}

int validate_job_run(struct validate_job *job,
		     const struct validate_request *request, struct status *st)
{
	int ret = scenario_results_read(&job->kernel, job->path, st);

	if (!ret && job->kernel.by_model)
		ret = status_fail(st, EBADMSG,
				  "%.400s: results of a model, not of a kernel",
				  job->path);
	if (ret)
		return ret;
	kernel_facts(&job->facts, job->kernel.details);
	ret = request->model ? read_model(request, job, st)
			     : run_model(request, job, st);
	if (!ret)
		ret = validate_init(&job->validation, &job->model, &job->kernel,
				    job->path, st);
	job->validation.is_substitute = preset_find(job->kernel.kernel) !=
					preset_find(job->model.kernel);
	return ret;
}

void validate_job_fini(struct validate_job *job)
{
	validate_fini(&job->validation);
	scenario_results_fini(&job->model);
	scenario_results_fini(&job->kernel);
}
