/* SPDX-License-Identifier: MIT */
/* The process that restores; see guard.h. */
#include "capture/host/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	TEXT = 256
};

enum wish_kind {
	WISH_RESTORE,
	WISH_ATTEMPT,
	WISH_REMOVE,
};

struct wish {
	char path[PATH_MAX];
	char text[TEXT];
	enum wish_kind kind;
};

/* Some files of the kernel refuse while another one looks (DAMON's take a lock
 * with mutex_trylock()): try for a second. */
static bool write_patiently(int fd, const char *text)
{
	const struct timespec pause = {0, 10000000};
	ssize_t bytes = (ssize_t)strlen(text);
	ssize_t n = write(fd, text, (size_t)bytes);

	for (int i = 0; n < 0 && errno == EBUSY && i < 100; i++) {
		nanosleep(&pause, NULL);
		n = write(fd, text, (size_t)bytes);
	}
	return n == bytes;
}

static bool write_back(const struct wish *wish)
{
	int fd = open(wish->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	bool is_written = fd >= 0 && write_patiently(fd, wish->text);
	bool is_done = is_written || wish->kind == WISH_ATTEMPT;

	if (!is_done)
		fprintf(stderr, "kage: could not write '%s' back to %s: %s\n",
			wish->text, wish->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return is_done;
}

/* A cgroup is busy until its last process has ended. */
static bool remove_folder(const struct wish *wish)
{
	const struct timespec pause = {0, 10000000};
	int ret = rmdir(wish->path);

	for (int i = 0; ret && errno == EBUSY && i < 500; i++) {
		nanosleep(&pause, NULL);
		ret = rmdir(wish->path);
	}
	if (!ret || errno == ENOENT)
		return true;
	fprintf(stderr, "kage: could not remove %s: %s\n", wish->path,
		strerror(errno));
	return false;
}

static bool fulfil(const struct wish *wish)
{
	return wish->kind == WISH_REMOVE ? remove_folder(wish)
					 : write_back(wish);
}

/* Each packet is one wish; the end of the socket is the end of kage. */
static int serve(int socket)
{
	struct wish *wishes = calloc(GUARD_WISHES_MAX + 1, sizeof(*wishes));
	bool is_restored = true;
	size_t n = 0;
	char ack;

	while (wishes && n <= GUARD_WISHES_MAX &&
	       recv(socket, &wishes[n], sizeof(*wishes), 0) ==
		       sizeof(*wishes)) {
		n++;
		ack = 1;
		if (send(socket, &ack, 1, MSG_NOSIGNAL) != 1)
			break;
	}
	while (n)
		is_restored &= fulfil(&wishes[--n]);
	free(wishes);
	return is_restored ? 0 : 1;
}

/* In the child: nothing of the parent's stays but stderr and the socket. */
static void be_guard(int socket)
{
	sigset_t none;

	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(socket, STDOUT_FILENO) < 0)
		_exit(1);
	close(STDIN_FILENO);
	close_range(STDERR_FILENO + 1, ~0u, 0);
	_exit(serve(STDOUT_FILENO));
}

static int start(struct guard *guard, struct status *st)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return status_fail(st, errno, "socketpair: %s",
				   strerror(errno));
	guard->pid = fork();
	if (!guard->pid)
		be_guard(pair[1]);
	close(pair[1]);
	guard->pipe = pair[0];
	if (guard->pid > 0)
		return 0;
	guard->pid = 0;
	close(pair[0]);
	return status_fail(st, errno, "cannot fork: %s", strerror(errno));
}

static int add_wish(struct guard *guard, const char *path, const char *text,
		    enum wish_kind kind, struct status *st)
{
	struct wish wish = {.kind = kind};
	char ack;
	int ret = guard->pid ? 0 : start(guard, st);

	if (ret)
		return ret;
	if (strlen(path) >= sizeof(wish.path) ||
	    strlen(text) >= sizeof(wish.text) ||
	    guard->nr_wishes == GUARD_WISHES_MAX)
		return status_fail(st, EINVAL, "%s: too much to be restored",
				   path);
	guard->nr_wishes++;
	strcpy(wish.path, path);
	strcpy(wish.text, text);
	if (send(guard->pipe, &wish, sizeof(wish), MSG_NOSIGNAL) ==
		    sizeof(wish) &&
	    recv(guard->pipe, &ack, 1, 0) == 1)
		return 0;
	return status_fail(st, EIO, "%s: the process that restores it is gone",
			   path);
}

int guard_restore(struct guard *guard, const char *path, const char *text,
		  struct status *st)
{
	return add_wish(guard, path, text, WISH_RESTORE, st);
}

int guard_attempt(struct guard *guard, const char *path, const char *text,
		  struct status *st)
{
	return add_wish(guard, path, text, WISH_ATTEMPT, st);
}

int guard_remove(struct guard *guard, const char *path, struct status *st)
{
	return add_wish(guard, path, "", WISH_REMOVE, st);
}

int guard_keep(struct guard *guard, const char *path, struct status *st)
{
	char text[TEXT] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	int error = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return status_fail(st, error, "%s: %s", path, strerror(error));
	if (n == sizeof(text) - 1)
		return status_fail(st, EINVAL, "%s: too much to be restored",
				   path);
	return guard_restore(guard, path, text, st);
}

int guard_close(struct guard *guard, struct status *st)
{
	int status = 0;

	if (!guard->pid)
		return 0;
	close(guard->pipe);
	waitpid(guard->pid, &status, 0);
	guard->pid = 0;
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	return status_fail(st, EIO, "the host was not restored completely");
}
