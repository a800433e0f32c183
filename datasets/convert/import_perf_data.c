/* SPDX-License-Identifier: MIT */
/*
 * What `perf record` wrote, as `perf script` reads it: the layout of perf.data differs
 * between versions, compresses, and is perf's own affair; what perf prints of an event
 * is by the format that the file itself carries.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "datasets/convert/tracepoints.h"

extern char **environ;

/* Run perf with its output in @out.  Return: its exit status, or a negative errno. */
static int run_perf(const char *path, FILE *out, FILE *complaints)
{
	const char *const words[] = {"perf",
				     "script",
				     "-f",
				     "--ns",
				     "-i",
				     path,
				     "-F",
				     "comm,tid,time,event,trace",
				     "--show-lost-events",
				     NULL};
	union {
		const char *const *words;
		char *const *argv; /* what is spawned does not change them */
	} args = {words};
	posix_spawn_file_actions_t actions;
	pid_t child;
	int status, error = posix_spawn_file_actions_init(&actions);

	if (error)
		return -error;
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
					 O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, fileno(complaints),
					 STDERR_FILENO);
	error = posix_spawnp(&child, words[0], &actions, NULL, args.argv,
			     environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error)
		return -error;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* The last line that perf complained in. */
static int refused(const struct import_job *job, FILE *complaints,
		   struct status *st)
{
	char line[256] = "", last[256] = "it said nothing";

	rewind(complaints);
	while (fgets(line, sizeof(line), complaints)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[strspn(line, " \t")])
			snprintf(last, sizeof(last), "%s", line);
	}
	return import_bad(job, st, "perf script: %s", last);
}

static int read_perf_data(struct import_job *job, struct status *st)
{
	FILE *out = tmpfile(), *complaints = tmpfile();
	int ret = out && complaints ? run_perf(job->path, out, complaints)
				    : -errno;

	if (ret == -ENOENT)
		ret = status_fail(st, ENOSYS,
				  "perf is not here to read it: apt-get "
				  "install linux-perf");
	else if (ret < 0)
		ret = status_fail(st, -ret, "perf script: %s", strerror(-ret));
	else if (ret)
		ret = refused(job, complaints, st);
	else
		ret = tracepoints_read_made(job, out, "perf script", st);
	if (out)
		fclose(out);
	if (complaints)
		fclose(complaints);
	return ret;
}

const struct importer importer_perf_data = {
	.name = "perf-data",
	.summary = "perf.data with events of KVM or DAMON (needs perf)",
	.lost = tracepoints_lost,
	.params = tracepoints_params,
	.params_size = sizeof(struct tracepoints_params),
	.needs_name = true,
	.read = read_perf_data,
};
