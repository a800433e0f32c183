/* SPDX-License-Identifier: MIT */
/*
 * A memory cgroup (version 2) of our own for the guest of `kage live`: made below
 * the nearest cgroup, from ours upwards, that gives its children the memory
 * controller, and removed at the end, by the guard if we are killed.
 *
 * What is charged there besides the guest's pages: page tables, KVM's page tables
 * and some pages of the process that runs the guest.  memory.stat tells how much of
 * each; the rules are in Documentation/admin-guide/cgroup-v2.rst, "Memory Ownership".
 */
#ifndef CAPTURE_LIVE_CGROUP_H
#define CAPTURE_LIVE_CGROUP_H

#include <limits.h>

#include "base/status.h"
#include "capture/host/guard.h"

struct live_cgroup {
	int fd;		     /* its folder */
	char path[PATH_MAX]; /* as /proc/PID/cgroup and lru_gen have it */
	char folder[PATH_MAX];
};

/* Return: 0 if live_cgroup_create() can be tried, or -ENODEV with what is missing
 * (controller, memory.reclaim) and its fix. */
int live_cgroup_probe(struct status *st);

/**
 * live_cgroup_create - make it
 * @guard: will remove it when it is closed or we end
 *
 * Return: 0 with @cgroup to be given to live_cgroup_close(), or an error.
 */
int live_cgroup_create(struct live_cgroup *cgroup, struct guard *guard,
		       struct status *st);

/* Only closes; guard_close() removes the folder. */
void live_cgroup_close(struct live_cgroup *cgroup);

/* Return: a descriptor to write a file of the cgroup (cgroup.procs), or an error. */
int live_cgroup_open(const struct live_cgroup *cgroup, const char *file,
		     struct status *st);

/* Return: 0, -EAGAIN when the kernel says so (memory.reclaim fell short; no
 * message), or another error with one. */
int live_cgroup_write(const struct live_cgroup *cgroup, const char *file,
		      const char *text, struct status *st);

/* Return: 0 with the file's text in @text, or an error. */
int live_cgroup_read(const struct live_cgroup *cgroup, const char *file,
		     char *text, size_t size, struct status *st);

/**
 * live_cgroup_parent - where it would be made
 * @root: the folder that cgroup version 2 is mounted at
 * @own: path of our cgroup in it
 * @parent: gets the path of the nearest cgroup with the controller for children
 *
 * Return: 0, or -ENODEV.
 */
int live_cgroup_parent(const char *root, const char *own, char parent[PATH_MAX],
		       struct status *st);

#endif
