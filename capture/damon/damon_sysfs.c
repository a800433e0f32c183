/* SPDX-License-Identifier: MIT */
/* A kdamond of our own; see damon_sysfs.h. */
#include "capture/damon/damon_sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KDAMONDS "/sys/kernel/mm/damon/admin/kdamonds"

enum {
	TEXT = 256,
	TRIES = 100, /* 10 ms apart; the files refuse while another is read */
};

/* In-kernel users of DAMON that want it alone (damon_start(exclusive)). */
static const char *const modules[] = {"damon_reclaim", "damon_lru_sort",
				      "damon_stat", NULL};

static void pause_for_lock(void)
{
	const struct timespec pause = {0, 10000000};

	nanosleep(&pause, NULL);
}

/* Read a file's beginning.  Return: 0 or -errno. */
static int read_fd(int fd, char text[TEXT])
{
	ssize_t n = pread(fd, text, TEXT - 1, 0);

	for (int i = 0; n < 0 && errno == EBUSY && i < TRIES; i++) {
		pause_for_lock();
		n = pread(fd, text, TEXT - 1, 0);
	}
	text[n < 0 ? 0 : n] = '\0';
	return n < 0 ? -errno : 0;
}

static int write_fd(int fd, const char *text)
{
	ssize_t bytes = (ssize_t)strlen(text);
	ssize_t n = pwrite(fd, text, (size_t)bytes, 0);

	for (int i = 0; n < 0 && errno == EBUSY && i < TRIES; i++) {
		pause_for_lock();
		n = pwrite(fd, text, (size_t)bytes, 0);
	}
	return n == bytes ? 0 : n < 0 ? -errno : -EIO;
}

/* Return: 0 with the first line in @text, or -errno. */
static int read_file(const char *root, const char *path, char text[TEXT])
{
	char whole[PATH_MAX];
	int fd, ret;

	text[0] = '\0';
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	fd = open(whole, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = read_fd(fd, text);
	close(fd);
	return ret;
}

static char *first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static int refuse(struct capture_probe *probe, int error, const char *reason,
		  const char *fix)
{
	snprintf(probe->reason, sizeof(probe->reason), "%.255s", reason);
	snprintf(probe->fix, sizeof(probe->fix), "%.255s", fix);
	return -error;
}

static int check_files(const char *root, struct capture_probe *probe)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" KDAMONDS "/nr_kdamonds", root);
	if (!faccessat(AT_FDCWD, path, W_OK, AT_EACCESS))
		return 0;
	if (errno == ENOENT)
		return refuse(probe, EOPNOTSUPP,
			      KDAMONDS " is absent: the kernel was built "
				       "without CONFIG_DAMON_SYSFS",
			      "boot a kernel that has it (Debian's have from "
			      "6.12 on)");
	return refuse(probe, EPERM, KDAMONDS "/nr_kdamonds may not be written",
		      "run kage as root");
}

static int check_kdamonds(const char *root, struct capture_probe *probe)
{
	char nr[TEXT], state[TEXT], operations[TEXT];
	int ret = read_file(root, KDAMONDS "/nr_kdamonds", nr);

	if (!ret && !strcmp(first_line(nr), "0"))
		return 0;
	read_file(root, KDAMONDS "/0/state", state);
	read_file(root, KDAMONDS "/0/contexts/0/operations", operations);
	snprintf(probe->reason, sizeof(probe->reason),
		 "DAMON is in use: nr_kdamonds is %.20s, number 0 is %.20s "
		 "(%.20s), and kage's would replace it",
		 ret ? strerror(-ret) : nr, first_line(state),
		 operations[0] ? first_line(operations) : "no context");
	snprintf(probe->fix, sizeof(probe->fix),
		 "ask its owner to stop it (damo stop); or, if it is nobody's: "
		 "cd " KDAMONDS
		 "; for k in */state; do echo off >$k; done; echo 0 "
		 ">nr_kdamonds");
	return -EBUSY;
}

