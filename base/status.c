/* SPDX-License-Identifier: MIT */
/* One message per failure, and the exit code that an errno stands for. */
#include "base/status.h"

#include <errno.h>
#include <stdio.h>

int status_fail(struct status *st, int error, const char *format, ...)
{
	va_list args;

	if (st) {
		va_start(args, format);
		vsnprintf(st->message, sizeof(st->message), format, args);
		va_end(args);
	}
	return -error;
}

enum kage_exit status_exit_code(int error)
{
	switch (-error) {
	case 0:
		return KAGE_EXIT_OK;
	case EINVAL:
		return KAGE_EXIT_USAGE;
	case EBADMSG:
	case ENOENT:
	case EISDIR:
		return KAGE_EXIT_INPUT;
	case ENOBUFS:
		return KAGE_EXIT_LOST;
	case EINTR:
		return KAGE_EXIT_INTERRUPT;
	default:
		return KAGE_EXIT_IMPOSSIBLE;
	}
}
