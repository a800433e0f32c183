/* SPDX-License-Identifier: MIT */
/* Frames into a file; see framer.h.  Knows nothing of what is in them. */
#include "datasets/trace/framer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/outbuf.h"

enum {
	SYNC_BYTES = 16 << 20,
	SYNC_NS = 1000000000,
};

static const char *name_of(const struct framer *framer)
{
	return framer->part ? framer->part : framer->path;
}

static int io_failed(const struct framer *framer, const char *what,
		     struct status *st)
{
	int error = errno;

	return status_fail(st, error, "%s: %s: %s", name_of(framer), what,
			   strerror(error));
}

static int write_all(struct framer *framer, const uint8_t *data, size_t bytes,
		     struct status *st)
{
	while (bytes) {
		ssize_t n = write(framer->fd, data, bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return io_failed(framer, "cannot write", st);
		data += n;
		bytes -= (size_t)n;
		framer->offset += (uint64_t)n;
	}
	return 0;
}

int framer_sync(struct framer *framer, struct status *st)
{
	if (framer->is_regular && fdatasync(framer->fd))
		return io_failed(framer, "cannot sync", st);
	framer->synced_offset = framer->offset;
	framer->synced_ns = clock_ns();
	return 0;
}

static bool is_sync_due(const struct framer *framer)
{
	return framer->offset - framer->synced_offset >= SYNC_BYTES ||
	       clock_ns() - framer->synced_ns >= SYNC_NS;
}

static int init(struct framer *framer, const char *path, struct status *st)
{
	*framer = (struct framer){.fd = -1, .synced_ns = clock_ns()};
	framer->path = kage_strdup(path, st);
	framer->stored = kage_calloc(frame_bound(FRAME_RAW_MAX), 1, st);
	framer->zstd = ZSTD_createCCtx();
	if (framer->path && framer->stored && framer->zstd)
		return 0;
	return status_fail(st, ENOMEM, "%s: out of memory", path);
}

/* Devices, pipes and standard output are written in place: no .part. */
static bool is_in_place(const char *path)
{
	struct stat about;

	return !strcmp(path, "-") ||
	       (!stat(path, &about) && !S_ISREG(about.st_mode));
}

/* An output's fault must not pass for that of an input, see base/status.h. */
static int create_failed(const struct framer *framer, struct status *st)
{
	if (errno == ENOENT)
		return status_fail(st, ENOTDIR,
				   "%s: cannot create: the folder does not "
				   "exist",
				   name_of(framer));
	if (errno == EISDIR)
		return status_fail(st, ENOTDIR,
				   "%s: cannot create: it is a directory",
				   name_of(framer));
	return io_failed(framer, "cannot create", st);
}

static int open_new(struct framer *framer, struct status *st)
{
	size_t bytes = strlen(framer->path) + sizeof(".part");

	if (!strcmp(framer->path, "-")) {
		framer->fd = dup(STDOUT_FILENO);
	} else if (is_in_place(framer->path)) {
		framer->fd = open(framer->path, O_WRONLY | O_CLOEXEC);
	} else {
		framer->part = kage_calloc(bytes, 1, st);
		if (!framer->part)
			return -ENOMEM;
		snprintf(framer->part, bytes, "%s.part", framer->path);
		framer->is_regular = true;
		framer->fd = open(framer->part,
				  O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				  0666);
	}
	if (framer->fd < 0 && errno == EEXIST)
		return status_fail(st, EEXIST,
				   "%s exists: finish it with `kage trace "
				   "recover` or delete it",
				   framer->part);
	return framer->fd < 0 ? create_failed(framer, st) : 0;
}

int framer_create(struct framer *framer, const char *path, struct status *st)
{
	uint8_t header[FILE_HEADER_BYTES];
	int ret = init(framer, path, st);

	header_encode(header);
	if (!ret)
		ret = open_new(framer, st);
	if (!ret)
		ret = write_all(framer, header, sizeof(header), st);
	return ret;
}

int framer_resume(struct framer *framer, const char *path, const char *part,
		  uint64_t offset, struct status *st)
{
	int ret = init(framer, path, st);

	if (ret)
		return ret;
	framer->is_regular = true;
	framer->part = kage_strdup(part, st);
	if (!framer->part)
		return -ENOMEM;
	framer->fd = open(part, O_WRONLY | O_CLOEXEC);
	if (framer->fd < 0 || lseek(framer->fd, (off_t)offset, SEEK_SET) < 0)
		return io_failed(framer, "cannot go on", st);
	framer->offset = offset;
	return 0;
}

int framer_remember(struct framer *framer, const struct index_entry *entry,
		    struct status *st)
{
	int ret = kage_grow(&framer->entries, &framer->capacity,
			    framer->nr_entries, sizeof(*entry), st);