static int check_modules(const char *root, struct capture_probe *probe)
{
	for (const char *const *module = modules; *module; module++) {
		char path[128], text[TEXT];

		snprintf(path, sizeof(path),
			 "/sys/module/%s/parameters/enabled", *module);
		if (read_file(root, path, text) || text[0] != 'Y')
			continue;
		snprintf(probe->reason, sizeof(probe->reason),
			 "%s runs, and lets nobody else use DAMON", *module);
		snprintf(probe->fix, sizeof(probe->fix), "echo N >%s", path);
		return -EBUSY;
	}
	return 0;
}

/* Which operations the kernel has can be read only below a kdamond; before there
 * is one, its functions tell. */
static void find_operations(const char *root, bool *has_virtual,
			    bool *has_physical)
{
	char path[PATH_MAX], line[TEXT];
	FILE *file;

	*has_virtual = *has_physical = false;
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file)) {
		if (!strstr(line, " damon_"))
			continue;
		*has_virtual |= strstr(line, " damon_va_prepare_") != NULL;
		*has_physical |= strstr(line, " damon_pa_prepare_") != NULL;
	}
	if (file)
		fclose(file);
}

static int check_operations(const char *root, struct capture_probe *probe)
{
	bool has_virtual, has_physical;

	find_operations(root, &has_virtual, &has_physical);
	if (!has_virtual && !has_physical)
		return refuse(probe, EOPNOTSUPP,
			      "the kernel has neither vaddr nor paddr",
			      "boot a kernel with CONFIG_DAMON_VADDR");
	snprintf(probe->found, sizeof(probe->found), "%s%s",
		 has_virtual ? "vaddr" : "no CONFIG_DAMON_VADDR, only",
		 has_physical ? " paddr" : "");
	return 0;
}

int damon_sysfs_probe(const char *root, struct capture_probe *probe)
{
	int ret = check_files(root, probe);

	if (!ret)
		ret = check_kdamonds(root, probe);
	if (!ret)
		ret = check_modules(root, probe);
	return ret ? ret : check_operations(root, probe);
}

/* One place for all the writes: stops at the first error. */
struct setup {
	const char *root;
	int ret;
	struct status *st;
};

__attribute__((format(printf, 3, 4))) static void
put(struct setup *setup, uint64_t value, const char *format, ...)
{
	char name[128], path[PATH_MAX], text[32];
	va_list args;
	int fd;

	if (setup->ret)
		return;
	va_start(args, format);
	vsnprintf(name, sizeof(name), format, args);
	va_end(args);
	snprintf(path, sizeof(path), "%s" KDAMONDS "/%s", setup->root, name);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	setup->ret = fd < 0 ? -errno : write_fd(fd, text);
	if (fd >= 0)
		close(fd);
	if (setup->ret)
		status_fail(setup->st, -setup->ret,
			    "damon: writing %s to %s: %s", text, path,
			    strerror(-setup->ret));
}

#define CONTEXT "0/contexts/0"

static void put_operations(struct setup *setup, const struct damon_wish *wish)
{
	const char *name = wish->is_physical ? "paddr" : "fvaddr";
	char available[TEXT], path[PATH_MAX];
	int fd;

	if (setup->ret)
		return;
	read_file(setup->root, KDAMONDS "/" CONTEXT "/avail_operations",
		  available);
	if (!strstr(available, name)) {
		setup->ret = status_fail(
			setup->st, EOPNOTSUPP,
			"damon: this kernel has no operations %s; %s", name,
			wish->is_physical
				? "it needs CONFIG_DAMON_PADDR"
				: "it needs CONFIG_DAMON_VADDR, or try "
				  "--params ops=paddr");
		return;
	}
	snprintf(path, sizeof(path), "%s" KDAMONDS "/" CONTEXT "/operations",
		 setup->root);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	setup->ret = fd < 0 ? -errno : write_fd(fd, name);
	if (fd >= 0)
		close(fd);
	if (setup->ret)
		status_fail(setup->st, -setup->ret, "damon: writing %s: %s",
			    path, strerror(-setup->ret));
}

static void put_ranges(struct setup *setup, const struct damon_ranges *ranges)
{
	put(setup, ranges->nr, CONTEXT "/targets/0/regions/nr_regions");
	for (size_t i = 0; i < ranges->nr; i++) {
		put(setup, ranges->ranges[i].start,
		    CONTEXT "/targets/0/regions/%zu/start", i);
		put(setup, ranges->ranges[i].end,
		    CONTEXT "/targets/0/regions/%zu/end", i);
	}
}

