/* SPDX-License-Identifier: MIT */
/*
 * Errors: a function that can fail returns 0 or a negative errno and takes a
 * struct status last.  The message is written once, by the level that knows the
 * facts (file, offset, value); every level above passes it on unchanged.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdarg.h>

struct status {
	char message[512]; /* one line, no newline; empty: nothing was said */
};

/* What main() ends with; scripts rely on these. */
enum kage_exit {
	KAGE_EXIT_OK = 0,
	KAGE_EXIT_CHECK = 1,	   /* a check or comparison failed */
	KAGE_EXIT_USAGE = 2,	   /* the command line is wrong */
	KAGE_EXIT_INPUT = 3,	   /* an input file is bad or absent */
	KAGE_EXIT_IMPOSSIBLE = 4,  /* this machine cannot do it */
	KAGE_EXIT_LOST = 5,	   /* events were lost above the threshold */
	KAGE_EXIT_INTERRUPT = 130, /* interrupted after a clean close */
};

/**
 * status_fail - record why something failed
 * @st: may be NULL, then the message is dropped
 * @error: a positive errno
 *
 * Return: -@error, so that callers write `return status_fail(...)`.
 */
int status_fail(struct status *st, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * status_exit_code - the exit code that stands for an errno
 * @error: a negative errno, as returned by the failing function
 *
 * EINVAL is a usage error, EBADMSG, ENOENT and EISDIR bad input, ENOBUFS lost
 * events, EINTR an interrupt; all others mean "not possible here".
 */
enum kage_exit status_exit_code(int error);

#endif
