/* SPDX-License-Identifier: MIT */
/*
 * One tracepoint of the running kernel: its number, and where the fields that we
 * want lie in its records.  Places and widths change between kernels, so they
 * come from events/SYSTEM/EVENT/format, read by libtraceevent; only names are
 * written in this program.
 *
 * What a field means in another kernel than the one it was read for, nobody can
 * check here.
 */
#ifndef CAPTURE_TRACEPOINT_H
#define CAPTURE_TRACEPOINT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
	TRACEPOINT_FIELDS = 8
};

struct tep_event;
struct tep_format_field;
struct tep_handle;

struct tracepoint {
	struct tep_handle *tep; /* owns what the others point to */
	struct tep_format_field *fields[TRACEPOINT_FIELDS];
	size_t nr_fields;
	size_t need; /* a record has at least that many bytes */
	uint64_t id; /* perf_event_attr.config */
};

/**
 * tracepoint_open - look a tracepoint and its fields up
 * @tracefs: directory descriptor (hostfs_open())
 * @fields: names; NULL ends them, if there are fewer than TRACEPOINT_FIELDS
 *
 * Return: 0; -ENODEV if the kernel has no such tracepoint, or it has no such
 * field, or the field is no number; -EPERM.  After an error there is nothing to
 * close.
 */
int tracepoint_open(struct tracepoint *tp, int tracefs, const char *system,
		    const char *event, const char *const *fields,
		    struct status *st);

void tracepoint_close(struct tracepoint *tp);

/**
 * tracepoint_decode - the fields of one record
 * @raw: what PERF_SAMPLE_RAW brought
 * @values: one per field; signed fields are sign-extended
 *
 * Return: 0, or -EBADMSG if the record is shorter than the format says.
 */
int tracepoint_decode(const struct tracepoint *tp, const void *raw, size_t size,
		      uint64_t values[TRACEPOINT_FIELDS], struct status *st);

#endif
