/* SPDX-License-Identifier: MIT */
/* A trace, record by record, into another format; see export.h. */
#include "datasets/convert/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "datasets/convert/outfile.h"
#include "datasets/trace/stream.h"
#include "datasets/trace/whole.h"

#define ENTRY(name) extern const struct exporter exporter_##name;
#include "datasets/convert/exporters.def"
#undef ENTRY

const struct exporter *const exporters[] = {
#define ENTRY(name) &exporter_##name,
#include "datasets/convert/exporters.def"
#undef ENTRY
	NULL,
};

const struct exporter *export_find(const char *name, struct status *st)
{
	struct outbuf known = {0};

	for (size_t i = 0; exporters[i]; i++) {
		if (!strcmp(exporters[i]->name, name)) {
			outbuf_fini(&known);
			return exporters[i];
		}
		outbuf_printf(&known, " %s", exporters[i]->name);
	}
	status_fail(st, EINVAL, "no format '%s' to export to; known:%s", name,
		    known.data ? known.data : "");
	outbuf_fini(&known);
	return NULL;
}

void export_lost(struct export_job *job, const char *what)
{
	const char *at = job->lost.data;
	size_t n = strlen(what);

	for (; at && *at; at = strchr(at, '\n') + 1)
		if (!strncmp(at, what, n) && at[n] == '\n')
			return;
	outbuf_printf(&job->lost, "%s\n", what);
}

uint64_t export_ns(const struct export_job *job, uint64_t ticks)
{
	unsigned __int128 ns =
		(unsigned __int128)ticks * job->meta->clock.ps_per_tick / 1000;

	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

int export_wrote(const struct export_job *job, bool is_good, struct status *st)
{
	int error = errno ? errno : EIO;

	return is_good ? 0
		       : status_fail(st, error, "%s: %s", job->path,
				     strerror(error));
}

static int no_place(const struct exporter *exporter, const char *what,
		    const char *instead, struct status *st)
{
	return status_fail(st, EINVAL, "%s has no place for %s%s",
			   exporter->name, what, instead);
}

static int put_part(const struct exporter *exporter, struct export_job *job,
		    struct whole *whole, const struct trace_block *part,
		    struct status *st)
{
	int ret;

	if (!exporter->epoch)
		return no_place(exporter, "epochs", "", st);
	ret = whole_add(whole, part, st);
	if (ret <= 0)
		return ret;
	return exporter->epoch(job, &part->epoch, whole->runs, whole->n, st);
}

static int put_stream(const struct exporter *exporter, struct export_job *job,
		      const struct trace_stream *stream, struct status *st)
{
	int ret = 0;

	if (!exporter->event)
		return no_place(exporter, "single accesses",
				": make epochs with `kage trace coarsen "
				"--period`",
				st);
	for (size_t i = 0; i < stream->n && !ret; i++) {
		struct trace_event event = stream_event(stream, i);

		ret = exporter->event(job, &event, st);
	}
	return ret;
}

static int put_all(const struct exporter *exporter, struct export_job *job,
		   struct trace_reader *reader, struct status *st)
{
	struct whole whole = {0};
	struct trace_block block;
	int step = 0, ret = exporter->begin ? exporter->begin(job, st) : 0;

	while (!ret && (step = trace_reader_next(reader, &block, st)) > 0) {
		if (block.type == TRACE_BLOCK_EPOCH)
			ret = put_part(exporter, job, &whole, &block, st);
		else if (block.type == TRACE_BLOCK_STREAM)
			ret = put_stream(exporter, job, &block.stream, st);
		else if (exporter->note)
			ret = exporter->note(job, block.note, st);
		else
			export_lost(job, "notes");
	}
	if (!ret)
		ret = step;
	if (!ret && exporter->end)
		ret = exporter->end(job, st);
	if (exporter->fini)
		exporter->fini(job);
	whole_fini(&whole);
	return ret;
}

static int write_file(const struct exporter *exporter, struct export_job *job,
		      struct trace_reader *reader, const char *output,
		      struct status *st)
{
	struct outfile file;
	int ret = outfile_open(&file, output, exporter->opens_itself,
			       exporter->can_zstd, st);

	if (ret)
		return ret;
	job->meta = trace_reader_meta(reader);
	job->file = file.file;
	job->path = file.path[0] ? file.path : output;
	for (size_t i = 0; exporter->lost && exporter->lost[i]; i++)
		export_lost(job, exporter->lost[i]);
	ret = put_all(exporter, job, reader, st);
	if (ret)
		outfile_discard(&file);
	else
		ret = outfile_close(&file, st);
	return ret;
}

int export_run(const struct exporter *exporter, const char *params_text,
	       const char *path, const char *output, struct outbuf *lost,
	       struct status *st)
{
	void *params = kage_calloc(1, exporter->params_size, st);
	struct export_job job = {.params = params};
	struct trace_reader *reader = NULL;
	char owner[64];
	int ret;

	job.state = kage_calloc(1, exporter->state_size, st);
	ret = params && job.state ? 0 : -ENOMEM;
	snprintf(owner, sizeof(owner), "format %s", exporter->name);
	if (!ret)
		ret = param_parse(exporter->params, params, owner, params_text,
				  st);
	if (!ret && outfile_is_input(output, path))
		ret = status_fail(st, EINVAL,
				  "%s: the output would replace the trace",
				  output);
	if (!ret)
		ret = trace_reader_open(&reader, path, 0, st);
	if (!ret)
		ret = write_file(exporter, &job, reader, output, st);
	if (!ret && lost && job.lost.used)
		outbuf_put(lost, job.lost.data, job.lost.used);
	trace_reader_close(reader);
	outbuf_fini(&job.lost);
	free(job.state);
	free(params);
	return ret;
}
