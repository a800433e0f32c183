/* SPDX-License-Identifier: MIT */
/*
 * Allocation with overflow-checked sizes, and the one place where tests make the
 * Nth allocation fail.  All memory is zeroed and released with free().
 */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stddef.h>

#include "base/status.h"

/* Return: @count zeroed elements of @size bytes, or NULL with @st set. */
void *kage_calloc(size_t count, size_t size, struct status *st);

/*
 * As kage_calloc(), for arrays of one element per guest page: asks for huge
 * pages, because replay reads them at random.
 */
void *kage_calloc_pages(size_t count, size_t size, struct status *st);

/* As realloc(), with an overflow-checked size; what is new is not zeroed.
 * Return: NULL with @st set and @old still valid. */
void *kage_realloc(void *old, size_t count, size_t size, struct status *st);

/**
 * kage_grow - make room for one more element of a growing array
 * @array: address of the array pointer; reallocated, contents kept
 * @capacity: elements allocated so far; updated
 * @used: elements in use
 *
 * Return: 0, or -ENOMEM with @array still valid.
 */
int kage_grow(void *array, size_t *capacity, size_t used, size_t size,
	      struct status *st);

/* Return: a copy of @text to free(), or NULL with @st set. */
char *kage_strdup(const char *text, struct status *st);

/*
 * Fault injection for tests: the @nth allocation from now on fails (1 is the
 * next one); 0 ends it.  With KAGE_FAIL_ALLOC=N in the environment the first
 * allocation of a process counts as number one.
 */
void kage_alloc_fail_at(unsigned long nth);

/* Return: whether an injected failure has happened since it was armed. */
int kage_alloc_failed(void);

#endif
