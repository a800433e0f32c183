/* SPDX-License-Identifier: MIT */
/* kage explain: the life of one page under each policy. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/cmd.h"
#include "analysis/explain.h"

struct explain_values {
	const char *gfn, *policy, *limit, *driver, *kernel, *mmu, *expand,
		*epoch, *trace, *scenario;
	uint64_t pace, seed, lines;
	double ns_per_tick;
	bool writes_as_accesses, json;
};

static const struct explain_values presets = {
	.driver = "limit",
	.kernel = "6.12",
	.mmu = "tdp",
	.expand = "refuse",
	.epoch = "once",
	.pace = 100,
	.lines = 60,
};

#define VALUE(name) offsetof(struct explain_values, name)

static const struct opt opts[] = {
	{"gfn", 'g', OPT_STRING, VALUE(gfn), "N",
	 "the page: a guest frame number, 4096 or 0x1000"},
	{"policy", 'p', OPT_STRING, VALUE(policy), "LIST",
	 "policies: NAME[:key=value...],... (all)"},
	{"limit", 'l', OPT_STRING, VALUE(limit), "LIST",
	 "memory limits: 25%,50% of the footprint, or 64M"},
	{"trace", 't', OPT_STRING, VALUE(trace), "FILE.kgt",
	 "of a database: where its trace is, and only that one's runs"},
	{"scenario", 's', OPT_STRING, VALUE(scenario), "FILE.scn|DIR",
	 "of a database: where its scenario is, and only its runs"},
	{"driver", 'd', OPT_STRING, VALUE(driver), "DRIVER",
	 "of a trace, as all below: who reclaims (limit)"},
	{"kernel", 0, OPT_STRING, VALUE(kernel), "VERSION",
	 "whose MGLRU (6.12)"},
	{"mmu", 0, OPT_STRING, VALUE(mmu), "KIND", "secondary MMU (tdp)"},
	{"pace", 0, OPT_TIME, VALUE(pace), "TIME",
	 "virtual time per PTE and candidate (100ns); 0: frozen guest"},
	{"epoch", 0, OPT_STRING, VALUE(epoch), "RULE",
	 "once, or hold: an epoch's pages are touched again at its end"},
	{"expand", 0, OPT_STRING, VALUE(expand), "HOW",
	 "2M, 1G and region records as pages: refuse, all, one"},
	{"writes-as-accesses", 0, OPT_FLAG, VALUE(writes_as_accesses), NULL,
	 "replay a trace that saw only writes"},
	{"ns-per-tick", 0, OPT_REAL, VALUE(ns_per_tick), "NS",
	 "scale of the trace's clock, instead of its own"},
	{"seed", 0, OPT_COUNT, VALUE(seed), "N", "of orders that are unknown"},
	{"lines", 'n', OPT_COUNT, VALUE(lines), "N",
	 "of one life at most (60); 0: all"},
	{"json", 'j', OPT_FLAG, VALUE(json), NULL,
	 "a JSON array, one object per life, with all events"},
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

/* Return: the index of @text in @names, or -EINVAL. */
static int choose(const char *what, const char *text, const char *const *names,
		  struct status *st)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], text))
			return i;
	return status_fail(st, EINVAL, "--%s: no '%s'", what, text);
}

static int set_options(struct engine_options *o, const struct explain_values *v,
		       uint64_t gfn, struct status *st)
{
	static const char *const expands[] = {"refuse", "all", "one", NULL};
	static const char *const rules[] = {"once", "hold", NULL};
	int expand = choose("expand", v->expand, expands, st);
	int rule = expand < 0 ? expand : choose("epoch", v->epoch, rules, st);

	if (rule < 0)
		return rule;
	if (v->ns_per_tick && (v->ns_per_tick < 1e-3 || v->ns_per_tick > 1e6))
		return status_fail(st, EINVAL, "--ns-per-tick: 0.001 to 1e6");
	*o = (struct engine_options){
		.seed = v->seed,
		.ps_per_tick = (uint32_t)lround(v->ns_per_tick * 1000),
		.writes_as_accesses = v->writes_as_accesses,
		.holds_epochs = rule == 1,
		.expand = (enum engine_expand)expand,
		.watches = true,
		.watched_gfn = gfn,
	};
	return 0;
}

static int explain_trace(const char *path, const struct explain_values *v,
			 uint64_t gfn, struct explain_out *out,
			 struct status *st)
{
	struct explain_job job = {
		.path = path,
		.request = {.policies = v->policy,
			    .limits = v->limit,
			    .kernel = v->kernel,
			    .mmu = v->mmu,
			    .driver = v->driver,
			    .pace_ns = v->pace},
	};
	int ret = set_options(&job.options, v, gfn, st);

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
	struct explain_choice choice = {v->policy, v->limit, v->trace,
					v->scenario, 0};
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
		"would; of a database, the runs\nthat it holds are repeated (all, or "
		"those of --policy and --limit) on the trace\nthat it names, which "
		"is looked for where it was, beside the database and here; "
		"so is the scenario\nof runs of driver script.  Runs in a closed loop are left out.",
	.opts = opts,
	.presets = &presets,
	.values_size = sizeof(presets),
	.run = run,
};
