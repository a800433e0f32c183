/* SPDX-License-Identifier: MIT */
/*
 * The kernel's own file systems, found without changing the host: what is
 * mounted at the usual place, or else a mount that only we see and that goes when
 * its descriptor is closed (fsopen(2), fsmount(2): Linux 5.2).
 *
 * It cannot tell why a module's files are absent, and a file that is there says
 * nothing about whether it may be written.
 */
#ifndef CAPTURE_HOSTFS_H
#define CAPTURE_HOSTFS_H

#include <stddef.h>

#include "base/status.h"

/**
 * hostfs_open - a directory descriptor for openat(2) and hostfs_read()
 * @fstype: "tracefs" or "debugfs"
 *
 * Return: the descriptor, to close(); -EPERM, -ENODEV (the kernel was built
 * without it) or another errno, with the fix in @st.
 */
int hostfs_open(const char *fstype, struct status *st);

/**
 * hostfs_read - read the whole of a small text file
 * @dirfd: as openat(2) has it; AT_FDCWD for paths from the root
 * @buf: gets the text and a NUL
 *
 * Return: bytes read, or -EFBIG if @buf does not hold it, or the errno of
 * opening or reading, with @st saying which file and, for want of privileges,
 * what grants them.
 */
int hostfs_read(int dirfd, const char *path, char *buf, size_t size,
		struct status *st);

/*
 * Return: what to do when the kernel refuses us: become root, or know that it is
 * locked down (kernel_lockdown(7)), which root does not lift.  Constant text.
 */
const char *hostfs_privilege_hint(void);

#endif
