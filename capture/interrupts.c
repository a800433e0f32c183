/* SPDX-License-Identifier: MIT */
/* Signals that wait while they are blocked; see interrupts.h. */
#include "capture/interrupts.h"

#include <errno.h>

void interrupts_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int interrupts_check(struct status *st)
{
	sigset_t waiting;

	sigpending(&waiting);
	if (!sigismember(&waiting, SIGINT) && !sigismember(&waiting, SIGTERM) &&
	    !sigismember(&waiting, SIGHUP))
		return 0;
	return status_fail(st, EINTR, "interrupted before the capture began");
}
