/* SPDX-License-Identifier: MIT */
/*
 * Finishing an unfinished trace.  What lies behind the last whole block is cut
 * off: it is unreadable anyway.  Then the rest is read once more, which gives
 * the index, the totals and the content id that the writer did not get to.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/outbuf.h"
#include "datasets/trace/framer.h"
#include "datasets/trace/reader.h"
#include "datasets/trace/source.h"

/* Read to the end.  @framer: remembers the frames; NULL: do not. */
static int read_all(struct trace_reader *reader, struct framer *framer,
		    struct status *st)
{
	struct trace_block block;
	int ret = 1;

	while (ret > 0) {
		if (framer &&
		    framer_remember(framer, trace_reader_entry(reader), st))
			return -ENOMEM;
		ret = trace_reader_next(reader, &block, st);
	}
	return ret;
}

static int refuse(const struct trace_reader *reader, const char *path,
		  struct status *st)
{
	uint64_t offset = 0;
	const char *damage = trace_reader_damage(reader, &offset);

	return status_fail(st, EBADMSG,
			   "%s: offset %llu: %s; the file was finished, so "
			   "recovering would lose what is behind: `kage trace "
			   "cut --partial -o OTHER` saves what is in front",
			   path, (unsigned long long)offset, damage);
}

/* Where a file may be cut.  Return: 1 if it is unfinished, 0 if not, -errno. */
static int find_end(const char *path, uint64_t *offset,
		    struct trace_totals *totals, struct status *st)
{
	struct trace_reader *reader;
	int ret = trace_reader_open(&reader, path, TRACE_OPEN_PARTIAL, st);

	if (ret)
		return ret;
	ret = read_all(reader, NULL, st);
	if (!ret) {
		*totals = *trace_reader_totals(reader);
		ret = trace_reader_is_partial(reader, offset);
		if (!trace_reader_is_recoverable(reader))
			ret = refuse(reader, path, st);
	}
	trace_reader_close(reader);
	return ret;
}

static int finish(const char *path, const char *part, uint64_t offset,
		  struct trace_totals *totals, struct status *st)
{
	struct trace_reader *reader;
	struct framer framer;
	int ret = trace_reader_open(&reader, part, TRACE_OPEN_PARTIAL, st);

	if (ret)
		return ret;
	ret = framer_resume(&framer, path, part, offset, st);
	if (!ret)
		ret = read_all(reader, &framer, st);
	if (!ret) {
		*totals = *trace_reader_totals(reader);
		ret = framer_finish(&framer, totals, st);
	}
	framer_fini(&framer);
	trace_reader_close(reader);
	return ret;
}

static int system_failed(const char *path, struct status *st)
{
	int error = errno;

	return status_fail(st, error, "%s: %s", path, strerror(error));
}

/* Cut off what is behind @offset. */
static int cut_off(const char *path, uint64_t offset, uint64_t *dropped,
		   struct status *st)
{
	struct stat about;

	if (stat(path, &about) || truncate(path, (off_t)offset))
		return system_failed(path, st);
	*dropped = (uint64_t)about.st_size - offset;
	return 0;
}

int trace_recover(const char *path, struct trace_totals *totals,
		  uint64_t *dropped, struct status *st)
{
	bool is_part = source_is_part(path);
	char *final = kage_strdup(path, st);
	uint64_t offset = 0;
	int ret;

	if (!final)
		return -ENOMEM;
	if (is_part)
		final[strlen(final) - strlen(".part")] = '\0';
	if (is_part && !access(final, F_OK)) {
		ret = status_fail(st, EEXIST, "%s exists already", final);
		goto out_free;
	}
	*dropped = 0;
	ret = find_end(path, &offset, totals, st);
	if (ret > 0) {
		ret = cut_off(path, offset, dropped, st);
		if (!ret)
			ret = finish(final, path, offset, totals, st);
	} else if (!ret && is_part) {
		ret = rename(path, final) ? system_failed(path, st)
					  : outbuf_sync_folder(final, st);
	}
out_free:
	free(final);
	return ret;
}
