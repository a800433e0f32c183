/* SPDX-License-Identifier: MIT */
/*
 * `kage dataset`: the traces that come with kage.  What they show stands in
 * samples/README.md; how each is made, in recipes.
 */
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/self.h"
#include "datasets/cmd.h"
#include "datasets/manifest.h"

struct options {
	const char *folder;
	bool json;
};

/* From the program's folder: the build tree is in the source tree. */
static const char *const manifests[] = {
	"../datasets/manifest.tsv",
	"../share/kage/datasets/manifest.tsv",
	NULL,
};

static const char *const makers[] = {
	"../datasets/make",
	"../share/kage/datasets/make",
	NULL,
};

static int load(struct manifest *m, const struct options *o, struct status *st)
{
	char path[PATH_MAX];
	int ret;

	*m = (struct manifest){0};
	if (o->folder)
		return manifest_load(m, o->folder, st);
	ret = self_find(path, manifests, R_OK, st);
	if (ret)
		return ret;
	*strrchr(path, '/') = '\0';
	return manifest_load(m, path, st);
}

/* A cell as what it is; "-" is null. */
static json_t *cell_json(enum manifest_column column, const char *cell)
{
	bool is_count = column == MANIFEST_BYTES ||
			column == MANIFEST_RECORDS ||
			column == MANIFEST_FOOTPRINT;
	char *end;

	if (!strcmp(cell, "-"))
		return json_null();
	if (is_count) {
		long long count = strtoll(cell, &end, 10);

		return *end ? json_string(cell) : json_integer(count);
	}
	if (column == MANIFEST_SECONDS) {
		double seconds = strtod(cell, &end);

		return *end ? json_string(cell) : json_real(seconds);
	}
	return json_string(cell);
}

static json_t *row_json(const struct manifest_row *row)
{
	json_t *j = json_object();

	for (int i = 0; i < MANIFEST_COLUMNS; i++)
		json_object_set_new(j, manifest_columns[i],
				    cell_json((enum manifest_column)i,
					      row->cell[i]));
	return j;
}

static int print_json(json_t *j, struct status *st)
{
	int ret = j && !json_dumpf(j, stdout, JSON_INDENT(2))
			  ? 0
			  : status_fail(st, ENOMEM, "out of memory");

	if (!ret)
		putchar('\n');
	json_decref(j);
	return ret;
}

static int list_json(const struct manifest *m, struct status *st)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->n; i++)
		json_array_append_new(all, row_json(&m->rows[i]));
	return print_json(all, st);
}

static void list_text(const struct manifest *m)
{
	printf("%-16s %-13s %10s %10s %9s %8s  %s\n", "name", "fidelity",
	       "bytes", "records", "footprint", "seconds", "licence");
	for (size_t i = 0; i < m->n; i++) {
		const char *const *c = m->rows[i].cell;

		printf("%-16s %-13s %10s %10s %9s %8s  %s%s\n",
		       c[MANIFEST_NAME], c[MANIFEST_FIDELITY],
		       c[MANIFEST_BYTES], c[MANIFEST_RECORDS],
		       c[MANIFEST_FOOTPRINT], c[MANIFEST_SECONDS],
		       c[MANIFEST_LICENCE],
		       manifest_is_shipped(&m->rows[i]) ? "" : ", to be made");
	}
	puts("records: of the stream, or epochs; footprint: pages of 4 KiB");
}

static int run_list(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct manifest m;
	int ret = call->argc ? status_fail(st, EINVAL,
					   "dataset list takes no name")
			     : load(&m, o, st);

	if (call->argc)
		return ret;
	if (!ret && o->json)
		ret = list_json(&m, st);
	else if (!ret)
		list_text(&m);
	manifest_fini(&m);
	return ret;
}

static int run_info(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	const struct manifest_row *row;
	struct manifest m;
	int ret;

	if (call->argc != 1)
		return status_fail(st, EINVAL, "dataset info takes one name");
	ret = load(&m, o, st);
	row = ret ? NULL : manifest_find(&m, call->argv[0], st);
	if (!ret && !row)
		ret = -EINVAL;
	if (row && o->json)
		ret = print_json(row_json(row), st);
	for (size_t i = 0; row && !o->json && i < MANIFEST_COLUMNS; i++)
		printf("%-18s %s%s%s\n", manifest_columns[i],
		       i == MANIFEST_FILE && manifest_is_shipped(row) ? m.folder
								      : "",
		       i == MANIFEST_FILE && manifest_is_shipped(row) ? "/"
								      : "",
		       row->cell[i]);
	manifest_fini(&m);
	return ret;
}