static void put_wish(struct setup *setup, const struct damon_wish *wish)
{
	put(setup, 1, "nr_kdamonds");
	put(setup, 1, "0/contexts/nr_contexts");
	put_operations(setup, wish);
	put(setup, wish->sample_us,
	    CONTEXT "/monitoring_attrs/intervals/sample_us");
	put(setup, wish->aggr_us,
	    CONTEXT "/monitoring_attrs/intervals/aggr_us");
	put(setup, wish->min_regions,
	    CONTEXT "/monitoring_attrs/nr_regions/min");
	put(setup, wish->max_regions,
	    CONTEXT "/monitoring_attrs/nr_regions/max");
	put(setup, 1, CONTEXT "/targets/nr_targets");
	if (!wish->is_physical)
		put(setup, (uint64_t)wish->pid,
		    CONTEXT "/targets/0/pid_target");
	put_ranges(setup, wish->ranges);
}

static int open_file(int *fd, const char *root, const char *name, int flags,
		     struct status *st)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s" KDAMONDS "/%s", root, name);
	*fd = open(path, flags | O_CLOEXEC);
	return *fd < 0 ? status_fail(st, errno, "damon: %s: %s", path,
				     strerror(errno))
		       : 0;
}

/* The last wish is granted first: off, then away. */
static int register_undo(const char *root, struct guard *guard,
			 struct status *st)
{
	char path[PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%s" KDAMONDS "/nr_kdamonds", root);
	ret = guard_restore(guard, path, "0", st);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s" KDAMONDS "/0/state", root);
	return guard_attempt(guard, path, "off", st);
}

int damon_sysfs_open(struct damon_sysfs *sysfs, const char *root,
		     const struct damon_wish *wish, struct guard *guard,
		     struct status *st)
{
	struct capture_probe probe = {.reason = ""};
	struct setup setup = {.root = root, .st = st};
	int ret = damon_sysfs_probe(root, &probe);

	*sysfs = (struct damon_sysfs){-1, -1};
	if (ret)
		return status_fail(st, -ret, "damon: %s (fix: %s)",
				   probe.reason, probe.fix);
	ret = register_undo(root, guard, st);
	if (ret)
		return ret;
	put_wish(&setup, wish);
	if (setup.ret)
		return setup.ret;
	ret = open_file(&sysfs->state, root, "0/state", O_RDWR, st);
	return ret ? ret : open_file(&sysfs->pid, root, "0/pid", O_RDONLY, st);
}

int damon_sysfs_start(struct damon_sysfs *sysfs, pid_t *tid, struct status *st)
{
	char text[TEXT];
	int ret = write_fd(sysfs->state, "on");

	if (ret)
		return status_fail(
			st, -ret, "damon: turning it on: %s%s", strerror(-ret),
			ret == -EBUSY	 ? "; another part of the kernel or "
					   "program uses DAMON alone"
			: ret == -EINVAL ? "; the kernel does not like the "
					   "parameters, or the process is gone"
					 : "");
	ret = read_fd(sysfs->pid, text);
	*tid = ret ? 0 : (pid_t)strtol(text, NULL, 10);
	if (*tid > 0)
		return 0;
	return status_fail(st, ret ? -ret : ESRCH,
			   "damon: it ended at once: is the process there?");
}

bool damon_sysfs_is_on(const struct damon_sysfs *sysfs)
{
	char text[TEXT];

	return read_fd(sysfs->state, text) || !strncmp(text, "on", 2);
}

uint64_t damon_sysfs_cpu_ms(pid_t tid)
{
	char path[64], text[TEXT];
	uint64_t user, system;
	const char *after;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid); /* proc(5) */
	if (read_file("", path, text))
		return 0;
	after = strrchr(text, ')');
	if (!after || sscanf(after,
			     ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
			     "%" SCNu64 " %" SCNu64,
			     &user, &system) != 2)
		return 0;
	return (user + system) * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void damon_sysfs_close(struct damon_sysfs *sysfs)
{
	if (sysfs->state >= 0)
		close(sysfs->state);
	if (sysfs->pid >= 0)
		close(sysfs->pid);
	*sysfs = (struct damon_sysfs){-1, -1};
}
