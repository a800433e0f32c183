/* SPDX-License-Identifier: MIT */
/* A share of the blocks; see reshape.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/rng.h"
#include "datasets/reshape/details.h"
#include "datasets/reshape/pieces.h"
#include "datasets/reshape/reshape.h"

struct chooser {
	double share;
	uint64_t salt;
};

static bool choose(const void *arg, uint64_t *block)
{
	const struct chooser *c = arg;
	uint64_t hash = rng_mix(c->salt + *block + 1);

	return (double)(hash >> 11) * 0x1p-53 < c->share;
}

int sample_trace(struct trace_reader *reader, const char *output,
		 const struct sample_job *job, struct trace_totals *totals,
		 struct status *st)
{
	const struct chooser chooser = {job->share, rng_mix(job->seed + 1)};
	const struct pieces pieces = {.block_pages = SAMPLE_BLOCK_PAGES,
				      .level_max = TRACE_4K,
				      .map = choose,
				      .arg = &chooser};
	struct trace_meta meta = *trace_reader_meta(reader);
	struct trace_writer *writer = NULL;
	int ret;

	if (!(job->share > 0 && job->share <= 1))
		return status_fail(st, EINVAL,
				   "a share is more than 0 and up to 1");
	meta.details = details_change(
		meta.details, NULL, "sample",
		json_pack("{s:f, s:i, s:I}", "share", job->share, "block_pages",
			  SAMPLE_BLOCK_PAGES, "seed", (json_int_t)job->seed),
		st);
	if (!meta.details)
		return -ENOMEM;
	ret = trace_writer_open(&writer, output, &meta, st);
	free(meta.details);
	if (ret)
		return ret;
	ret = pieces_rewrite(&pieces, reader, writer, st);
	if (!ret)
		return trace_writer_close(writer, totals, st);
	trace_writer_discard(writer);
	return ret;
}
