/* SPDX-License-Identifier: MIT */
/* The trace's header as a JSON document, and its rules; FORMAT.md section 4. */
#ifndef DATASETS_TRACE_META_H
#define DATASETS_TRACE_META_H

#include <stdbool.h>
#include <stddef.h>

#include "datasets/trace/trace.h"

/* Return: NULL, or the rule that @meta breaks. */
const char *meta_flaw(const struct trace_meta *meta);

/* Return: the document, to free(), or NULL with @st set (-EINVAL: details is
 * not a JSON object). */
char *meta_to_json(const struct trace_meta *meta, struct status *st);

/**
 * meta_from_json - parse and check a document
 * @meta: owned by the caller on success, untouched otherwise
 * Return: 0, -ENOMEM, or -EBADMSG with @st saying what is wrong.
 */
int meta_from_json(struct trace_meta *meta, const char *text, size_t bytes,
		   struct status *st);

/*
 * Return: the slot that holds all of [gfn, gfn + npages), or NULL.
 * @hint: where the last search ended; neighbours are found at once
 */
const struct trace_slot *meta_slot(const struct trace_meta *meta, gfn_t gfn,
				   uint64_t npages, size_t *hint);

#endif
