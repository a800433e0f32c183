/* SPDX-License-Identifier: MIT */
/*
 * kage lab: becomes scripts/kage-lab of the tree or the installation that this program
 * is of.  What it cannot know: anything the script does; all words and the exit code
 * are the script's.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/cmd.h"

/* From the program's folder: the build tree is in the source tree. */
static const char *const places[] = {
	"../scripts/kage-lab",
	"../share/kage/scripts/kage-lab",
};

/* Return: 0 with the path of this program and of its folder, or an error. */
static int find_self(char self[PATH_MAX], char folder[PATH_MAX],
		     struct status *st)
{
	ssize_t n = readlink("/proc/self/exe", self, PATH_MAX - 1);

	if (n < 0)
		return status_fail(st, ENOSYS, "/proc/self/exe: %s",
				   strerror(errno));
	self[n] = '\0';
	snprintf(folder, PATH_MAX, "%s", self);
	*strrchr(folder, '/') = '\0';
	return 0;
}

static int become(char *script, const struct cmd_call *call, struct status *st)
{
	char **argv = calloc((size_t)call->argc + 2, sizeof(*argv));

	if (!argv)
		return -ENOMEM;
	argv[0] = script;
	memcpy(argv + 1, call->argv, (size_t)call->argc * sizeof(*argv));
	execv(script, argv);
	free(argv);
	return status_fail(st, ENOSYS, "cannot run %s: %s", script,
			   strerror(errno));
}

/* The machines of the lab get this program, unless KAGE names another. */
static int lab_run(const struct cmd_call *call, struct status *st)
{
	char self[PATH_MAX], folder[PATH_MAX], script[2 * PATH_MAX];
	int ret = find_self(self, folder, st);

	if (ret)
		return ret;
	setenv("KAGE", self, 0);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(script, sizeof(script), "%s/%s", folder, places[i]);
		if (!access(script, X_OK))
			return become(script, call, st);
	}
	return status_fail(st, ENOSYS,
			   "the lab is not here: neither %s/%s nor %s/%s can "
			   "be run",
			   folder, places[0], folder, places[1]);
}

const struct cmd cmd_lab = {
	.name = "lab",
	.summary = "traces and scripts on real kernels under QEMU",
	.is_raw = true,
	.run = lab_run,
};
