/* SPDX-License-Identifier: MIT */
/* For tests: a QMP socket whose end is ours to choose. */
#ifndef CAPTURE_QEMU_QMP_PROXY_H
#define CAPTURE_QEMU_QMP_PROXY_H

#include <sys/types.h>

/* Listen on @path and hand on to @qemu what the first client says.  Return: the
 * process that does it, to be killed and waited for. */
pid_t qmp_proxy_start(const char *path, const char *qemu);

#endif
