/* SPDX-License-Identifier: MIT */
/* Lists of bitmaps; see bitmaps.h. */
#include "datasets/convert/bitmaps.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

int bitmaps_next(struct bitmaps_line *l, struct status *st)
{
	static const char blank[] = " \t";
	char *rest, *word;
	int ret;

	do {
		ret = lines_next(&l->lines, st);
		if (ret <= 0)
			return ret;
		l->lines.text[strcspn(l->lines.text, "#")] = '\0';
		l->n = 0;
		for (word = strtok_r(l->lines.text, blank, &rest); word;
		     word = strtok_r(NULL, blank, &rest)) {
			if (l->n == BITMAPS_WORDS)
				return import_bad(l->lines.job, st,
						  "more than %d words",
						  BITMAPS_WORDS);
			l->word[l->n++] = word;
		}
	} while (!l->n);
	return 1;
}

int bitmaps_number(struct bitmaps_line *l, size_t i, uint64_t *value,
		   struct status *st)
{
	const char *at = i < l->n ? l->word[i] : "";

	if (lines_number(&at, strncmp(at, "0x", 2) ? 10 : 16, value) && !*at)
		return 0;
	return import_bad(l->lines.job, st, "word %zu of %s is no number",
			  i + 1, l->word[0]);
}

/* Return: a descriptor, or a negative errno. */
static int open_beside(const struct import_job *job, const char *name,
		       char path[PATH_MAX])
{
	char list[PATH_MAX];
	int fd;

	snprintf(list, sizeof(list), "%s", job->path);
	if (name[0] == '/')
		snprintf(path, PATH_MAX, "%s", name);
	else if (snprintf(path, PATH_MAX, "%s/%s", dirname(list), name) >=
		 PATH_MAX)
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int bitmap_open(struct bitmap *map, struct bitmaps_line *l, size_t i,
		struct status *st)
{
	struct import_job *job = l->lines.job;
	char path[PATH_MAX] = "";
	struct stat about;
	void *words;
	int fd;

	*map = (struct bitmap){0};
	if (i >= l->n)
		return import_bad(job, st, "%s names no file", l->word[0]);
	fd = open_beside(job, l->word[i], path);
	if (fd < 0)
		return import_bad(job, st, "%.200s: %s", l->word[i],
				  strerror(-fd));
	if (fstat(fd, &about) || !S_ISREG(about.st_mode) || !about.st_size ||
	    about.st_size % 8) {
		close(fd);
		return import_bad(job, st, "%.200s: not a file of 64-bit words",
				  l->word[i]);
	}
	words = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, fd,
		     0);
	close(fd);
	if (words == MAP_FAILED)
		return status_fail(st, errno, "%s: %s", path, strerror(errno));
	map->words = words;
	map->n = (uint64_t)about.st_size / 8;
	return 0;
}

void bitmap_close(struct bitmap *map)
{
	union {
		const uint64_t *from;
		void *to;
	} words = {map->words};

	if (map->words)
		munmap(words.to, map->n * 8);
	*map = (struct bitmap){0};
}

int bitmap_runs_add(struct bitmap_runs *r, gfn_t slot, gfn_t gfn, uint8_t flags,
		    struct status *st)
{
	struct trace_run *last = r->n ? &r->runs[r->n - 1] : NULL;
	int ret;

	if (last && last->gfn + last->npages == gfn && gfn != slot &&
	    last->flags == flags && last->npages < TRACE_RUN_PAGES_MAX) {
		last->npages++;
		return 0;
	}
	ret = kage_grow(&r->runs, &r->capacity, r->n, sizeof(*r->runs), st);
	if (!ret)
		r->runs[r->n++] = (struct trace_run){
			.gfn = gfn, .npages = 1, .flags = flags};
	return ret;
}
