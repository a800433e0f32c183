/* SPDX-License-Identifier: MIT */
/* The format file and libtraceevent; see tracepoint.h. */
#include "capture/tracing/tracepoint.h"

#include <errno.h>
#include <event-parse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "capture/tracing/hostfs.h"

enum {
	FORMAT_MAX = 128 * 1024, /* a print format may list hundreds of flags */
};

/* Which module brings the tracepoints, for those that kage uses. */
static const char *module_hint(const char *system)
{
	return strncmp(system, "kvm", 3) ? "" : ", or modprobe kvm";
}

/* The names that there are, so that a reader sees what it was renamed to. */
static int no_such_field(const struct tep_event *event, const char *name,
			 struct status *st)
{
	char names[256] = "";
	size_t used = 0;

	for (const struct tep_format_field *f = event->format.fields; f;
	     f = f->next) {
		if (used + strlen(f->name) + 2 > sizeof(names))
			break;
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 " %s", f->name);
	}
	return status_fail(st, ENODEV,
			   "tracepoint %s:%s of this kernel has no field %s; "
			   "it has:%s",
			   event->system, event->name, name, names);
}

static bool is_number(const struct tep_format_field *field)
{
	const unsigned long other = TEP_FIELD_IS_ARRAY | TEP_FIELD_IS_DYNAMIC |
				    TEP_FIELD_IS_STRING;

	return !(field->flags & other) && field->offset >= 0 &&
	       (field->size == 1 || field->size == 2 || field->size == 4 ||
		field->size == 8);
}

static int find_fields(struct tracepoint *tp, struct tep_event *event,
		       const char *const *names, struct status *st)
{
	struct tep_format_field *field;
	size_t end;

	for (; tp->nr_fields < TRACEPOINT_FIELDS && names[tp->nr_fields];
	     tp->nr_fields++) {
		field = tep_find_any_field(event, names[tp->nr_fields]);
		if (!field)
			return no_such_field(event, names[tp->nr_fields], st);
		if (!is_number(field))
			return status_fail(st, ENODEV,
					   "%s of tracepoint %s:%s is a %s, "
					   "not a number",
					   field->name, event->system,
					   event->name, field->type);
		end = (size_t)field->offset + (size_t)field->size;
		if (end > tp->need)
			tp->need = end;
		tp->fields[tp->nr_fields] = field;
	}
	return 0;
}

static int parse(struct tracepoint *tp, const char *text, size_t bytes,
		 const char *system, const char *name,
		 const char *const *fields, struct status *st)
{
	struct tep_event *event;
	enum tep_errno error;

	/* Of the log nobody else's; and a print format that it cannot read
	 * does not matter for us: the fields stand before it. */
	tep_set_loglevel(TEP_LOG_NONE);
	tep_set_file_bigendian(tp->tep, tep_is_local_bigendian(tp->tep)
						? TEP_BIG_ENDIAN
						: TEP_LITTLE_ENDIAN);
	error = tep_parse_event(tp->tep, text, bytes, system);
	event = tep_find_event_by_name(tp->tep, system, name);
	if (!event)
		return status_fail(st, ENODEV,
				   "libtraceevent cannot read the format of "
				   "tracepoint %s:%s (error %d)",
				   system, name, (int)error);
	tp->id = (uint64_t)event->id;
	return find_fields(tp, event, fields, st);
}

static int read_format(int tracefs, const char *system, const char *event,
		       char *text, struct status *st)
{
	struct status cause = {""};
	char path[256];
	int n;

	if (snprintf(path, sizeof(path), "events/%s/%s/format", system,
		     event) >= (int)sizeof(path))
		n = -ENOENT;
	else
		n = hostfs_read(tracefs, path, text, FORMAT_MAX, &cause);
	if (n == -ENOENT)
		return status_fail(st, ENODEV,
				   "no tracepoint %s:%s: this kernel lacks "
				   "it%s",
				   system, event, module_hint(system));
	if (n < 0)
		return status_fail(st, -n, "%s", cause.message);
	return n;
}

int tracepoint_open(struct tracepoint *tp, int tracefs, const char *system,
		    const char *event, const char *const *fields,
		    struct status *st)
{
	char *text = kage_calloc(1, FORMAT_MAX, st);
	int ret = -ENOMEM;

	*tp = (struct tracepoint){.tep = NULL};
	if (!text)
		return ret;
	ret = read_format(tracefs, system, event, text, st);
	if (ret < 0)
		goto out;
	tp->tep = tep_alloc();
	ret = tp->tep ? parse(tp, text, (size_t)ret, system, event, fields, st)
		      : status_fail(st, ENOMEM, "out of memory");
	if (ret)
		tracepoint_close(tp);
out:
	free(text);
	return ret;
}

void tracepoint_close(struct tracepoint *tp)
{
	if (tp->tep)
		tep_free(tp->tep);
	tp->tep = NULL;
}

static uint64_t extended(const struct tep_format_field *field, uint64_t value)
{
	unsigned int unused = 64 - 8 * (unsigned int)field->size;

	if (!(field->flags & TEP_FIELD_IS_SIGNED))
		return value;
	return (uint64_t)((int64_t)(value << unused) >> unused);
}

int tracepoint_decode(const struct tracepoint *tp, const void *raw, size_t size,
		      uint64_t values[TRACEPOINT_FIELDS], struct status *st)
{
	unsigned long long value;

	if (size < tp->need)
		return status_fail(st, EBADMSG,
				   "a record of %zu bytes, %zu expected: the "
				   "tracepoint's format has changed",
				   size, tp->need);
	for (size_t i = 0; i < tp->nr_fields; i++) {
		if (tep_read_number_field(tp->fields[i], raw, &value))
			return status_fail(st, EBADMSG, "%s is no number",
					   tp->fields[i]->name);
		values[i] = extended(tp->fields[i], value);
	}
	return 0;
}
