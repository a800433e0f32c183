/* SPDX-License-Identifier: MIT */
/* `kage trace truth`: is a capture right?  See ground_truth.h. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "datasets/cmd_trace.h"
#include "datasets/ground_truth.h"

struct options {
	bool by_round, json;
	uint64_t skip;
	double min_precision, min_recall;
};

struct spread {
	double median, least;
};

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static struct spread spread_of(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return (struct spread){(values[(n - 1) / 2] + values[n / 2]) / 2,
			       values[0]};
}

struct verdict {
	size_t epochs;
	struct spread precision, recall;
	uint64_t seen, expected, false_dirty; /* summed over the epochs */
};

static int sum_up(const struct truth_score *scores, size_t n,
		  struct verdict *verdict, struct status *st)
{
	double *values = calloc(2 * n, sizeof(*values));

	if (!values)
		return status_fail(st, ENOMEM, "out of memory");
	*verdict = (struct verdict){.epochs = n};
	for (size_t i = 0; i < n; i++) {
		values[i] = ground_truth_precision(&scores[i]);
		values[n + i] = ground_truth_recall(&scores[i]);
		verdict->seen += scores[i].seen;
		verdict->expected += scores[i].expected;
		verdict->false_dirty += scores[i].false_dirty;
	}
	verdict->precision = spread_of(values, n);
	verdict->recall = spread_of(values + n, n);
	free(values);
	return 0;
}

static void print_text(const struct verdict *v)
{
	char a[UNITS_TEXT], b[UNITS_TEXT], c[UNITS_TEXT];

	printf("epochs       %zu\n", v->epochs);
	printf("recorded     %s page-epochs of the program's data\n",
	       units_count(a, v->seen));
	printf("true         %s page-epochs\n", units_count(b, v->expected));
	printf("precision    %.4f median, %.4f least\n", v->precision.median,
	       v->precision.least);
	printf("recall       %.4f median, %.4f least\n", v->recall.median,
	       v->recall.least);
	printf("false dirty  %s page-epochs\n", units_count(c, v->false_dirty));
}

static int print_json(const struct verdict *v, struct status *st)
{
	json_t *json = json_pack(
		"{s:I, s:I, s:I, s:{s:f, s:f}, s:{s:f, s:f}, s:I}", "epochs",
		(json_int_t)v->epochs, "recorded", (json_int_t)v->seen, "true",
		(json_int_t)v->expected, "precision", "median",
		v->precision.median, "least", v->precision.least, "recall",
		"median", v->recall.median, "least", v->recall.least,
		"false_dirty", (json_int_t)v->false_dirty);
	int failed = !json ||
		     json_dumpf(json, stdout,
				JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	json_decref(json);
	if (failed)
		return status_fail(st, ENOMEM, "out of memory");
	putchar('\n');
	return 0;
}

/* Return: an exit code. */
static int decide(const struct options *o, const struct verdict *v,
		  struct status *st)
{
	if (v->precision.median < o->min_precision)
		status_fail(st, EINVAL, "precision %.4f is below %g",
			    v->precision.median, o->min_precision);
	else if (v->recall.median < o->min_recall)
		status_fail(st, EINVAL, "recall %.4f is below %g",
			    v->recall.median, o->min_recall);
	else
		return KAGE_EXIT_OK;
	return KAGE_EXIT_CHECK;
}

static int judge(const struct options *o, const struct ground_truth *truth,
		 const char *path, struct verdict *verdict, struct status *st)
{
	struct truth_score *scores = NULL;
	struct trace_reader *reader;
	size_t nr = 0;
	int ret = trace_reader_open(&reader, path, 0, st);

	if (ret)
		return ret;
	ret = ground_truth_judge(truth, reader, o->by_round, &scores, &nr, st);
	if (!ret && nr <= o->skip)
		ret = status_fail(st, EINVAL, "%s: %zu epochs, none is left",
				  path, nr);
	if (!ret)
		ret = sum_up(scores + o->skip, nr - o->skip, verdict, st);
	free(scores);
	trace_reader_close(reader);
	return ret;
}

static int run(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct ground_truth truth;
	struct verdict verdict = {0};
	int ret;

	if (call->argc != 2)
		return status_fail(st, EINVAL,
				   "trace truth takes a trace and a file of "
				   "kage guest --describe");
	ret = ground_truth_load(&truth, call->argv[1], st);
	if (ret)
		return ret;
	ret = judge(o, &truth, call->argv[0], &verdict, st);
	ground_truth_fini(&truth);
	if (!ret && o->json)
		ret = print_json(&verdict, st);
	else if (!ret)
		print_text(&verdict);
	return ret ? ret : decide(o, &verdict, st);
}

static const struct opt opts[] = {
	{"by-round", 0, OPT_FLAG, offsetof(struct options, by_round), NULL,
	 "each epoch is one round of the program (sync=round)"},
	{"skip", 0, OPT_COUNT, offsetof(struct options, skip), "N",
	 "leave out the first N epochs"},
	{"min-precision", 0, OPT_REAL, offsetof(struct options, min_precision),
	 "X", "exit code 1 if the median is below"},
	{"min-recall", 0, OPT_REAL, offsetof(struct options, min_recall), "X",
	 "exit code 1 if the median is below"},
	{"json", 0, OPT_FLAG, offsetof(struct options, json), NULL,
	 "print one JSON document"},
	{.name = NULL},
};

const struct cmd cmd_trace_truth = {
	.name = "truth",
	.summary = "hold a capture against a guest program's known accesses",
	.operands = " TRACE DESCRIPTION",
	.details = "Precision is the share of what was recorded that is true, "
		   "recall the share of\nwhat is true that was recorded, per "
		   "epoch, over the program's data pages.",
	.opts = opts,
	.values_size = sizeof(struct options),
	.run = run,
};
