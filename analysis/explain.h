/* SPDX-License-Identifier: MIT */
/* `kage explain`: the life of one page under each policy, as text and as JSON. */
#ifndef ANALYSIS_EXPLAIN_H
#define ANALYSIS_EXPLAIN_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/outbuf.h"
#include "base/status.h"
#include "replay/engine.h"
#include "replay/plan.h"

/* A replay that is to be explained. */
struct explain_job {
	const char *path; /* of the trace */
	struct plan_request request;
	struct engine_options options; /* watches a gfn */
	const char *limit_text; /* as a stored run has it; NULL: as planned */
	const char
		*note; /* how it compares with a stored run; NULL: it is none */
};

/* Where explanations go: one of the two. */
struct explain_out {
	struct outbuf text;
	json_t *json;	  /* NULL: text is wanted */
	uint64_t lines;	  /* of one life at most; 0: all */
	bool has_subject; /* the page was introduced */
};

/* What the replay of a job found, while its lanes live. */
struct explained {
	const struct explain_job *job;
	const struct engine_trace *trace;
	const struct trace_meta *meta;
	const char *trace_id;
};

/**
 * explain_job_run - replay and tell the life of the page in each lane
 * @note: NULL, or called with each lane's outcome to fill job->note
 *
 * Return: 0, -EINVAL if the trace never touches the page, or as engine_run().
 */
int explain_job_run(struct explain_job *job, struct explain_out *out,
		    void (*note)(void *arg, const struct lane *lane), void *arg,
		    struct status *st);

/* Replays for the stored runs of a database; see explain_db.c. */
struct explain_choice {
	const char *policies, *limits; /* names, comma-separated; NULL: all */
	const char *trace_path;	       /* NULL: look for it */
	const char *scenario_path;     /* the same; a file or folder */
	uint64_t gfn;
};

int explain_db(const char *path, const struct explain_choice *choice,
	       struct explain_out *out, struct status *st);

/* Return: whether a run with driver parameters @params is one of scenario @given, or of
 * any in a folder; NULL: any run is. */
bool explain_is_of_scenario(const char *given, const char *params);

/**
 * explain_find_scenario - where is the scenario of a stored run?
 * @given: file or folder, or NULL: where @command had it, beside @db, or here
 * @params, @command: of the run
 *
 * Return: 0 and @path, -ENOENT with its id, or -EBADMSG for @params of no scenario.
 */
int explain_find_scenario(char path[PATH_MAX], const char *given,
			  const char *params, const char *command,
			  const char *db, struct status *st);

void explain_text_subject(struct outbuf *out, const struct explained *what,
			  const struct lane *lane);
void explain_text_lane(struct outbuf *out, const struct explained *what,
		       const struct lane *lane, uint64_t lines);
json_t *explain_json_lane(const struct explained *what,
			  const struct lane *lane);

#endif
