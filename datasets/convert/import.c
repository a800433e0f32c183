/* SPDX-License-Identifier: MIT */
/* Reading a foreign file twice; see import.h. */
#include "datasets/convert/import.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "datasets/convert/sink.h"

#define ENTRY(name) extern const struct importer importer_##name;
#include "datasets/convert/importers.def"
#undef ENTRY

const struct importer *const importers[] = {
#define ENTRY(name) &importer_##name,
#include "datasets/convert/importers.def"
#undef ENTRY
	NULL,
};

enum {
	COPY_BYTES = 1 << 16,
	PARAM_TEXT = 512,
};

const struct importer *import_find(const char *name, struct status *st)
{
	struct outbuf known = {0};

	for (size_t i = 0; importers[i]; i++) {
		if (!strcmp(importers[i]->name, name)) {
			outbuf_fini(&known);
			return importers[i];
		}
		outbuf_printf(&known, " %s", importers[i]->name);
	}
	status_fail(st, EINVAL, "no format '%s' to import; known:%s", name,
		    known.data ? known.data : "");
	outbuf_fini(&known);
	return NULL;
}

/* Text of others as the header's JSON takes it (RFC 3629): ? for what is not UTF-8. */
static json_t *readable(const char *text)
{
	struct outbuf out = {0};
	json_t *all = NULL;
	size_t n;

	for (; *text; text += n) {
		json_t *one = NULL;

		for (n = 4; n && !one; n -= !one)
			if (strnlen(text, n) == n)
				one = json_stringn(text, n);
		outbuf_put(&out, one ? text : "?", one ? n : 1);
		n = one ? n : 1;
		json_decref(one);
	}
	if (!out.error)
		all = json_stringn(out.data ? out.data : "", out.used);
	outbuf_fini(&out);
	return all;
}

void import_tell(struct import_job *job, const char *name, json_t *value)
{
	json_object_set_new(job->details, name, value);
}

void import_lost(struct import_job *job, const char *what)
{
	json_t *entry = readable(what), *known;
	bool is_there = false;
	size_t i;

	json_array_foreach(job->lost, i, known)
	{
		is_there |= json_equal(known, entry);
	}
	if (is_there)
		json_decref(entry);
	else
		json_array_append_new(job->lost, entry);
}

/* A pipe is read twice, too: out of a copy without a name.  Return: the copy, or NULL
 * with @st set. */
static FILE *copy_input(FILE *from, const char *path, struct status *st)
{
	FILE *copy = tmpfile();
	char *buffer = kage_calloc(1, COPY_BYTES, st);
	size_t n;

	if (!copy || !buffer)
		goto out_fail;
	while ((n = fread(buffer, 1, COPY_BYTES, from)) > 0)
		if (fwrite(buffer, 1, n, copy) != n)
			goto out_fail;
	if (ferror(from) || fflush(copy))
		goto out_fail;
	free(buffer);
	return copy;
out_fail:
	status_fail(st, errno, "%s: cannot be copied: %s", path,
		    strerror(errno));
	free(buffer);
	if (copy)
		fclose(copy);
	return NULL;
}

static int take_pipe(struct import_job *job, const struct importer *importer,
		     FILE *from, struct status *st)
{
	if (importer->needs_name)
		return status_fail(st, EINVAL,
				   "%s is read by name, not from a pipe",
				   importer->name);
	job->file = copy_input(from, job->path, st);
	return job->file ? 0 : -EIO;
}

static int open_input(struct import_job *job, const struct importer *importer,
		      const char *path, struct status *st)
{
	struct stat about = {0};
	FILE *file;
	int ret;

	job->path = strcmp(path, "-") ? path : "standard input";
	if (!strcmp(path, "-"))
		return take_pipe(job, importer, stdin, st);
	file = fopen(path, "re");
	if (!file)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	if (!fstat(fileno(file), &about) && S_ISREG(about.st_mode)) {
		job->file = file;
		return 0;
	}
	ret = S_ISFIFO(about.st_mode)
		      ? take_pipe(job, importer, file, st)
		      : status_fail(st, EBADMSG,
				    "%s: neither a file nor a pipe", path);
	fclose(file);
	return ret;
}

/* Read once more from the front. */
static int read_all(struct import_job *job, const struct importer *importer,
		    struct sink *sink, struct status *st)
{
	rewind(job->file);
	job->line = 0;
	job->offset = 0;
	job->where[0] = '\0';
	job->sink = sink;
	job->meta.clock = (struct trace_clock){TRACE_CLOCK_NS, 1000};
	return importer->read(job, st);
}

static char *describe(const struct import_job *job,
		      const struct importer *importer, struct status *st)
{
	char params[PARAM_TEXT] = "", name[PATH_MAX];
	json_t *import;
	char *text;

	snprintf(name, sizeof(name), "%s", job->path);
	param_format(importer->params, job->params, params, sizeof(params));
	for (size_t i = 0; importer->lost && importer->lost[i]; i++)
		json_array_insert_new(job->lost, i,
				      json_string(importer->lost[i]));
	import = json_pack("{s:{s:s,s:o,s:s,s:O}}", "import", "format",
			   importer->name, "file", readable(basename(name)),
			   "params", params, "lost", job->lost);
	json_object_update(json_object_get(import, "import"), job->details);
	text = import ? json_dumps(import, JSON_COMPACT) : NULL;
	json_decref(import);
	if (!text)
		status_fail(st, ENOMEM, "%s: its name cannot be written down",
			    job->path);
	return text;
}

static int write_trace(struct import_job *job, const struct importer *importer,
		       struct sink *sink, const char *output,
		       struct trace_totals *totals, struct status *st)
{
	int ret;

	job->is_survey = false;
	job->meta.details = describe(job, importer, st);
	if (!job->meta.details)
		return -ENOMEM;
	ret = trace_writer_open(&sink->writer, output, &job->meta, st);
	if (ret)
		return ret;
	ret = read_all(job, importer, sink, st);
	if (!ret)
		return trace_writer_close(sink->writer, totals, st);
	trace_writer_discard(sink->writer);
	return ret;
}

static int run_job(struct import_job *job, const struct importer *importer,
		   const char *output, struct trace_totals *totals,
		   struct status *st)
{
	struct sink sink = {0};
	int ret = read_all(job, importer, &sink, st);

	if (!ret)
		ret = sink_survey_ends(job, st);
	if (!ret)
		ret = write_trace(job, importer, &sink, output, totals, st);
	sink_fini(&sink);
	return ret;
}

int import_run(const struct importer *importer, const char *params_text,
	       const char *path, const char *output,
	       struct trace_totals *totals, struct status *st)
{
	struct import_job job = {.is_survey = true,
				 .details = json_object(),
				 .lost = json_array()};
	void *params = kage_calloc(1, importer->params_size, st);
	char owner[64];
	int ret = params && job.details && job.lost ? 0 : -ENOMEM;

	job.params = params;
	job.meta.nr_vcpus = 1;
	snprintf(owner, sizeof(owner), "format %s", importer->name);
	snprintf(job.meta.source, sizeof(job.meta.source), "%s",
		 importer->name);
	if (!ret)
		ret = param_parse(importer->params, params, owner, params_text,
				  st);
	if (!ret)
		ret = open_input(&job, importer, path, st);
	if (!ret)
		ret = run_job(&job, importer, output, totals, st);
	if (job.file)
		fclose(job.file);
	trace_meta_fini(&job.meta);
	json_decref(job.details);
	json_decref(job.lost);
	free(params);
	return ret;
}
