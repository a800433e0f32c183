/* SPDX-License-Identifier: MIT */
/* A file against its row; see manifest.h. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/manifest.h"
#include "datasets/survey.h"
#include "datasets/trace/trace.h"

enum {
	READ_BYTES = 1 << 16
};

/* What a file is. */
struct facts {
	uint64_t bytes, records, footprint;
	char sha256[2 * crypto_hash_sha256_BYTES + 1];
	char id[TRACE_ID_TEXT];
	const char *fidelity;
};

static int hash_file(const char *path, struct facts *f, struct status *st)
{
	unsigned char *buffer = kage_calloc(1, READ_BYTES, st);
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	FILE *file = buffer ? fopen(path, "rbe") : NULL;
	size_t n;
	int ret = 0;

	if (!file) {
		free(buffer);
		return buffer ? status_fail(st, errno, "%s: %s", path,
					    strerror(errno))
			      : -ENOMEM;
	}
	crypto_hash_sha256_init(&state);
	while ((n = fread(buffer, 1, READ_BYTES, file)) > 0) {
		crypto_hash_sha256_update(&state, buffer, n);
		f->bytes += n;
	}
	if (ferror(file))
		ret = status_fail(st, EIO, "%s: %s", path, strerror(errno));
	crypto_hash_sha256_final(&state, hash);
	sodium_bin2hex(f->sha256, sizeof(f->sha256), hash, sizeof(hash));
	fclose(file);
	free(buffer);
	return ret;
}

static int read_trace(const char *path, struct facts *f, struct status *st)
{
	struct trace_reader *reader;
	struct survey survey = {0};
	int ret = trace_reader_open(&reader, path, TRACE_OPEN_VERIFY, st);

	if (ret)
		return ret;
	ret = survey_trace(&survey, reader, 0, st);
	if (!ret) {
		const struct trace_totals *t = trace_reader_totals(reader);

		f->footprint = survey.footprint;
		f->records = t->epochs ? t->epochs : t->events;
		trace_id_text(f->id, t->id);
		f->fidelity =
			trace_fidelity_names[trace_reader_meta(reader)->fidelity];
	}
	survey_fini(&survey);
	trace_reader_close(reader);
	return ret;
}

static void compare(struct outbuf *flaw, const struct manifest_row *row,
		    enum manifest_column column, const char *is)
{
	if (strcmp(row->cell[column], is))
		outbuf_printf(flaw, "%s%s is %s, the manifest has %s",
			      flaw->used ? "; " : "", manifest_columns[column],
			      is, row->cell[column]);
}

static void compare_count(struct outbuf *flaw, const struct manifest_row *row,
			  enum manifest_column column, uint64_t is)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, is);
	compare(flaw, row, column, text);
}

/* Not the file's doing: to ask again may end otherwise. */
static bool is_ours(int error)
{
	return error == -ENOMEM || error == -EINTR || error == -EMFILE ||
	       error == -ENFILE;
}

int manifest_verify(const struct manifest *m, const struct manifest_row *row,
		    struct outbuf *flaw, struct status *st)
{
	struct facts f = {0};
	struct status why = {""};
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s/%s", m->folder,
		 row->cell[MANIFEST_FILE]);
	ret = hash_file(path, &f, &why);
	if (!ret) {
		compare_count(flaw, row, MANIFEST_BYTES, f.bytes);
		compare(flaw, row, MANIFEST_SHA256, f.sha256);
		ret = read_trace(path, &f, &why);
	}
	/* that it cannot be read is what was to be found out */
	if (ret && !is_ours(ret)) {
		outbuf_printf(flaw, "%s%s", flaw->used ? "; " : "",
			      why.message);
		return 0;
	}
	if (ret)
		return status_fail(st, -ret, "%s", why.message);
	compare(flaw, row, MANIFEST_ID, f.id);
	compare_count(flaw, row, MANIFEST_RECORDS, f.records);
	compare_count(flaw, row, MANIFEST_FOOTPRINT, f.footprint);
	compare(flaw, row, MANIFEST_FIDELITY, f.fidelity);
	return 0;
}
