/* SPDX-License-Identifier: MIT */
/* A cgroup of our own; see cgroup.h. */
#include "capture/live/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "capture/live/refusal.h"
#include "capture/tracing/hostfs.h"

#define MOUNTED_AT "/sys/fs/cgroup"

enum {
	LIST_MAX = 4096, /* names of controllers; /proc/self/cgroup */
};

static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = strstr(list, word); at; at = strstr(at + 1, word))
		if ((at == list || at[-1] == ' ') &&
		    (!at[n] || at[n] == ' ' || at[n] == '\n'))
			return true;
	return false;
}

static bool gives_memory(const char *root, const char *path)
{
	char file[PATH_MAX + 64], text[LIST_MAX];

	snprintf(file, sizeof(file), "%s%s/cgroup.subtree_control", root,
		 strcmp(path, "/") ? path : "");
	return hostfs_read(AT_FDCWD, file, text, sizeof(text), NULL) >= 0 &&
	       has_word(text, "memory");
}

int live_cgroup_parent(const char *root, const char *own, char parent[PATH_MAX],
		       struct status *st)
{
	snprintf(parent, PATH_MAX, "%s", own);
	while (!gives_memory(root, parent)) {
		char *slash = strrchr(parent, '/');

		if (!slash || !strcmp(parent, "/"))
			return status_fail(
				st, ENODEV,
				"no cgroup from %s upwards gives its children "
				"the memory controller: echo +memory >%s/"
				"cgroup.subtree_control",
				own, root);
		slash[slash == parent] = '\0';
	}
	return 0;
}

static int own_path(char path[PATH_MAX], struct status *st)
{
	char text[LIST_MAX];
	const char *at;
	int ret = hostfs_read(AT_FDCWD, "/proc/self/cgroup", text, sizeof(text),
			      st);

	if (ret < 0)
		return host_error(ret);
	at = !strncmp(text, "0::", 3) ? text : strstr(text, "\n0::");
	if (!at)
		return status_fail(st, ENODEV,
				   "this process is in no cgroup of version 2");
	at = strstr(at, "0::") + 3;
	snprintf(path, PATH_MAX, "%.*s", (int)strcspn(at, "\n"), at);
	return 0;
}

/* memory.reclaim: Linux 5.19; it is in every cgroup but the root. */
int live_cgroup_probe(struct status *st)
{
	static const char fix[] =
		"boot with systemd.unified_cgroup_hierarchy=1 or "
		"cgroup_no_v1=all";
	char text[LIST_MAX], own[PATH_MAX], parent[PATH_MAX];
	struct statfs fs;
	int ret;

	if (statfs(MOUNTED_AT, &fs) ||
	    (unsigned long)fs.f_type != CGROUP2_SUPER_MAGIC)
		return status_fail(st, ENODEV,
				   "cgroup version 2 is not mounted at "
				   "%s: %s",
				   MOUNTED_AT, fix);
	if (hostfs_read(AT_FDCWD, MOUNTED_AT "/cgroup.controllers", text,
			sizeof(text), NULL) < 0 ||
	    !has_word(text, "memory"))
		return status_fail(st, ENODEV,
				   "the memory controller is not one of "
				   "cgroup version 2: %s",
				   fix);
	ret = own_path(own, st);
	return ret ? ret : live_cgroup_parent(MOUNTED_AT, own, parent, st);
}

static int check_files(const struct live_cgroup *cgroup, struct status *st)
{
	if (faccessat(cgroup->fd, "memory.reclaim", W_OK, 0))
		return status_fail(st, ENODEV,
				   "the kernel has no memory.reclaim: take "
				   "Linux 5.19 or newer");
	return 0;
}

int live_cgroup_create(struct live_cgroup *cgroup, struct guard *guard,
		       struct status *st)
{
	char own[PATH_MAX], parent[PATH_MAX];
	int ret = live_cgroup_probe(st);

	cgroup->fd = -1;
	if (!ret)
		ret = own_path(own, st);
	if (!ret)
		ret = live_cgroup_parent(MOUNTED_AT, own, parent, st);
	if (ret)
		return ret;
	if (snprintf(cgroup->path, PATH_MAX, "%s/kage-live-%d",
		     strcmp(parent, "/") ? parent : "", getpid()) >= PATH_MAX ||
	    snprintf(cgroup->folder, PATH_MAX, "%s%s", MOUNTED_AT,
		     cgroup->path) >= PATH_MAX)
		return status_fail(st, ENAMETOOLONG, "%s: too long", parent);
	ret = guard_remove(guard, cgroup->folder, st);
	if (ret)
		return ret;
	if (mkdir(cgroup->folder, 0755))
		return refuse_host(st, errno, "making the cgroup %s: %s%s",
				   cgroup->folder, strerror(errno),
				   errno == EACCES ? " (run as root)" : "");
	cgroup->fd = open(cgroup->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cgroup->fd < 0)
		return refuse_host(st, errno, "%s: %s", cgroup->folder,
				   strerror(errno));
	return check_files(cgroup, st);
}

void live_cgroup_close(struct live_cgroup *cgroup)
{
	if (cgroup->fd >= 0)
		close(cgroup->fd);
	cgroup->fd = -1;
}

int live_cgroup_open(const struct live_cgroup *cgroup, const char *file,
		     struct status *st)
{
	int fd = openat(cgroup->fd, file, O_WRONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return refuse_host(st, errno, "%s/%s: %s", cgroup->folder, file,
			   strerror(errno));
}

int live_cgroup_write(const struct live_cgroup *cgroup, const char *file,
		      const char *text, struct status *st)
{
	int fd = live_cgroup_open(cgroup, file, st);
	int error;
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, text, strlen(text));
	error = n < 0 ? errno : 0;
	close(fd);
	if (!error)
		return 0;
	if (error == EAGAIN)
		return -EAGAIN;
	return refuse_host(st, error, "%s refuses '%s': %s", file, text,
			   strerror(error));
}

int live_cgroup_read(const struct live_cgroup *cgroup, const char *file,
		     char *text, size_t size, struct status *st)
{
	int ret = hostfs_read(cgroup->fd, file, text, size, st);

	return ret < 0 ? ret : 0;
}
