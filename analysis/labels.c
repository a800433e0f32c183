/* SPDX-License-Identifier: MIT */
/*
 * Words for runs; see labels.h.  A results database does not say which parameters
 * are presets, so a label names those in which runs differ and no others.
 */
#include "analysis/labels.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/outbuf.h"
#include "base/param.h"
#include "replay/memory.h"

enum {
	REV_SHORT = 8,
};

const char *labels_time(char buf[UNITS_TEXT], uint64_t ns, const char *gap)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	double value = (double)ns;
	size_t i = 0;

	for (; i < 3 && value >= 1000; i++)
		value /= 1000;
	snprintf(buf, UNITS_TEXT, "%.10g%s%s", value, gap, names[i]);
	return buf;
}

static const char period_key[] = "period=";

const char *labels_driver(const struct run *run, struct texts *texts,
			  struct status *st)
{
	const char *driver = run_text(run, RUN_driver);
	const char *key = strstr(driver, period_key), *number;
	unsigned long long ns;
	char time[UNITS_TEXT];
	size_t digits;

	if (!key)
		return texts_printf(texts, st, "%s", driver);
	number = key + strlen(period_key);
	digits = strspn(number, "0123456789");
	ns = strtoull(number, NULL, 10);
	if (ns < 1000000 || !strchr(",)", number[digits]))
		return texts_printf(texts, st, "%s", driver);
	labels_time(time, ns, "");
	return texts_printf(texts, st, "%.*s%s%s", (int)(number - driver),
			    driver, time, number + digits);
}

/* "1 insn = 0.5 ns": the scale of the replay, which need not be the trace's. */
static const char *clock_scale(char buf[LABELS_CLOCK], const struct run *run)
{
	double ns = (double)run_integer(run, RUN_ps_per_tick) / 1000;

	if (!strcmp(run_text(run, RUN_clock), "insn"))
		snprintf(buf, LABELS_CLOCK, "1 insn = %g ns", ns);
	else
		snprintf(buf, LABELS_CLOCK, "1 tick = %g ns", ns);
	return buf;
}

/* ", memory swappiness=1, SYNTHETIC: ...": what is not as usual, or "" */
static const char *memory_of(const struct run *run, struct texts *texts,
			     struct status *st)
{
	const char *params = run_text(run, RUN_memory);
	const char *mix = run_text(run, RUN_mix);
	const struct memory preset = memory_or_default(NULL);
	char usual[256];

	param_format(memory_params, &preset, usual, sizeof(usual));
	if (!*mix && (!*params || !strcmp(params, usual)))
		return "";
	return texts_printf(texts, st, ", memory %s%s%s", params,
			    *mix ? ", SYNTHETIC: mixed with " : "", mix);
}

/* ", NUMA range(...)"; nothing where all is as it always was. */
static const char *numa_setup(const struct run *run, struct texts *texts,
			      struct status *st)
{
	const char *numa = run_text(run, RUN_numa);
	const char *chunk = run_text(run, RUN_chunk);
	bool is_off = !strcmp(numa, "off"), is_range = !strcmp(chunk, "range");

	return texts_printf(texts, st, "%s%s%s%s", is_off ? "" : ", NUMA ",
			    is_off ? "" : numa, is_range ? "" : ", calls per ",
			    is_range ? "" : chunk);
}

/* ", CLOSED LOOP ..." of a run whose guest waited: it compares with no other setup. */
static const char *closed_loop(const struct run *run, struct texts *texts,
			       struct status *st)
{
	const char *setup = run_text(run, RUN_closed_loop);

	return *setup ? texts_printf(texts, st, ", CLOSED LOOP (%s)", setup)
		      : "";
}

const char *labels_setup(const struct run *run, struct texts *texts,
			 struct status *st)
{
	int64_t pace_ns = run_integer(run, RUN_pace_ns);
	const char *driver = labels_driver(run, texts, st);
	const char *memory = memory_of(run, texts, st);
	bool is_script = !strncmp(run_text(run, RUN_driver), "script", 6);
	const char *numa = numa_setup(run, texts, st);
	const char *closed = closed_loop(run, texts, st);
	char clock[LABELS_CLOCK];

