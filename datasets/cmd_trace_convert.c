/* SPDX-License-Identifier: MIT */
/* `kage trace import` and `export`: from and to the formats of others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "datasets/cmd_trace.h"
#include "datasets/convert/export.h"
#include "datasets/convert/import.h"

struct options {
	const char *format;
	const char *output;
	const char *params;
	bool list;
};

static void list_format(const char *name, const char *summary,
			const struct param_spec *params,
			const char *const *lost)
{
	printf("%-14s %s\n", name, summary);
	param_help(params, stdout);
	for (; lost && *lost; lost++)
		printf("    lost: %s\n", *lost);
}

static int run_import(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	const struct importer *importer;
	struct trace_totals totals;
	char id[TRACE_ID_TEXT];
	int ret;

	for (size_t i = 0; o->list && importers[i]; i++)
		list_format(importers[i]->name, importers[i]->summary,
			    importers[i]->params, importers[i]->lost);
	if (o->list)
		return 0;
	if (call->argc != 1 || !o->format || !o->output)
		return status_fail(st, EINVAL,
				   "trace import takes --from FORMAT, one file "
				   "and --output FILE (see --list)");
	importer = import_find(o->format, st);
	if (!importer)
		return -EINVAL;
	ret = import_run(importer, o->params, call->argv[0], o->output, &totals,
			 st);
	if (ret)
		return ret;
	trace_id_text(id, totals.id);
	fprintf(strcmp(o->output, "-") ? stdout : stderr, "%s  %s\n", id,
		o->output);
	return 0;
}

/* What a file of another format does not say itself. */
static void tell_lost(const char *output, const struct outbuf *lost)
{
	const char *at = lost->data, *end;

	for (; at && *at; at = end + 1) {
		end = strchr(at, '\n');
		fprintf(stderr, "kage: %s: lost: %.*s\n", output,
			(int)(end - at), at);
	}
}

static int run_export(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	const struct exporter *exporter;
	struct outbuf lost = {0};
	int ret;

	for (size_t i = 0; o->list && exporters[i]; i++)
		list_format(exporters[i]->name, exporters[i]->summary,
			    exporters[i]->params, exporters[i]->lost);
	if (o->list)
		return 0;
	if (call->argc != 1 || !o->format || !o->output)
		return status_fail(st, EINVAL,
				   "trace export takes --to FORMAT, one trace "
				   "and --output FILE (see --list)");
	exporter = export_find(o->format, st);
	if (!exporter)
		return -EINVAL;
	ret = export_run(exporter, o->params, call->argv[0], o->output, &lost,
			 st);
	if (!ret)
		tell_lost(o->output, &lost);
	outbuf_fini(&lost);
	return ret;
}

#define OPT_PARAMS                                                             \
	"params", 'p', OPT_STRING, offsetof(struct options, params),           \
		"K=V,...", "parameters of the format"
#define OPT_LIST                                                               \
	"list", 0, OPT_FLAG, offsetof(struct options, list), NULL,             \
		"the formats, their parameters, and what is lost"

static const struct opt import_opts[] = {
	{"from", 0, OPT_STRING, offsetof(struct options, format), "FORMAT",
	 "what FILE is"},
	{"output", 'o', OPT_STRING, offsetof(struct options, output), "FILE",
	 "the trace to write; - is standard output"},
	{OPT_PARAMS},
	{OPT_LIST},
	{.name = NULL},
};

static const struct opt export_opts[] = {
	{"to", 0, OPT_STRING, offsetof(struct options, format), "FORMAT",
	 "what to write"},
	{"output", 'o', OPT_STRING, offsetof(struct options, output), "FILE",
	 "the file to write; - is standard output"},
	{OPT_PARAMS},
	{OPT_LIST},
	{.name = NULL},
};

const struct cmd cmd_trace_import = {
	.name = "import",
	.summary = "make a trace of a file of another format",
	.operands = " FILE",
	.details =
		"What is lost stands in the trace's header (`kage trace info`, "
		"import).  A bad file\nis named with the line or the offset, "
		"and nothing is written.",
	.opts = import_opts,
	.values_size = sizeof(struct options),
	.run = run_import,
};

const struct cmd cmd_trace_export = {
	.name = "export",
	.summary = "write a trace in another format",
	.operands = " TRACE",
	.details = "What the format has no place for is named on stderr.",
	.opts = export_opts,
	.values_size = sizeof(struct options),
	.run = run_export,
};
