/* SPDX-License-Identifier: MIT */
/* From results of a kernel to a comparison: which model, on which trace and scenario. */
#ifndef ANALYSIS_VALIDATE_RUN_H
#define ANALYSIS_VALIDATE_RUN_H

#include "analysis/kernel_facts.h"
#include "analysis/validate.h"

/* As on the command line; NULL: not said. */
struct validate_request {
	const char *model;    /* results of a model, instead of running one */
	const char *trace;    /* file, or folder to look it up in */
	const char *scenario; /* the same */
	const char *kernel_model; /* instead of the kernel's own */
	const char *policy;	  /* the same */
	const char *mmu;
};

/* One kernel file and its model. */
struct validate_job {
	const char *path; /* the caller's */
	struct scenario_results kernel, model;
	struct kernel_facts facts;
	struct validation validation;
	struct validate_verdict verdict;
	const char *mmu, *model_rev; /* of a model that ran here, or NULL */
};

/**
 * validate_job_run - compare the results of a kernel in job->path with a model
 * @job: filled, all but the verdict; validate_job_fini() is safe in any case
 *
 * Return: 0; -ENOTSUP when there is no model of that kernel; -ENOENT or -EBADMSG when
 * its trace or scenario are not those of @request; or what is wrong with a file.
 */
int validate_job_run(struct validate_job *job,
		     const struct validate_request *request, struct status *st);
void validate_job_fini(struct validate_job *job);

#endif
