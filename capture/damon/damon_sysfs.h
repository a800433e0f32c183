/* SPDX-License-Identifier: MIT */
/*
 * DAMON's files below /sys/kernel/mm/damon/admin/kdamonds
 * (Documentation/admin-guide/mm/damon/usage.rst): is it free, set a kdamond of our
 * own up, turn it on.  Turning it off and removing it is the guard's work.
 *
 * All kdamonds of the host are one array: who writes nr_kdamonds replaces them
 * all (damon_sysfs_kdamonds_add_dirs(), Linux 5.18 to 7.x).  So if there is one,
 * running or not, it is somebody's and nothing is touched.  Between that look and
 * our first write another program may do the same: nothing locks the files.
 */
#ifndef CAPTURE_DAMON_SYSFS_H
#define CAPTURE_DAMON_SYSFS_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture/backend.h"
#include "capture/damon/damon_regions.h"
#include "capture/host/guard.h"

struct damon_wish {
	bool is_physical; /* operations paddr, else fvaddr */
	pid_t pid;	  /* fvaddr: whose addresses */
	uint64_t sample_us, aggr_us;
	uint64_t min_regions, max_regions;
	const struct damon_ranges *ranges;
};

struct damon_sysfs {
	int state, pid; /* descriptors; -1 */
};

/**
 * damon_sysfs_probe - can a kdamond be had?  Reads only
 * @root: "" or where a test keeps its own /sys and /proc
 *
 * Fills @probe: reason and fix, or what was found.
 * Return: 0; -EOPNOTSUPP, -EPERM, or -EBUSY if DAMON is in use.
 */
int damon_sysfs_probe(const char *root, struct capture_probe *probe);

/**
 * damon_sysfs_open - make a kdamond with one context and one target
 *
 * Everything that needs privileges is done here; damon_sysfs_close() is due in
 * every case and leaves the kdamond to the guard.
 * Return: 0; as damon_sysfs_probe(); -EOPNOTSUPP if the kernel lacks the
 * operations; or the errno of a file, named in @st.
 */
int damon_sysfs_open(struct damon_sysfs *sysfs, const char *root,
		     const struct damon_wish *wish, struct guard *guard,
		     struct status *st);

/**
 * damon_sysfs_start - turn it on
 * @tid: its thread
 */
int damon_sysfs_start(struct damon_sysfs *sysfs, pid_t *tid, struct status *st);

/* Return: false if it has ended: its process is gone, or somebody turned it off. */
bool damon_sysfs_is_on(const struct damon_sysfs *sysfs);

/* Return: the CPU time of the thread so far; 0 if it cannot be read. */
uint64_t damon_sysfs_cpu_ms(pid_t tid);

void damon_sysfs_close(struct damon_sysfs *sysfs);

#endif
