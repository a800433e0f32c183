/* SPDX-License-Identifier: MIT */
/* kage explain: the life of one page under each policy. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cmd.h"
#include "analysis/explain.h"
#include "replay/words.h"

struct explain_values {
	struct replay_words words;
	const char *gfn, *trace, *scenario;
	uint64_t lines;
	bool json;
};

static const struct explain_values presets = {
	.words = {REPLAY_WORDS_PRESETS},
	.lines = 60,
};

#define VALUE(name) offsetof(struct explain_values, name)

static const struct opt opts[] = {
	{"gfn", 'g', OPT_STRING, VALUE(gfn), "N",
	 "the page: a guest frame number, 4096 or 0x1000"},
	{"trace", 't', OPT_STRING, VALUE(trace), "FILE.kgt",
	 "of a database: where its trace is, and only that one's runs"},
	{"scenario", 's', OPT_STRING, VALUE(scenario), "FILE.scn|DIR",
	 "of a database: where its scenario is, and only its runs"},
	{"lines", 'n', OPT_COUNT, VALUE(lines), "N",
	 "of one life at most (60); 0: all"},
	{"json", 'j', OPT_FLAG, VALUE(json), NULL,
	 "a JSON array, one object per life, with all events"},
	REPLAY_WORDS_OPTS(VALUE(words)),
	{0},
};

static int parse_gfn(const char *text, uint64_t *gfn, struct status *st)
{
	char *end;

	if (!text)
		return status_fail(st, EINVAL,
				   "explain: --gfn N says which page");
	errno = 0;
	*gfn = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno)
		return status_fail(st, EINVAL, "--gfn: '%s' is no frame number",
				   text);
	return 0;
}

static int explain_trace(const char *path, const struct explain_values *v,
			 uint64_t gfn, struct explain_out *out,
			 struct status *st)
{
	struct explain_job job = {
		.path = path,
		.request = replay_words_request(&v->words),
	};
	int ret = replay_words_options(&v->words, &job.options, st);

	job.options.watches = true;
	job.options.watched_gfn = gfn;
	if (!ret && (v->trace || v->scenario))
		ret = status_fail(st, EINVAL,
				  "--%s is for databases: %s is a trace",
				  v->trace ? "trace" : "scenario", path);
	return ret ? ret : explain_job_run(&job, out, NULL, NULL, st);
}

/* Return: whether the file begins as SQLite's do; traces do not. */
static bool is_database(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	char head[sizeof(magic)] = "";
	FILE *f = fopen(path, "rb");
	bool is_same;

	if (!f)
		return false;
	is_same = fread(head, sizeof(head), 1, f) == 1 &&
		  !memcmp(head, magic, sizeof(magic));
	fclose(f);
	return is_same;
}

static int print(struct explain_out *out, struct status *st)
{
	if (out->text.error)
		return status_fail(st, ENOMEM, "out of memory");
	if (!out->json) {
		fwrite(out->text.data, 1, out->text.used, stdout);
		return 0;
	}
	if (json_dumpf(out->json, stdout, JSON_INDENT(1)))
		return status_fail(st, EIO, "json: cannot be written");
	putchar('\n');
	return 0;
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct explain_values *v = call->values;
	struct explain_choice choice = {v->words.policy, v->words.limit,
					v->trace, v->scenario, 0};
	struct explain_out out = {.lines = v->lines};
	int ret;

	if (call->argc != 1)
		return status_fail(
			st, EINVAL,
			"explain: needs one results database or one trace");
	ret = parse_gfn(v->gfn, &choice.gfn, st);
	if (ret)
		return ret;
	if (v->json)
		out.json = json_array();
	ret = is_database(call->argv[0])
		      ? explain_db(call->argv[0], &choice, &out, st)
		      : explain_trace(call->argv[0], v, choice.gfn, &out, st);
	if (!ret)
		ret = print(&out, st);
	json_decref(out.json);
	outbuf_fini(&out.text);
	return ret;
}

const struct cmd cmd_explain = {
	.name = "explain",
	.summary = "tell the life of one page under each policy",
	.operands = " DB|FILE.kgt",
	.details =
		"When it was touched, who asked about it, where it was moved, when "
		"it was evicted\nand came back.  A trace is replayed as kage replay "
		"would, by the same options.  Of\na database, the runs that it "
		"holds are repeated on the trace that it names, which is\nlooked "
		"for where it was, beside the database and here; so is the scenario "
		"of runs\nof driver script.  --policy and --limit say which runs, the "
		"other options of a replay\nare the run's own.  Runs in a closed "
		"loop are left out.",
	.opts = opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run,
};