	if (ret)
		return ret;
	framer->entries[framer->nr_entries++] = *entry;
	framer->sequence = framer->nr_entries;
	return 0;
}

static int put(struct framer *framer, struct frame *frame, const void *raw,
	       struct status *st)
{
	int ret;

	frame->sequence = framer->sequence++;
	ret = frame_pack(framer->stored, frame, raw, framer->zstd, st);
	if (ret)
		return ret;
	return write_all(framer, framer->stored,
			 FRAME_HEADER_BYTES + frame->stored_len, st);
}

int framer_put(struct framer *framer, struct frame *frame, const void *raw,
	       struct status *st)
{
	struct index_entry entry = {.offset = framer->offset,
				    .time = frame->time,
				    .count = frame->count,
				    .type = frame->type};
	int ret = put(framer, frame, raw, st);

	if (!ret)
		ret = framer_remember(framer, &entry, st);
	if (!ret && is_sync_due(framer))
		ret = framer_sync(framer, st);
	return ret;
}

static int put_index(struct framer *framer, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < framer->nr_entries && !ret;
	     i += INDEX_ENTRIES_MAX) {
		size_t left = framer->nr_entries - i;
		size_t n = left < INDEX_ENTRIES_MAX ? left : INDEX_ENTRIES_MAX;
		struct frame frame = {.type = FRAME_INDEX,
				      .raw_len =
					      (uint32_t)n * INDEX_ENTRY_BYTES,
				      .count = (uint32_t)n};

		ret = put(framer, &frame, &framer->entries[i], st);
	}
	return ret;
}

static int put_end(struct framer *framer, const struct trace_end *end,
		   struct status *st)
{
	struct frame frame = {.type = FRAME_END, .count = 1};
	uint64_t offset = framer->offset;
	uint8_t trailer[TRAILER_BYTES];
	uint8_t raw[END_BYTES_MAX];
	int ret;

	frame.raw_len = end_encode(raw, end);
	trailer_encode(trailer, offset);
	ret = put(framer, &frame, raw, st);
	return ret ? ret : write_all(framer, trailer, sizeof(trailer), st);
}

/* Close, and give the finished file its name. */
static int commit(struct framer *framer, struct status *st)
{
	int fd = framer->fd;

	framer->fd = -1;
	if (close(fd))
		return io_failed(framer, "cannot close", st);
	if (!framer->part)
		return 0;
	if (rename(framer->part, framer->path))
		return io_failed(framer, "cannot rename", st);
	return outbuf_sync_folder(framer->path, st);
}

int framer_finish(struct framer *framer, const struct trace_totals *totals,
		  struct status *st)
{
	struct trace_end end = {.totals = *totals,
				.frames = framer->nr_entries,
				.index_offset = framer->offset};
	int ret = put_index(framer, st);

	if (!ret)
		ret = put_end(framer, &end, st);
	if (!ret)
		ret = framer_sync(framer, st);
	return ret ? ret : commit(framer, st);
}

void framer_fini(struct framer *framer)
{
	if (framer->fd >= 0)
		close(framer->fd);
	ZSTD_freeCCtx(framer->zstd);
	free(framer->entries);
	free(framer->stored);
	free(framer->part);
	free(framer->path);
}