	if (!driver || !memory || !numa || !closed)
		return NULL;
	return texts_printf(
		texts, st,
		"MGLRU of %s, %s%s, driver %s%s, pace %" PRId64
		" ns%s, %s, costs %s, replayed as %s%s"
		", seed %" PRId64 ", kage %s, model %.*s",
		run_text(run, RUN_kernel), run_text(run, RUN_mmu), numa, driver,
		memory, pace_ns, pace_ns || is_script ? "" : " (frozen guest)",
		clock_scale(clock, run), run_text(run, RUN_cost_profile),
		run_text(run, RUN_epoch_rule), closed,
		run_integer(run, RUN_seed), run_text(run, RUN_kage_version),
		REV_SHORT, run_text(run, RUN_model_rev));
}

/* Return: whether "key=value" of @length bytes is an element of the list @params. */
static bool has_param(const char *params, const char *param, size_t length)
{
	while (*params) {
		size_t n = strcspn(params, ",");

		if (n == length && !strncmp(params, param, n))
			return true;
		params += n + (params[n] == ',');
	}
	return false;
}

/* Return: whether a run of the same policy in @setup has another value there. */
static bool differs(struct slice setup, const struct run *run,
		    const char *param, size_t length)
{
	for (size_t i = 0; i < setup.count; i++) {
		const struct run *other = &setup.runs[i];

		if (!strcmp(run_text(other, RUN_policy),
			    run_text(run, RUN_policy)) &&
		    !has_param(run_text(other, RUN_policy_params), param,
			       length))
			return true;
	}
	return false;
}

static int label_run(struct results *results, struct slice setup,
		     struct run *run, struct status *st)
{
	const char *param = run_text(run, RUN_policy_params);
	struct outbuf out = {0};
	bool any = false;

	outbuf_printf(&out, "%s", run_text(run, RUN_policy));
	while (*param) {
		size_t n = strcspn(param, ",");

		if (differs(setup, run, param, n)) {
			outbuf_printf(&out, "%s%.*s", any ? "," : "(", (int)n,
				      param);
			any = true;
		}
		param += n + (param[n] == ',');
	}
	if (any)
		outbuf_printf(&out, ")");
	if (!out.error)
		run->label = texts_printf(&results->texts, st, "%s", out.data);
	outbuf_fini(&out);
	return run->label ? 0 : -ENOMEM;
}

int labels_assign(struct results *results, struct status *st)
{
	struct slice rest = results_all(results);
	struct run *run = results->runs;
	int ret = 0;

	while (rest.count && !ret) {
		struct slice setup = slice_take(&rest, SLICE_SETUP);

		for (size_t i = 0; i < setup.count && !ret; i++)
			ret = label_run(results, setup, run++, st);
	}
	return ret;
}

static const char *limit_label(char buf[LABELS_LIMIT], const struct run *run,
			       bool has_pages)
{
	uint64_t pages = (uint64_t)run_integer(run, RUN_limit_pages);
	const char *asked = run_text(run, RUN_limit_text);
	char count[UNITS_TEXT], bytes[UNITS_TEXT];
	bool is_share = strchr(asked, '%');

	if (run->cells[RUN_limit_pages].kind == CELL_MISSING) {
		snprintf(buf, LABELS_LIMIT, "no limit");
		return buf;
	}
	units_count(count, pages);
	units_bytes(bytes, pages * 4096);
	snprintf(buf, LABELS_LIMIT, "%.16s%s%s%s%s%s", is_share ? asked : "",
		 is_share ? " (" : "", has_pages ? count : "",
		 has_pages ? " pages, " : "", bytes, is_share ? ")" : "");
	return buf;
}

const char *labels_limit(char buf[LABELS_LIMIT], const struct run *run)
{
	return limit_label(buf, run, true);
}

const char *labels_limit_short(char buf[LABELS_LIMIT], const struct run *run)
{
	return limit_label(buf, run, false);
}

const char *labels_fidelity(char buf[LABELS_FIDELITY], const struct run *run)
{
	const struct cell *fold = &run->cells[RUN_fold_ms];
	const struct cell *epoch = &run->cells[RUN_epoch_ms];
	const char *fidelity = run_text(run, RUN_fidelity);

	if (epoch->kind == CELL_REAL)
		snprintf(buf, LABELS_FIDELITY, "%.40s, epochs of %.4g ms",
			 fidelity, epoch->real);
	else if (fold->kind == CELL_REAL && fold->real > 0)
		snprintf(buf, LABELS_FIDELITY, "%.40s, folded to %.4g ms",
			 fidelity, fold->real);
	else
		snprintf(buf, LABELS_FIDELITY, "%.40s", fidelity);
	return buf;
}
