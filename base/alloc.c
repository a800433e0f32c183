/* SPDX-License-Identifier: MIT */
/* Checked allocation; see alloc.h.  The countdown is atomic: lanes allocate. */
#include "base/alloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	HUGE_PAGE_BYTES = 2 << 20
};

static atomic_long countdown = -1; /* -1: not read from the environment yet */
static atomic_int has_fired;

void kage_alloc_fail_at(unsigned long nth)
{
	atomic_store(&has_fired, 0);
	atomic_store(&countdown, (long)nth);
}

int kage_alloc_failed(void)
{
	return atomic_load(&has_fired);
}

static void read_environment(void)
{
	const char *text = getenv("KAGE_FAIL_ALLOC");
	long unset = -1;

	atomic_compare_exchange_strong(&countdown, &unset,
				       text ? strtol(text, NULL, 10) : 0);
}

static int is_injected(void)
{
	if (atomic_load(&countdown) < 0)
		read_environment();
	if (atomic_load(&countdown) <= 0 ||
	    atomic_fetch_sub(&countdown, 1) != 1)
		return 0;
	atomic_store(&has_fired, 1);
	return 1;
}

static void *no_memory(size_t count, size_t size, struct status *st)
{
	status_fail(st, ENOMEM, "out of memory: %zu elements of %zu bytes",
		    count, size);
	return NULL;
}

void *kage_calloc(size_t count, size_t size, struct status *st)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(count, size, &bytes) && !is_injected())
		p = calloc(bytes ? bytes : 1, 1);
	return p ? p : no_memory(count, size, st);
}

void *kage_calloc_pages(size_t count, size_t size, struct status *st)
{
	uintptr_t start, end;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(count, size, &bytes) ||
	    bytes > SIZE_MAX - HUGE_PAGE_BYTES || is_injected())
		return no_memory(count, size, st);
	if (bytes < HUGE_PAGE_BYTES)
		return kage_calloc(count, size, st);
	p = calloc(bytes,
		   1); /* fresh from mmap at this size: zero, untouched */
	if (!p)
		return no_memory(count, size, st);
	start = ((uintptr_t)p + HUGE_PAGE_BYTES - 1) &
		-(uintptr_t)HUGE_PAGE_BYTES;
	end = ((uintptr_t)p + bytes) & -(uintptr_t)HUGE_PAGE_BYTES;
	if (start < end) /* a hint: failure only costs speed */
		madvise((char *)p + (start - (uintptr_t)p), end - start,
			MADV_HUGEPAGE);
	return p;
}

void *kage_realloc(void *old, size_t count, size_t size, struct status *st)
{
	size_t bytes;
	void *p = NULL;

	if (!__builtin_mul_overflow(count, size, &bytes) && !is_injected())
		p = realloc(old, bytes ? bytes : 1);
	return p ? p : no_memory(count, size, st);
}

int kage_grow(void *array, size_t *capacity, size_t used, size_t size,
	      struct status *st)
{
	size_t wanted = *capacity ? *capacity * 2 : 16;
	void *old, *p;

	if (used < *capacity)
		return 0;
	memcpy(&old, array, sizeof(old));
	p = kage_realloc(old, wanted, size, st);
	if (!p)
		return -ENOMEM;
	memcpy(array, &p, sizeof(p));
	*capacity = wanted;
	return 0;
}

char *kage_strdup(const char *text, struct status *st)
{
	size_t bytes = strlen(text) + 1;
	char *copy = kage_calloc(bytes, 1, st);

	return copy ? memcpy(copy, text, bytes) : NULL;
}
