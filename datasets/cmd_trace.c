/* SPDX-License-Identifier: MIT */
/* What the commands of `kage trace` share. */
#include "datasets/cmd_trace.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "base/units.h"

int cmd_trace_open(struct trace_reader **reader, const struct cmd_call *call,
		   unsigned int flags, struct status *st)
{
	*reader = NULL;
	if (call->argc != 1)
		return status_fail(st, EINVAL,
				   "trace %s takes one trace, or - for "
				   "standard input",
				   call->cmd->name);
	return trace_reader_open(reader, call->argv[0], flags, st);
}

/* Return: whether something is missing; then @st says what. */
static bool tell_partial(const struct trace_reader *reader, const char *path,
			 struct status *st)
{
	const struct trace_totals *totals = trace_reader_totals(reader);
	uint64_t end, offset;
	const char *damage = trace_reader_damage(reader, &offset);
	char records[UNITS_TEXT], why[160] = "unfinished";

	if (!totals || !trace_reader_is_partial(reader, &end))
		return false;
	if (damage)
		snprintf(why, sizeof(why), "damaged at offset %llu: %s",
			 (unsigned long long)offset, damage);
	status_fail(st, EBADMSG,
		    "%s: %s: only a prefix of %s records was read, up to byte "
		    "%llu",
		    path, why,
		    units_count(records, totals->events + totals->epochs),
		    (unsigned long long)end);
	return true;
}

void cmd_trace_warn_partial(const struct trace_reader *reader, const char *path)
{
	struct status st;

	if (tell_partial(reader, path, &st))
		fprintf(stderr, "kage: %s\n", st.message);
}

int cmd_trace_fail_damaged(const struct trace_reader *reader, const char *path,
			   struct status *st)
{
	if (trace_reader_damage(reader, NULL) && tell_partial(reader, path, st))
		return -EBADMSG;
	cmd_trace_warn_partial(reader, path);
	return 0;
}

static int put_clean(const char *text)
{
	int n = 0;

	for (; *text; text++, n++)
		putchar(iscntrl((unsigned char)*text) ? ' ' : *text);
	return n;
}

void cmd_trace_print_text(const char *name, int width, const char *text)
{
	for (int n = put_clean(name); n < width; n++)
		putchar(' ');
	putchar(' ');
	put_clean(text);
	putchar('\n');
}

static uint64_t scale(uint64_t value, uint64_t by, uint64_t over)
{
	unsigned __int128 wide = (unsigned __int128)value * by / over;

	return wide > UINT64_MAX ? UINT64_MAX : (uint64_t)wide;
}

uint64_t cmd_trace_ns(const struct trace_clock *clock, uint64_t ticks)
{
	return scale(ticks, clock->ps_per_tick, 1000);
}

uint64_t cmd_trace_ticks(const struct trace_clock *clock, uint64_t ns)
{
	return scale(ns, 1000, clock->ps_per_tick);
}
