/* SPDX-License-Identifier: MIT */
/*
 * Putting the host back as it was, even when kage is killed: a process of its own
 * that waits for us to end, however that happens, and then writes back what was
 * registered, last first.
 *
 * Only files of the kernel (sysfs, cgroups) are restored so.  Nothing helps against a kill
 * of both processes, or of the machine.  Perf events, detached mounts and file
 * descriptors need no guard: they end with us.
 */
#ifndef CAPTURE_GUARD_H
#define CAPTURE_GUARD_H

#include <sys/types.h>

#include "base/status.h"

enum {
	GUARD_WISHES_MAX = 64
};

struct guard {
	pid_t pid; /* 0: not started */
	int pipe;
	unsigned int nr_wishes;
};

/**
 * guard_restore - register, before changing @path: at the end write @text to it
 *
 * The guard is started by the first call.  It keeps the privileges of that
 * moment and ignores the signals of the terminal.
 * Return: 0 once the guard has it; -EINVAL if @path or @text is too
 * long or GUARD_WISHES_MAX is reached.
 */
int guard_restore(struct guard *guard, const char *path, const char *text,
		  struct status *st);

/* As guard_restore(), but it is no failure if the file refuses @text or is gone by
 * then: for what may have ended by itself. */
int guard_attempt(struct guard *guard, const char *path, const char *text,
		  struct status *st);

/* As guard_restore(): at the end remove the empty folder @path, a cgroup.  It may be
 * gone by then; else what is left in it gets some seconds to end. */
int guard_remove(struct guard *guard, const char *path, struct status *st);

/* As guard_restore() with what the file holds now. */
int guard_keep(struct guard *guard, const char *path, struct status *st);

/* Restore now and end the guard.  Return: 0, or -EIO if something could not be
 * written back: the guard has said on stderr what. */
int guard_close(struct guard *guard, struct status *st);

#endif
