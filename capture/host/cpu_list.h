/* SPDX-License-Identifier: MIT */
/*
 * The kernel's lists of CPUs ("0-3,8"), as sysfs prints them.  What comes online
 * or goes after the reading, is not known.
 */
#ifndef CAPTURE_CPU_LIST_H
#define CAPTURE_CPU_LIST_H

#include <stddef.h>

#include "base/status.h"

/**
 * cpu_list_parse - the numbers of a list
 * @cpus: gets an array to free(); NULL after an error
 *
 * Return: 0, -EBADMSG if @text is no such list, or -ENOMEM.
 */
int cpu_list_parse(const char *text, int **cpus, size_t *n, struct status *st);

/* As cpu_list_parse(), of /sys/devices/system/cpu/online. */
int cpu_list_online(int **cpus, size_t *n, struct status *st);

#endif
