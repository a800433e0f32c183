/* SPDX-License-Identifier: MIT */
/* Finding tracefs and debugfs; see hostfs.h. */
#include "capture/tracing/hostfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <unistd.h>

static const struct hostfs_kind {
	const char *fstype;
	const char *usual; /* where every distribution mounts it */
	const char *config;
	unsigned long magic; /* statfs(2), f_type */
} kinds[] = {
	{"tracefs", "/sys/kernel/tracing", "CONFIG_TRACING", TRACEFS_MAGIC},
	{"debugfs", "/sys/kernel/debug", "CONFIG_DEBUG_FS", DEBUGFS_MAGIC},
};

const char *hostfs_privilege_hint(void)
{
	char text[128];
	int n = hostfs_read(AT_FDCWD, "/sys/kernel/security/lockdown", text,
			    sizeof(text), NULL);

	if (n > 0 && !strstr(text, "[none]"))
		return "the kernel is locked down: boot without lockdown=, or "
		       "with Secure Boot off";
	return geteuid() ? "run as root" : "not allowed in this container";
}

int hostfs_read(int dirfd, const char *path, char *buf, size_t size,
		struct status *st)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = -1;
	int ret = 0;

	if (fd < 0)
		goto fail;
	do {
		n = read(fd, buf + used, size - used);
		used += n > 0 ? (size_t)n : 0;
	} while (n > 0 && used < size);
	if (n < 0)
		goto fail;
	if (used == size)
		ret = status_fail(st, EFBIG, "%s is longer than %zu bytes",
				  path, size - 1);
	else
		buf[used] = '\0';
	goto out;
fail:
	ret = errno;
	if (ret == EACCES || ret == EPERM)
		ret = status_fail(st, EPERM, "%s: %s: %s", path, strerror(ret),
				  st ? hostfs_privilege_hint() : "");
	else
		ret = status_fail(st, ret, "%s: %s", path, strerror(ret));
out:
	if (fd >= 0)
		close(fd);
	return ret ? ret : (int)used;
}

/* Return: a descriptor, or -1 if nothing of that kind is mounted there. */
static int open_mounted(const struct hostfs_kind *kind)
{
	int fd = open(kind->usual, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -1;
	if (!fstatfs(fd, &fs) && (unsigned long)fs.f_type == kind->magic)
		return fd;
	close(fd);
	return -1;
}

/* Return: a descriptor of a mount that is in no namespace, or -1 with errno. */
static int open_detached(const struct hostfs_kind *kind)
{
	int context = fsopen(kind->fstype, FSOPEN_CLOEXEC);
	int fd = -1, error;

	if (context < 0)
		return -1;
	if (!fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = fsmount(context, FSMOUNT_CLOEXEC,
			     MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				     MOUNT_ATTR_NOEXEC);
	error = errno;
	close(context);
	errno = error;
	return fd;
}

static const struct hostfs_kind *find_kind(const char *fstype)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].fstype, fstype))
			return &kinds[i];
	return NULL;
}

int hostfs_open(const char *fstype, struct status *st)
{
	const struct hostfs_kind *kind = find_kind(fstype);
	int fd;

	if (!kind)
		return status_fail(st, EINVAL, "%s is not tracefs or debugfs",
				   fstype);
	fd = open_mounted(kind);
	if (fd < 0)
		fd = open_detached(kind);
	if (fd >= 0)
		return fd;
	switch (errno) {
	case ENODEV:
		return status_fail(st, ENODEV, "this kernel has no %s (%s)",
				   fstype, kind->config);
	case EPERM:
	case EACCES:
		return status_fail(st, EPERM, "%s is not accessible: %s",
				   fstype, hostfs_privilege_hint());
	case ENOSYS:
		return status_fail(st, ENODEV,
				   "%s is not mounted: mount -t %s none %s",
				   fstype, fstype, kind->usual);
	default:
		return status_fail(st, errno, "mounting %s: %s", fstype,
				   strerror(errno));
	}
}
