/* SPDX-License-Identifier: MIT */
/*
 * The signals that ask a capture to end.  The session blocks them and takes them in
 * its loop; a backend that is long in its start() or scan() asks here.
 */
#ifndef CAPTURE_INTERRUPTS_H
#define CAPTURE_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>

#include "base/status.h"

/* SIGINT, SIGTERM and SIGHUP. */
void interrupts_set(sigset_t *set);

/* Return: 0, or -EINTR with @st when one of them is waiting to be taken. */
int interrupts_check(struct status *st);

#endif
