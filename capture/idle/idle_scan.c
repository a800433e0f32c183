/* SPDX-License-Identifier: MIT */
/* One pass over a range of pages; see idle_scan.h. */
#include "capture/idle/idle_scan.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT	  (UINT64_C(1) << 63)
#define PAGEMAP_PFN	  ((UINT64_C(1) << 55) - 1)
#define KPF_LRU		  (UINT64_C(1) << 5)
#define KPF_COMPOUND_HEAD (UINT64_C(1) << 15)
#define KPF_COMPOUND_TAIL (UINT64_C(1) << 16)
#define KPF_HUGE	  (UINT64_C(1) << 17) /* hugetlb */

enum {
	LARGEST_FOLIO = 512, /* pages, of those that have an idle bit */
};

/* A page of the range that has memory; @head is what carries its idle bit. */
struct page {
	uint64_t pfn, head;
	uint32_t index; /* in the range */
	bool is_markable, is_accessed;
};

static int read_at(int fd, void *buffer, size_t bytes, uint64_t offset,
		   const char *name, struct status *st)
{
	ssize_t n = pread(fd, buffer, bytes, (off_t)offset);

	if (n == (ssize_t)bytes)
		return 0;
	if (n >= 0) { /* behind the last page frame, or the process is gone */
		memset((char *)buffer + n, 0, bytes - (size_t)n);
		return 0;
	}
	return status_fail(st, errno, "%s at %" PRIu64 ": %s", name, offset,
			   strerror(errno));
}

static int find_present(const struct idle_source *source, uint64_t hva,
			uint64_t npages, struct page *pages, size_t *nr,
			struct status *st)
{
	static const char name[] = "/proc/PID/pagemap";
	uint64_t entries[512];
	uint64_t done = 0;
	int ret = 0;

	*nr = 0;
	for (; !ret && done < npages; done += 512) {
		uint64_t n = npages - done < 512 ? npages - done : 512;

		ret = read_at(source->pagemap, entries, n * 8,
			      (hva / TRACE_PAGE_BYTES + done) * 8, name, st);
		for (uint64_t i = 0; !ret && i < n; i++) {
			if (!(entries[i] & PAGEMAP_PRESENT))
				continue;
			if (!(entries[i] & PAGEMAP_PFN))
				return status_fail(st, EPERM,
						   "%s hides page frame "
						   "numbers: CAP_SYS_ADMIN is "
						   "needed",
						   name);
			pages[(*nr)++] =
				(struct page){.pfn = entries[i] & PAGEMAP_PFN,
					      .index = (uint32_t)(done + i)};
		}
	}
	return ret;
}

static int by_pfn(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->pfn > y->pfn) - (x->pfn < y->pfn);
}

static int by_index(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->index > y->index) - (x->index < y->index);
}

/* Go back from a tail to its head; @flags is of the page itself. */
static int find_head(const struct idle_source *source, struct page *page,
		     uint64_t *flags, struct status *st)
{
	int ret = 0;

	page->head = page->pfn;
	while (!ret && *flags & KPF_COMPOUND_TAIL && page->head &&
	       page->pfn - page->head < LARGEST_FOLIO) {
		page->head--;
		ret = read_at(source->kpageflags, flags, 8, page->head * 8,
			      "/proc/kpageflags", st);
	}
	return ret;
}

/* By ascending pfn, so that the tails of a folio follow its head. */
static int find_heads(const struct idle_source *source, struct page *pages,
		      size_t nr, struct status *st)
{
	uint64_t flags = 0;
	int ret = 0;

	for (size_t i = 0; !ret && i < nr; i++) {
		struct page *page = &pages[i];
		uint64_t own;

		ret = read_at(source->kpageflags, &own, 8, page->pfn * 8,
			      "/proc/kpageflags", st);
		if (!ret && i && own & KPF_COMPOUND_TAIL &&
		    page->pfn == pages[i - 1].pfn + 1) {
			page->head = pages[i - 1].head;
		} else if (!ret) {
			flags = own;
			ret = find_head(source, page, &flags, st);
		}
		page->is_markable = flags & KPF_LRU && !(flags & KPF_HUGE) &&
				    !(flags & KPF_COMPOUND_TAIL);
	}
	return ret;
}

/* Return: how many of the pages have their idle bits in one word. */
static size_t count_word(const struct page *pages, size_t nr)
{
	size_t n = 1;

	while (n < nr && pages[n].head / 64 == pages[0].head / 64)
		n++;
	return n;
}

