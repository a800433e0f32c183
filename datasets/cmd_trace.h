/* SPDX-License-Identifier: MIT */
/* What the subcommands of `kage trace` share. */
#ifndef DATASETS_CMD_TRACE_H
#define DATASETS_CMD_TRACE_H

#include "base/cmd.h"
#include "datasets/cmd.h"
#include "datasets/trace/trace.h"

/* Open the only operand.  Return: 0, -EINVAL, or as trace_reader_open(). */
int cmd_trace_open(struct trace_reader **reader, const struct cmd_call *call,
		   unsigned int flags, struct status *st);

/* Tell on stderr if only a prefix of the file was read. */
void cmd_trace_warn_partial(const struct trace_reader *reader,
			    const char *path);

/* The same, but damage is an error.  Return: 0 or -EBADMSG. */
int cmd_trace_fail_damaged(const struct trace_reader *reader, const char *path,
			   struct status *st);

/* One line of the two, @name at least @width wide.  Both are text of others: nothing in it may reach a
 * terminal's controls. */
void cmd_trace_print_text(const char *name, int width, const char *text);

/* Nanoseconds of @ticks; saturates. */
uint64_t cmd_trace_ns(const struct trace_clock *clock, uint64_t ticks);

/* Ticks of @ns, rounded down. */
uint64_t cmd_trace_ticks(const struct trace_clock *clock, uint64_t ns);

#endif
