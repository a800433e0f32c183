/* SPDX-License-Identifier: MIT */
/*
 * For the session's tests: a sampler that behaves as the test wants, captured in a
 * child process, because a session gives up its privileges and takes signals.
 */
#ifndef CAPTURE_SESSION_FAKE_H
#define CAPTURE_SESSION_FAKE_H

#include "capture/session.h"

#define FILE_NAME "session_test.kgt"
#define MS	  UINT64_C(1000000)

enum behaviour {
	STEADY,	      /* one page more in each epoch */
	ENDS,	      /* the source ends with its third scan */
	FAILS,	      /* the third scan fails */
	LOSES,	      /* one event of each epoch */
	LOSES_SOME,   /* and nobody knows how many */
	SLOW,	      /* a scan takes three epochs */
	KILLS_ITSELF, /* SIGKILL in the fourth scan */
	TERMINATES,   /* SIGTERM in the fourth scan */
	NEVER_STARTS,
	CHANGES_HOST,	/* and is killed in the fourth scan */
	GUEST_DIES,	/* in the third scan */
	DIES_BADLY,	/* which fails for it */
	CANNOT_RESTORE, /* what it changed of the host is gone */
	LATE_SIGNAL,	/* SIGTERM after the loop */
	OWN_CLOCK,	/* two epochs of 7 ms by each second scan, else none */
};

/* What the child found, in shared memory. */
struct outcome {
	int ret;
	struct session_report report;
	struct status st;
};

/* Capture epochs of 10 ms to FILE_NAME, each with one page more than the one before.
 * @pidfd: of the guest, or -1.  Return: the child's wait status. */
int session_fake_run(enum behaviour behaviour,
		     const struct session_limits *limits, int pidfd,
		     struct outcome *outcome);

#endif
