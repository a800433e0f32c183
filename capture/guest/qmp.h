/* SPDX-License-Identifier: MIT */
/*
 * A QMP client for a few synchronous commands over a connected socket.  Events
 * are skipped.  A QEMU that does not answer within some seconds is an error.
 */
#ifndef CAPTURE_QMP_H
#define CAPTURE_QMP_H

#include <jansson.h>

#include "base/status.h"

struct qmp {
	int fd;		    /* borrowed */
	const char *broken; /* why it is of no more use; NULL: it is */
	char version[64];
};

/* Take the greeting and leave negotiation.  Return: 0, or -EPIPE when QEMU ended
 * without a word, with no message: its own is on stderr. */
int qmp_init(struct qmp *qmp, int fd, struct status *st);

/* Send a command whose answer nobody waits for; the last one on this socket. */
int qmp_send(struct qmp *qmp, const char *name, json_t *arguments,
	     struct status *st);

/* Return: what the command returned, owned by the caller, or NULL. @arguments is
 * consumed and may be NULL. */
json_t *qmp_command(struct qmp *qmp, const char *name, json_t *arguments,
		    struct status *st);

/* A command of the human monitor.  Return: its text, to free(), or NULL. */
char *qmp_monitor(struct qmp *qmp, const char *line, struct status *st);

#endif
