/* SPDX-License-Identifier: MIT */
/* Rows from rounds; see calibration.h. */
#include "capture/calibrate/calibration.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "capture/calibrate/stats.h"
#include "capture/interrupts.h"

enum {
	HOW_TEXT = 768
};

#define ENTRY(name) extern const struct calibration_bench bench_##name;
#include "capture/calibrate/benches.def"
#undef ENTRY

const struct calibration_entry calibration_benches[] = {
#define ENTRY(name) {#name, &bench_##name},
#include "capture/calibrate/benches.def"
#undef ENTRY
	{NULL, NULL},
};

/* Return: a copy that lives as long as @c, without what a cost file may not hold. */
static const char *keep(struct calibration *c, const char *text)
{
	char *copy;

	if (kage_grow(&c->strings, &c->capacity, c->nr_strings,
		      sizeof(*c->strings), NULL)) {
		c->error = -ENOMEM;
		return "";
	}
	copy = kage_strdup(text, NULL);
	if (!copy) {
		c->error = -ENOMEM;
		return "";
	}
	for (char *at = copy; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
	c->strings[c->nr_strings++] = copy;
	return copy;
}

static void add(struct calibration *c, struct cost_row row, const char *how)
{
	row.source = c->source;
	row.how = keep(c, how);
	if (!c->error)
		c->error = cost_file_add(&c->file, &row, NULL);
}

/* More digits than a measurement has would only look like more. */
static double rounded(double ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%.4g", ns);
	return strtod(text, NULL);
}

void calibration_put(struct calibration *c, const char *name, double *ns,
		     const char *format, ...)
{
	struct stats_median m = stats_median(ns, c->rounds);
	struct cost_row row = {.name = name, .kind = c->kind};
	char what[HOW_TEXT / 2], how[HOW_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	if (m.low <= 0) {
		row.kind = COST_MISSING;
		snprintf(how, sizeof(how),
			 "not told from zero: median %.4g ns, 95 %% interval "
			 "%.4g to %.4g ns, %u rounds: %s",
			 m.value, m.low, m.high, c->rounds, what);
	} else {
		row.value_ns = rounded(m.value);
		row.has_range = m.has_interval;
		row.low_ns = rounded(m.low);
		row.high_ns = rounded(m.high);
		snprintf(how, sizeof(how),
			 "median and 95 %% interval by order statistics of %u "
			 "rounds: %s",
			 c->rounds, what);
	}
	add(c, row, how);
}

void calibration_miss(struct calibration *c, const char *name,
		      const char *format, ...)
{
	const struct cost_row row = {.name = name, .kind = COST_MISSING};
	char how[HOW_TEXT];
	va_list args;

	va_start(args, format);
	vsnprintf(how, sizeof(how), format, args);
	va_end(args);
	add(c, row, how);
}

void calibration_include(struct calibration *c, const char *name,
			 const char *whole)
{
	const struct cost_row *other = cost_file_row(&c->file, whole);
	const struct cost_row row = {.name = name, .kind = COST_DERIVED};
	char how[HOW_TEXT];

	if (!other || other->kind == COST_MISSING) {
		calibration_miss(c, name, "missing with %s", whole);
		return;
	}
	snprintf(how, sizeof(how), "in %s, which was measured with it", whole);
	add(c, row, how);
}

static void miss_rest(struct calibration *c,
		      const struct calibration_bench *bench, const char *why)
{
	for (const char *const *name = bench->names; *name; name++)
		if (!cost_file_row(&c->file, *name))
			calibration_miss(c, *name, "%s",
					 *why ? why : "not measured");
}

int calibration_run(struct calibration *c, struct status *st)
{
	int ret = 0;

	for (const struct calibration_entry *e = calibration_benches;
	     e->name && !ret; e++) {
		struct status why = {""};

		ret = interrupts_check(st);
		if (!ret)
			ret = e->bench->run(c, &why);
		if ((ret == -EINTR || ret == -ENOMEM) && why.message[0])
			return status_fail(st, -ret, "%s", why.message);
		if (ret == -EINTR || ret == -ENOMEM)
			return ret; /* @st says it */
		miss_rest(c, e->bench, why.message);
		ret = c->error;
	}
	return ret ? status_fail(st, -ret, "out of memory") : 0;
}

void calibration_fini(struct calibration *c)
{
	for (size_t i = 0; i < c->nr_strings; i++)
		free(c->strings[i]);
	free(c->strings);
	cost_file_fini(&c->file);
}