/* Which of the pages lost their idle bits?  Return: a mask to mark them again. */
static uint64_t judge_word(struct page *pages, size_t nr, uint64_t idle)
{
	uint64_t mark = 0;

	for (size_t i = 0; i < nr; i++) {
		uint64_t bit = UINT64_C(1) << (pages[i].head % 64);

		pages[i].is_accessed = pages[i].is_markable && !(idle & bit);
		if (pages[i].is_accessed)
			mark |= bit;
	}
	return mark;
}

/*
 * Learn and mark again the pages of one word of the bitmap.  Where memory ends in
 * the middle of a word, the kernel says that it read nothing and returns 0
 * (page_idle_bitmap_read() counts whole words): those pages are never marked.
 */
static int scan_word(const struct idle_source *source, struct page *pages,
		     size_t nr, struct status *st)
{
	static const char name[] = "/sys/kernel/mm/page_idle/bitmap";
	off_t at = (off_t)(pages[0].head / 64 * 8);
	uint64_t idle, mark;
	ssize_t n = pread(source->bitmap, &idle, 8, at);

	if (n >= 0 && n < 8)
		for (size_t i = 0; i < nr; i++)
			pages[i].is_markable = false;
	if (n == 8) {
		mark = judge_word(pages, nr, idle);
		if (mark)
			n = pwrite(source->bitmap, &mark, 8, at);
	}
	if (n >= 0)
		return 0;
	return status_fail(st, errno, "%s at %jd: %s", name, (intmax_t)at,
			   strerror(errno));
}

/* Is this the first page of a huge folio that lies in the range as one leaf? */
static bool is_huge(const struct page *pages, size_t nr, gfn_t gfn)
{
	if (nr < LARGEST_FOLIO || (gfn + pages[0].index) % LARGEST_FOLIO ||
	    pages[0].pfn != pages[0].head || pages[0].pfn % LARGEST_FOLIO)
		return false;
	for (uint32_t i = 1; i < LARGEST_FOLIO; i++)
		if (pages[i].head != pages[0].head ||
		    pages[i].index != pages[0].index + i)
			return false;
	return true;
}

static int add_run(struct idle_found *found, const struct trace_run *run,
		   struct status *st)
{
	struct trace_run *last =
		found->nr_runs ? &found->runs[found->nr_runs - 1] : NULL;
	int ret;

	if (last && last->gfn + last->npages == run->gfn &&
	    last->flags == run->flags) {
		last->npages += run->npages;
		return 0;
	}
	ret = kage_grow(&found->runs, &found->capacity, found->nr_runs,
			sizeof(*found->runs), st);
	if (!ret)
		found->runs[found->nr_runs++] = *run;
	return ret;
}

/* @pages by index. */
static int hand_over(const struct page *pages, size_t nr, gfn_t gfn,
		     struct idle_found *found, struct status *st)
{
	int ret = 0;

	for (size_t i = 0, n; !ret && i < nr; i += n) {
		bool huge = is_huge(&pages[i], nr - i, gfn);
		const struct trace_run run = {
			.gfn = gfn + pages[i].index,
			.npages = huge ? LARGEST_FOLIO : 1,
			.flags = (uint8_t)(TRACE_RUN_ACCESSED |
					   (huge ? TRACE_2M : TRACE_4K)),
		};

		n = run.npages;
		found->unmarked += pages[i].is_markable ? 0 : n;
		if (pages[i].is_accessed)
			ret = add_run(found, &run, st);
	}
	found->present += nr;
	return ret;
}

uint64_t idle_range_pages(uint64_t hva, uint64_t left)
{
	uint64_t n = IDLE_SCAN_PAGES - hva / TRACE_PAGE_BYTES % IDLE_SCAN_PAGES;

	return n < left ? n : left;
}

int idle_scan(const struct idle_source *source, uint64_t hva, gfn_t gfn,
	      uint64_t npages, struct idle_found *found, struct status *st)
{
	struct page *pages = kage_calloc(IDLE_SCAN_PAGES, sizeof(*pages), st);
	size_t nr = 0;
	int ret;

	assert(npages <= IDLE_SCAN_PAGES);
	if (!pages)
		return -ENOMEM;
	found->nr_runs = 0;
	found->present = found->unmarked = 0;
	ret = find_present(source, hva, npages, pages, &nr, st);
	if (!ret) {
		qsort(pages, nr, sizeof(*pages), by_pfn);
		ret = find_heads(source, pages, nr, st);
	}
	for (size_t i = 0, n; !ret && i < nr; i += n) {
		n = count_word(&pages[i], nr - i);
		ret = scan_word(source, &pages[i], n, st);
	}
	if (!ret) {
		qsort(pages, nr, sizeof(*pages), by_index);
		ret = hand_over(pages, nr, gfn, found, st);
	}
	free(pages);
	return ret;
}

void idle_found_fini(struct idle_found *found)
{
	free(found->runs);
	*found = (struct idle_found){0};
}
