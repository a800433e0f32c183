/* SPDX-License-Identifier: MIT */
/* Starting, asking and ending QEMU; see qemu.h. */
#include "capture/tcg/qemu.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	OPTIONS = 9,
	OPTION_TEXT = PATH_MAX + 32
};

/* The plugin stands beside the program (build tree) or in ../lib/kage. */
static int find_plugin(char path[PATH_MAX], struct status *st)
{
	static const char *const places[] = {"kage-tcg.so",
					     "../lib/kage/kage-tcg.so"};
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	if (strrchr(self, '/'))
		strrchr(self, '/')[1] = '\0';
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (snprintf(path, PATH_MAX, "%s%s", self, places[i]) <
			    PATH_MAX &&
		    !access(path, R_OK) && !strchr(path, ','))
			return 0;
	return status_fail(st, ENOENT, "kage-tcg.so is not in %s%s", self,
			   " nor in ../lib/kage beside it");
}

/* The command with our options after its first word; the array is the caller's. */
static char **build_arguments(const char *const *command, const char *chardev,
			      const char *plugin, struct status *st)
{
	const char *const ours[OPTIONS] = {
		"-accel",
		"tcg,thread=single",
		"-S",
		"-chardev",
		chardev,
		"-mon",
		"chardev=kage-qmp,mode=control",
		"-plugin",
		plugin,
	};
	size_t n = 0;
	char **argv;

	while (command[n])
		n++;
	argv = kage_calloc(n + OPTIONS + 1, sizeof(*argv), st);
	if (!argv)
		return NULL;
	memcpy(argv, command, sizeof(*argv));
	memcpy(argv + 1, ours, sizeof(ours));
	memcpy(argv + 1 + OPTIONS, command + 1, (n - 1) * sizeof(*argv));
	return argv;
}

/* Signals are kage's to handle; the child starts with none blocked. */
static int spawn(pid_t *pid, char *const *argv, int monitor, int records)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	/* Onto itself: keeps the descriptor open over exec. */
	posix_spawn_file_actions_adddup2(&actions, monitor, monitor);
	posix_spawn_file_actions_adddup2(&actions, records, records);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(pid, argv[0], &actions, &attributes, argv,
			     environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

static int spawn_with_plugin(struct qemu *qemu, const char *const *command,
			     int monitor, int records, struct status *st)
{
	char path[PATH_MAX], chardev[64], plugin[OPTION_TEXT];
	char **argv;
	int error = find_plugin(path, st);

	if (error)
		return error;
	snprintf(chardev, sizeof(chardev), "socket,id=kage-qmp,fd=%d", monitor);
	snprintf(plugin, sizeof(plugin), "%s,fd=%d", path, records);
	argv = build_arguments(command, chardev, plugin, st);
	if (!argv)
		return -ENOMEM;
	error = spawn(&qemu->pid, argv, monitor, records);
	free(argv);
	if (!error)
		return 0;
	qemu->pid = 0;
	return status_fail(st, error, "cannot run %s: %s", command[0],
			   strerror(error));
}

static int socket_pair(int pair[2], struct status *st)
{
	if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return 0;
	return status_fail(st, errno, "socketpair: %s", strerror(errno));
}

int qemu_start(struct qemu *qemu, const char *const *command, struct status *st)
{
	int monitor[2] = {-1, -1}, records[2] = {-1, -1};
	int ret = socket_pair(monitor, st);

	if (!ret)
		ret = socket_pair(records, st);
	if (!ret)
		ret = spawn_with_plugin(qemu, command, monitor[1], records[1],
					st);
	if (monitor[1] >= 0)
		close(monitor[1]);
	if (records[1] >= 0)
		close(records[1]);
	qemu->monitor = monitor[0];
	qemu->records = records[0];
	if (ret)
		return ret;
	ret = qmp_init(&qemu->qmp, qemu->monitor, st);
	return ret == -EPIPE
		       ? status_fail(st, EPIPE, "%s ended before the guest ran",
				     command[0])
		       : ret;
}

int qemu_nr_vcpus(struct qemu *qemu, unsigned int *nr, struct status *st)
{
	json_t *vcpus = qmp_command(&qemu->qmp, "query-cpus-fast", NULL, st);

	*nr = (unsigned int)json_array_size(vcpus);
	json_decref(vcpus);
	return vcpus ? 0 : -EPROTO;
}

int qemu_continue(struct qemu *qemu, struct status *st)
{
	json_t *answer = qmp_command(&qemu->qmp, "cont", NULL, st);

	json_decref(answer);
	return answer ? 0 : -EPROTO;
}

void qemu_quit(struct qemu *qemu)
{
	qmp_send(&qemu->qmp, "quit", NULL, NULL);
}

void qemu_kill(const struct qemu *qemu)
{
	if (qemu->pid)
		kill(qemu->pid, SIGKILL);
}

int qemu_end(struct qemu *qemu)
{
	int status = 0;

	if (qemu->monitor >= 0)
		close(qemu->monitor);
	if (qemu->records >= 0)
		close(qemu->records);
	qemu->monitor = qemu->records = -1;
	if (qemu->pid) {
		waitpid(qemu->pid, &status, 0);
		qemu->pid = 0;
	}
	return status;
}