/* Return: 1 if the set is not what it should be, 0, or an error. */
static int verify_one(const struct manifest *m, const struct manifest_row *row,
		      struct status *st)
{
	struct outbuf flaw = {0};
	int ret = 0;

	if (!manifest_is_shipped(row)) {
		printf("%-16s not shipped: kage dataset make %s\n",
		       row->cell[MANIFEST_NAME], row->cell[MANIFEST_NAME]);
		return 0;
	}
	ret = manifest_verify(m, row, &flaw, st);
	if (!ret) {
		printf("%-16s %s%s\n", row->cell[MANIFEST_NAME],
		       flaw.used ? "BAD: " : "ok, ",
		       flaw.used ? flaw.data : row->cell[MANIFEST_ID]);
		ret = flaw.used != 0;
	}
	outbuf_fini(&flaw);
	return ret;
}

static int run_verify(const struct cmd_call *call, struct status *st)
{
	const struct options *o = call->values;
	struct manifest m;
	size_t n = (size_t)call->argc;
	int ret = load(&m, o, st), bad = 0;

	n = n || ret ? n : m.n;
	for (size_t i = 0; i < n && ret >= 0; i++) {
		const struct manifest_row *row =
			call->argc ? manifest_find(&m, call->argv[i], st)
				   : &m.rows[i];

		ret = row ? verify_one(&m, row, st) : -EINVAL;
		bad += ret > 0;
	}
	manifest_fini(&m);
	return ret < 0 ? ret : bad ? KAGE_EXIT_CHECK : KAGE_EXIT_OK;
}

/* Becomes datasets/make: all words and the exit code are the script's. */
static int run_make(const struct cmd_call *call, struct status *st)
{
	char self[PATH_MAX], script[PATH_MAX];
	char **argv;
	int ret = self_path(self, st);

	if (!ret)
		ret = self_find(script, makers, X_OK, st);
	if (ret)
		return ret;
	argv = calloc((size_t)call->argc + 2, sizeof(*argv));
	if (!argv)
		return status_fail(st, ENOMEM, "out of memory");
	setenv("KAGE", self, 0);
	argv[0] = script;
	memcpy(argv + 1, call->argv, (size_t)call->argc * sizeof(*argv));
	execv(script, argv);
	free(argv);
	return status_fail(st, ENOSYS, "cannot run %s: %s", script,
			   strerror(errno));
}

#define OPT_FOLDER                                                             \
	"dir", 0, OPT_STRING, offsetof(struct options, folder), "FOLDER",      \
		"with manifest.tsv; without, that of this kage"

static const struct opt show_opts[] = {
	{OPT_FOLDER},
	{"json", 'j', OPT_FLAG, offsetof(struct options, json), NULL,
	 "one JSON document"},
	{.name = NULL},
};

static const struct opt verify_opts[] = {
	{OPT_FOLDER},
	{.name = NULL},
};

static const struct cmd cmd_list_sets = {
	.name = "list",
	.summary = "the data sets",
	.opts = show_opts,
	.values_size = sizeof(struct options),
	.run = run_list,
};

static const struct cmd cmd_info = {
	.name = "info",
	.summary = "all that the manifest says of one",
	.operands = " NAME",
	.opts = show_opts,
	.values_size = sizeof(struct options),
	.run = run_info,
};

static const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "hold files against the manifest",
	.operands = " [NAME...]",
	.details = "Size, SHA-256, content id, records, footprint and "
		   "fidelity; exit code 1 if one is\nnot as it should be.  "
		   "Sets that are not shipped are named and passed over.",
	.opts = verify_opts,
	.values_size = sizeof(struct options),
	.run = run_verify,
};

static const struct cmd cmd_make = {
	.name = "make",
	.summary = "capture one again by its recipe (datasets/make)",
	.is_raw = true,
	.run = run_make,
};

static const struct cmd *const subs[] = {&cmd_list_sets, &cmd_info, &cmd_verify,
					 &cmd_make, NULL};

const struct cmd cmd_dataset = {
	.name = "dataset",
	.summary = "the traces that come with kage",
	.subs = subs,
};
